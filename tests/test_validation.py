"""Bad arguments are refused; the message names the argument, the expected value and the value received."""

from decimal import Decimal

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd import backends

X, Y = random_problem(4, 2)


def put(array, position, value):
    """Return a copy of the array with one value replaced."""
    changed = array.astype(object if isinstance(value, str | complex | dict | None) else array.dtype)
    changed[position] = value
    return changed


SHAPE = r"X must be two-dimensional, \(n_samples, n_features\); got shape "
EMPTY = r"X must have at least one row and one column; got shape "
TARGET = r"y must have shape \(n_samples,\) or \(n_samples, n_targets\); got shape "
WHOLE = "must be a whole number; got "
DATA = {
    "X without dimensions": ({"X": 1.0}, ValueError, SHAPE + r"\(\)$"),
    "X of one dimension": ({"X": X[0]}, ValueError, SHAPE + r"\(2,\); X.reshape\(-1, 1\) makes it one feature$"),
    "X of three dimensions": ({"X": X[None]}, ValueError, SHAPE + r"\(1, 4, 2\)$"),
    "X without rows": ({"X": X[:0]}, ValueError, EMPTY + r"\(0, 2\)$"),
    "X without columns": ({"X": X[:, :0]}, ValueError, EMPTY + r"\(4, 0\)$"),
    "y of three dimensions": ({"y": X[..., None]}, ValueError, TARGET + r"\(4, 2, 1\)"),
    "y without dimensions": ({"y": 1.0}, ValueError, TARGET + r"\(\)"),
    "y as one row": ({"y": Y[None]}, ValueError, "the same number of rows; got 4 in X and 1 in y"),
    "other lengths": ({"y": Y[:3]}, ValueError, "X and y must have the same number of rows; got 4 in X and 3 in y"),
    "NaN in X": ({"X": put(X, (2, 1), np.nan)}, ValueError, "X must be finite; got nan at row 2, column 1 "),
    "first of two": ({"X": put(X, [2, 1], np.inf)}, ValueError, "X must be finite; got inf at row 1, column 0"),
    "inf in float32": ({"X": put(X.astype("f4"), (3, 0), -np.inf)}, ValueError, "X must be finite; got -inf at row 3"),
    "opposite infinities": ({"y": [np.inf, -np.inf, 0, 0]}, ValueError, "y must be finite; got inf at row 0 "),
    "NaN in y": ({"y": put(Y, 3, np.nan)}, ValueError, r"y must be finite; got nan at row 3 \(counted from 0\)"),
    "beyond float64": ({"y": [10**400, 1, 1, 1]}, ValueError, "^y must "),
    "decimal beyond float64": ({"y": [Decimal("1e400"), 1, 1, 1]}, ValueError, "y must be finite; got inf at row 0"),
    "strings": ({"X": [["a", "b"]] * 4}, TypeError, "X must hold real numbers; got an array of dtype <U1"),
    "digits": ({"y": ["1", "2", "3", "4"]}, TypeError, "y must hold real numbers; got an array of dtype <U1"),
    "complex numbers": ({"X": X + 1j}, TypeError, "X must hold real numbers; got an array of dtype complex128"),
    "a date": ({"y": np.array(["2020"] * 4, "M8[D]")}, TypeError, r"y must hold .* dtype datetime64\[D\]"),
    "a time span": ({"y": np.ones(4, "m8[s]")}, TypeError, r"y must hold .* dtype timedelta64\[s\]"),
    "a record": ({"y": np.zeros(4, "f8,f8")}, TypeError, "y must hold real numbers; got an array of dtype"),
    "an object": ({"X": put(X, (1, 1), {})}, TypeError, r"X must hold .* got \{\}, a dict, at row 1, column 1$"),
    "None": ({"X": put(X, (1, 1), None)}, ValueError, r"X must be finite; got a missing value \(NaN\) at row 1, col"),
    "digits as objects": ({"X": put(X, (1, 0), "7")}, TypeError, "X must hold .* got '7', a str, at row 1, column 0$"),
    "complex as object": ({"y": put(Y, 2, 1j)}, TypeError, r"y must hold real numbers; got 1j, a complex, at row 2$"),
    "X None": ({"X": None}, TypeError, "X must hold real numbers; got None, a NoneType$"),
    "y None": ({"y": None}, TypeError, "y must hold real numbers; got None, a NoneType$"),
    "a set": ({"y": {1.0, 2.0}}, TypeError, r"y must hold real numbers; got \{1.0, 2.0\}, a set$"),
    "ragged rows": ({"X": [[1, 2], [3]]}, ValueError, "X must be a rectangular array of numbers; "),
    "masked": ({"X": np.ma.array(X, mask=X > 1)}, ValueError, "X must not have masked values; fill or drop them first"),
    "masked y": ({"y": np.ma.array(Y, mask=[0, 0, 1, 0])}, ValueError, "y must not have masked values"),
}  # fmt: skip
# Data that only gradient_descent refuses, or refuses in other words.
DESCENT_DATA = {
    "y None": ({"y": None}, TypeError, "y must be given unless X is a Compressor; got None with X, a ndarray$"),
    "X too large": ({"X": X * 1e160}, ValueError, "X must have a mean square between 1e-280 and 1e.280; .* too large"),
    "X too small": ({"X": X * 1e-150}, ValueError, "X must have a mean square .* too small .* rescale X"),
    "y too large": ({"y": Y * 1e150}, ValueError, "y must have a mean square .* too large .* rescale y"),
    "y too small": ({"y": Y * 1e-320}, ValueError, "y must have a mean square .* too small .* rescale y"),
}  # fmt: skip

