"""A backend that somebody registers: everything that takes or lists backends knows it."""

import sys
from types import ModuleType

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd import backends, bench
from fastgd.bench.contestants import list_backends, list_contestants
from fastgd.cli.main import main, make_parser
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


def test_whatever_lists_backends_lists_it(own, tmp_path, capsys):
    assert describe_installation()["backends"][-1] == "own"
    assert [one.name for one in list_backends()][-1] == "own"
    assert "own" in {one.name for one in list_contestants()[0]}
    measured = bench.measure([(50, 3)], rounds=3)
    assert "own" in measured["shapes"][0]["contestants"]
    make_parser().parse_args(["demo", "--backend", "own"])
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,4\n4,8\n")
    fit = ["fit", str(tmp_path / "a.csv"), "--target", "y", "--backend", "own", "--learning-rate", "constant"]
    assert main([*fit, "--compress", "no"]) == 0
    assert "backend own" in capsys.readouterr().out


def test_the_study_has_a_rung_for_it(own):
    from fastgd.report.ladder import list_steps

    names = [step.name for step in list_steps(1)]
    assert "own" in names
    assert names.index("numpy") < names.index("own") < names.index("compressed")


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
        ((1, "mine"), TypeError, "name must be text; got 1, a int"),
        (("mine", None), TypeError, "module must be text; got None, a NoneType"),
        (("mine", "a/b.py"), ValueError, "module and requires must be paths of modules, such as 'package.module'"),
        (("mine", "mine", ["a-b"]), ValueError, "module and requires must be paths of modules.*; got 'a-b'"),
        (("mine", "mine", [2]), TypeError, "requires must be text; got 2, a int"),
    ],
)
def test_bad_registrations_are_refused_and_change_nothing(own, arguments, error, message):
    before = dict(backends.MODULES), dict(backends.REQUIRES)
    with pytest.raises(error, match=message):
        backends.register(*arguments)
    assert before == (backends.MODULES, backends.REQUIRES)


def test_the_same_registration_again_changes_nothing(own):
    backends.register("own", "own_backend")
    assert list(backends.MODULES)[-1] == "own"
