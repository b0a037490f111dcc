"""A block of Dask's data that differs from what its collection declares is refused by name, or put in order."""

import numpy as np
import pytest

import fastgd

dask = pytest.importorskip("dask", reason="Dask is an extra")
da = pytest.importorskip("dask.array", reason="Dask is an extra")
dd = pytest.importorskip("dask.dataframe", reason="Dask is an extra")
pd = pytest.importorskip("pandas")
scipy_sparse = pytest.importorskip("scipy.sparse")
sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")

ROWS, BLOCK = 40, 10
RNG = np.random.default_rng(0)
X = RNG.standard_normal((ROWS, 3)) + 1
Y = 4 + X @ [1.0, 2.0, 3.0] + 0.1 * RNG.standard_normal(ROWS)
WEIGHTS = RNG.integers(1, 4, ROWS).astype(float)
FRAME, SERIES = pd.DataFrame(X, columns=list("abc")), pd.Series(Y, name="y")


@pytest.fixture(autouse=True)
def scheduler():
    with dask.config.set(scheduler="synchronous"):
        yield


def cut(values, change=lambda block: block, at=None):
    """Return a Dask collection of the values, with one block changed, or all of them."""

    def make(number):
        block = values[number * BLOCK : (number + 1) * BLOCK].copy()
        return change(block) if at in (None, number) else block

    if isinstance(values, np.ndarray):
        lazy = da.from_array(values, chunks=(BLOCK, -1)[: values.ndim])
        return lazy.map_blocks(lambda _, block_id: make(block_id[0]), meta=np.empty((0,) * values.ndim))
    return dd.from_map(make, range(ROWS // BLOCK), meta=values[:0], enforce_metadata=False)


def calls(X, y, weights=None):
    """Return the ways in which the blocks are read, each as a function without arguments; y may be None."""
    model = fastgd.GradientDescentRegressor().fit(FRAME if isinstance(X, dd.DataFrame) else FRAME.to_numpy(), Y)
    if y is None:
        return {"predict": lambda: model.predict(X).compute()}
    return {
        "fit": lambda: fastgd.gradient_descent(X, y, sample_weight=weights),
        "estimator": lambda: fastgd.GradientDescentRegressor().fit(X, y, sample_weight=weights),
        "score": lambda: model.score(X, y, sample_weight=weights),
    }


def text(block):
    return block.assign(b="1")


def fail(block):
    raise KeyError("the user's own")


DECLARED = "must have the columns that its collection declares; got"
ODD_X = {
    "lacks a column": (FRAME, lambda f: f[["a", "b"]], ValueError, f"X {DECLARED} no 'c'"),
    "one column more": (FRAME, lambda f: f.assign(z=1.0), ValueError, f"X {DECLARED} 'z' too"),
    "other names": (FRAME, lambda f: f.set_axis(list("abz"), axis=1), ValueError, f"X {DECLARED} no 'c'"),
    "a name twice": (FRAME, lambda f: f[["a", "b", "c", "c"]], ValueError, f"X {DECLARED} one of them twice"),
    "numbers as names": (FRAME, lambda f: f.set_axis(range(3), axis=1), ValueError, f"X {DECLARED} no 'a'"),
    "text": (FRAME, text, TypeError, "X must hold real numbers; got .* in column 'b'"),
    "dates": (FRAME, lambda f: f.assign(b=pd.Timestamp(2020, 1, 1)), TypeError, r"got datetime64\[.*\] in column 'b'"),
    "complex": (FRAME, lambda f: f * 1j, TypeError, "X must hold real numbers; got complex128"),
    "nothing": (FRAME, lambda _: None, TypeError, "X must have rows of numbers; got a block of the type NoneType"),
    "a word": (FRAME, lambda _: "abcdefghij", TypeError, "X must have rows .* of the type str"),
    "a column": (FRAME, lambda f: f["a"], ValueError, r"\(n_samples, n_features\); got shape \(10,\)"),
    "NaN": (FRAME, lambda f: f.assign(b=np.nan), ValueError, "got a missing value .* at row 0 of column 'b'"),
    "sparse": (X, scipy_sparse.csr_array, TypeError, r"X must be dense; .* csr_array: X\.map_blocks\(.*toarray"),
    "sparse matrix": (X, scipy_sparse.csc_matrix, TypeError, "X must be dense; got a block of the type csc_matrix"),
    "masked": (X, lambda b: np.ma.masked_less(b, 0), ValueError, "X must not have masked values"),
    "fewer columns": (X, lambda b: b[:, :2], ValueError, "X must have 3 columns, .*; got 2"),
    "more columns": (X, lambda b: np.column_stack([b, b]), ValueError, "X must have 3 columns, .*; got 6"),
    "one dimension": (X, lambda b: b[:, 0], ValueError, r"\(n_samples, n_features\); got shape \(10,\)"),
    "a number": (X, lambda _: np.float64(3), TypeError, "X must have rows of numbers; got a block .* float64"),
    "strings": (X, lambda b: b.astype(str), TypeError, "X must hold real numbers; got an array of dtype <U"),
    "infinity": (X, lambda b: b * np.inf, ValueError, "X must be finite; got -?inf at row 0, column 0"),
}


@pytest.mark.parametrize(("values", "change", "error", "message"), ODD_X.values(), ids=ODD_X)
@pytest.mark.parametrize("at", [2, None])
def test_an_odd_block_of_features_is_named(values, change, error, message, at):
    lazy, y = cut(values, change, at), cut(SERIES if values is FRAME else Y)
    number = r"\d" if at is None else at
    for call in (calls(lazy, y) | calls(lazy, None)).values():
        with pytest.raises(error, match=rf"^in block {number} \(counted from 0\), .*{message}"):
            call()


ODD_ROWS = {
    "y is short": (FRAME, lambda s: s[:4], None, "X and y must have the same number of rows; got 10 in X and 4 in y"),
    "y is empty": (FRAME, lambda s: s[:0], None, "got 10 in X and 0 in y"),
    "X is empty": (FRAME[:0], None, None, "got 0 in X and 10 in y"),
    "y has two columns": (FRAME, lambda s: np.column_stack([s, s]), None, "y must have 1 column, .*; got 2"),
    "y is a frame": (FRAME, lambda s: pd.DataFrame({"p": s}), None, f"y {DECLARED} no 'y'"),
    "y is a number": (FRAME, lambda _: 3.0, None, "y must have rows of numbers; got a block of the type float"),
    "y is text": (FRAME, lambda s: s.astype(str), None, "y must hold real numbers; got"),
    "y is infinite": (FRAME, lambda s: s * np.inf, None, "y must be finite; got -?inf at row 0"),
    "weights are short": (FRAME, None, lambda w: w[:4], "same number of rows; got 10 in X and 4 in sample_weight"),
    "weights of no rows": (FRAME[:0], lambda s: s[:0], None, "got 0 in X and 10 in sample_weight"),
    "one weight": (
        FRAME,
        None,
        lambda _: 2.0,
        "sample_weight must have rows of numbers; got a block of the type float",
    ),
    "no weight": (FRAME, None, lambda _: None, "sample_weight must have rows of numbers; .* NoneType"),
    "negative": (FRAME, None, lambda w: -w, "sample_weight must not be negative; got -"),
}


@pytest.mark.parametrize(("block", "y", "weights", "message"), ODD_ROWS.values(), ids=ODD_ROWS)
def test_an_odd_block_of_rows_is_named(block, y, weights, message):
    def keep(values):
        return values

    lazy = cut(FRAME, lambda f: block[: len(f)], at=1)
    for call in calls(lazy, cut(SERIES, y or keep, at=1), cut(pd.Series(WEIGHTS), weights or keep, at=1)).values():
        with pytest.raises((TypeError, ValueError), match=rf"^in block 1 \(counted from 0\), .*{message}"):
            call()


@pytest.mark.parametrize("at", [1, None])
@pytest.mark.parametrize("names", [["a", "b", "c"], [0, 1, 2], [("a", 1), ("a", 2), "c"]], ids=str)
def test_columns_in_another_order_are_taken_by_name(at, names):
    frame = FRAME.set_axis(pd.Index(names, tupleize_cols=False), axis=1)
    lazy = cut(frame, lambda f: f.iloc[:, [1, 2, 0]], at)
    expected = fastgd.gradient_descent(FRAME, Y)
    result = fastgd.gradient_descent(lazy, cut(SERIES))
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-9)
    np.testing.assert_allclose(result.predict(lazy).compute(), expected.predict(FRAME), rtol=1e-9)
    model = fastgd.GradientDescentRegressor().fit(frame.to_numpy(), Y)
    assert model.score(lazy, cut(SERIES)) == pytest.approx(model.score(FRAME.to_numpy(), Y), rel=1e-12)


def test_targets_in_another_order_are_taken_by_name():
    targets = pd.DataFrame({"p": Y, "q": 2 - Y})
    lazy = cut(targets, lambda f: f[["q", "p"]], at=2)
    model = fastgd.GradientDescentRegressor().fit(cut(FRAME), lazy)
    np.testing.assert_allclose(model.coef_[0], -model.coef_[1], rtol=1e-9)
    assert model.score(cut(FRAME), lazy) == pytest.approx(model.score(FRAME, targets), rel=1e-9)


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("nothing", [lambda f: f[:0], lambda _: pd.DataFrame(), lambda _: np.empty((0, 3))])
def test_an_empty_block_changes_nothing(at, nothing):
    keep = np.arange(ROWS) // BLOCK != at
    lazy, y = cut(FRAME, nothing, at), cut(SERIES, lambda s: s[:0], at)
    result = fastgd.gradient_descent(lazy, y)
    np.testing.assert_allclose(result.weights, fastgd.gradient_descent(X[keep], Y[keep]).weights, rtol=1e-9)
    np.testing.assert_allclose(result.predict(lazy).compute(), result.predict(X[keep]), rtol=1e-9)
    empty = cut(FRAME, lambda f: f[:0]), cut(SERIES, lambda s: s[:0])
    for call in calls(*empty).values():
        with pytest.raises(ValueError, match="X must have at least one row"):
            call()
    assert len(result.predict(empty[0]).compute()) == 0


@pytest.mark.parametrize("dtype", [np.float32, int, bool, object, "Float64", ">f8"])
def test_a_block_of_numbers_of_another_type_fits(dtype):
    whole = FRAME.copy()
    whole[BLOCK : 2 * BLOCK] = whole[BLOCK : 2 * BLOCK].astype(dtype).astype(float)
    lazy = cut(X, lambda b: pd.DataFrame(b).astype(dtype).to_numpy(), at=1) if dtype in (object, ">f8") else None
    lazy = cut(FRAME, lambda f: f.astype(dtype), at=1) if lazy is None else lazy
    expected = fastgd.gradient_descent(whole.to_numpy(), Y)
    result = fastgd.gradient_descent(lazy, da.from_array(Y, chunks=BLOCK))
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-9)


@pytest.mark.parametrize("name", ["synchronous", "threads"])
def test_an_error_of_the_user_stays_as_it_is(name):
    lazy = cut(FRAME, fail, at=1)
    with dask.config.set(scheduler=name):
        for call in (calls(lazy, cut(SERIES)) | calls(lazy, None)).values():
            with pytest.raises(KeyError, match="the user's own"):
                call()
