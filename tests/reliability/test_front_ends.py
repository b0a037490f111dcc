"""Bad input to the estimator, to streams and in data frames is refused or does no harm."""

import warnings
from inspect import signature

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from junk import OTHERS, VALUES, call
from test_bad_input import COUNTS, X, Y, limited

import fastgd
from fastgd.inputs.extras import is_installed
from fastgd.streaming import fit_array, fit_batches

ROWS = {"X": X, "y": Y, "sample_weight": COUNTS}
ANYTHING = [r"\w+"]  # the messages of scikit-learn's own checks name the estimator, not the argument


def fit(X, y, sample_weight=None, parts=False, **parameters):
    """Return the coefficients, the intercept and the predictions of an estimator; None if it has no row that counts."""
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    model = fastgd.GradientDescentRegressor(**{"max_iter": 50, "tol": 0} | parameters)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "not converged")
        (model.partial_fit if parts else model.fit)(X, y, sample_weight)
    if parts and not hasattr(model, "coef_"):
        assert not np.any(sample_weight)  # parts without a row that counts leave the model unfitted
        return None
    return np.array(model.coef_), np.array(model.intercept_), np.asarray(model.predict(globals()["X"]))


def stream(X, y, sample_weight=None):
    return fit_batches([(X, y, sample_weight)] * 2)


FRONTS = {
    "fit": (fit, ANYTHING),
    "partial_fit": (lambda **rows: fit(parts=True, **rows), ANYTHING),
    "fit_array": (fit_array, ["X", "y", "sample_weight"]),
    "fit_batches": (stream, ["batch", "batches", *ROWS]),
}


@pytest.mark.parametrize("name", FRONTS)
@pytest.mark.parametrize("wrong", ROWS)
@limited(25)
@given(value=VALUES)
def test_wrong_rows_are_refused_or_do_no_harm(name, wrong, value):
    function, blamed = FRONTS[name]
    call(function, ROWS | {wrong: value}, blamed)


def parameters_of_the_estimator():
    if not is_installed("sklearn"):
        return []
    estimator = signature(fastgd.GradientDescentRegressor)
    names = set(signature(fastgd.gradient_descent).parameters) & set(estimator.parameters)
    return sorted(names - {"verbose", "random_state"} | {"max_iter"})


@pytest.mark.parametrize("wrong", parameters_of_the_estimator())
@limited(25)
@given(value=VALUES)
def test_wrong_parameters_are_named_or_do_no_harm(wrong, value):
    name = {"max_iter": "epochs"}.get(wrong, wrong)  # scikit-learn says max_iter, gradient_descent epochs
    call(fit, {"X": X, "y": Y, wrong: value}, [wrong, name])


@limited(60)
@given(
    names=st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=0, max_size=4),
    other=st.lists(st.sampled_from(["a", "b", "c"]), min_size=0, max_size=4),
    rows=st.integers(0, 4),
    value=st.sampled_from([0.5, 1, None, "text", np.nan, True, 2**70]),
)
def test_frames_that_do_not_match_are_refused(names, other, rows, value):
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    frame = pd.DataFrame([[float(i * j % 3) for j in range(len(names))] for i in range(5)], columns=names)
    target = pd.Series(Y, name="a")
    result = call(fastgd.gradient_descent, {"X": frame, "y": target, "epochs": 20}, ["X", "y"])
    assert (result is None) == (not names or len(set(names)) < len(names))  # two columns of a name are refused
    if result is None:
        return
    assert result.features == names
    columns = pd.DataFrame([[value] * len(other)] * rows, columns=other)
    predicted = call(result.predict, {"X": columns}, ["X"])
    fits = other == names and rows and value in (0.5, 1, True, 2**70)
    assert (predicted is not None) == bool(fits)


@pytest.mark.parametrize("batches", [value for value in OTHERS if not hasattr(value, "shape")], ids=repr)
def test_values_that_are_no_stream_are_refused(batches):
    with pytest.raises((TypeError, ValueError), match=r"batch|rows"):
        fit_batches(batches)
