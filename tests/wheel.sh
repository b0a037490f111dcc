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
# The mathematics does not depend on the packaging: `make test` runs these files in the source tree.
mathematics=(right_by_default.py stopping.py whitening.py rates.py curvature.py parity.py strd.py)
"$work/venv/bin/pytest" -m "not slow" tests "${mathematics[@]/#/--ignore=tests/test_}"
