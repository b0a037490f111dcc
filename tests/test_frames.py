"""Data frames of pandas, polars and pyarrow as X and y."""

import subprocess
import sys
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.inputs.frames import check_same_columns, column_names, series_name
from fastgd.streaming import fit_array, fit_batches

X, Y = random_problem(40, 3)
NAMES = ["size", "age", "rooms"]


def make(library, columns):
    """Return a data frame of the library; skip the test if the library is not installed."""
    module = pytest.importorskip(library, reason=f"{library} is an extra of the tests")
    return module.table(columns) if library == "pyarrow" else module.DataFrame(columns)


library = pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
FLOATS = dict(zip(NAMES, X.T, strict=True))


@library
def test_a_frame_gives_the_fit_of_its_numbers(library):
    frame = make(library, FLOATS)
    target = make(library, {"price": Y})
    result, plain = fastgd.gradient_descent(frame, target), fastgd.gradient_descent(X, Y)
    np.testing.assert_allclose(result.weights, plain.weights, rtol=1e-11)
    assert (result.features, result.target) == (NAMES, "price")
    assert (plain.features, plain.target) == (None, None)
    np.testing.assert_allclose(result.predict(frame), plain.predict(X), rtol=1e-11)
    series = target["price"]
    np.testing.assert_allclose(fastgd.gradient_descent(frame, series).weights, plain.weights, rtol=1e-11)
    np.testing.assert_allclose(fastgd.compress(frame, series)[0], fastgd.compress(X, Y)[0], rtol=1e-11)
    assert fastgd.cost(frame, series, [1.0, 2.0, 3.0]) == fastgd.cost(X, Y, [1.0, 2.0, 3.0])


@library
def test_the_estimator_keeps_the_names(library):
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    frame = make(library, FLOATS)
    model = fastgd.GradientDescentRegressor().fit(frame, make(library, {"price": Y})["price"])
    if library != "pyarrow":  # scikit-learn ignores the column names of pyarrow
        assert list(model.feature_names_in_) == NAMES
        with pytest.raises(ValueError, match="feature names"):
            model.predict(make(library, dict(reversed(FLOATS.items()))))
    np.testing.assert_allclose(model.predict(frame), fastgd.GradientDescentRegressor().fit(X, Y).predict(X), rtol=1e-11)


@library
@pytest.mark.parametrize("other", [["age", "size", "rooms"], ["size", "age", "doors"], ["size", "age"]], ids=str)
def test_predict_refuses_other_columns(library, other):
    result = fastgd.gradient_descent(make(library, FLOATS), Y)
    frame = make(library, {name: np.ones(2) for name in other})
    with pytest.raises(ValueError, match=r"X must have the columns of the fit, in their order, \['size'"):
        result.predict(frame)


@library
def test_columns_of_every_number_type_fit(library):
    kinds = {
        "float": X[:, 0],
        "single": X[:, 1].astype(np.float32),
        "whole": np.arange(40),
        "small": np.arange(40, dtype=np.uint8) % 7,
        "flag": X[:, 2] > 0,
    }
    result = fastgd.gradient_descent(make(library, kinds), Y)
    plain = fastgd.gradient_descent(np.column_stack(list(kinds.values())).astype(float), Y)
    np.testing.assert_allclose(result.weights, plain.weights, rtol=1e-12)


LIBRARIES = ("pandas", "polars", "pyarrow")
BAD = [(library, bad) for library in LIBRARIES for bad in ("text", "date", "mixed")]
BAD.remove(("pyarrow", "mixed"))  # an Arrow column holds values of one type


@pytest.mark.parametrize(("library", "bad"), BAD)
def test_a_column_without_numbers_is_named(library, bad):
    columns = {
        "text": ["north", "south"] * 20,
        "date": np.arange("2020-01-01", "2020-02-10", dtype="datetime64[D]").astype("datetime64[ns]"),
        "mixed": np.array([1.5, "west"] * 20, dtype=object),
    }
    frame = make(library, FLOATS | {"where": columns[bad]})
    message = "X must hold real numbers; got .* column 'where': encode that column as numbers, or leave it out"
    for fit in (fastgd.gradient_descent, fastgd.compress, fastgd.Compressor().add):
        with pytest.raises(TypeError, match=message):
            fit(frame, Y)
    with pytest.raises(TypeError, match=r"y must hold real numbers; got .* column 'where'"):
        fastgd.gradient_descent(X, make(library, {"where": columns[bad]}))


@library
def test_frames_are_not_changed(library):
    frame, again = make(library, FLOATS), make(library, FLOATS)
    fastgd.gradient_descent(frame, Y, precondition="standardize", alpha=0.1)
    assert frame.equals(again)


