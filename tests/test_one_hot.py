"""Columns of text, encoded as a column of ones and zeros for each level, in fits and predictions."""

import json

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.cli.main import main
from fastgd.files import csv_blocks
from fastgd.files.model import load
from fastgd.inputs.extras import is_installed
from fastgd.streaming import fit_files, levels
from fastgd.streaming.levels import encode

X, NOISE = random_problem(90, 2)
TOWNS = np.array(["Oslo", "Bergen", "Tromsø, north"])[np.arange(90) % 3]
CODES = (TOWNS[:, np.newaxis] == sorted(set(TOWNS))).astype(float)
Y = NOISE + CODES @ [5.0, -2.0, 1.0]
EXPECTED = fastgd.gradient_descent(np.column_stack([X[:, :1], CODES, X[:, 1:]]), Y)
NAMES = ["a", "town=Bergen", "town=Oslo", "town=Tromsø, north", "b"]


def write_csv(path, towns=TOWNS, y=Y):
    """Write the rows as CSV."""
    rows = zip(X.tolist(), towns, y.tolist(), strict=True)
    lines = [f'{a!r}," {town} ",{b!r},{value!r}' for (a, b), town, value in rows]
    path.write_text("a,town,b,y\n" + "\n".join(lines) + "\n", encoding="utf-8")


def write_parquet(path, towns=TOWNS, y=Y):
    """Write the rows as Parquet, in several row groups, with the text as categories."""
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")
    import pyarrow.parquet as pq

    text = pa.array([None if town == "" else town for town in towns]).dictionary_encode()
    pq.write_table(pa.table({"a": X[:, 0], "town": text, "b": X[:, 1], "y": y}), path, row_group_size=40)


WRITERS = {"csv": write_csv, "parquet": write_parquet}
kinds = pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind == "csv" or is_installed("pyarrow")])


@kinds
@pytest.mark.parametrize("size", [300, 1 << 20])
def test_each_level_becomes_a_feature(tmp_path, monkeypatch, kind, size):
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", size)
    path = tmp_path / f"a.{kind}"
    WRITERS[kind](path)
    result = fit_files(path, "y", one_hot=["town"])
    assert result.features == NAMES
    np.testing.assert_allclose(result.weights, EXPECTED.weights, rtol=1e-9)
    chosen = fit_files(path, "y", features=["town"], one_hot=["town"])
    np.testing.assert_allclose(chosen.predict(CODES), [Y[town == TOWNS].mean() for town in TOWNS], rtol=1e-9)


def test_python_reads_what_pyarrow_reads(tmp_path, monkeypatch):
    write_csv(tmp_path / "a.csv")
    monkeypatch.setattr(csv_blocks, "make_reader", lambda *given: None)
    result = fit_files(tmp_path / "a.csv", "y", one_hot=["town"])
    np.testing.assert_allclose(result.weights, EXPECTED.weights, rtol=1e-9)


