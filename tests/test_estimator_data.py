"""The estimator takes weights, masks and Dask collections in all their forms, as scikit-learn does or better."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from masks import MASKED_FORMS
from problems import random_problem

pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")

from scipy import sparse
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.linear_model import LinearRegression

from fastgd import GradientDescentRegressor

X, Y = random_problem(200, 5)
TARGETS = np.column_stack([Y, 3 - 2 * X[:, 0] + X[:, 1] ** 2, np.sin(X[:, 2])])
COUNTS = np.random.default_rng(5).integers(0, 4, 200).astype(float)


def precise(**options):
    return GradientDescentRegressor(**{"tol": 1e-12, "learning_rate": "eigenvalues"} | options)


def as_dense(*columns):
    return columns


def as_sparse(rows, *columns):
    return sparse.csr_array(rows), *columns


def as_dask_arrays(*columns):
    """Return arrays of Dask in blocks of 60 rows; a number and None stay as they are."""
    da = pytest.importorskip("dask.array", reason="Dask is an extra")
    return [da.from_array(c, chunks=(60, *c.shape[1:])) if isinstance(c, np.ndarray) else c for c in columns]


def as_dask_frames(*columns):
    """Return data frames and series of Dask, whose partitions have unknown lengths; the fourth of the five is empty."""
    dd = pytest.importorskip("dask.dataframe", reason="Dask is an extra")
    pd = pytest.importorskip("pandas", reason="Dask's frames are pandas'")

    def cut(array):
        names = [f"c{j}" for j in range(array.shape[1])] if array.ndim == 2 else None
        frame = pd.Series(array, name="c") if names is None else pd.DataFrame(array, columns=names)
        cuts = [slice(0, 30), slice(30, 90), slice(90, 150), slice(150, 150), slice(150, None)]
        return dd.from_map(lambda part: frame.iloc[part], cuts, meta=frame.iloc[:0])

    return [cut(c) if isinstance(c, np.ndarray) else c for c in columns]


WAYS = [as_dense, as_sparse, as_dask_arrays, as_dask_frames]


# ---- the shape of y


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("y", [Y, Y[:, np.newaxis], TARGETS], ids=["vector", "column", "three"])
def test_the_shape_of_y_decides_the_shapes_of_the_attributes(y, way, method):
    rows, targets = way(X, y)
    model, theirs = getattr(precise(), method)(rows, targets), LinearRegression().fit(X, y)
    assert isinstance(model.intercept_, float) == (y.ndim == 1)
    assert np.shape(model.intercept_) == np.shape(theirs.intercept_)
    assert np.shape(model.stop_reason_) == y.shape[1:]
    assert model.coef_.shape == theirs.coef_.shape
    predictions = np.asarray(model.predict(rows))
    assert predictions.shape == theirs.predict(X).shape == y.shape
    np.testing.assert_allclose(predictions, theirs.predict(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, rtol=1e-9)


# ---- one number as the weight of every row


@pytest.mark.parametrize("weight", [2.5, 3, np.float32(0.1), True, Fraction(1, 3), 1e-200], ids=repr)
@pytest.mark.parametrize("way", WAYS)
def test_one_number_is_the_weight_of_every_row(way, weight):
    rows, y = way(X, Y)
    model, theirs = precise().fit(rows, y, weight), LinearRegression().fit(X, Y, weight)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, rtol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_one_number_weighs_a_part_against_the_others(way):
    model = precise(alpha=0.1).partial_fit(*way(X[:150], Y[:150]), 0.25).partial_fit(*way(X[150:], Y[150:]), 3)
    whole = precise(alpha=0.1).fit(X, Y, np.repeat([0.25, 3.0], [150, 50]))
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-9)


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (0, ValueError, "must be above 0 in at least one row"),
        (False, ValueError, "must be above 0 in at least one row"),
        (-1.0, ValueError, "must not be negative; got -1.0"),
        (np.nan, ValueError, "must be finite; got nan"),
        (np.inf, ValueError, "must be finite; got inf"),
        (10**400, ValueError, "must hold numbers in the range of float64"),
        (1j, TypeError, "must hold real numbers"),
        ("2", TypeError, "must hold real numbers"),
        (np.array(2.0), ValueError, r"must have shape \(200,\), one for each row; got shape \(\)"),
        (np.True_, ValueError, r"must have shape \(200,\), one for each row; got shape \(\)"),
        ([2.0], ValueError, r"must have shape \(200,\), one for each row; got shape \(1,\)"),
        (np.ma.masked, ValueError, "must not have masked values"),
    ],
    ids=repr,
)
def test_a_weight_that_linear_regression_refuses_is_refused(weight, error, message):
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(error, match=f"sample_weight {message}"):
            precise().fit(rows, Y, weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of complex and infinite numbers
        with pytest.raises((ValueError, TypeError, ArithmeticError)):  # too large, or a sum of zero
            LinearRegression().fit(X, Y, weight)


@pytest.mark.parametrize("weight", [0, -1.0, np.nan, 1j], ids=repr)
@pytest.mark.parametrize("way", [as_dask_arrays, as_dask_frames])
def test_dask_refuses_the_same_weights(way, weight):
    with pytest.raises((ValueError, TypeError), match="sample_weight must"):
        precise().fit(*way(X, Y), weight)


# ---- parts of weight zero


@pytest.mark.parametrize("y", [Y, TARGETS], ids=["one target", "three"])
@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_a_part_of_weight_zero_changes_nothing(way, zeros, y):
    counts, model = COUNTS + 0.5, precise(alpha=0.05)
    counts[slice(*[(0, 60), (60, 150), (150, 200)][zeros])] = 0
    for part in (slice(0, 60), slice(60, 150), slice(150, 200)):
        model.partial_fit(*way(X[part], y[part], counts[part]))
    whole = precise(alpha=0.05).fit(X, y, counts)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("zeros", [np.zeros(200), 0.0], ids=["array", "number"])
@pytest.mark.parametrize("way", WAYS)
def test_a_fit_needs_a_row_that_counts(way, zeros):
    with pytest.raises(ValueError, match="sample_weight must be above 0 in at least one row"):
        precise().fit(*way(X, Y, zeros))
    model = precise().partial_fit(*way(X, Y, zeros))
    with pytest.raises(NotFittedError):
        model.predict(X)
    with pytest.raises(ValueError, match=r"X has 3 features|X must have 5 columns, as before; got 3"):
        model.partial_fit(*way(X[:, :3], Y, zeros))
    np.testing.assert_allclose(model.partial_fit(*way(X, Y)).coef_, precise().fit(X, Y).coef_, rtol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_a_part_of_weight_zero_keeps_the_weights_of_the_last_fit_if_they_have_its_shape(way):
    model = precise().fit(X, Y)
    coef = model.coef_
    assert model.partial_fit(*way(X, Y, np.zeros(200))).coef_ is coef
    few = X[:, :3]
    model = precise().fit(X, Y).partial_fit(*way(few, Y, np.zeros(200)))
    with pytest.raises(NotFittedError):
        model.predict(few)
    np.testing.assert_allclose(model.partial_fit(*way(few, Y)).coef_, precise().fit(few, Y).coef_, rtol=1e-9)


def test_a_dask_part_without_rows_is_refused():
    rows, y = as_dask_arrays(X, Y)
    none = rows[:, 0] > 1e9
    with pytest.raises(ValueError, match="X must have at least one row; got none"):
        precise().partial_fit(rows[none], y[none])
    with pytest.raises(ValueError, match="X must have at least one row; got none"):
        precise().fit(X, Y).score(rows[none], y[none])


# ---- scores of Dask collections


@pytest.mark.parametrize("y", [Y, Y[:, np.newaxis], TARGETS, Y + 1e9], ids=["vector", "column", "three", "far from 0"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("way", [as_dask_arrays, as_dask_frames])
def test_dask_gives_the_score_of_all_rows(way, weighted, y):
    counts = np.where(np.arange(200) < 90, 0.0, COUNTS) if weighted else None  # no row of the first partition counts
    model = precise().fit(X[:50], y[:50] + 0.5)
    rows, targets, weights = way(X, y, counts)
    score = model.score(rows, targets, weights)
    assert isinstance(score, float)
    assert score == pytest.approx(model.score(X, y, counts), rel=1e-9)
    if way is as_dask_arrays:
        assert model.score(rows, y, counts) == score
        assert model.score(X, targets, weights) == model.score(X, y, counts)


def test_the_score_of_a_constant_target_is_that_of_scikit_learn():
    constant = np.column_stack([np.full(200, 0.1), np.full(200, 0.3)])
    model = precise().fit(X, constant)
    model.coef_, model.intercept_ = np.zeros((2, 5)), np.array([0.1, 0.5])
    rows, targets = as_dask_arrays(X, constant)
    assert model.score(rows, targets) == 0.5  # the first target is met, the second is not
    assert model.score(rows, targets) == model.score(np.zeros((2, 5)), [[0.1, 0.3], [0.1, 0.3]])


def test_the_score_of_one_row_is_not_defined():
    model, (rows, y) = precise().fit(X, Y), as_dask_arrays(X[:1], Y[:1])
    for data in ((X[:1], Y[:1]), (rows, y)):
        with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
            assert np.isnan(model.score(*data))


def test_a_score_of_dask_collections_refuses_what_their_fit_refuses():
    model, (rows, y, counts) = precise().fit(X, Y), as_dask_arrays(X, Y, COUNTS)
    spoiled = np.where(np.arange(200) == 130, np.nan, Y)
    for data, message in (
        ((rows[:, :3], y), "X must have 5 columns, as in the fit; got 3"),
        ((rows, *as_dask_arrays(TARGETS)), "y must have 1 column"),
        ((rows, y[:100]), "X and y must have the same number of rows"),
        ((rows, y, -counts), r"in block \d \(counted from 0\), sample_weight must not be negative"),
        ((rows, y, 0 * counts), "sample_weight must be above 0 in at least one row"),
        ((rows, *as_dask_arrays(spoiled)), r"in block 2 \(counted from 0\), y must be finite; got nan at row 10"),
        (
            (*as_dask_arrays(X / abs(X).max() * 1e308), y),
            r"in block \d \(counted from 0\), X must have predictions in the range of float64",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            model.score(*data)
    with pytest.raises(NotFittedError):
        precise().score(rows, y)
    rows, y = as_dask_frames(X, Y)
    model = precise().fit(rows, y)
    with pytest.raises(ValueError, match="X must have the columns of the fit"):
        model.score(rows[["c1", "c0", "c2", "c3", "c4"]], y)


# ---- masked arrays


@pytest.mark.parametrize("form", MASKED_FORMS)
def test_numbers_under_a_mask_are_never_read(form):
    make, model = MASKED_FORMS[form], precise().fit(X, Y)
    mask = np.arange(200) == 150
    rows, y = make(np.ma.array(X, mask=np.outer(mask, np.arange(5) == 2))), make(np.ma.array(Y, mask=mask))
    counts = make(np.ma.array(COUNTS, mask=mask))
    for name, data in {"X": (rows, Y, COUNTS), "y": (X, y, COUNTS), "sample_weight": (X, Y, counts)}.items():
        for method in (precise().fit, precise().partial_fit, model.score):
            with pytest.raises(ValueError, match=f"{name} must not have masked values; fill or drop them first"):
                method(*data)
    with pytest.raises(ValueError, match="X must not have masked values; fill or drop them first"):
        model.predict(rows)


@pytest.mark.parametrize("form", MASKED_FORMS)
@pytest.mark.parametrize("mask", [np.ma.nomask, False], ids=["no mask", "mask of False"])
def test_masked_arrays_in_which_nothing_is_masked_are_arrays(mask, form):
    arrays = (10 * X).round(), (10 * Y).round(), COUNTS  # whole numbers, which all forms hold exactly
    data = [MASKED_FORMS[form](np.ma.array(array, mask=mask)) for array in arrays]
    plain = precise().fit(*arrays)
    for model in (precise().fit(*data), precise().partial_fit(*data)):
        np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-9)
        np.testing.assert_allclose(model.predict(data[0]), plain.predict(arrays[0]), rtol=1e-5, atol=1e-5)
        assert model.score(*data) == pytest.approx(plain.score(*arrays), rel=1e-5)


def test_masked_objects_are_refused_without_their_values():
    objects = Y.astype(object)
    objects[3] = np.ma.masked
    with pytest.raises(ValueError, match="y must not have masked values"):
        precise().fit(X, objects)
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    with pytest.raises(ValueError, match="y must not have masked values"):
        precise().fit(X, pd.Series(objects))
    with pytest.raises(ValueError, match="X must not have masked values"):
        precise().fit(pd.DataFrame({"a": X[:, 0], "b": objects}), Y)


def test_masked_blocks_of_dask_are_refused():
    rows, y, counts = as_dask_arrays(X, Y, COUNTS)
    model, ma = precise().fit(X, Y), pytest.importorskip("dask.array").ma
    mask = np.arange(200) == 150
    masked_rows = ma.masked_array(rows, np.broadcast_to(mask[:, np.newaxis], X.shape))
    for data, name in (
        ((masked_rows, y, counts), "X"),
        ((rows, ma.masked_array(y, mask), counts), "y"),
        ((rows, ma.masked_array(y, mask).rechunk(70), counts), "y"),
        ((rows, y, ma.masked_array(counts, mask)), "sample_weight"),
        ((rows, np.ma.array(Y, mask=mask), counts), "y"),
        ((rows, list(np.ma.array(Y[:, np.newaxis], mask=mask)), counts), "y"),
        ((rows, Y, list(np.ma.array(COUNTS, mask=mask))), "sample_weight"),
    ):
        for method in (precise().fit, precise().partial_fit, model.score):
            with pytest.raises(ValueError, match=f"{name} must not have masked values"):
                method(*data)
    with pytest.raises(ValueError, match="X must not have masked values"):
        model.predict(masked_rows).compute()
    with pytest.raises(ValueError, match="y must not have masked values"):
        model.score(X, ma.masked_array(y, mask))
    np.testing.assert_allclose(
        precise().fit(ma.masked_array(rows, np.zeros(X.shape, bool)), y, counts).coef_,
        precise().fit(X, Y, COUNTS).coef_,
        rtol=1e-9,
    )


# ---- messages name the argument

BAD = {
    "None": ([[1.0, None]] * 4, r"must be finite; got a missing value \(NaN\) at row 0, column 1"),
    "text": ([["a", 1.0]] * 4, "must hold real numbers; got an array of dtype <U"),
    "digits": ([["1", "2"]] * 4, "must hold real numbers; got an array of dtype <U1"),
    "dates": (
        np.array([["2020-01-01"] * 2] * 4, "M8[D]"),
        r"must hold real numbers; got an array of dtype datetime64\[D\]",
    ),
    "a dict": ({"a": [1.0]}, r"must hold real numbers; got \{'a': \[1.0\]\}, a dict"),
    "dicts": ([[{"a": 1.0}, 2.0]] * 4, r"must hold real numbers; got \{'a': 1.0\}, a dict, at row 0, column 0"),
    "a set": ({1.0, 2.0}, "must hold real numbers; got {1.0, 2.0}, a set"),
    "records": (np.zeros(4, "f8,f8"), "must hold real numbers; got an array of dtype"),
    "ragged rows": ([[1.0], [2.0, 3.0], [1.0], [2.0]], "must be a rectangular array of numbers"),
    "complex numbers": (np.ones((4, 2)) * 1j, "must hold real numbers; got an array of dtype complex128"),
    "large integers": ([[10**400, 1.0]] * 4, "must hold numbers in the range of float64"),
    "NaN": (np.full((4, 2), np.nan), r"must be finite; got nan at row 0, column 0 \(counted from 0\)"),
    "infinity": (np.full((4, 2), -np.inf), "must be finite; got -inf at row 0, column 0"),
}
ROWS, THREE = np.array([[1.0, 2.0], [2.0, 1.0], [0.0, 3.0], [1.0, 1.0]]), np.arange(4.0)


@pytest.mark.parametrize("bad", BAD)
def test_messages_name_x_and_y(bad):
    values, message = BAD[bad]
    fitted = GradientDescentRegressor().fit(ROWS, THREE)
    several = GradientDescentRegressor().fit(ROWS, np.column_stack([THREE, THREE]))
    new = GradientDescentRegressor()
    for call in (
        lambda: new.fit(values, THREE),
        lambda: new.partial_fit(values, THREE),
        lambda: fitted.predict(values),
    ):
        with pytest.raises((ValueError, TypeError), match=f"^X {message}"):
            call()
    for call in (new.fit, new.partial_fit, several.score):
        with pytest.raises((ValueError, TypeError), match=f"^y {message}"):
            call(ROWS, values)
    weights = [row[0] for row in values] if bad in ("None", "NaN", "infinity") else values
    if bad != "None":
        for call in (new.fit, new.partial_fit, fitted.score):
            with pytest.raises((ValueError, TypeError), match=r"^sample_weight must "):
                call(ROWS, THREE, weights)
    assert not hasattr(new, "coef_")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([("a", "x"), ("a", "y")], None),
        ([1, 2], None),
        (["a", 1], "X must have column names that are all text, or none that is; got 'a' and 1: "),
    ],
    ids=["tuples", "numbers", "mixed"],
)
def test_column_names_are_all_text_or_none_is(columns, message):
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    index = pd.MultiIndex.from_tuples(columns) if isinstance(columns[0], tuple) else columns
    frame = pd.DataFrame(ROWS, columns=index)
    for method in ("fit", "partial_fit"):
        model = GradientDescentRegressor()
        if message is None:
            np.testing.assert_allclose(
                getattr(model, method)(frame, THREE).predict(frame), precise().fit(ROWS, THREE).predict(ROWS)
            )
        else:
            with pytest.raises(TypeError, match=message):
                getattr(model, method)(frame, THREE)


def test_the_words_of_scikit_learn_stand_behind_ours():
    with pytest.raises(
        ValueError,
        match=r"^X must be finite; got nan at row 1, column 0 .*; in scikit-learn's words: Input X contains NaN\.$",
    ):
        GradientDescentRegressor().fit([[1.0], [np.nan]], [1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"^y must hold real numbers; got None.*; in scikit-learn's words: .* the target y is None$"
    ):
        GradientDescentRegressor().fit(ROWS, None)


def test_a_score_of_other_targets_is_refused():
    model = GradientDescentRegressor().fit(ROWS, THREE)
    with pytest.raises(ValueError, match=r"y must have 1 column, as in the fit; got shape \(4, 2\)"):
        model.score(ROWS, ROWS)
    assert model.score(ROWS, THREE[:, np.newaxis]) == model.score(ROWS, THREE)
    assert model.score(ROWS, THREE, 2.0) == model.score(ROWS, THREE, [2.0] * 4)
