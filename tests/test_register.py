"""A backend that somebody registers: everything that takes or lists backends knows it."""

import os
import re
import subprocess
import sys
from importlib import import_module, reload
from types import ModuleType

import numpy as np
import pytest
from parity import assert_parity
from problems import PROBLEMS, random_problem
from test_pages import ROOT, find_blocks

import fastgd
from fastgd import backends
from fastgd.bench import results, text
from fastgd.bench.contestants import list_backends, list_contestants, list_sparse_contestants
from fastgd.bench.limits import count_work
from fastgd.cli.main import main
from fastgd.config import describe_installation

X, Y = random_problem(60, 3)


@pytest.fixture
def own(monkeypatch):
    """Register a backend that counts its calls, and return the list of their epochs; forget it afterwards."""
    monkeypatch.setattr(backends, "MODULES", dict(backends.MODULES))
    monkeypatch.setattr(backends, "REQUIRES", dict(backends.REQUIRES))
    module, calls = ModuleType("own_backend"), []

    def descend(X, y, weights, rates, costs, gradient, threads=1):
        calls.append(len(rates))
        return backends.load("numpy").descend(X, y, weights, rates, costs, gradient, threads)

    module.descend = descend
    monkeypatch.setitem(sys.modules, "own_backend", module)
    backends.register("own", "own_backend")
    return calls


def test_fits_take_a_registered_backend_by_name_and_auto_does_not(own):
    plain = {"learning_rate": "constant", "compress": False}
    result = fastgd.gradient_descent(X, Y, backend="own", **plain)
    np.testing.assert_array_equal(result.weights, fastgd.gradient_descent(X, Y, backend="numpy", **plain).weights)
    assert (result.backend, bool(own)) == ("own", True)
    assert backends.available()[-1] == "own"
    assert backends.resolve("auto") != "own"


def test_sparse_rows_are_refused_by_name_and_whitened_all_the_same(own):
    sparse = pytest.importorskip("scipy.sparse", reason="sparse features need SciPy")
    told = "X must be dense for backend 'own', which does not take sparse rows"
    with pytest.raises(TypeError, match=told):
        fastgd.gradient_descent(sparse.csr_array(X), Y, backend="own", learning_rate="constant", compress=False)
    result = fastgd.gradient_descent(sparse.csr_array(X), Y, backend="own")
    np.testing.assert_allclose(result.weights, fastgd.gradient_descent(X, Y).weights, rtol=1e-9)
    assert (result.backend, bool(own)) == ("own", True)


def test_whatever_lists_backends_lists_it(own):
    assert describe_installation()["backends"][-1] == "own"
    assert [one.name for one in list_backends()][-1] == "own"
    assert "own" in {one.name for one in list_contestants()[0]}


