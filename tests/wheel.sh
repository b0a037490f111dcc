#!/usr/bin/env bash
# Build the wheel from the sdist, install it into an empty environment, and run the tests against it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `build` makes the wheel from the new sdist, so a source that is missing from the sdist fails here.
FASTGD_REQUIRE_EXTENSION=1 "$root/.venv/bin/python" -m build --outdir "$work/dist" "$root"
"${PYTHON:-python3}" -m venv "$work/venv"
wheel=$(ls "$work"/dist/*.whl)
"$work/venv/bin/python" -m pip install --quiet "$wheel[sklearn,study]" pytest hypothesis pandas  # scikit-learn's checks need pandas
cp -r "$root/tests" "$root/pyproject.toml" "$work/"
cd "$work"
"$work/venv/bin/fastgd" config
# These files see what packaging can lose: the kernel, the extras, the command line and the files that are shipped. `make
# test` runs all others in the source tree.
packaging=(backends contract kernels threads reference descent cli csv model estimator compression streaming outputs report)
"$work/venv/bin/pytest" -m "not slow" $(printf "tests/test_%s.py " "${packaging[@]}")
