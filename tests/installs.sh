#!/usr/bin/env bash
# Install fastgd in the ways that people use, each into an environment with nothing but NumPy: each must import and fit.
# With --all, also the ways that take long or need Clang. Only the first step uses the network: no later one can.
set -Eeuo pipefail
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND" >&2' ERR
root=$(cd "$(dirname "$0")/.." && pwd)
python=$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # for another user
unset CC CFLAGS PYTHONPATH FASTGD_REQUIRE_EXTENSION

"$python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip --quiet download --dest "$work/house" numpy "setuptools>=77" "cython>=3.1"
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$work/house" PIP_CACHE_DIR="$work/cache" PIP_DISABLE_PIP_VERSION_CHECK=1

cat >"$work/fit.py" <<'END'
import sys

import fastgd

result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
assert result.converged and abs(result.coef[0] - 2) < 1e-9, result
assert result.backend == sys.argv[1], result
END

# The files of the clone as they are, but what git ignores.
copy() {
    mkdir -p "$1"
    git -C "$root" ls-files -co --exclude-standard -z | tar -C "$root" --null -T - -c | tar -C "$1" -x
}

# An empty environment, which `pip` below installs into.
empty() {
    environment=$work/$1
    "${2:-$python}" -m venv --without-pip "$environment"
}

pip() {
    "$work/tools/bin/python" -m pip --quiet --python "$environment" "$@"
}

# Run the script from the folder $1, or from an empty one.
run() {
    local folder=${1:-$work/elsewhere}
    mkdir -p "$folder"
    cp "$work/fit.py" "$folder"
    "$environment/bin/python" -W "$2" "$folder/fit.py" "$3"
}

# Fit with the kernel, without a warning, from the folder $2.
fits() {
    run "${2:-}" error cython
    "$environment/bin/fastgd" config >/dev/null
    echo "ok: $1"
}

# Fit by NumPy, with one line of warning, whose command `repair` runs.
fits_without_kernel() {
    run "${2:-}" default numpy 2>"$work/stderr"
    test "$(grep -c "install a C compiler, then run: pip install" "$work/stderr")" = 1
    command=$(sed -n 's/.*then run: \(pip install [^;]*\).*/\1/p' "$work/stderr")
    "$environment/bin/fastgd" config | grep -F "$command" >"$work/stdout"
    echo "ok: $1"
}

repair() {
    eval "$command"
    fits "$1, then: $command"
}

# In a path with a space and a letter that is not ASCII; the clone's own name is that of the package.
clone="$work/a b é/fastgd"
copy "$clone"
empty editable
pip install setuptools cython numpy
PATH="$work/tools/bin" pip install --no-build-isolation --editable "$clone"
fits_without_kernel "pip install -e without a compiler"
fits_without_kernel "pip install -e without a compiler, a script in the folder that contains the clone" "$work/a b é"
if FASTGD_REQUIRE_EXTENSION=1 CC=false pip install --no-build-isolation --no-deps "$clone" 2>/dev/null; then
    echo "FASTGD_REQUIRE_EXTENSION=1 installs without a compiler" >&2
    exit 1
fi

# pip keeps the wheel that it builds from an sdist of an index: installed again, it still has no kernel.
(cd "$clone" && "$environment/bin/python" -c "
import setuptools.build_meta as backend, sys
sys.stdout = open('/dev/null', 'w')
backend.build_sdist('$work/house')" 2>/dev/null)
empty sdist
CC=false pip install fastgd
fits_without_kernel "pip install from an sdist without a compiler"
pip install --force-reinstall --no-deps fastgd
fits_without_kernel "pip install again, from pip's cache"
repair "pip install from an sdist"
mv "$work"/house/fastgd-*.tar.gz "$work"

empty folder
pip install "$clone"
fits "pip install of a folder, offline, in a path with a space"

# Another user has no HOME, and cannot write where fastgd is installed. Where this one is not root, only HOME is missing.
stranger() {
    local change=()
    if test "$(id -u)" = 0; then change=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
    "${change[@]}" env -i PATH=/usr/bin:/bin "$@"
}
pip wheel --no-deps --wheel-dir "$work/wheels" "$clone"
for base in "$python" /usr/bin/python3; do
    if stranger "$base" -c "import sys; sys.exit(sys.version_info[:2] != $("$python" -c 'import sys; print(sys.version_info[:2])'))" 2>/dev/null; then
        empty wheel "$base"
        pip install "$work"/wheels/*.whl
        fits "pip install of a wheel"
        (cd / && stranger "$environment/bin/python" -W error "$work/fit.py" cython && stranger "$environment/bin/fastgd" config >/dev/null)
        echo "ok: pip install of a wheel, another user without HOME"
        break
    fi
done
test -d "$work/wheel" || echo "left out: another user can run no Python of this version"

test "${1:-}" = --all || exit 0
environment=$work/editable
fits_without_kernel "pip install -e without a compiler, still"
repair "pip install -e"
fits "pip install -e, a script in the folder that contains the clone" "$work/a b é"
fits "pip install -e, a script in the clone" "$clone"
PATH="$work/tools/bin" pip install --no-build-isolation --force-reinstall --no-deps --editable "$clone"
fits_without_kernel "pip install -e again, without a compiler: no kernel of other sources is left"

empty archive
pip install --no-cache-dir "$work"/fastgd-*.tar.gz
fits "pip install of an sdist's file"

clang=$(compgen -c clang | grep -xE "clang(-[0-9]+)?" | sort -V | head -n 1 || true)
if test -n "$clang"; then
    empty clang
    CC=$clang pip install --no-cache-dir "$work"/fastgd-*.tar.gz
    fits "pip install, CC=$clang"
else
    echo "left out: Clang is not installed"
fi
