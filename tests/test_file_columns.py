"""Columns of files that are no features by themselves, and kinds of columns."""

import json
from decimal import Decimal

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.cli.main import main
from fastgd.files.csv import read_csv
from fastgd.streaming import fit_files

pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
pa = pytest.importorskip("pyarrow", reason="pyarrow is an extra")

X, Y = random_problem(40, 2)
FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})
CHOSEN = FRAME[FRAME.a > 0]
EXPECTED = fastgd.gradient_descent(CHOSEN[["a", "b"]], CHOSEN["y"])
NAMED = FRAME.set_index(pd.Index(np.arange(40) * 7, name="patient"))


def save_with_index(frame, path):
    """Write a frame with its index as a column, as pandas does for one that is no range."""
    frame.set_index(pd.Index(frame.index.to_numpy(), name=frame.index.name)).to_parquet(path, index=True)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (CHOSEN, "left out the column '__index_level_0__', the index of a pandas frame"),
        (NAMED[NAMED.a > 0], "left out the column 'patient', the index of a pandas frame"),
    ],
    ids=["without a name", "with a name"],
)
def test_the_index_of_a_parquet_file_is_no_feature(tmp_path, capsys, frame, message):
    path = tmp_path / "a.parquet"
    save_with_index(frame, path)
    with pytest.warns(UserWarning, match=message):
        result = fit_files(path, "y")
    assert result.features == ["a", "b"]
    np.testing.assert_allclose(result.weights, EXPECTED.weights, rtol=1e-9)
    assert main(["fit", str(path), "--target", "y", "--json", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["features"] == ["a", "b"]
    assert printed.err == f"fastgd: {path}: {message}\n"


@pytest.mark.filterwarnings("error")
def test_an_index_that_is_named_is_a_feature(tmp_path):
    path = tmp_path / "a.parquet"
    save_with_index(NAMED, path)
    assert fit_files(path, "y", features=["a", "patient"]).features == ["a", "patient"]
    assert fit_files(path, "patient", features=["a", "b"]).target == "patient"
    pa.parquet.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), path)
    assert fit_files(path, "y").features == ["a", "b"]


@pytest.mark.parametrize("batches", [[], ["--missing", "skip"]], ids=["whole", "in parts"])
def test_the_unnamed_index_of_a_csv_file_is_no_feature(tmp_path, capsys, batches):
    path = tmp_path / "a.csv"
    CHOSEN.to_csv(path)
    assert main(["fit", str(path), "--target", "y", "--json", "--quiet", *batches]) == 0
    printed = capsys.readouterr()
    message = "left out the first column, which has no name, as the index that pandas writes"
    assert printed.err == f"fastgd: {path}: {message}\n"
    document = json.loads(printed.out)
    assert document["features"] == ["a", "b"]
    np.testing.assert_allclose(document["coef"], EXPECTED.coef, rtol=1e-9)
    with pytest.warns(UserWarning, match=message):
        assert read_csv(path).names == ["a", "b", "y"]
    path.write_text("a,,y\n1,2,3\n")
    with pytest.raises(ValueError, match="line 1: expected a name for every column; got none for column 2"):
        read_csv(path)


def test_decimals_and_truth_values_of_parquet_are_numbers(tmp_path):
    path, flags = tmp_path / "a.parquet", np.arange(40) % 3 == 0
    prices = [Decimal(k) / 4 for k in range(40)]
    pa.parquet.write_table(pa.table({"price": prices, "flag": flags, "y": Y}), path)
    result = fit_files(path, "y")
    expected = fastgd.gradient_descent(np.column_stack([np.arange(40) / 4, flags]), Y)
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-9)


DATE_HINT = "a date is no number: write the days since some day into the column, or leave it out by --features"


@pytest.mark.parametrize("batches", [[], ["--missing", "skip"]], ids=["whole", "in parts"])
@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("north", "--one-hot encodes the levels of the column, and --features leaves it out"),
        ("2024-01-31", DATE_HINT),
        ("31.01.2024", DATE_HINT),
    ],
)
def test_text_and_dates_in_csv_are_refused_with_a_hint(tmp_path, capsys, cell, hint, batches):
    path = tmp_path / "a.csv"
    path.write_text(f"when,x,y\n{cell},1,2\n{cell},2,3\n")
    assert main(["fit", str(path), "--target", "y", "--quiet", *batches]) == 2
    message = f"{path}, line 2, column 'when': expected a number; got '{cell}'; {hint}"
    assert capsys.readouterr().err == f"fastgd: {message}\n"
    assert main(["fit", str(path), "--target", "y", "--quiet", "--features", "x", *batches]) == 0


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        (
            ["north", "south"],
            "got the type string; --one-hot encodes the levels of the column",
        ),
        (pd.to_datetime(["2024-01-31", "2024-02-01"]), "a date is no number"),
    ],
)
def test_text_and_dates_in_parquet_are_refused_with_a_hint(tmp_path, capsys, column, hint):
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"when": column, "x": [1.0, 2.0], "y": [2.0, 3.0]}), path)
    assert main(["fit", str(path), "--target", "y", "--quiet"]) == 2
    printed = capsys.readouterr().err
    assert "column 'when': expected numbers; got the type" in printed
    assert hint in printed
    assert main(["fit", str(path), "--target", "y", "--quiet", "--features", "x"]) == 0


def test_a_column_of_nulls_holds_missing_values(tmp_path):
    path = tmp_path / "a" / "a.parquet"
    path.parent.mkdir()
    pa.parquet.write_table(pa.table({"x": pa.nulls(3), "y": [1.0, 2.0, 3.0]}), path)
    with pytest.raises(ValueError, match="column 'x': expected a finite number; got no value"):
        fit_files(path, "y")
    with pytest.raises(ValueError, match="expected rows without missing values; got none in 3 rows"):
        fit_files(path, "y", missing="skip")
    pa.parquet.write_table(pa.table({"x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 4.0]}), path.parent / "b.parquet")
    result = fit_files(path.parent, "y", missing="skip")  # one file of nulls, one of numbers
    np.testing.assert_allclose(result.weights, [0.0, 1.0], atol=1e-9)
    assert result.skipped == 3
