"""Odd environments: variables, folders, streams and flags of Python that fastgd does not choose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastgd import backends

DATA = "a,y\n1,1\n2,2\n3,3.5\n"
FIT = ("fit", "data.csv", "--target", "y")
COEF = "a                      1.25"
needs_extension = pytest.mark.skipif("cython" not in backends.available(), reason="the extension is not built")


def run_in(folder, *command, flags=(), without=(), **environment):
    """Run Python in a folder, with a changed environment; return its exit code, output and errors."""
    kept = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(
        [sys.executable, *flags, *command],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(Path(backends.__file__).parents[2])} | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data.csv").write_text(DATA)
    return tmp_path


def assert_fits(folder, *options, **environment):
    code, output, errors = run_in(folder, "-m", "fastgd", *FIT, *options, **environment)
    assert (code, errors) == (0, "")
    assert COEF in output


# The CPU level of the Cython backend

WRONG_LEVEL = """
import fastgd
from fastgd import backends
X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
for name in ("numpy", "python", "auto"):
    print(name, fastgd.gradient_descent(X, y, backend=name).backend)
print("available", *backends.available())
for use in (lambda: backends.load("cython"), lambda: fastgd.gradient_descent(X, y, backend="cython")):
    try:
        use()
    except ImportError as error:
        print(error)
fastgd.show_config()
"""


@needs_extension
def test_a_wrong_cpu_level_concerns_the_cython_backend_alone(folder):
    code, output, errors = run_in(folder, "-c", WRONG_LEVEL, FASTGD_CPU_LEVEL="sse\x1b[31m9")
    lines = output.splitlines()
    rest = [name for name in backends.available() if name != "cython"]
    assert (code, "BackendWarning" in errors, errors == "") == (0, rest[0] == "numpy", rest[0] != "numpy")
    assert lines[:4] == ["numpy numpy", "python python", f"auto {rest[0]}", f"available {' '.join(rest)}"]
    assert lines[4] == lines[5]
    assert lines[4].startswith("backend 'cython' cannot be loaded: FASTGD_CPU_LEVEL must be one of baseline")
    assert lines[4].endswith(r"on this machine; got 'sse\x1b[31m9'")
    assert f"cython        not usable: {lines[4]}" in lines
    assert not any(line.startswith("extension") for line in lines)


@needs_extension
@pytest.mark.parametrize(
    ("options", "code"), [(["--backend", "numpy"], 0), (["--backend", "auto"], 0), (["--backend", "cython"], 2)]
)
def test_the_command_uses_another_backend_at_a_wrong_cpu_level(folder, options, code):
    found, output, errors = run_in(folder, "-m", "fastgd", *FIT, *options, FASTGD_CPU_LEVEL="9")
    assert found == code
    told = code == 2 or ("auto" in options and "numba" not in backends.available())  # auto warns that NumPy computes
    assert (COEF in output, "FASTGD_CPU_LEVEL must be one of" in errors) == (code == 0, told)


# A module stands in for Numba where the error is raised while it is imported.
BROKEN = """
import sys
import fastgd
from fastgd import backends
X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
backends.MODULES = {"first": "first_backend", "second": "second_backend", **backends.MODULES}
used = fastgd.gradient_descent(X, y)
print(used.backend)
for name in ("first", "second"):
    try:
        backends.load(name)
    except ImportError as error:
        print(error)
fastgd.show_config()
"""


def test_auto_passes_over_backends_that_cannot_be_loaded_and_keeps_the_reasons(folder):
    (folder / "first_backend.py").write_text("raise ImportError('needs NumPy 9')\n")
    (folder / "second_backend.py").write_text("raise SystemError('no \\x1b[2J compiler')\n")
    code, output, errors = run_in(folder, "-c", f"import sys; sys.path.insert(0, '.')\n{BROKEN}")
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    second = r"backend 'second' cannot be loaded: SystemError: no \x1b[2J compiler"
    assert lines[:3] == [backends.resolve("auto"), "needs NumPy 9", second]
    assert "first         not usable: needs NumPy 9" in lines
    assert f"second        not usable: {second}" in lines


# Variables


@pytest.mark.parametrize("value", ["abc", "0", "2,1", "99999999999"])
def test_any_number_of_openmp_threads_fits(folder, value):
    assert_fits(folder, OMP_NUM_THREADS=value)


THREADS = """
import os
from fastgd.backends.threads import choose_threads
for value in ("abc", "-1", "0", "", " ", "1.5", "1e3", "\u0662", "9" * 5000):
    os.environ["OMP_NUM_THREADS"] = value
    print(1 <= choose_threads(1_000_000, 50, 100))