@pytest.mark.parametrize("command", ["demo", "fit"])
def test_commands_take_it_by_its_name(own, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,4\n4,8\n")
    monkeypatch.setattr("fastgd.cli.demo.show_real_data", lambda backend: ({}, 0.0))  # the longer half
    rest = {"fit": ["a.csv", "--target", "y", "--learning-rate", "constant", "--compress", "no"], "demo": []}
    assert main([command, *rest[command], "--backend", "own"]) == 0
    assert own
    printed = capsys.readouterr().out
    if command == "demo":
        assert "(backend own)" in printed
        assert len([line for line in printed.splitlines() if line.startswith("own ")]) == 1  # among those compared
    else:
        assert "backend own" in printed


def test_the_configuration_names_it(own, capsys):
    assert main(["config"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("backends")]
    assert " python, own; " in line


def test_bench_times_it(own, monkeypatch, capsys):
    monkeypatch.setattr("fastgd.bench.results.list_contestants", lambda threads: (list_backends(), {}))  # no JAX
    monkeypatch.setattr("fastgd.bench.results.measure_limits", lambda *_: [])
    monkeypatch.setattr("fastgd.bench.results.raise_limits", lambda *given: None)
    assert main(["bench", "--shapes", "50x3", "--rounds", "3"]) == 0
    names, _, times = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("|")][:3]
    assert float(times[[name.strip() for name in names].index("own")]) > 0


def test_the_study_has_a_rung_for_it(own):
    from fastgd.report.ladder import list_steps

    names = [step.name for step in list_steps(1)]
    assert "own" in names
    assert names.index("numpy") < names.index("own") < names.index("compressed")


def test_its_work_is_the_least_that_an_epoch_needs(own):
    assert count_work("own", 100, 5) == count_work("cython", 100, 5)
    assert count_work("nobody", 100, 5) == {}


def test_the_study_starts_processes_of_those_that_another_process_finds(own, tmp_path, monkeypatch):
    from fastgd.report import starts

    assert not starts.is_found_anew("own")  # a module of this process alone
    write_example(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    backends.register("blocks", "blocks")
    assert starts.is_found_anew("blocks")
    assert starts.start("blocks", str(tmp_path))["load"] > 0
    monkeypatch.setattr(starts, "start", lambda name, folder: name)
    assert {"python", "numpy", "blocks"} <= {*starts.start_all()}
    assert "own" not in starts.start_all()


def test_the_map_of_the_study_has_it(own):
    from fastgd.report.map import survey

    assert "own" in survey(50, 3, rounds=3)["contestants"]


@pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="the wheel's tests run away from the source tree")
@pytest.mark.parametrize("module", ["time_epochs", "memory"])
def test_asv_times_it(own, monkeypatch, module):
    monkeypatch.syspath_prepend(ROOT)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    found = reload(import_module(f"benchmarks.{module}"))
    timed = found.Epochs if module == "time_epochs" else found.Fit
    assert "own" in timed.params[timed.param_names.index("backend")]
    if module == "time_epochs":
        bench_of_epochs = timed()
        bench_of_epochs.setup("own", 100, 5, "C", "float64", 1)
        assert bench_of_epochs.measure_call() > 0


# ---- the worked example of the docs


def write_example(folder):
    """Write the module of the page about backends to a file that registers it, and return the file."""
    (block,) = [block for block in find_blocks("docs/how-to/backends.md") if "def descend(" in block.text]
    begin = "import numpy as np\n\nfrom fastgd import backends\n"
    path = folder / "blocks.py"
    path.write_text(f'{begin}{block.text}\n\nbackends.register("blocks", "blocks")\n')
    return path


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel's tests run away from the source tree")
@pytest.mark.parametrize("name", ["tutorial", "fortran", "float32", "513 x 3 F", "more columns than rows"])
def test_the_worked_example_equals_the_loop(own, tmp_path, monkeypatch, name):
    write_example(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "blocks", raising=False)
    import_module("blocks")
    X, y = PROBLEMS[name]()
    for intercepts in (0, 1):
        assert_parity("blocks", X, y, intercepts)
        assert_parity("blocks", X, np.column_stack([y, 2 * y, 1 - y]), intercepts)
    monkeypatch.delitem(sys.modules, "blocks")


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel's tests run away from the source tree")
@pytest.mark.parametrize("fault", [None, ("updated = weights - rate", "updated = weights - 1.001 * rate")])
def test_the_parity_tests_run_for_a_backend_that_pytest_loads(tmp_path, fault):
    path = write_example(tmp_path)
    if fault:
        assert fault[0] in path.read_text()
        path.write_text(path.read_text().replace(*fault))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "blocks", "-k", "blocks", "tests/test_parity.py"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    passed = int((re.search(r"(\d+) passed", done.stdout) or [0, 0])[1])
    failed = int((re.search(r"(\d+) failed", done.stdout) or [0, 0])[1])
    assert (done.returncode, failed > 0) == (int(fault is not None), fault is not None), done.stdout
    assert passed + failed > 50


def test_a_backend_without_its_library_is_not_available(own):
    backends.register("lacking", "lacking_backend", requires=["numpy", "no_such_library"])
    assert "lacking" not in backends.available()
    backends.register("having", "own_backend", requires="numpy")
    assert "having" in backends.available()


def test_a_module_without_a_good_kernel_is_refused_when_it_is_used(own):
    backends.register("absent", "no_such_module")
    with pytest.raises(ImportError, match="backend 'absent' cannot be loaded: No module named 'no_such_module'"):
        fastgd.gradient_descent(X, Y, backend="absent", learning_rate="constant")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("numpy", "mine"), ValueError, "name must differ from those of other backends, cython, .*; got 'numpy'"),
        (("auto", "mine"), ValueError, "name must be lower-case .* not 'auto'; got 'auto'"),
        (("My Backend", "mine"), ValueError, "name must be lower-case .*; got 'My Backend'"),
        ((1, "mine"), TypeError, "name must be text; got 1, an int"),
        (("twin", "mine"), ValueError, "name must differ from those of the bench, arrays, .*; got 'twin'"),
        (("mine", None), TypeError, "module must be text; got None, a NoneType"),
        (("mine", "a/b.py"), ValueError, "module and requires must be paths of modules, such as 'package.module'"),
        (("mine", "mine", ["a-b"]), ValueError, "module and requires must be paths of modules.*; got 'a-b'"),
        (("mine", "mine", [2]), TypeError, "requires must be text; got 2, an int"),
    ],
)
def test_bad_registrations_are_refused_and_change_nothing(own, arguments, error, message):
    before = dict(backends.MODULES), dict(backends.REQUIRES)
    with pytest.raises(error, match=message):
        backends.register(*arguments)
    assert before == (backends.MODULES, backends.REQUIRES)


