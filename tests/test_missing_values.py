"""Missing values in the columns of data frames, and in series, in each form in which the libraries store them."""

import re
from decimal import Decimal

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.streaming import fit_array, fit_batches

pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
pl = pytest.importorskip("polars", reason="polars is an extra of the tests")
pa = pytest.importorskip("pyarrow", reason="pyarrow is an extra")

X, Y = random_problem(40, 2)
WHOLE, HALVES, FLAGS = [1, 2, None, 4] * 10, [1.5, 2.0, None, 4.0] * 10, [True, False, None, True] * 10
DECIMALS = [None if x is None else Decimal(str(x)) for x in HALVES]
NANS = [np.nan if x is None else x for x in HALVES]
FULL = np.arange(40) % 4 != 2  # the rows that have all values

PANDAS = {
    "float64": (HALVES, pd.Series(NANS)),
    "float32": (HALVES, pd.Series(NANS, dtype="float32")),
    "Int64": (WHOLE, pd.Series(WHOLE, dtype="Int64")),
    "UInt8": (WHOLE, pd.Series(WHOLE, dtype="UInt8")),
    "Float64": (HALVES, pd.Series(HALVES, dtype="Float64")),
    "boolean": (FLAGS, pd.Series(FLAGS, dtype="boolean")),
    "objects": (HALVES, pd.Series(HALVES, dtype=object)),
    "objects with NA": (HALVES, pd.Series([pd.NA if x is None else x for x in HALVES], dtype=object)),
    "flags as objects": (FLAGS, pd.Series(FLAGS, dtype=object)),
    "decimals": (HALVES, pd.Series(DECIMALS, dtype=object)),
    "categories": (WHOLE, pd.Series(WHOLE, dtype="Int64").astype("category")),
    "sparse": (HALVES, pd.Series(NANS, dtype="Sparse[float]")),
    "int64[pyarrow]": (WHOLE, pd.Series(WHOLE, dtype="int64[pyarrow]")),
    "double[pyarrow]": (HALVES, pd.Series(HALVES, dtype="double[pyarrow]")),
    "bool[pyarrow]": (FLAGS, pd.Series(FLAGS, dtype="bool[pyarrow]")),
    "decimal[pyarrow]": (HALVES, pd.Series(DECIMALS, dtype=pd.ArrowDtype(pa.decimal128(5, 2)))),
}
POLARS = {
    "Int64": (WHOLE, pl.Series(WHOLE)),
    "Float64": (HALVES, pl.Series(HALVES)),
    "Float32": (HALVES, pl.Series(HALVES, dtype=pl.Float32)),
    "NaN": (HALVES, pl.Series(NANS)),
    "Boolean": (FLAGS, pl.Series(FLAGS)),
    "Decimal": (HALVES, pl.Series(DECIMALS, dtype=pl.Decimal(5, 2))),
    "Object": (HALVES, pl.Series(HALVES, dtype=pl.Object)),
}
if hasattr(pl, "Int128"):  # from polars 1.18 on
    POLARS["Int128"] = (WHOLE, pl.Series(WHOLE, dtype=pl.Int128))
PYARROW = {
    "int64": (WHOLE, pa.array(WHOLE)),
    "double": (HALVES, pa.array(HALVES)),
    "float": (HALVES, pa.array(HALVES, pa.float32())),
    "bool": (FLAGS, pa.array(FLAGS)),
    "decimal": (HALVES, pa.array(DECIMALS)),
    "dictionary": (WHOLE, pa.array(WHOLE).dictionary_encode()),
    "chunks": (HALVES, pa.chunked_array([HALVES[:3], HALVES[3:]])),
}
MAKERS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
LIBRARIES = {"pandas": PANDAS, "polars": POLARS, "pyarrow": PYARROW}
FORMS = [(library, form) for library, forms in LIBRARIES.items() for form in forms]
forms = pytest.mark.parametrize(("library", "form"), FORMS, ids=[" ".join(pair) for pair in FORMS])
LOST = r"must be finite; got a missing value \(NaN\) at row 2 of column 'gap' \(counted from 0\)"


@forms
def test_a_missing_value_is_refused_as_such_with_the_name_of_its_column(library, form):
    column = LIBRARIES[library][form][1]
    frame = MAKERS[library]({"a": X[:, 0], "gap": column})
    fitted = fastgd.gradient_descent(X, Y)
    fits = (
        fastgd.gradient_descent,
        fastgd.compress,
        fastgd.Compressor().add,
        lambda X, y: fastgd.cost(X, y, [1.0, 2.0, 3.0]),
        lambda X, y: fastgd.fit_groups(X, y, np.arange(40) % 2),
        lambda X, y: fitted.predict(X),
    )
    for fit in fits:
        with pytest.raises(ValueError, match=f"X {LOST}"):
            fit(frame, Y)
    with pytest.raises(ValueError, match=f"y {LOST}"):
        fastgd.gradient_descent(X, MAKERS[library]({"gap": column}))
    with pytest.raises(ValueError, match=r"y must be finite; got a missing value \(NaN\) at row 2"):
        fastgd.gradient_descent(X, column)


