"""The same numbers in every accepted form give the same answer, and fastgd never writes to them."""

from fractions import Fraction

import numpy as np
import pytest
from forms import FORMS
from masks import MASKED_FORMS
from problems import PROBLEMS

import fastgd
from fastgd import Compressor
from fastgd.inputs.data import check_problem
from fastgd.inputs.masks import has_masked
from fastgd.streaming import fit_array, fit_batches

# Every form holds these whole numbers exactly.
X = np.random.default_rng(4).integers(-9, 10, (23, 4)).astype(np.float64)
Y = X @ [1.0, -2.0, 0.0, 3.0] + np.random.default_rng(5).integers(-3, 4, 23)

PLAIN = {"learning_rate": "constant", "compress": False}  # plain descent on the rows of the data


@pytest.fixture(scope="module")
def expected():
    return fastgd.gradient_descent(X, Y).weights


def assert_same_answer(expected, X, y):
    for settings in ({}, PLAIN | {"tol": 0, "epochs": 4000}):
        result = fastgd.gradient_descent(X, y, **settings)
        np.testing.assert_allclose(result.weights, expected, rtol=1e-12, atol=1e-12)


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


@pytest.mark.parametrize("settings", [{}, PLAIN], ids=["auto", "plain"])
def test_bools_count_as_0_and_1(backend, settings):
    yes = np.array([[True, False], [False, True], [True, True], [False, False]])
    result = fastgd.gradient_descent(yes, [True, False, True, False], backend=backend, **settings)
    np.testing.assert_allclose(result.weights, [0.0, 1.0, 0.0], atol=1e-7)


@pytest.mark.parametrize(
    ("setting", "plain"),
    [
        ({"epochs": np.int32(20), "tol": 0}, {"epochs": 20, "tol": 0}),
        ({"check_every": np.uint8(7)}, {"check_every": 7}),
        ({"fit_intercept": 0}, {"fit_intercept": False}),
        ({"fit_intercept": np.True_}, {"fit_intercept": True}),
        ({"tol": Fraction(1, 1024)}, {"tol": 2.0**-10}),
        ({"tol": np.float32(2.0**-10)}, {"tol": 2.0**-10}),
        ({"learning_rate": np.float32(2.0**-7), "tol": 0}, {"learning_rate": 2.0**-7, "tol": 0}),
        ({"learning_rate": Fraction(1, 128), "tol": 0}, {"learning_rate": 2.0**-7, "tol": 0}),
        ({"learning_rate": ([2.0**-7] * 1000), "tol": 0}, {"learning_rate": 2.0**-7, "tol": 0}),
        ({"weights": [1, 2, 3, 4, 5]}, {"weights": np.arange(1.0, 6.0)}),
        ({"threads": 2}, {}),
        ({"threads": None}, {}),
    ],
    ids=str,
)
def test_every_form_of_the_same_setting_gives_the_same_run(setting, plain):
    given, usual = (fastgd.gradient_descent(X, Y, **(PLAIN | settings)) for settings in (setting, plain))
    assert (given.epochs, given.reason) == (usual.epochs, usual.reason)
    np.testing.assert_array_equal(given.weights, usual.weights)


@pytest.mark.parametrize("form", ["Fortran", "float32", "gaps", "int8", "byte-swapped", "whole objects"])
def test_no_argument_is_written_to(backend, form):
    given = [FORMS[form](X), FORMS[form](Y), np.full(5, 0.5), np.full(50, 1e-3)]
    before = [array.tobytes() for array in given]
    settings = {"weights": given[2], "backend": backend, "tol": 0}
    fastgd.gradient_descent(*given[:2], **settings)
    result = fastgd.gradient_descent(*given[:2], **settings, learning_rate=given[3], compress=False)
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