def test_no_backend_has_the_name_of_another_contestant():
    """Results have one entry for each name: the times of the backend would be lost."""
    others = {*text.TITLES, *text.ONCE.values(), results.TWIN} - set(backends.MODULES)
    assert {name for name in others if name in backends.CONTESTANTS} == others == set(backends.CONTESTANTS)


def test_the_bench_of_sparse_rows_leaves_out_a_backend_that_takes_none(own, monkeypatch):
    assert "own-2" in {one.name for one in list_contestants(2)[0]}
    found, absent = list_sparse_contestants(2)
    assert {"python", "numpy"} <= {one.name for one in found}
    assert not {"own", "own-2"} & {one.name for one in found}
    assert absent["own"] == "it takes dense X"
    monkeypatch.setattr(sys.modules["own_backend"], "TAKES_SPARSE", True, raising=False)
    found, absent = list_sparse_contestants(2)
    assert {"own", "own-2"} <= {one.name for one in found}
    assert "own" not in absent


def test_the_same_registration_again_changes_nothing(own):
    backends.register("own", "own_backend")
    assert list(backends.MODULES)[-1] == "own"


def test_a_registration_replaces_the_requirements_of_the_one_before(own):
    backends.register("own", "own_backend", requires="no_such_library")
    assert "own" not in backends.available()
    backends.register("own", "own_backend")
    assert "own" in backends.available()
    assert "own" not in backends.REQUIRES


@pytest.mark.parametrize("attributes", [{}, {"descend": 3}])
def test_a_module_without_the_function_is_told_so(own, monkeypatch, capsys, attributes):
    monkeypatch.setitem(sys.modules, "bare_module", ModuleType("bare_module"))
    for name, value in attributes.items():
        setattr(sys.modules["bare_module"], name, value)
    backends.register("bare", "bare_module")
    told = "backend 'bare' cannot be loaded: the module 'bare_module' has no function descend"
    with pytest.raises(ImportError, match=told):
        fastgd.gradient_descent(X, Y, backend="bare")
    fastgd.show_config()
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("returned", [None, 1.5, -1, 10_000])
@pytest.mark.parametrize("options", [{}, {"learning_rate": 0.1}, {"learning_rate": 0.1, "batch_size": 10}])
def test_a_kernel_that_returns_no_count_of_its_updates_is_refused(own, monkeypatch, returned, options):
    def descend(X, y, weights, rates, costs, gradient, threads=1):
        backends.load("numpy").descend(X, y, weights, rates, costs, gradient, threads)
        return returned

    monkeypatch.setattr(sys.modules["own_backend"], "descend", descend)
    told = f"a backend must return how many updates it applied, from 0 to .*; got {returned}"
    with pytest.raises(ValueError, match=told):
        fastgd.gradient_descent(X, Y, backend="own", **options)
    with pytest.raises(ValueError, match=told):
        backends.descend(X, Y, np.zeros(4), np.zeros(2), np.zeros(2), np.zeros(4), backend="own")