@forms
def test_streams_leave_out_rows_with_missing_values(library, form):
    values, column = LIBRARIES[library][form]
    frame = MAKERS[library]({"a": X[:, 0], "gap": column})
    full = np.column_stack([X[FULL, 0], [float(x) for x in values if x is not None]])
    expected = fastgd.gradient_descent(full, Y[FULL])
    for result in (fit_array(frame, Y, missing="skip"), fit_batches([(frame, Y)], missing="skip")):
        np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-10)
        assert (result.skipped, result.features) == (10, ["a", "gap"])
    assert fit_array(X, column, missing="skip").skipped == 10


@pytest.mark.parametrize("library", MAKERS)
def test_streams_name_the_column_of_a_missing_value(library):
    make, gap = MAKERS[library], [1.0, None, *[2.0] * 38]
    told = r"row 1 \(counted from 0\), column 'gap': expected a finite number; got no value"
    for fit in (fit_array, lambda X, y: fit_batches([(X, y)])):
        with pytest.raises(ValueError, match=told):
            fit(make({"a": X[:, 0], "gap": gap}), Y)
        for rows in (make({"a": X[:, 0]}), X):
            with pytest.raises(ValueError, match=told):
                fit(rows, make({"gap": gap}))
        with pytest.raises(ValueError, match=told):
            fit(make({"a": X[:, 0]}), make({"b": Y, "gap": gap}))
        with pytest.raises(ValueError, match=r"row 1 \(counted from 0\), y: expected a finite number; got no value"):
            fit(make({"a": X[:, 0]}), np.array([np.nan if y is None else y for y in gap]))


def test_a_series_is_told_how_it_becomes_a_frame():
    for series in (pd.Series(Y), pl.Series(Y)):
        for fit in (fastgd.gradient_descent, fit_array):
            with pytest.raises(ValueError, match=r"got shape \(40,\); X.to_frame\(\) makes it one feature"):
                fit(series, Y)


@forms
def test_columns_without_missing_values_give_their_numbers(library, form):
    values, column = LIBRARIES[library][form]
    full = [k for k, value in enumerate(values) if value is not None]
    short = column.iloc[full] if library == "pandas" else column[full] if library == "polars" else column.take(full)
    numbers = [float(values[k]) for k in full]
    result = fastgd.gradient_descent(MAKERS[library]({"b": short, "c": numbers[::-1]}), Y[FULL])
    expected = fastgd.gradient_descent(np.column_stack([numbers, numbers[::-1]]), Y[FULL])
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-10)


def test_infinite_values_name_the_column():
    with pytest.raises(ValueError, match=r"X must be finite; got -inf at row 1 of column 'b' \(counted from 0\)"):
        fastgd.gradient_descent(pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, -np.inf]}), [1.0, 2.0])


def test_columns_converted_by_pandas_are_read():
    frame = pd.DataFrame({"a": [1.0, 2.5, np.nan], "b": [1, 2, 3], "c": [True, False, True]})
    for backend in ("numpy_nullable", "pyarrow"):
        with pytest.raises(ValueError, match=r"X must be finite; got a missing value .* at row 2 of column 'a'"):
            fastgd.gradient_descent(frame.convert_dtypes(dtype_backend=backend), [1.0, 2.0, 3.0])


def test_several_targets_name_the_column():
    targets = pd.DataFrame({"u": Y, "v": pd.Series(WHOLE, dtype="Int64")})
    with pytest.raises(ValueError, match=r"y must be finite; got a missing value .* at row 2 of column 'v'"):
        fastgd.gradient_descent(X, targets)


# ---- lists and arrays of objects

GAPS = {"None": None, "NA": pd.NA, "NaT": pd.NaT}
FRONTS = {
    "gradient_descent": fastgd.gradient_descent,
    "compress": fastgd.compress,
    "Compressor": lambda X, y: fastgd.Compressor().add(X, y),
    "fit_groups": lambda X, y: fastgd.fit_groups(X, y, [0] * 40),
    "estimator": lambda X, y: fastgd.GradientDescentRegressor().fit(X, y),
}


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("form", [list, lambda rows: np.array(rows, dtype=object)], ids=["list", "objects"])
def test_none_in_lists_and_objects_is_a_missing_value(front, gap, form):
    if front == "estimator":
        pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    rows, y = X.tolist(), Y.tolist()
    rows[3][1], y[5] = GAPS[gap], GAPS[gap]
    with pytest.raises(ValueError, match=r"X must be finite; got a missing value \(NaN\) at row 3, column 1 "):
        FRONTS[front](form(rows), Y)
    with pytest.raises(ValueError, match=r"y must be finite; got a missing value \(NaN\) at row 5 "):
        FRONTS[front](X, form(y))
    kept = ~np.isin(np.arange(40), [3, 5])
    expected = fastgd.gradient_descent(X[kept], Y[kept])
    for fit in (fit_array, lambda X, y, **more: fit_batches([(X, y)], **more)):
        result = fit(form(rows), form(y), missing="skip")
        assert result.skipped == 2
        np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-10)


