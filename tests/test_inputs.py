"""The same numbers in every accepted form give the same answer, and fastgd never writes to them."""

from fractions import Fraction

import numpy as np
import pytest
from forms import FORMS
from problems import PROBLEMS

import fastgd
from fastgd.inputs.data import check_problem

# Every form holds these whole numbers exactly.
X = np.random.default_rng(4).integers(-9, 10, (23, 4)).astype(np.float64)
Y = X @ [1.0, -2.0, 0.0, 3.0] + np.random.default_rng(5).integers(-3, 4, 23)


@pytest.fixture(scope="module")
def expected():
    return fastgd.gradient_descent(X, Y).weights


def assert_same_answer(expected, X, y):
    np.testing.assert_allclose(fastgd.gradient_descent(X, y).weights, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_same_numbers_gives_the_same_answer(expected, form):
    assert_same_answer(expected, FORMS[form](X), Y)
    assert_same_answer(expected, X, FORMS[form](Y))


@pytest.mark.parametrize("form", FORMS)
def test_kernels_get_arrays_as_the_contract_says(form):
    taken, target = check_problem(FORMS[form](X), FORMS[form](Y))
    assert taken.dtype in (np.float32, np.float64)
    assert target.dtype == np.float64
    for array in (taken, target):
        assert array.dtype.isnative
        assert array.flags.aligned
        assert array.flags.c_contiguous or array.flags.f_contiguous


@pytest.mark.parametrize("form", ["float32", "Fortran", "Fortran float32", "read-only"])
def test_usable_data_are_not_copied(form):
    given = FORMS[form](X)
    assert np.shares_memory(check_problem(given, Y)[0], given)


def test_reversed_columns_give_reversed_weights(expected):
    assert_same_answer(expected[[0, 4, 3, 2, 1]], X[:, ::-1], Y)


def test_a_target_of_one_column_gives_the_same_answer(expected):
    assert_same_answer(expected, X, Y.reshape(-1, 1))
    assert_same_answer(expected, X, np.asfortranarray(Y.reshape(-1, 1)).tolist())


def test_bools_count_as_0_and_1(backend):
    yes = np.array([[True, False], [False, True], [True, True], [False, False]])
    result = fastgd.gradient_descent(yes, [True, False, True, False], backend=backend)
    np.testing.assert_allclose(result.weights, [0.0, 1.0, 0.0], atol=1e-7)


@pytest.mark.parametrize(
    ("setting", "plain"),
    [
        ({"epochs": np.int32(20)}, {"epochs": 20}),
        ({"check_every": np.uint8(7)}, {"check_every": 7}),
        ({"fit_intercept": 0}, {"fit_intercept": False}),
        ({"fit_intercept": np.True_}, {"fit_intercept": True}),
        ({"tol": Fraction(1, 1024)}, {"tol": 2.0**-10}),
        ({"tol": np.float32(2.0**-10)}, {"tol": 2.0**-10}),
        ({"learning_rate": np.float32(2.0**-7)}, {"learning_rate": 2.0**-7}),
        ({"learning_rate": Fraction(1, 128)}, {"learning_rate": 2.0**-7}),
        ({"learning_rate": ([2.0**-7] * 1000)}, {"learning_rate": 2.0**-7}),
        ({"weights": [1, 2, 3, 4, 5]}, {"weights": np.arange(1.0, 6.0)}),
        ({"threads": 2}, {}),
        ({"threads": None}, {}),
    ],
    ids=str,
)
def test_every_form_of_the_same_setting_gives_the_same_run(setting, plain):
    given, usual = fastgd.gradient_descent(X, Y, **setting), fastgd.gradient_descent(X, Y, **plain)
    assert (given.epochs, given.reason) == (usual.epochs, usual.reason)
    np.testing.assert_array_equal(given.weights, usual.weights)


@pytest.mark.parametrize("form", ["Fortran", "float32", "gaps", "int8", "byte-swapped", "whole objects"])
def test_no_argument_is_written_to(backend, form):
    given = [FORMS[form](X), FORMS[form](Y), np.full(5, 0.5), np.full(50, 1e-3)]
    before = [array.tobytes() for array in given]
    result = fastgd.gradient_descent(
        given[0], given[1], weights=given[2], learning_rate=given[3], epochs=50, backend=backend
    )
    result.predict(given[0])
    fastgd.cost(*given[:3])
    fastgd.gradient(*given[:3])
    result.weights[:], result.rates[:], result.coef[:] = 0, 0, 0
    assert [array.tobytes() for array in given] == before


def test_weights_and_coef_of_a_result_share_no_memory():
    result = fastgd.gradient_descent(X, Y)
    kept = result.weights.copy()
    result.coef[:] = 0
    np.testing.assert_array_equal(result.weights, kept)


@pytest.mark.filterwarnings("ignore::fastgd.ConditionWarning")  # a few of the problems are ill-conditioned
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_awkward_problem_ends_above_its_first_cost(backend, name):
    X, y = PROBLEMS[name]()
    result = fastgd.gradient_descent(X, y, backend=backend, epochs=50)
    assert result.reason in ("cost", "gradient", "epochs")
    assert fastgd.cost(X, y, result.weights) <= fastgd.cost(X, y, 0 * result.weights)


@pytest.mark.parametrize("factor", [1e138, 1e-139])
def test_numbers_at_the_ends_of_the_range_keep_their_digits(factor):
    result = fastgd.gradient_descent(X * factor, Y * factor, fit_intercept=False, tol=0)
    np.testing.assert_allclose(result.coef, np.linalg.lstsq(X, Y, rcond=None)[0], rtol=1e-10)


def test_a_column_whose_squares_overflow_is_refused_for_its_mean_square():
    features = np.array([[1e308, 1.0], [1e308, 2.0]])
    with pytest.raises(ValueError, match="X must have a mean square"):
        fastgd.gradient_descent(features, [1.0, 2.0])
