"""Without options every front end fits every data set right, says that it has converged, and does not warn.

datasets.py holds the data, front_ends.py the ways to fit them, and oracle.py the right answers.
"""

import itertools
from functools import cache

import numpy as np
import pytest
import strd
from datasets import BEYOND, DATASETS, Dataset, near_duplicates
from front_ends import FRONT_ENDS, WRONG, by_estimator, by_function, judge, measure_error, measure_unit
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import EPSILON, average, predict, predict_exactly, solve_exactly

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="the oracle needs a longdouble with more digits than float64"
)
SOME = ("gradient_descent", "estimator")  # the front ends that fit larger data in little time


@cache
def fit(front_end, name):
    """Return the verdict on a fit; the tests share it."""
    return judge((DATASETS | BEYOND)[name], FRONT_ENDS[front_end])


def list_fits(names):
    """Return the pairs of a front end and a data set, as parameters; those that take long are marked as slow."""
    pairs = itertools.product(FRONT_ENDS, names)
    return [
        pytest.param(front_end, name, marks=[pytest.mark.slow] if is_slow(front_end, name) else [])
        for front_end, name in pairs
    ]


def is_slow(front_end, name):
    quick = (DATASETS | BEYOND)[name].quick
    return quick == "none" or (quick == "some" and front_end not in SOME)


# ---- the data sets


@pytest.mark.parametrize(("front_end", "name"), list_fits(DATASETS))
def test_a_fit_without_options_is_right_and_quiet(front_end, name):
    verdict = fit(front_end, name)
    assert (verdict.converged, verdict.warnings) == (True, ())
    assert verdict.error < DATASETS[name].limit


@pytest.mark.parametrize(("front_end", "name"), list_fits(BEYOND))
def test_a_fit_beyond_the_digits_of_float64_is_right_or_says_so(front_end, name):
    verdict = fit(front_end, name)
    assert verdict.right or not verdict.converged
    assert len(verdict.warnings) == (not verdict.converged)


def count(front_ends, names):
    """Return how many fits are wrong, wrong without a warning, and warned although right, and their number."""
    verdicts = [fit(*pair) for pair in itertools.product(front_ends, names) if not is_slow(*pair)]
    wrong = sum(not verdict.right for verdict in verdicts)
    alarms = sum(verdict.right and bool(verdict.warnings) for verdict in verdicts)
    return wrong, sum(verdict.silent for verdict in verdicts), alarms, len(verdicts)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_no_fit_is_wrong_none_is_silent_and_one_in_a_hundred_may_warn(front_end):
    wrong, silent, alarms, fits = count([front_end], DATASETS)
    assert (wrong, silent) == (0, 0)
    assert alarms <= 0.01 * fits
    assert fits > 150


# Digits of the certified weights that every front end must have.
DIGITS = {
    "Norris": 12, "NoInt1": 12, "NoInt2": 12, "Pontius": 11, "Longley": 11, "Wampler1": 9, "Wampler2": 10,
    "Wampler3": 9, "Wampler4": 7.5, "Wampler5": 5.5, "Filip": 6,
}  # fmt: skip


@pytest.mark.parametrize("front_end", FRONT_ENDS)
@pytest.mark.parametrize("name", DIGITS)
def test_certified_weights_have_their_digits(front_end, name):
    assert strd.lre(fit(front_end, f"NIST {name}").weights, strd.PROBLEMS[name].weights) >= DIGITS[name]


SEVERAL_SOLUTIONS = [
    "a column twice", "a column twice, without intercept", "columns times numbers", "sums of columns",
    "dummies of two categories", "dummies, all, with intercept", "20 × 50, with intercept",
    "20 × 50, without intercept", "2 × 10, with intercept", "constant column of 7.3", "wide, columns at 1e6",
]  # fmt: skip


