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
        text=True,
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
    assert (code, errors) == (0, "")
    lines = output.splitlines()
    rest = [name for name in backends.available() if name != "cython"]
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
    assert (COEF in output, "FASTGD_CPU_LEVEL must be one of" in errors) == (code == 0, code == 2)


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
