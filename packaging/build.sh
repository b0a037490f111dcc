#!/usr/bin/env bash
# usage: build.sh FOLDER
# Build the sdist, and from it the wheel for this Linux, into FOLDER: the same bytes from the same files, whenever, wherever
# and by whomever it is run.
set -euo pipefail
umask 022
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
python="$root/.venv/bin/python"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"

# Only the files that git knows: leftovers of the clone stay out of the sdist.
mkdir "$work/clone"
git ls-files -z | tar --null --files-from=- --create | tar --extract --directory="$work/clone"
"$python" -m build --sdist --outdir "$work" "$work/clone" >"$work/sdist.log" 2>&1 || { cat "$work/sdist.log"; exit 1; }

# setuptools writes the times, owners and modes that the files have here.
sdist=$(basename "$work"/fastgd-*.tar.gz .tar.gz)
tar --extract --directory="$work" --file="$work/$sdist.tar.gz"
tar --create --directory="$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime "$sdist" \
    | gzip --no-name --best >"$folder/$sdist.tar.gz"

# Without symbols, and without the library path of this Python, which its own linking command would write into the wheel.
export FASTGD_REQUIRE_EXTENSION=1 LDSHARED="${CC:-cc} -shared -Wl,--strip-all"
"$python" -m build --wheel --outdir "$work" "$work/$sdist" >"$work/wheel.log" 2>&1 || { cat "$work/wheel.log"; exit 1; }
# The oldest glibc whose functions the kernel calls becomes the wheel's platform.
PATH="$root/.venv/bin:$PATH" auditwheel --verbose repair --wheel-dir "$folder" "$work"/*.whl 2>"$work/repair.log" \
    || { cat "$work/repair.log"; exit 1; }