def test_a_missing_weight_is_told_as_such():
    with pytest.raises(ValueError, match=r"sample_weight must be finite; got a missing value \(NaN\) at row 1"):
        fastgd.gradient_descent(X, Y, sample_weight=[1.0, None, *[1.0] * 38])


# ---- frames that hold no table of numbers


def test_a_lazy_frame_is_told_to_collect():
    with pytest.raises(TypeError, match=r"X must be a DataFrame; got a LazyFrame: call its method collect\(\) first"):
        fastgd.gradient_descent(pl.DataFrame({"a": [1.0]}).lazy(), [1.0])


@pytest.mark.parametrize("series", [pd.Series(Y), pl.Series(Y)], ids=["pandas", "polars"])
def test_a_series_as_x_is_told_to_become_a_frame(series):
    with pytest.raises(ValueError, match=r"got shape \(40,\); X.to_frame\(\) makes it one feature"):
        fastgd.gradient_descent(series, Y)
    assert fastgd.gradient_descent(series.to_frame(), Y).coef.shape == (1,)


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (pa.array(Y), "pyarrow.table({'x': X})"),
        (pa.chunked_array([Y]), "pyarrow.table({'x': X})"),
        (pd.array(Y.tolist(), dtype="Float64"), "pandas.DataFrame({'x': X})"),
        (pd.Index(Y), "X.to_frame()"),
        (Y.tolist(), "numpy.reshape(X, (-1, 1))"),
        (Y, "X.reshape(-1, 1)"),
    ],
    ids=["Array", "ChunkedArray", "pandas array", "Index", "list", "ndarray"],
)
@pytest.mark.parametrize("fit", [fastgd.gradient_descent, fit_array], ids=["function", "stream"])
def test_one_column_as_x_is_told_what_makes_it_one_feature(fit, values, advice):
    with pytest.raises(ValueError, match=re.escape(f"got shape (40,); {advice} makes it one feature")):
        fit(values, Y)
    made = eval(advice, {"X": values, "pyarrow": pa, "pandas": pd, "numpy": np})
    np.testing.assert_allclose(
        fastgd.gradient_descent(made, Y).coef, fastgd.gradient_descent(Y[:, np.newaxis], Y).coef, rtol=1e-12
    )


@pytest.mark.parametrize("kind", ["Time", "Date", "Duration", "Datetime"])
def test_times_of_polars_are_refused_with_their_type(kind):
    column = pl.Series([1, 2, 3]).cast(getattr(pl, kind))
    with pytest.raises(TypeError, match=f"X must hold real numbers; got {kind}.* in column 'when'"):
        fastgd.gradient_descent(pl.DataFrame({"when": column}), [1.0, 2.0, 3.0])


# ---- many columns


@pytest.mark.parametrize("library", MAKERS)
def test_frames_of_many_columns_are_read_with_few_calls(library):
    columns = {f"c{j}": np.arange(3.0) + j for j in range(3000)}
    frame = MAKERS[library](columns | {"flag": [True, False, True]})
    result = fastgd.gradient_descent(frame, [1.0, 2.0, 3.0])
    assert result.features == [*columns, "flag"]
    np.testing.assert_allclose(result.predict(frame), [1.0, 2.0, 3.0], rtol=1e-6)


# ---- the estimator


@forms
def test_the_estimator_names_the_column_of_a_missing_value(library, form):
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    column = LIBRARIES[library][form][1]
    frame, target = MAKERS[library]({"a": X[:, 0], "gap": column}), MAKERS[library]({"gap": column})
    model = fastgd.GradientDescentRegressor().fit(X, Y)
    for refused, name in (
        (lambda: fastgd.GradientDescentRegressor().fit(frame, Y), "X"),
        (lambda: fastgd.GradientDescentRegressor().partial_fit(frame, Y), "X"),
        (lambda: model.predict(frame), "X"),
        (lambda: fastgd.GradientDescentRegressor().fit(X, target), "y"),
        (lambda: model.score(X, target), "y"),
    ):
        with pytest.raises(ValueError, match=f"{name} {LOST}"):
            refused()


@forms
def test_the_estimator_reads_every_kind_of_column(library, form):
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    values, column = LIBRARIES[library][form]
    full = [k for k, value in enumerate(values) if value is not None]
    short = column.iloc[full] if library == "pandas" else column[full] if library == "polars" else column.take(full)
    numbers = np.array([float(values[k]) for k in full])
    frame = MAKERS[library]({"b": short, "c": X[FULL, 0]})
    expected = fastgd.GradientDescentRegressor().fit(np.column_stack([numbers, X[FULL, 0]]), numbers)
    model = fastgd.GradientDescentRegressor().fit(frame, short)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(model.predict(frame), numbers, rtol=1e-9)
    assert model.score(frame, short) == pytest.approx(1.0)
