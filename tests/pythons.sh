#!/usr/bin/env bash
# One sdist; for each Python its wheel, the extras that exist there, and the fast tests. Prints a table. PYTHONS names the
# interpreters; without it, those that this machine has. LOGS is a folder for what each step prints.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
logs=$(mkdir -p "${LOGS:-$work/logs}" && cd "${LOGS:-$work/logs}" && pwd)
read -ra options <<<"${PYTEST_OPTIONS:-}"
candidates=(python3.{11..15}{,t} pypy3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3)
extras=(test sklearn numba plot dask parquet progress study docs)
failed=0
declare -A pythons=()

# Print a name for an interpreter's version, such as cpython-3.13.0t, if fastgd can be installed there.
describe() {
    "$1" -c 'import platform, sys, sysconfig
t = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
assert sys.version_info >= (3, 11)
print(sys.implementation.name + "-" + platform.python_version() + t)' 2>/dev/null
}

# Build the wheel, install it, run the tests and uninstall it; print the table's row.
try() {
    local name=$1 python=$2 venv=$work/$1 log=$logs/$1 lacks="" row left extra wheel
    "$python" -m venv "$venv" || { echo "$name|no|no venv"; return 1; }
    local pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check)
    FASTGD_REQUIRE_EXTENSION=1 "${pip[@]}" wheel --no-deps --wheel-dir "$work/$name-wheel" "$work"/dist/*.tar.gz ||
        { echo "$name|no|no kernel"; return 1; }
    wheel=$(echo "$work/$name-wheel"/fastgd-*.whl)
    "${pip[@]}" install "$wheel" pytest hypothesis || { echo "$name|yes|no NumPy"; return 1; }
    for extra in "${extras[@]}"; do  # nothing but fastgd is compiled here
        "${pip[@]}" install --only-binary :all: "${wheel}[$extra]" || lacks+=" $extra"
    done
    ln -sfn "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/fastgd" "$work/tree/fastgd"
    (cd "$work/tree" && "$venv/bin/python" -m pytest -q -p no:cacheprovider -m "not slow" "${options[@]}") >"$log.tests" || true
    row=$(tail -n 1 "$log.tests" | grep -oE '[0-9]+ (passed|failed|skipped|errors?)' | paste -sd ' ') || row="no test ran"
    "${pip[@]}" uninstall --yes fastgd
    left=$(find "$venv" -ipath '*fastgd*' -printf '%P ')
    echo "$name|yes|$row|${lacks:-none}|${left:-nothing}"
    [[ $row == *passed* && $row != *failed* && $row != *error* && -z $left ]]
}

[ -z "${PYTHONS:-}" ] || read -ra candidates <<<"$PYTHONS"
for python in "${candidates[@]}"; do
    name=$(describe "$python") && pythons[$name]=${pythons[$name]:-$python}
done
test ${#pythons[@]} -gt 0 || { echo "no Python from 3.11 on is among: ${candidates[*]}" >&2; exit 1; }
mapfile -t names < <(printf '%s\n' "${!pythons[@]}" | sort -V)
mkdir "$work/tree"
git -C "$root" ls-files -z | tar -C "$root" --null -T - -c | tar -x -C "$work/tree"
"${pythons[${names[0]}]}" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet --disable-pip-version-check build
"$work/build/bin/python" -m build --sdist --outdir "$work/dist" "$work/tree" >"$logs/sdist"
rm -r "$work/tree/fastgd"
echo "Python|built|tests|extras without wheels|left by uninstall" >"$work/table"
for name in "${names[@]}"; do
    try "$name" "${pythons[$name]}" >>"$work/table" 2>"$logs/$name.install" || failed=1
done
awk -F '|' '{ printf "%-18s %-6s %-40s %-26s %s\n", $1, $2, $3, $4, $5 }' "$work/table"
exit $failed