@pytest.mark.parametrize("front_end", FRONT_ENDS)
@pytest.mark.parametrize("name", SEVERAL_SOLUTIONS)
def test_of_all_solutions_every_front_end_takes_the_one_of_least_norm(front_end, name):
    dataset = DATASETS[name]
    X, y = dataset.X, dataset.y
    if dataset.fit_intercept:
        X, y = X - average(X.astype(np.longdouble)), y - y.mean()
    X = np.where(np.abs(X).max(axis=0) > 1e-12 * np.abs(dataset.X).max(axis=0), X, 0.0).astype(np.float64)
    expected = np.linalg.lstsq(X, y, rcond=1e-12)[0]
    coef = fit(front_end, name).weights[int(dataset.fit_intercept) :]
    np.testing.assert_allclose(coef, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


# ---- what goes wrong must say so, by any rates


NAMED_CASES = [
    "seconds since 1970", "fourth column 1e-7 beside the first", "NIST Wampler1", "NIST Wampler5", "NIST Filip",
    "ridge of 1e14 and an intercept", "uniform between 1e14 and 2e14", "far column beside two columns 1e-4 apart",
    "columns at 1e12", "ridge of 0.01, columns from 1e-4 to 1", "float32, 60 × 58, 0",
]  # fmt: skip


def assert_not_quietly_wrong(verdict):
    assert verdict.right or not verdict.converged
    assert len(verdict.warnings) == (not verdict.converged)


@pytest.mark.parametrize("precondition", ["none", "standardize"])
@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("schedule", ["constant", "chebyshev", "eigenvalues", "silver"])
@pytest.mark.parametrize("name", NAMED_CASES)
def test_no_named_schedule_is_quietly_wrong(name, schedule, compress, precondition):
    options = {"learning_rate": schedule, "compress": compress, "precondition": precondition}
    assert_not_quietly_wrong(judge(DATASETS[name], lambda dataset: by_function(dataset, **options)))


@pytest.mark.slow
@pytest.mark.parametrize("fit", [by_function, by_estimator])
@pytest.mark.parametrize("schedule", ["constant", "chebyshev", "eigenvalues", "silver"])
@pytest.mark.parametrize("name", [name for name, dataset in DATASETS.items() if dataset.quick == "all"])
def test_no_schedule_is_quietly_wrong_on_any_data(name, schedule, fit):
    assert_not_quietly_wrong(judge(DATASETS[name], lambda dataset: fit(dataset, learning_rate=schedule)))


@pytest.mark.parametrize("seeds", [range(100, 150), pytest.param(range(150, 664), marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize("schedule", ["auto", "constant", "chebyshev"])
def test_random_near_duplicates(schedule, seeds):
    for seed in seeds:
        dataset = Dataset(lambda seed=seed: near_duplicates(seed))
        verdict = judge(dataset, lambda dataset: by_function(dataset, learning_rate=schedule))
        assert_not_quietly_wrong(verdict)
        assert verdict.converged or schedule != "auto"


# ---- random spectra and offsets, with the exact answer


@st.composite
def spectra(draw):
    """Return X with drawn spectrum, offsets and scales, y, and whether to fit an intercept."""
    p = draw(st.integers(1, 4))
    n = draw(st.integers(p + 2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    left, right = (np.linalg.qr(rng.standard_normal((rows, p)))[0] for rows in (n, p))
    exponents = st.lists(st.floats(-14, 0), min_size=p, max_size=p)
    offsets = st.lists(st.none() | st.floats(-3, 13), min_size=p, max_size=p)
    X = (left * 10.0 ** np.array(draw(exponents))) @ right.T
    X /= np.maximum(X.std(axis=0), 1e-300)
    X += [0.0 if offset is None else 10.0**offset for offset in draw(offsets)]
    X *= 10.0 ** np.array(draw(st.lists(st.integers(-6, 6), min_size=p, max_size=p)))
    signal = (X / np.abs(X).max(axis=0)) @ rng.standard_normal(p) * draw(st.integers(0, 1))
    y = signal + 10.0 ** draw(st.floats(-6, 1)) * rng.standard_normal(n) + draw(st.sampled_from([0.0, 1.0, -1e4, 1e9]))
    return X, y, draw(st.booleans())


def measure_spectrum(dataset):
    """Return the singular values of the standardized columns, and the rounding of the columns along each direction."""
    means = dataset.X.mean(axis=0) * dataset.fit_intercept
    moved = dataset.X - means
    scales = np.sqrt(np.square(moved).mean(axis=0))
    _, values, right = np.linalg.svd(moved / scales, full_matrices=False)
    return values / np.sqrt(len(moved)), EPSILON * np.linalg.norm(right * np.maximum(np.abs(means) / scales, 1), axis=1)


def is_determined(dataset):
    """Return True if rounding the data changes the predictions by less than 1e-5 of a deviation of y."""
    values, rounding = measure_spectrum(dataset)
    return (rounding / values).max() + EPSILON * np.abs(dataset.y).max() / measure_unit(dataset) < 1e-5


def is_open(dataset):
    """Return True if the data leave open whether a direction is zero: if it is about as long as its rounding."""
    values, rounding = measure_spectrum(dataset)
    return bool(((values > rounding / 30) & (values < 30 * rounding)).any())


@settings(deadline=None, max_examples=300, derandomize=True)  # a wider search is no matter of luck in CI
@given(problem=spectra())
def test_a_fit_that_says_converged_has_the_exact_answer(problem):
    X, y, fit_intercept = problem
    assume((np.ptp(X, axis=0) > 0).all() and np.ptp(y) > 0)
    weights = solve_exactly(X, y, fit_intercept)
    assume(weights is not None)
    dataset = Dataset(lambda: (X, y), fit_intercept)
    verdict = judge(dataset, by_function)
    assert len(verdict.warnings) == (not verdict.converged)
    error = measure_error(dataset, verdict.weights, predict_exactly(X, weights))
    if is_determined(dataset):
        assert verdict.converged
        assert error < WRONG
    # Directions below the rounding of the columns are zero by definition: the oracle leaves them out, rationals do not.
    elif verdict.converged and not is_open(dataset):
        assert min(error, verdict.error) < WRONG


# ---- the oracle


@pytest.mark.parametrize("name", strd.PROBLEMS)
def test_the_oracle_agrees_with_rational_arithmetic_on_certified_data(name):
    problem = strd.PROBLEMS[name]
    exact = predict_exactly(problem.X, solve_exactly(problem.X, problem.y, problem.fit_intercept))
    found = predict(problem.X, problem.y, problem.fit_intercept)
    np.testing.assert_allclose(found, exact, atol=1e-3 * WRONG * problem.y.std())


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_oracle_agrees_with_rational_arithmetic_on_near_duplicates(seed, alpha):
    X, y = (part[:20] for part in near_duplicates(seed))
    exact = predict_exactly(X, solve_exactly(X, y, alpha=alpha))
    np.testing.assert_allclose(predict(X, y, alpha=alpha), exact, atol=1e-3 * WRONG * y.std())


def test_the_oracle_leaves_out_directions_of_rounding():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = rng.standard_normal(30)
    more = np.column_stack([X, 0.1 * X[:, 0] + 0.7 * X[:, 1], np.full(30, 0.1), np.full(30, 1.7e18)])
    np.testing.assert_allclose(predict(more, y), predict(X, y), atol=1e-12)