os.environ["OMP_NUM_THREADS"] = "2,1"
print(choose_threads(1_000_000, 50, 100) == 2)
"""


def test_a_number_of_openmp_threads_that_is_none_counts_as_not_set(folder):
    code, output, errors = run_in(folder, "-c", THREADS)
    assert (code, errors) == (0, "")
    assert set(output.split()) == {"True"}


@pytest.mark.parametrize("columns", ["0", "1", "abc"])
def test_any_width_of_a_terminal_has_help(folder, columns):
    code, output, errors = run_in(folder, "-m", "fastgd", "fit", "--help", COLUMNS=columns, TERM="dumb")
    assert (code, errors) == (0, "")
    assert "--target" in output


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "latin-1:strict", "TERM": "dumb"},
        {"PYTHONIOENCODING": "utf-16"},
    ],
    ids=str,
)
def test_any_encoding_of_the_terminal_prints_the_whole_result(folder, environment):
    (folder / "data.csv").write_text("größe ×µ²,価格\n1,1\n2,2\n3,3.5\n", encoding="utf-8")
    code, output, errors = run_in(folder, "-m", "fastgd", "fit", "data.csv", "--target", "価格", **environment)
    if environment.get("LC_ALL") == "C":  # the argument comes as bytes, which are no column of the file
        assert (code, output) == (2, "")
        assert "no column '\\udce4" in errors
        return
    assert (code, errors) == (0, "")
    assert "1.25" in output.replace("\0", "")


# Folders

READ_ONLY = dict.fromkeys(["HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TMPDIR"], "/proc/none")
DESCENT = ("--learning-rate", "0.1", "--compress", "no", "--tol", "0")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the folder that nobody can write to is one of Linux")
def test_a_fit_needs_no_folder_but_that_of_its_output(folder):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TEMP", "TMP")
    environment = READ_ONLY | dict.fromkeys(names, "/proc/none") | {"MPLBACKEND": "agg"}
    options = ("--plot", "curve.png", "--out", "model.json")
    code, output, _ = run_in(folder, "-m", "fastgd", *FIT, *options, **environment)
    assert code == 0
    assert COEF in output
    assert {path.name for path in folder.iterdir()} == {"data.csv", "curve.png", "model.json"}


@pytest.mark.slow  # Numba compiles everything again
@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_numba_computes_where_its_cache_cannot_be_written(folder):
    code, output, errors = run_in(folder, "-m", "fastgd", *FIT, *DESCENT, "--backend", "numba", **READ_ONLY)
    assert (code, errors) == (0, "")
    assert "backend numba" in output


# Neither the variable nor the password file knows the home of this user.
NO_HOME = """
import os, pwd, runpy, sys
for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
    os.environ.pop(name, None)
def unknown(*_):
    raise KeyError("no such user")
pwd.getpwuid = pwd.getpwnam = unknown
sys.argv = ["fastgd", "fit", "data.csv", "--target", "y", "--out", "model.json"]
runpy.run_module("fastgd", run_name="__main__")
"""


@pytest.mark.skipif(os.name != "posix", reason="a password file is one of POSIX")
def test_a_user_without_a_home_can_fit(folder):
    code, output, errors = run_in(folder, "-c", NO_HOME)
    assert (code, errors) == (0, "")
    assert COEF in output


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_an_install_that_cannot_be_written_to_fits(folder):
    """Nothing is written beside the modules, whoever runs them: root may write everywhere, so no file is new."""
    package = Path(backends.__file__).parents[1]
    before = {path for path in package.rglob("*") if "__pycache__" not in path.parts}
    assert_fits(folder, PYTHONDONTWRITEBYTECODE="1")
    assert {path for path in package.rglob("*") if "__pycache__" not in path.parts} == before


# Flags of Python


@pytest.mark.parametrize("flags", [("-OO",), ("-W", "error"), ("-X", "dev", "-W", "error"), ("-I",), ("-bb",)], ids=str)
def test_flags_of_python_change_nothing(folder, flags):
    options = ("--out", "model.json", "--json")
    code, output, errors = run_in(folder, "-m", "fastgd", *FIT, *options, flags=flags)
    if flags == ("-I",) and "No module named fastgd" in errors:
        pytest.skip("an isolated Python does not see the folder of this package")
    assert (code, errors) == (0, "")
    assert '"coef"' in output


STUDY = """
import sys
from fastgd.cli.main import main
assert main(["study", "--quick", "--sections", "descents", "--quiet", "--out", "a.html", "--json", "a.json"]) == 0
assert main(["study", "--compare", "a.json", "a.json"]) == 2
"""


def test_a_study_leaves_no_file_open_and_warns_of_nothing(folder):
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")
    flags = ("-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning", "-W", "ignore::PendingDeprecationWarning")
    code, _, errors = run_in(folder, "-c", STUDY, flags=flags, MPLBACKEND="agg")
    assert code == 0, errors
    assert errors == "fastgd: --compare: nothing was timed in both a.json and a.json\n"