OPTIONS = {
    "weights": [
        ([1.0, 2.0], ValueError, r"must have the shape of the gradient, \(3,\): intercept first, .*; got shape \(2,\)"),
        (np.zeros((3, 1)), ValueError, r"must have the shape of the gradient, \(3,\): .*; got shape \(3, 1\)"),
        (np.zeros((2, 3)), ValueError, r"must have the shape of the gradient, \(3,\): .*; got shape \(2, 3\)"),
        (0.0, ValueError, r"must have the shape of the gradient, \(3,\): .*; got shape \(\)"),
        ([1.0, np.nan, 0.0], ValueError, "must be finite; got nan at row 1"),
        (["a", "b", "c"], TypeError, "must hold real numbers; got an array of dtype <U1"),
        ("zeros", ValueError, "must be None, 'random' or an array; got 'zeros'"),
    ],
    "learning_rate": [
        (-0.1, ValueError, "must be finite and not negative; got -0.1$"),
        (np.nan, ValueError, "must be finite and not negative; got nan$"),
        (np.inf, ValueError, "must be finite and not negative; got inf$"),
        ([0.1, 0.1, -1.0], ValueError, "must be finite and not negative; got -1.0 for epoch 2$"),
        (0, ValueError, "must be above 0 in at least one epoch; got only zeros"),
        ([0, 0, 0], ValueError, "must be above 0 in at least one epoch; got only zeros"),
        ([0.1, 0.1], ValueError, r"must be one rate or 3 of them, one for each epoch; got shape \(2,\)"),
        ([[0.1] * 3], ValueError, r"must be one rate or 3 of them, one for each epoch; got shape \(1, 3\)"),
        ("fast", ValueError, "must be a number, an array, a callable or one of 'auto', .*'eigenvalues'; got 'fast'"),
        (None, TypeError, "must hold real numbers; got None, a NoneType$"),
        (1j, TypeError, "must hold real numbers; got an array of dtype complex128"),
        (lambda *_: [0.1, 0.1], ValueError, r"must be one rate or 3 of them, .*; got shape \(2,\)"),
        (lambda *_: np.nan, ValueError, "must be finite and not negative; got nan$"),
        (lambda *_: "auto", TypeError, "must hold real numbers; got an array of dtype <U4"),
    ],
    "tol": [
        (-1e-3, ValueError, "must be finite and not negative; got -0.001"),
        (np.nan, ValueError, "must be finite and not negative; got nan"),
        (np.inf, ValueError, "must be finite and not negative; got inf"),
        ("small", TypeError, "must hold real numbers; got an array of dtype <U5"),
        (None, TypeError, "must hold real numbers; got None, a NoneType$"),
        ([1e-3], TypeError, r"must be a number; got an array of shape \(1,\)"),
    ],
    "backend": [
        ("fortran", ValueError, "must be one of 'auto', 'cython', 'numba', 'numpy', 'python'.*; got 'fortran'"),
        ("NumPy", ValueError, "must be one of .*; got 'NumPy'"),
        (None, ValueError, "must be one of .*; got None"),
        (["numpy"], ValueError, r"must be one of .*; got \['numpy'\]"),
        (np.array(["numpy", "auto"]), ValueError, "must be one of .*; got array"),
    ],
    "callback": [
        (1, TypeError, "must be callable or None; got 1, an int"),
        ("print", TypeError, "must be callable or None; got 'print', a str"),
    ],
    "random_state": [
        (-1, ValueError, "must be None, a seed of 0 or more, or a numpy.random.Generator; got -1"),
        ("seed", TypeError, "must be None, a seed of 0 or more, .*; got 'seed'"),
        (1.5, TypeError, "must be None, a seed of 0 or more, .*; got 1.5"),
    ],
    "fit_intercept": [
        (None, TypeError, "must be True or False; got None, a NoneType"),
        (2, TypeError, "must be True or False; got 2, an int"),
        ("yes", TypeError, "must be True or False; got 'yes', a str"),
    ],
} | {
    count: [
        (0, ValueError, "must be 1 or more; got 0"),
        (-1, ValueError, "must be 1 or more; got -1"),
        (1.5, TypeError, WHOLE + "1.5, a float"),
        (3.0, TypeError, WHOLE + "3.0, a float"),
        ("10", TypeError, WHOLE + "'10', a str"),
        (True, TypeError, WHOLE + "True, a bool"),
        (np.True_, TypeError, WHOLE + "np.True_, a bool"),
        ([3], TypeError, WHOLE + r"\[3\], a list"),
    ]
    for count in ("epochs", "check_every", "threads")
}  # fmt: skip