@pytest.mark.parametrize("argument", ["X", "y"])
def test_a_signalling_nan_of_decimals_is_refused_as_in_an_array(argument):
    pandas = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    bad = pandas.DataFrame({"a": [Decimal("1"), Decimal("sNaN"), Decimal("3")]})
    data = {"X": [[1.0], [2.0], [4.0]], "y": [1.0, 2.0, 4.0]} | {argument: bad}
    with pytest.raises(ValueError, match=f"{argument} must hold numbers in the range of float64; cannot convert sig"):
        fastgd.gradient_descent(**data)


def test_names_that_are_not_strings_are_ignored():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    assert column_names(pd.DataFrame(X)) is None
    assert fastgd.gradient_descent(pd.DataFrame(X), pd.Series(Y)).features is None
    assert series_name(pd.Series(Y)) is None
    assert series_name(pd.DataFrame(FLOATS)) is None  # the frame has several columns


def test_a_fit_of_lists_imports_no_frame_library():
    code = (
        "import sys, fastgd; fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], epochs=2)\n"
        "print({'pandas', 'polars', 'pyarrow', 'narwhals', 'sklearn', 'scipy', 'dask', 'rich'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_message_about_many_columns_is_short_and_names_the_first_that_differs():
    names = [f"column {j}" for j in range(100_000)]
    frame = SimpleNamespace(columns=[*names[:777], "other", *names[778:]])
    message = r"and 99980 more\] \(they differ from column 777 on, counted from 0\)"
    with pytest.raises(ValueError, match=message) as caught:
        check_same_columns(frame, names)
    assert len(str(caught.value)) < 1000


def test_an_index_of_pandas_is_read_as_a_series_is():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    fits = (fastgd.gradient_descent, fastgd.GradientDescentRegressor().fit)
    for fit in fits:
        with pytest.raises(TypeError, match=r"y must hold real numbers; got datetime64\[\w+\]"):
            fit(X, pd.date_range("2020-01-01", periods=len(X)))
    gaps = pd.Index([None, *Y[1:].tolist()], dtype=object)
    for fit in fits:
        with pytest.raises(ValueError, match=r"y must be finite; got a missing value \(NaN\) at row 0"):
            fit(X, gaps)
    assert fit_array(X, gaps, missing="skip").skipped == 1
    result = fastgd.gradient_descent(X, pd.Index(Y, name="price"))
    np.testing.assert_array_equal(result.weights, fastgd.gradient_descent(X, Y).weights)
    assert result.target == "price"


def list_fits():
    """Return all functions that fit X and y."""
    model = fastgd.GradientDescentRegressor()
    return (
        fastgd.gradient_descent,
        lambda X, y: fastgd.fit_groups(X, y, np.arange(40) % 2),
        lambda X, y: fastgd.Compressor().add(X, y),
        fit_array,
        lambda X, y: fit_batches([(X, y)]),
        model.fit,
        model.partial_fit,
    )


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])  # polars has no such frames
def test_columns_that_share_a_name_are_refused_everywhere(library):
    module = pytest.importorskip(library, reason=f"{library} is an extra of the tests")
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    names = ["size", "age", "size"]
    frame = module.table(list(X.T), names=names) if library == "pyarrow" else module.DataFrame(X, columns=names)
    fits = list_fits()
    for fit in (*fits, fastgd.GradientDescentRegressor().fit(X, Y).score):
        with pytest.raises(ValueError, match="X must have different column names; got 'size' more than once"):
            fit(frame, Y)
    for fit in fits:
        with pytest.raises(ValueError, match="y must have different column names; got 'size' more than once"):
            fit(X, frame)


def test_names_of_which_only_some_are_text_are_refused_everywhere():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    frame, named = pd.DataFrame(X, columns=["size", 2024, "age"]), pd.DataFrame(FLOATS)
    expected = "must have column names that are all text, or none that is; got 'size' and 2024: {0}.columns = {0}."
    for fit in list_fits():
        with pytest.raises(TypeError, match=expected.format("X")):
            fit(frame, Y)
        with pytest.raises(TypeError, match=expected.format("y")):
            fit(X, frame)
    groups = np.arange(40) % 2
    predictions = (
        fastgd.gradient_descent(named, Y).predict,
        fastgd.GradientDescentRegressor().fit(named, Y).predict,
        lambda X: fastgd.fit_groups(named, Y, groups).predict(X, groups),
    )
    for predict in predictions:
        with pytest.raises(TypeError, match=expected.format("X")):
            predict(frame)
    frame.columns = frame.columns.astype(str)
    assert fastgd.gradient_descent(frame, Y).features == ["size", "2024", "age"]


def test_columns_of_several_levels_have_no_names():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    frame = pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c"), ("d", "b")]))
    assert fastgd.gradient_descent(frame, Y).features is None


def test_dask_refuses_columns_that_share_a_name():
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe", reason="Dask is an extra")
    frame = dd.from_pandas(pd.DataFrame(FLOATS), npartitions=2)
    frame.columns = ["size", "age", "size"]
    with pytest.raises(ValueError, match="X must have different column names; got 'size' more than once"):
        fastgd.gradient_descent(frame, frame.age)
