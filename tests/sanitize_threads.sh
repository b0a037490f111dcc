#!/usr/bin/env bash
# Run teams of threads of the compiled kernel, several at once, with ThreadSanitizer. First show that it notices a race:
# a build whose counters do not order the memory around them must end with a report.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python="$root/.venv/bin/python"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The interpreter was not built with the sanitizer, so its library must be loaded first; and it knows only the addresses
# that a process has without randomisation.
watched=(env "LD_PRELOAD=$("${CC:-gcc}" -print-file-name=libtsan.so)" TSAN_OPTIONS="halt_on_error=1 exitcode=66"
    OPENBLAS_NUM_THREADS=1 setarch -R)

# Copy the sources into a folder of their own.
copy() {
    mkdir "$work/$1"
    cp -r "$root"/{setup.py,pyproject.toml,README.md,LICENSE,src_ext,fastgd,tests} "$work/$1/"
    cd "$work/$1"
    find . \( -name '*.so' -o -name '_kernel.c' -o -name __pycache__ \) -prune -exec rm -rf {} +
}

build() {
    env FASTGD_REQUIRE_EXTENSION=1 FASTGD_SANITIZE=thread "$python" setup.py --quiet build_ext --inplace >build.log 2>&1 ||
        { tail -n 30 build.log; echo "FAILED: the build did not succeed" >&2; exit 1; }
}

cat >"$work/teams.py" <<'END'
import pathlib
import sys
from threading import Thread

sys.path.insert(0, ".")
import numpy as np
from fastgd import backends
from fastgd.backends import _kernel

assert pathlib.Path(_kernel.__file__).is_relative_to(pathlib.Path.cwd()), _kernel.__file__
generator = np.random.default_rng(0)


def descend(X, threads, rate):
    y, weights, rates = X[:, 0].astype("f8"), np.zeros(X.shape[1] + 1), np.full(30, rate)
    backends.descend(X, y, weights, rates, np.empty(30), np.empty_like(weights), threads, "cython")


teams = 0
for shape in [(4001, 50), (20001, 3), (3000, 200)]:
    for order in "CF":
        for kind in ("f8", "f4"):
            X = np.asarray(generator.standard_normal(shape), dtype=kind, order=order)
            calls = [(2, 0.01), (3, 0.01), (8, 0.01), (4, 1e200)]  # the last one ends early: its weights overflow
            jobs = [Thread(target=descend, args=(X, *call)) for call in calls]
            for job in jobs:
                job.start()
            for job in jobs:
                job.join()
            teams += len(jobs)
print(f"{teams} teams of 2 to 8 threads")
END

echo "== a race on purpose"
copy raced
sed -i 's/__ATOMIC_RELEASE/__ATOMIC_RELAXED/' src_ext/atomics.h
build
status=0
"${watched[@]}" "$python" ../teams.py >teams.log 2>&1 || status=$?
if [ "$status" != 66 ] || ! grep -F -m 1 "WARNING: ThreadSanitizer: data race" teams.log; then
    cat teams.log
    echo "FAILED: the race ended with status $status; expected 66, and a report" >&2
    exit 1
fi

echo "== the kernel"
copy tested
build
"${watched[@]}" "$python" ../teams.py

echo "== no report from the kernel's teams; the race was noticed"
