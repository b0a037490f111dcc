"""The C code of the kernel by itself, with other flags and as plain loops; `make portability` has more compilers."""

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builds import NAME, build_kernel, load_kernel

from fastgd.backends import python
from fastgd.backends.threads import run_team

ROOT = Path(__file__).resolve().parents[1]
COMPILER = os.environ.get("CC", "cc")
# GCC takes a vector whose lanes are set one by one for uninitialised; Clang does not know that warning, and has others.
UNWANTED = (
    "psabi", "unused-function", "unused-parameter", "maybe-uninitialized", "unknown-warning-option", "deprecated-ofast"
)  # fmt: skip
WARNINGS = ["-Wall", "-Wextra", "-Werror", *(f"-Wno-{name}" for name in UNWANTED)]
FLAGS = ["-O1", "-ffp-contract=off", *WARNINGS]
LIBRARIES = ["-pthread", "-lm"]

pytestmark = [
    pytest.mark.skipif(
        os.name == "nt" or shutil.which(COMPILER.split()[0]) is None, reason="needs a C compiler like GCC"
    ),
    pytest.mark.skipif(not (ROOT / "src_ext").exists(), reason="the sources of the kernel are not here"),
]


@pytest.fixture
def ours():
    """Return the kernel in use."""
    return pytest.importorskip("fastgd.backends._kernel", reason="the extension is not built")


def compile_harness(folder, *flags):
    """Compile the harness; return the finished process and the program."""
    program = folder / "harness"
    source = ROOT / "tests" / "portability" / "harness.c"
    command = [*COMPILER.split(), *FLAGS, *flags, f"-I{ROOT / 'src_ext'}", str(source), "-o", str(program), *LIBRARIES]
    return subprocess.run(command, capture_output=True, text=True, check=False), program


def run_harness(folder, *flags):
    """Return the hash of each level, after all cases were right."""
    built, program = compile_harness(folder, *flags)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    cases, faults = re.search(r"cases (\d+) faults (\d+)", ran.stdout).groups()
    assert int(cases) > 9000
    assert faults == "0"
    return dict(re.findall(r"level (\w+) ([0-9a-f]{16})", ran.stdout))


def test_vectors_at_all_levels(tmp_path):
    hashes = run_harness(tmp_path)
    if "avx512" in hashes:  # the same operations in the same order
        assert hashes["avx512"] == hashes["avx2"]


def test_plain_loops_are_standard_c(tmp_path):
    """MSVC cannot be had here: what it gets uses no extension of GCC but the attributes, and passes."""
    assert set(run_harness(tmp_path, "-DFASTGD_PLAIN", "-std=c11", "-D_POSIX_C_SOURCE=200809", "-pedantic-errors")) == {
        "baseline"
    }


@pytest.mark.parametrize("flag", ["-ffast-math", "-Ofast", "-ffinite-math-only"])
def test_fast_mathematics_is_refused(tmp_path, flag):
    built, _ = compile_harness(tmp_path, flag)
    assert "build it without -ffast-math" in built.stderr


def test_the_table_of_compilers_has_the_flags_of_the_build():
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    values = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    flags = [flag for group in ast.literal_eval(values["OPTIMISATION"]) for flag in group]
    table = runpy.run_path(str(ROOT / "tests" / "portability" / "matrix.py"))["FLAGS"]
    assert [flag for flag in table if flag != "-std=gnu11"] == [flag for flag in flags if flag != "-g0"]


def descend_by(kernel, level, X, y):
    """Return the weights and costs after five epochs, as one array; y may be several targets."""
    weights, costs, gradient = make_outputs(X, y)
    run_member = kernel.run_member if y.ndim == 1 else kernel.run_target_member
    run_team(lambda *rest: run_member(*rest, level), X, y, weights, np.full(5, 0.01), costs, gradient, 1)
    return np.concatenate([weights, costs])


def make_outputs(X, y):
    """Return the weights to start from, and arrays for costs and gradient."""
    targets = y.shape[1:]
    return np.zeros((X.shape[1] + 1, *targets)), np.empty((5, *targets)), np.empty((X.shape[1] + 1, *targets))


def make_data():
    """Yield X and y of several shapes, in both orders and types."""
    generator = np.random.default_rng(0)
    for shape in [(7, 6), (100, 1), (100, 5), (300, 12), (1000, 77)]:
        for order in "CF":
            for dtype in ("float64", "float32"):
                X = generator.standard_normal(shape)
                y = X.sum(axis=1) + 1.0
                yield np.asarray(X, dtype=dtype, order=order), y
                yield np.asarray(X, dtype=dtype, order=order), np.outer(y, np.arange(1.0, 12.0)) + X[:, :1]


def test_another_build_does_not_take_the_place_of_the_packages_own(ours, monkeypatch):
    monkeypatch.delitem(sys.modules, NAME)
    other = load_kernel(ours.__file__)
    assert other.build_info() == ours.build_info()
    assert NAME not in sys.modules  # the next import finds the package's own
    monkeypatch.setitem(sys.modules, NAME, ours)
    load_kernel(ours.__file__)
    assert sys.modules[NAME] is ours


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags", ["-ffast-math", "-Ofast -march=native", "-funsafe-math-optimizations -ffp-contract=fast"]
)
def test_flags_of_the_environment_change_nothing(tmp_path, ours, flags):
    other = build_kernel(tmp_path, CFLAGS=flags, LDFLAGS=flags)
    assert other.levels() == ours.levels()
    for X, y in make_data():
        for level in range(len(ours.levels())):
            assert np.array_equal(descend_by(ours, level, X, y), descend_by(other, level, X, y))
    assert np.float64(2.3e-308) / 4.0 > 0.0  # the process still has denormal numbers


@pytest.mark.slow
def test_plain_build_agrees_with_the_reference(tmp_path):
    kernel = build_kernel(tmp_path, FASTGD_PLAIN="1")
    assert kernel.levels() == ["baseline"]
    assert kernel.build_info()["loops"] == "plain"
    for X, y in make_data():
        weights, costs, gradient = make_outputs(X, y)
        python.descend(X, y, weights, np.full(5, 0.01), costs, gradient)
        np.testing.assert_allclose(
            descend_by(kernel, 0, X, y), np.concatenate([weights, costs]), rtol=1e-12, atol=1e-13
        )
