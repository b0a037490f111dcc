"""Nested folders of files, and columns in the names of folders, as Hive, Spark and pyarrow write them."""

import errno
import json
import os

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.cli.main import main
from fastgd.inputs.extras import is_installed
from fastgd.streaming import fit_files
from fastgd.streaming.partitions import read_partition

X, Y = random_problem(60, 2)
YEARS, SHOPS = 2020 + np.arange(60) % 3, np.array(["north", "south", "west"])[np.arange(60) // 20]
TARGET = Y + 0.5 * (YEARS - 2020)


def write_text(root):
    """Write the rows as CSV files, partitioned by year and shop."""
    for year in sorted({*YEARS.tolist()}):
        for shop in ("north", "south", "west"):
            folder = root / f"year={year}" / f"shop={shop}"
            folder.mkdir(parents=True)
            rows = np.column_stack([X, TARGET])[(year == YEARS) & (shop == SHOPS)]
            lines = ["a,b,y"] + [",".join(map(repr, row)) for row in rows.tolist()]
            (folder / "part.csv").write_text("\n".join(lines) + "\n")
            (folder / "_SUCCESS.csv").write_text("not data")


def write_parquet(root):
    """Let pyarrow write the same rows."""
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")
    import pyarrow.parquet as pq

    columns = {"a": X[:, 0], "b": X[:, 1], "y": TARGET, "year": YEARS, "shop": SHOPS}
    pq.write_to_dataset(pa.table(columns), str(root), partition_cols=["year", "shop"])


WRITERS = {"csv": write_text, "parquet": write_parquet}
kinds = pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind == "csv" or is_installed("pyarrow")])


@kinds
def test_partition_columns_are_columns(tmp_path, kind):
    WRITERS[kind](tmp_path / "sales")
    expected = fastgd.gradient_descent(np.column_stack([X, YEARS]), TARGET)
    result = fit_files(tmp_path / "sales", "y", features=["a", "b", "year"])
    np.testing.assert_allclose(result.coef, expected.coef, rtol=1e-8)
    assert result.n_samples == 60
    turned = fit_files(str(tmp_path / "sales" / "*" / "*" / f"[!_]*.{kind}"), "year", features=["y", "a"])
    np.testing.assert_allclose(
        turned.coef, fastgd.gradient_descent(np.column_stack([TARGET, X[:, 0]]), YEARS).coef, rtol=1e-8
    )


@kinds
def test_a_partition_column_of_text_is_refused_by_name(tmp_path, kind):
    WRITERS[kind](tmp_path / "sales")
    with pytest.raises(ValueError, match=r"column 'shop': expected numbers; got the type string"):
        fit_files(tmp_path / "sales", "y")


def fit_and_predict(folder, capsys, kind, features):
    """Let the commands fit the partitioned folder by these features, and return their predictions of its rows."""
    root, out = folder / "sales", str(folder / "model.json")
    WRITERS[kind](root)
    assert main(["fit", str(root), "--target", "y", "--features", features, "--out", out, "--quiet"]) == 0
    capsys.readouterr()
    assert main(["predict", out, str(root), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["predictions"]


@kinds
def test_the_command_line_fits_and_predicts_partitioned_folders(tmp_path, capsys, kind):
    found = fit_and_predict(tmp_path, capsys, kind, "year,a,b")
    expected = fastgd.gradient_descent(np.column_stack([YEARS, X]), TARGET).predict(np.column_stack([YEARS, X]))
    order = np.lexsort([np.arange(60), SHOPS, YEARS])
    np.testing.assert_allclose(found, expected[order], rtol=1e-8)


@kinds
def test_a_model_of_partition_columns_alone_predicts_every_row(tmp_path, capsys, kind):
    found = fit_and_predict(tmp_path, capsys, kind, "year")
    expected = fastgd.gradient_descent(YEARS[:, np.newaxis], TARGET).predict(np.sort(YEARS)[:, np.newaxis])
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@kinds
def test_a_single_file_is_predicted_by_the_columns_of_its_folders(tmp_path, capsys, kind):
    root, out = tmp_path / "sales", str(tmp_path / "model.json")
    WRITERS[kind](root)
    assert main(["fit", str(root), "--target", "y", "--features", "a,year", "--out", out, "--quiet"]) == 0
    capsys.readouterr()
    (path,) = (root / "year=2021" / "shop=west").glob(f"[!_]*.{kind}")
    assert main(["predict", out, str(path), "--json"]) == 0
    rows = np.column_stack([X[:, 0], YEARS])
    expected = fastgd.gradient_descent(rows, TARGET).predict(rows[(YEARS == 2021) & (SHOPS == "west")])
    np.testing.assert_allclose(json.loads(capsys.readouterr().out)["predictions"], expected, rtol=1e-8)


def test_a_column_that_file_and_folder_both_have_is_refused(tmp_path, capsys):
    for year in (1, 2):
        (tmp_path / f"year={year}").mkdir()
        (tmp_path / f"year={year}" / "a.csv").write_text("year,x,y\n5,5,10\n6,6,12\n9,9,18\n")
    told = "year=1/a.csv: expected one column 'year'; got one in the file and one in the name of the folder 'year=1'"
    with pytest.raises(ValueError, match=told):
        fit_files(tmp_path, "y")
    np.testing.assert_allclose(fit_files(tmp_path, "y", features=["x"]).weights, [0.0, 2.0], atol=1e-9)
    one, out = str(tmp_path / "year=2" / "a.csv"), str(tmp_path / "model.json")
    assert main(["fit", one, "--target", "y", "--features", "year", "--out", out]) == 0
    assert main(["predict", out, one]) == 0  # a single file has no columns in the names of its folders
    assert main(["predict", out, str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_a_single_file_has_no_partition_columns(tmp_path):
    (tmp_path / "year=1").mkdir()
    (tmp_path / "year=1" / "a.csv").write_text("x,y\n5,10\n6,12\n9,18\n")
    assert fit_files(tmp_path / "year=1" / "a.csv", "y").features == ["x"]


def test_names_and_values_are_unquoted_and_missing_ones_are_nan():
    found = read_partition("a/sh%20op=North%3D1/n=__HIVE_DEFAULT_PARTITION__/k=1e3/plain/=5/part=1.csv")
    assert list(found) == ["sh op", "n", "k"]
    assert (found["sh op"], found["k"]) == ("North=1", 1000.0)
    assert np.isnan(found["n"])


@pytest.mark.parametrize("path", [".", "**/*.csv"])
def test_a_folder_that_cannot_be_read_is_told_and_not_left_out(monkeypatch, tmp_path, capsys, path):
    monkeypatch.chdir(tmp_path)
    for folder in ("open", "closed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text("x,y\n1,2\n2,3\n")
    scan = os.scandir

    def refuse(folder):
        if "closed" in os.fspath(folder):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert main(["fit", path, "--target", "y", "--quiet"]) == 2
    assert "closed: Permission denied" in capsys.readouterr().err