@kinds
def test_the_command_line_encodes_and_predicts(tmp_path, capsys, kind):
    path, out = tmp_path / f"a.{kind}", str(tmp_path / "model.json")
    WRITERS[kind](path)
    assert main(["fit", str(path), "--target", "y", "--one-hot", "town", "--out", out, "--quiet"]) == 0
    assert "town=Oslo" in capsys.readouterr().out
    model = load(out)
    assert (model.features, model.columns) == (NAMES, ["a", "town", "b"])
    assert model.levels == {"town": ["Bergen", "Oslo", "Tromsø, north"]}
    assert main(["predict", out, str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    np.testing.assert_allclose(found, EXPECTED.predict(np.column_stack([X[:, :1], CODES, X[:, 1:]])), rtol=1e-9)
    assert main(["info", out]) == 0
    assert "town=Oslo" in capsys.readouterr().out


@kinds
def test_an_unknown_level_is_refused_or_zeros(tmp_path, capsys, kind):
    path, out, other = tmp_path / f"a.{kind}", str(tmp_path / "model.json"), tmp_path / f"b.{kind}"
    WRITERS[kind](path)
    assert main(["fit", str(path), "--target", "y", "--one-hot", "town", "--out", out, "--quiet"]) == 0
    WRITERS[kind](other, np.where(np.arange(90) == 7, "Paris", TOWNS))
    capsys.readouterr()
    assert main(["predict", out, str(other)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "column 'town': expected one of 3 levels, 'Bergen', 'Oslo', 'Tromsø, north'; got 'Paris'" in printed.err
    assert "--unknown zeros gives such rows zeros" in printed.err
    assert main(["predict", out, str(other), "--json", "--unknown", "zeros"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    rows = np.column_stack([X[:, :1], CODES * (np.arange(90) != 7)[:, np.newaxis], X[:, 1:]])
    np.testing.assert_allclose(found, EXPECTED.predict(rows), rtol=1e-9)


@kinds
def test_a_row_without_a_value_is_left_out_before_its_text_is_refused(tmp_path, capsys, kind):
    path, out, other = tmp_path / f"a.{kind}", str(tmp_path / "model.json"), tmp_path / f"b.{kind}"
    WRITERS[kind](path)
    assert main(["fit", str(path), "--target", "y", "--one-hot", "town", "--out", out, "--quiet"]) == 0
    for row, code in ((7, 0), (8, 2)):
        X[7, 0], kept = np.nan, X[7, 0]
        WRITERS[kind](other, np.where(np.arange(90) == row, "Paris", TOWNS))
        X[7, 0] = kept
        capsys.readouterr()
        assert main(["predict", out, str(other), "--missing", "skip"]) == code
        printed = capsys.readouterr()
        assert len(printed.out.splitlines()) == (90 if code == 0 else 0)
        assert ("got 'Paris'" in printed.err) == (code == 2)


@kinds
def test_text_that_is_missing_is_a_missing_value(tmp_path, capsys, kind):
    path = tmp_path / f"a.{kind}"
    WRITERS[kind](path, np.where(np.arange(90) == 4, "", TOWNS))
    told = {
        "csv": "line 6, column 'town': expected text; got an empty cell",
        "parquet": "column 'town': .* got no value",
    }
    with pytest.raises(ValueError, match=f"{told[kind]}.*; missing='skip' leaves out rows without a value"):
        fit_files(path, "y", one_hot=["town"])
    result = fit_files(path, "y", one_hot=["town"], missing="skip")
    assert (result.skipped, result.n_samples) == (1, 89)


def test_codes_that_are_numbers_may_be_levels(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("zip,y\n100,1\n200,5\n100,3\n300,9\n")
    result = fit_files(path, "y", one_hot=["zip"])
    assert result.features == ["zip=100", "zip=200", "zip=300"]
    np.testing.assert_allclose(result.predict(np.eye(3)), [2.0, 5.0, 9.0], rtol=1e-9)


@pytest.mark.skipif(not is_installed("pyarrow"), reason="Parquet needs pyarrow, an extra")
def test_whole_numbers_are_the_same_levels_among_integers_and_floats(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"zip": [100, 200], "y": [1.0, 5.0]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"zip": [100.0, None], "y": [3.0, 7.0]}), tmp_path / "b.parquet")
    result = fit_files(tmp_path, "y", one_hot=["zip"], missing="skip")
    assert result.features == ["zip=100", "zip=200"]
    np.testing.assert_allclose(result.predict(np.eye(2)), [2.0, 5.0], rtol=1e-9)


def test_a_result_keeps_its_levels_in_the_model_that_it_saves(tmp_path, capsys):
    path, out = tmp_path / "a.csv", tmp_path / "model.json"
    write_csv(path)
    result = fit_files(path, "y", one_hot=["town"])
    assert result.levels == {"town": ["Bergen", "Oslo", "Tromsø, north"]}
    result.save(out)
    assert fastgd.DescentResult.load(out).levels == result.levels
    assert main(["predict", str(out), str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    np.testing.assert_allclose(found, EXPECTED.predict(np.column_stack([X[:, :1], CODES, X[:, 1:]])), rtol=1e-9)


def test_a_column_named_like_a_level_is_a_feature_of_its_own(tmp_path, capsys):
    path, out = tmp_path / "a.csv", tmp_path / "model.json"
    path.write_text("t,t=size,y\nx,1,3\nz,2,8\nx,4,6\nz,3,9\nx,2,4\n")
    assert main(["fit", str(path), "--target", "y", "--one-hot", "t", "--out", str(out), "--quiet"]) == 0
    assert (load(out).levels, load(out).columns) == ({"t": ["x", "z"]}, ["t", "t=size"])
    capsys.readouterr()
    assert main(["predict", str(out), str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    np.testing.assert_allclose(found, [3.0, 8.0, 6.0, 9.0, 4.0], rtol=1e-9)
    path.write_text("t,t=x,y\nx,1,3\nz,2,8\n")
    for target in ("y", "t=x"):  # a level may have the name of another feature, or of the target
        with pytest.raises(ValueError, match="one_hot must give features of different names; got 't=x' twice"):
            fit_files(path, target, features=["t", "t=x"] if target == "y" else ["t"], one_hot=["t"])


def test_a_column_without_any_level_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,t,y\n1,,1\n2,NA,5\n")
    for missing in ("error", "skip"):
        with pytest.raises(ValueError, match=r"a.csv, column 't': expected levels to encode; got none"):
            fit_files(path, "y", one_hot=["t"], missing=missing)


@pytest.mark.skipif(not is_installed("pyarrow"), reason="Parquet needs pyarrow, an extra")
@pytest.mark.parametrize("labels", [[["a"], ["b"]], [["a"], ["b", "c"]], [{"x": 1}, {"x": 2}]], ids=str)
def test_a_column_of_several_values_in_a_cell_is_refused(tmp_path, labels):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"t": labels, "y": [1.0, 2.0]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"column 't': expected text; got the type (list|struct)<"):
        fit_files(tmp_path / "a.parquet", "y", one_hot=["t"])


@pytest.mark.skipif(not is_installed("pyarrow"), reason="Parquet needs pyarrow, an extra")
def test_a_damaged_column_of_text_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path)
    content = bytearray(path.read_bytes())
    content[content.find(b"Bergen") - 3 : content.find(b"Bergen")] = b"\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a.parquet: cannot be read"):
        fit_files(path, "y", one_hot=["town"])


def test_partition_columns_of_text_may_be_encoded(tmp_path):
    for town, value in (("Oslo", 1.0), ("Bergen", 2.0)):
        (tmp_path / f"town={town}").mkdir()
        (tmp_path / f"town={town}" / "a.csv").write_text(f"x,y\n1,{value + 1}\n2,{value + 2}\n3,{value + 3}\n")
    result = fit_files(tmp_path, "y", one_hot=["town"])
    assert result.features == ["x", "town=Bergen", "town=Oslo"]
    np.testing.assert_allclose(result.predict([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), [2.0, 1.0], rtol=1e-9)


@pytest.mark.parametrize(
    ("one_hot", "error", "message"),
    [
        (["price"], ValueError, "a.csv: no column 'price'; the columns are 'a', 'town', 'b', 'y'"),
        (["y"], ValueError, "one_hot must be some of the features, 'a', 'town', 'b'; got 'y'"),
        ("town", TypeError, "one_hot must be None or a list of names of columns; got 'town'"),
        ([], TypeError, "one_hot must be None or a list of names"),
    ],
)
def test_bad_lists_are_refused(tmp_path, one_hot, error, message):
    write_csv(tmp_path / "a.csv")
    with pytest.raises(error, match=message):
        fit_files(tmp_path / "a.csv", "y", one_hot=one_hot)


def test_a_column_that_names_the_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(levels, "MOST_LEVELS", 2)
    write_csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="column 'town': expected at most 2 levels to encode; got more"):
        fit_files(tmp_path / "a.csv", "y", one_hot=["town"])


def test_a_cluster_takes_no_text(tmp_path, capsys):
    write_csv(tmp_path / "a.csv")
    fit = ["fit", str(tmp_path / "a.csv"), "--target", "y", "--one-hot", "town", "--scheduler", "tcp://127.0.0.1:1"]
    assert main(fit) == 2
    assert "--scheduler goes without --one-hot" in capsys.readouterr().err


def test_models_without_text_are_saved_as_before(tmp_path):
    fastgd.gradient_descent(X, NOISE).save(tmp_path / "model.json")
    assert "levels" not in json.loads((tmp_path / "model.json").read_text())
    assert load(tmp_path / "model.json").columns == ["x0", "x1"]


def test_encoding_finds_the_labels_that_are_no_levels():
    found, unknown = encode(np.array(["b", "x", " a ", "y", None], dtype=object), ["a", "b"])
    np.testing.assert_array_equal(found, [[0, 1], [0, 0], [1, 0], [0, 0], [np.nan, np.nan]])
    np.testing.assert_array_equal(unknown, [1, 3])
