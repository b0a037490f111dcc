#!/usr/bin/env bash
# usage: versions.sh lowest|newest [arguments of pytest]
# Install fastgd and its extras into an empty environment, with the lowest versions that pyproject.toml allows or with the
# newest ones, pre-releases included, and run the tests there. PYTHON names the interpreter; NumPy 2.0 is for 3.12 at most.
set -euo pipefail
case "${1:-}" in
    # Old libraries call functions that newer libraries below them have deprecated since.
    lowest) resolution=(--resolution lowest-direct) warnings=(-W "ignore::DeprecationWarning") ;;
    newest) resolution=(--prerelease allow) warnings=() ;;
    *) sed -n 2p "$0" >&2; exit 2 ;;
esac
shift
root=$(cd "$(dirname "$0")/.." && pwd)
uv="$root/.venv/bin/uv"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
git ls-files -z | tar --null --files-from=- --create | tar --extract --directory="$work"
cd "$work"
export VIRTUAL_ENV="$work/venv" UV_PYTHON_DOWNLOADS=never FASTGD_REQUIRE_EXTENSION=1
"$uv" venv --quiet --python "${PYTHON:-python3}" venv
"$uv" pip install --quiet "${resolution[@]}" --requirements pyproject.toml --extra all --extra peers --extra test
"$uv" pip install --quiet --no-deps --editable . # some tests read the sources
"$uv" pip list
venv/bin/fastgd config
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
venv/bin/pytest "${warnings[@]}" "$@"
