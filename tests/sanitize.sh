#!/usr/bin/env bash
# Run the compiled kernel's tests, and random calls of all backends, with AddressSanitizer, UndefinedBehaviorSanitizer
# and bounds checks. First show that they notice a bug: builds that read one element beyond X on purpose must die with a
# report.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python="$root/.venv/bin/python"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The interpreter was not built with the sanitizers, so their libraries must be loaded first. libstdc++ is loaded too,
# so that exceptions in other modules' C++ code work.
library() { "${CC:-gcc}" -print-file-name="$1"; }
libraries="$(library libasan.so) $(library libubsan.so) $(library libstdc++.so.6)"
sanitized=(env "LD_PRELOAD=$libraries" PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1)

# Build a copy of the sources in a folder of its own, with the given switches.
build() {
    local folder="$work/$1"
    shift
    mkdir "$folder"
    cp -r "$root"/{setup.py,pyproject.toml,README.md,LICENSE,src_ext,fastgd,tests} "$folder/"
    cd "$folder"
    find . \( -name '*.so' -o -name '_kernel.c' -o -name __pycache__ \) -prune -exec rm -rf {} +
    env FASTGD_REQUIRE_EXTENSION=1 "$@" "$python" setup.py --quiet build_ext --inplace >build.log 2>&1
}

cat >"$work/once.py" <<'END'
import pathlib
import sys

sys.path.insert(0, ".")
import numpy as np
from fastgd import backends
from fastgd.backends import _kernel

assert pathlib.Path(_kernel.__file__).is_relative_to(pathlib.Path.cwd()), _kernel.__file__
print(_kernel.build_info()["flags"], flush=True)
X, y, weights = np.ones((40, 20)), np.ones(40), np.zeros(20)
print(backends.descend(X, y, weights, np.full(3, 0.01), np.empty(3), np.empty(20), backend="cython"), "updates")
END

# Demand that the planted bug ends the run with the given report.
must_die_with() {
    local report=$1 status=0
    shift
    "$@" "$python" ../once.py >once.log 2>&1 || status=$?
    if [ "$status" = 0 ] || ! grep -F "$report" once.log; then
        cat once.log
        echo "FAILED: the planted bug ended with status $status; expected a failure that says: $report" >&2
        exit 1
    fi
}

echo "== building with sanitizers and bounds checks, and twice with a planted bug"
builds=()
build tested FASTGD_SANITIZE=1 FASTGD_BOUNDS_CHECKS=1 & builds+=($!)
build overflow FASTGD_SANITIZE=1 FASTGD_PLANT_BUG=1 & builds+=($!)
build checked FASTGD_BOUNDS_CHECKS=1 FASTGD_PLANT_BUG=1 & builds+=($!)
failed=0
for started in "${builds[@]}"; do
    wait "$started" || failed=1
done
if [ "$failed" = 1 ]; then
    tail -n 30 "$work"/*/build.log
    echo "FAILED: a build did not succeed" >&2
    exit 1
fi

echo "== the planted bug under the sanitizers"
cd "$work/overflow"
must_die_with "AddressSanitizer: heap-buffer-overflow" "${sanitized[@]}"

echo "== the planted bug under the bounds checks"
cd "$work/checked"
must_die_with "fastgd: kernel out of bounds by 8 bytes" env

echo "== the kernel's tests"
cd "$work/tested"
"${sanitized[@]}" "$python" ../once.py
# The tests of the Numba kernel are left out: this build does not change its code.
"${sanitized[@]}" "$python" -m pytest -q -p no:cacheprovider -k "not numba" \
    tests/test_kernels.py tests/test_parity.py tests/test_contract.py tests/test_threads.py tests/reliability/test_door.py

echo "== 10,000 random calls of the dispatch function and of the kernels"
"${sanitized[@]}" "$python" tests/reliability/attacks kernels --rounds 10000 --seed "${SEED:-0}"

echo "== no report from the kernel's tests and the random calls; the planted bug was noticed by the sanitizers and by the bounds checks"
