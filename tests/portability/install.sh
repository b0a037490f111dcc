#!/usr/bin/env bash
# Install the compilers and emulators of matrix.py that Debian has, and zig from PyPI. What cannot be installed is left
# out of the table, which names it.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=(gcc musl-tools qemu-user-static gcc-mingw-w64-x86-64 wine64)
for version in 9 10 11 12 13 14 15; do packages+=("gcc-$version"); done
for version in 11 12 13 14 15 16 17 18 19 20 21 22 23; do packages+=("clang-$version"); done
for target in aarch64-linux-gnu arm-linux-gnueabihf i686-linux-gnu powerpc64le-linux-gnu riscv64-linux-gnu s390x-linux-gnu; do
    packages+=("gcc-$target")
done
for target in arm64 armhf i386 ppc64el riscv64 s390x; do packages+=("libc6-dev-$target-cross"); done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    known=()
    for package in "${packages[@]}"; do
        if [[ "$(apt-cache policy "$package")" == *"Candidate: "[0-9]* ]]; then known+=("$package"); fi
    done
    apt-get -qq --no-install-recommends install "${known[@]}" >/dev/null || echo "apt-get could not install all of: ${known[*]}"
else
    echo "Only what is installed takes part; Debian's packages for the rest: ${packages[*]}"
fi

if [ ! -x build/portability/bin/python ]; then
    "${PYTHON:-python3}" -m venv build/portability
    build/portability/bin/python -m pip install --quiet ziglang || echo "pip could not install ziglang: no zig"
fi
