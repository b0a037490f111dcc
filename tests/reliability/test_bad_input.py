"""For every input, the fit is right, or a ValueError or TypeError names the wrong argument."""

import os
from inspect import signature

import numpy as np
import pytest
from forms import FORMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junk import EXTREMES, NOT_FINITE, OTHERS, SCALES, VALUES, call

import fastgd
from fastgd import backends, rates

X = np.array([[1.0, -2.0], [3.0, 0.0], [-1.0, 2.0], [4.0, 5.0], [0.0, 1.0]])
Y = np.array([1.0, 3.0, -2.0, 8.0, 1.0])
COUNTS = np.array([1.0, 2.0, 0.0, 1.0, 3.0])
BACKENDS = backends.available()
MORE = int(os.environ.get("FASTGD_EXAMPLES", "1"))  # above 1: a multiple of the examples, different in each run


def limited(examples):
    """Return settings without a deadline, since Numba may compile in any example; `call` ends a process that hangs."""
    return settings(
        max_examples=MORE * examples,
        deadline=None,
        derandomize=MORE == 1,
        suppress_health_check=list(HealthCheck),
    )


def compressor(**options):
    made = fastgd.Compressor(**options)
    made.add(X, Y)
    return made


def rejoin(X, y, **options):
    """Compress in two parts and fit."""
    whole, part = fastgd.Compressor(), fastgd.Compressor()
    whole.add(X, y, **options)
    part.add(X, y, **options)
    whole.merge(part)
    return fastgd.gradient_descent(whole)


def add(X, y, sample_weight):
    made = compressor()
    made.add(X, y, sample_weight)
    return made.problem()


# Every public function with good arguments; the tests replace one or more of the arguments.
RATES = {name: getattr(rates, name) for name in rates.__all__ if name != "eigenvalues"}
FUNCTIONS = {
    "gradient_descent": (fastgd.gradient_descent, {"X": X, "y": Y, "sample_weight": COUNTS, "epochs": 50}),
    "gradient_descent of a compressor": (fastgd.gradient_descent, {"X": compressor(), "epochs": 50}),
    "compress": (fastgd.compress, {"X": X, "y": Y, "sample_weight": COUNTS}),
    "Compressor": (lambda **options: compressor(**options).problem(), {"fit_intercept": 0, "alpha": 0, "method": "qr"}),
    "add": (add, {"X": X, "y": Y, "sample_weight": COUNTS}),
    "merge": (lambda other: compressor().merge(other), {"other": compressor()}),
    "problem": (lambda target: compressor().problem(target), {"target": 0}),
    "cost": (fastgd.cost, {"X": X, "y": Y, "weights": COUNTS[:3]}),
    "gradient": (fastgd.gradient, {"X": X, "y": Y, "weights": COUNTS[:3]}),
    "predict": (lambda X: fastgd.gradient_descent(globals()["X"], Y).predict(X), {"X": X}),
    "resolve": (backends.resolve, {"backend": "numpy"}),
    "load": (backends.load, {"backend": "numpy"}),
    "rates.eigenvalues": (rates.eigenvalues, {"epochs": 9, "spectrum": [3.0, 1.0]}),
} | {
    f"rates.{name}": (function, {"epochs": 9, "smoothness": 3.0, "convexity": 0.5}) for name, function in RATES.items()
}  # fmt: skip


def arguments_of(name):
    """Return the names of the arguments to replace."""
    function, good = FUNCTIONS[name]
    return sorted({*signature(function).parameters, *good} - {"options", "verbose"})


ARGUMENTS = [(name, argument) for name in FUNCTIONS for argument in arguments_of(name)]


@pytest.mark.parametrize(("name", "wrong"), ARGUMENTS)
@limited(15)
@given(value=VALUES)
def test_one_wrong_argument_is_named_or_does_no_harm(name, wrong, value):
    function, good = FUNCTIONS[name]
    call(function, good | {wrong: value}, [wrong])


@pytest.mark.parametrize(("name", "wrong"), ARGUMENTS)
def test_an_odd_value_of_one_argument_is_named_or_does_no_harm(name, wrong):
    function, good = FUNCTIONS[name]
    found = []
    for value in [*OTHERS, *EXTREMES, *NOT_FINITE]:
        try:
            call(function, good | {wrong: value}, [wrong])
        except Exception as error:
            found.append(f"{wrong}={value!r}: {error!r}")
    assert not found, "\n".join(found)


@limited(30)
@given(value=VALUES)
def test_any_value_of_verbose_is_named_or_does_no_harm(value, capsys):
    call(fastgd.gradient_descent, {"X": X, "y": Y, "verbose": value}, ["verbose"])
    capsys.readouterr()


@limited(150)
@given(data=st.data())
def test_of_several_wrong_arguments_one_is_named(data):
    names = data.draw(st.lists(st.sampled_from(arguments_of("gradient_descent")), min_size=2, max_size=5, unique=True))
    changed = {name: data.draw(VALUES, label=name) for name in names}
    call(fastgd.gradient_descent, FUNCTIONS["gradient_descent"][1] | changed, names)


