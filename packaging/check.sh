#!/usr/bin/env bash
# usage: check.sh FOLDER
# Check the sdist and the wheel of FOLDER: metadata, files, size, platform, links of the page on an index.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin="$root/.venv/bin"
"$bin/twine" check --strict "$1"/*
"$bin/check-wheel-contents" "$1"/*.whl
PATH="$bin:$PATH" "$bin/check-manifest" --no-build-isolation "$root"
"$bin/python" "$root/packaging/check.py" "$1"