@pytest.mark.filterwarnings("ignore::fastgd.ConvergenceWarning")  # 50 epochs are too few for most of the problems
@pytest.mark.parametrize("settings", [{}, PLAIN], ids=["auto", "plain"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_awkward_problem_ends_above_its_first_cost(backend, name, settings):
    X, y = PROBLEMS[name]()
    result = fastgd.gradient_descent(X, y, backend=backend, epochs=50, **settings)
    assert result.reason in ("cost", "gradient", "epochs")
    assert fastgd.cost(X, y, result.weights) <= fastgd.cost(X, y, 0 * result.weights)


@pytest.mark.parametrize("settings", [{}, PLAIN], ids=["auto", "plain"])
@pytest.mark.parametrize("factor", [1e138, 1e-139])
def test_numbers_at_the_ends_of_the_range_keep_their_digits(factor, settings):
    result = fastgd.gradient_descent(X * factor, Y * factor, fit_intercept=False, tol=0, **settings)
    np.testing.assert_allclose(result.coef, np.linalg.lstsq(X, Y, rcond=None)[0], rtol=1e-10)


def test_a_column_whose_squares_overflow_is_refused_for_its_mean_square():
    features = np.array([[1e308, 1.0], [1e308, 2.0]])
    with pytest.raises(ValueError, match="X must have a mean square"):
        fastgd.gradient_descent(features, [1.0, 2.0])


# ---- masked arrays


POSITIONS = np.arange(23) == 20
FRONTS = {
    "gradient_descent": lambda X, y, s: fastgd.gradient_descent(X, y, sample_weight=s).weights,
    "compress": lambda X, y, s: fastgd.compress(X, y, sample_weight=s)[0],
    "Compressor": lambda X, y, s: Compressor().add(X, y, s),
    "fit_array": lambda X, y, s: fit_array(X, y, sample_weight=s).weights,
    "fit_batches": lambda *data: fit_batches([(X, Y, np.ones(23)), data]).weights,
    "fit_batches that skips": lambda X, y, s: fit_batches([(X, y, s)], missing="skip").weights,
}


@pytest.mark.parametrize("form", MASKED_FORMS)
@pytest.mark.parametrize("front", FRONTS)
def test_numbers_under_a_mask_are_never_read(front, form):
    weights = np.ones(23)
    plain = {"X": X, "y": Y, "sample_weight": weights}
    masks = {"X": np.outer(POSITIONS, [0, 1, 0, 0]), "y": POSITIONS, "sample_weight": POSITIONS}
    for name, mask in masks.items():
        given = plain | {name: MASKED_FORMS[form](np.ma.array(plain[name], mask=mask))}
        with pytest.raises(ValueError, match=f"{name} must not have masked values; fill or drop them first"):
            FRONTS[front](*given.values())


@pytest.mark.parametrize("form", MASKED_FORMS)
@pytest.mark.parametrize("mask", [np.ma.nomask, False], ids=["no mask", "mask of False"])
def test_masked_arrays_in_which_nothing_is_masked_are_arrays(expected, mask, form):
    make = MASKED_FORMS[form]
    assert_same_answer(expected, make(np.ma.array(X, mask=mask)), make(np.ma.array(Y, mask=mask)))


@pytest.mark.parametrize("form", MASKED_FORMS)
def test_functions_of_given_weights_read_no_number_under_a_mask(form):
    result = fastgd.gradient_descent(X, Y)
    rows = MASKED_FORMS[form](np.ma.array(X, mask=np.outer(POSITIONS, [0, 1, 0, 0])))
    y = MASKED_FORMS[form](np.ma.array(Y, mask=POSITIONS))
    for function in (fastgd.cost, fastgd.gradient):
        for data, name in (((rows, Y), "X"), ((X, y), "y")):
            with pytest.raises(ValueError, match=f"{name} must not have masked values"):
                function(*data, result.weights)
    with pytest.raises(ValueError, match="X must not have masked values"):
        result.predict(rows)


def test_masked_objects_are_refused_without_their_values():
    objects = Y.astype(object)
    objects[3] = np.ma.masked
    with pytest.raises(ValueError, match="y must not have masked values"):
        fastgd.gradient_descent(X, objects)


@pytest.mark.parametrize("values", ["text", b"bytes", memoryview(np.ones((2, 2))), range(3), None, 1.0, {}, [[], [[]]]])
def test_values_without_a_mask_have_none_masked(values):
    assert not has_masked(values)


def test_a_list_that_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises((TypeError, ValueError), match=r"^X must"):
        fastgd.gradient_descent(endless, Y)


# ---- one number as the weight of every row


def test_one_number_is_the_weight_of_every_row(expected):
    np.testing.assert_allclose(fastgd.gradient_descent(X, Y, sample_weight=2.5).weights, expected, rtol=1e-9, atol=1e-9)
    one, other = Compressor(), Compressor()
    for compressor, weights in ((one, Fraction(1, 4)), (other, np.full(9, 0.25))):
        compressor.add(X[:9], Y[:9], weights)
        compressor.add(X[9:], Y[9:])
    np.testing.assert_array_equal(one.problem()[0], other.problem()[0])
    for wrong in (-1.0, np.nan, 0.0, 1j, "1", np.array(1.0)):
        with pytest.raises((ValueError, TypeError), match="sample_weight must"):
            fastgd.gradient_descent(X, Y, sample_weight=wrong)