@limited(80)
@given(
    name=st.sampled_from(["gradient_descent", "compress", "add", "cost", "gradient", "predict"]),
    row=st.integers(0, 4), column=st.integers(0, 1), value=st.sampled_from(NOT_FINITE), data=st.data(),
)  # fmt: skip
def test_no_value_that_is_not_finite_is_overlooked(name, row, column, value, data):
    function, good = FUNCTIONS[name]
    wrong = data.draw(st.sampled_from([key for key, array in good.items() if isinstance(array, np.ndarray)]))
    array = good[wrong].astype(data.draw(st.sampled_from(["f2", "f4", ">f4", "f8", "g", "O"])))
    array[(row, column) if array.ndim == 2 else row % len(array)] = value
    if data.draw(st.booleans()):
        array = np.asfortranarray(array)[::-1]
    assert call(function, good | {wrong: array}, [wrong]) is None


OPTIONS = {
    "learning_rate": st.sampled_from(
        ["auto", "constant", "chebyshev", "silver", "eigenvalues", "inverse_scaling", 0.01]
    ),
    "fit_intercept": st.booleans(),
    "backend": st.sampled_from(["auto", *BACKENDS]),
    "compress": st.sampled_from(["auto", True, False]),
    "sample_weight": st.sampled_from([None, COUNTS]),
    "alpha": st.sampled_from([0.0, 0.1, 10.0]),
    "precondition": st.sampled_from(["auto", "none", "standardize", "whiten"]),
    "threads": st.sampled_from([None, 1, 2]),
    "check_every": st.integers(1, 60),
    "tol": st.sampled_from([0.0, 1e-8, 1e-3]),
    "weights": st.sampled_from([None, "random"]),
    "epochs": st.integers(1, 100),
}
WHOLE_NUMBERS = st.integers(-9, 9).map(float)
CHOICES = st.fixed_dictionaries({}, optional=OPTIONS).filter(
    lambda options: options.get("precondition") != "whiten" or options.get("compress") is not False
)  # whitening needs the compressed problem
DATA = st.tuples(*(st.lists(row, min_size=5, max_size=5) for row in (st.tuples(*[WHOLE_NUMBERS] * 2), WHOLE_NUMBERS)))


@limited(150)
@given(
    numbers=DATA,
    forms=st.tuples(*[st.sampled_from(list(FORMS))] * 3),
    options=CHOICES,
)
def test_good_input_in_every_form_fits_as_the_python_reference(numbers, forms, options):
    features, target = map(np.array, numbers)
    options |= {"random_state": 0}
    weights = options.get("sample_weight")
    given_ = {"X": FORMS[forms[0]](features), "y": FORMS[forms[1]](target)}
    given_["sample_weight"] = None if weights is None else FORMS[forms[2]](weights)
    result = call(fastgd.gradient_descent, options | given_, [])
    assert result is not None
    plain = options | {"backend": "python", "precondition": result.precondition, "X": features, "y": target}
    plain["compress"] = result.precondition == "whiten"  # only these coordinates need the compressed problem
    expected = call(fastgd.gradient_descent, plain, [])
    assert (result.reason == "diverged") == (expected.reason == "diverged")
    if result.epochs == expected.epochs:  # rounding may decide at which check the costs have settled
        scale = 1e-9 * (1 + np.abs(expected.weights).max())
        np.testing.assert_allclose(result.weights, expected.weights, atol=scale)
        np.testing.assert_allclose(
            result.cost_history, expected.cost_history, rtol=1e-8, atol=1e-13 * (target @ target)
        )


@limited(150)
@given(
    scales=st.tuples(SCALES, SCALES, SCALES, SCALES),
    options=CHOICES,
    mixed=st.booleans(),
)
def test_any_scale_fits_as_lstsq_or_is_refused(scales, options, mixed):
    with np.errstate(all="ignore"):
        features, target = (X * [scales[0], scales[2] if mixed else scales[0]]), Y * scales[1]
        counts = None if options.get("sample_weight") is None else np.abs(COUNTS * scales[3])
    given_ = {"X": features, "y": target, "sample_weight": counts, "alpha": 0.0}
    result = call(fastgd.gradient_descent, options | given_, ["X", "y", "sample_weight"])
    if result is None:
        return
    # Compare in units in which all columns and y are of order 1.
    ones = [np.ones(5)] * options.get("fit_intercept", True)
    unit = [features[:, j] / (np.abs(features[:, j]).max() or 1.0) for j in range(2)]
    A, b = np.column_stack(ones + unit), target / np.abs(target).max()
    roots = np.ones(5) if counts is None else np.sqrt(COUNTS)
    best = np.linalg.lstsq(A * roots[:, None], b * roots)[0]
    least = np.square((A @ best - b) * roots).sum()
    with np.errstate(over="ignore"):
        reached = np.square((result.predict(features) / np.abs(target).max() - b) * roots).sum()
    assert reached <= np.square(b * roots).sum() * (1 + 1e-6) or options.get("weights") == "random"
    condition = np.linalg.cond(np.column_stack(ones + list(features.T)) if ones else features / np.abs(features).max())
    if result.converged and condition < 1e4 and options.get("tol", 1e-8) <= 1e-8:
        assert reached <= least * (1 + 1e-3) + 1e-10 * (b @ b)
