#!/usr/bin/env bash
# usage: test.sh FOLDER
# Install the wheel of FOLDER into an empty environment, and run the tests of the sdist of FOLDER against it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
wheel=$(ls "$1"/*.whl)
"$work/venv/bin/python" -m pip install --quiet "${wheel}[numba,sklearn,study,test]"
mkdir "$work/sdist"
tar --extract --file="$(ls "$1"/*.tar.gz)" --directory="$work/sdist" --strip-components=1
cd "$work/sdist"
rm -rf fastgd setup.py # the installed package is tested, not its source
"$work/venv/bin/fastgd" config
"$work/venv/bin/pytest" --collect-only --quiet | tail -n 1 # every file of tests can start
# These files see what packaging can lose: the kernel, the extras, the command line and the files that are shipped. `make
# test` runs all others in the source tree.
packaging=(backends contract kernels threads reference descent cli csv model estimator compression streaming outputs report)
files=("${packaging[@]/#/tests/test_}")
"$work/venv/bin/pytest" -m "not slow" "${files[@]/%/.py}"