REFUSALS = [pytest.param(*case, id=name) for name, case in (DATA | DESCENT_DATA).items()]
REFUSALS += [
    pytest.param({name: value}, error, f"^{name} {message}", id=f"{name}={str(value)[:12]}")
    for name, cases in OPTIONS.items()
    for value, error, message in cases
]


@pytest.fixture
def no_kernel_runs(monkeypatch):
    """Make every kernel fail, so that a check that comes after a kernel fails its test."""

    def refuse(*_):
        raise AssertionError("a kernel ran before the checks were through")

    for name in backends.available():
        monkeypatch.setattr(backends.load(name), "descend", refuse)


@pytest.mark.usefixtures("no_kernel_runs")
@pytest.mark.parametrize(("changed", "error", "message"), REFUSALS)
def test_gradient_descent_refuses_bad_arguments(changed, error, message):
    with pytest.raises(error, match=message) as caught:
        fastgd.gradient_descent(**({"X": X, "y": Y, "epochs": 3} | changed))
    assert type(caught.value) is error
    assert str(caught.value).strip(" ,;:") == str(caught.value)


@pytest.mark.usefixtures("no_kernel_runs")
def test_a_kernel_that_runs_fails_its_test():
    with pytest.raises(AssertionError, match="a kernel ran"):
        fastgd.gradient_descent(X, Y)


@pytest.mark.usefixtures("no_kernel_runs")
@pytest.mark.parametrize("function", [fastgd.cost, fastgd.gradient])
@pytest.mark.parametrize(("changed", "error", "message"), DATA.values(), ids=DATA)
def test_cost_and_gradient_refuse_bad_data(function, changed, error, message):
    with pytest.raises(error, match=message):
        function(**({"X": X, "y": Y, "weights": np.zeros(3)} | changed))


@pytest.mark.usefixtures("no_kernel_runs")
@pytest.mark.parametrize("function", [fastgd.cost, fastgd.gradient])
@pytest.mark.parametrize("weights", [np.zeros(1), np.zeros(4), np.zeros((3, 1)), 0.0])
def test_cost_and_gradient_refuse_weights_of_a_wrong_shape(function, weights):
    with pytest.raises(ValueError, match=r"weights must have shape \(2,\), or \(3,\) .* 2 columns; got shape"):
        function(X, Y, weights)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (X[:, :1], ValueError, "X must have 2 columns, as in the fit; got 1"),
        (X[0], ValueError, "X must be two-dimensional"),
        (put(X, (0, 1), np.nan), ValueError, "X must be finite; got nan at row 0, column 1"),
        ([["a", "b"]], TypeError, "X must hold real numbers"),
    ],
)
def test_predict_refuses_bad_features(features, error, message):
    with pytest.raises(error, match=message):
        fastgd.gradient_descent(X, Y).predict(features)
