"""A fault of a CSV file is told in the same words by every reader: whole, in parts, from a pipe, without pyarrow."""

import gzip
import sys
from contextlib import ExitStack

import numpy as np
import pytest

from fastgd.cli.main import main
from fastgd.files import csv_blocks
from fastgd.files.model import Model, save
from fastgd.streaming import fit_array, fit_batches, fit_files

GOOD = "a,b,y\n1,2,3\n2,1,4\n3,3,5\n4,0,6\n"
GAP = "only an empty cell, NA, NaN, null and the like stand for a missing value"
SKIP = "; --missing skip leaves out rows without a value"
FAULTS = {
    "an empty cell": (GOOD + "1,,2\n", f"line 6, column 'b': expected a number; got an empty cell{SKIP}"),
    "blanks": (GOOD + "1, ,2\n", f"line 6, column 'b': expected a number; got an empty cell{SKIP}"),
    "NA": (GOOD + "1,NA,2\n", f"line 6, column 'b': expected a number; got 'NA', a missing value{SKIP}"),
    "NaN": (GOOD + "1,nan,2\n", f"line 6, column 'b': expected a number; got 'nan', a missing value{SKIP}"),
    "infinity": (GOOD + "1,-inf,2\n", "line 6, column 'b': expected a finite number; got '-inf'"),
    "a large number": (GOOD + "1,1e400,2\n", "line 6, column 'b': expected a finite number; got '1e400'"),
    "a break in a cell": (
        'a,b,y\n"1\n",2,3\n1,,2\n',
        f"line 4, column 'b': expected a number; got an empty cell{SKIP}",
    ),
    "thousands": (
        GOOD + '1,"1,000",3\n',
        "line 6, column 'b': expected a number; got '1,000'; the comma may stand between",
    ),
    "text": ("a,b,y\n1,x,2\n", "line 2, column 'b': expected a number; got 'x'; --one-hot encodes the levels"),
    "text below numbers": (
        GOOD + "1,x,2\n",
        "line 6, column 'b': expected a number; got 'x'; no cell above it holds text: correct it; or --one-hot encodes",
    ),
    "an empty line": ("a,b,y\n1,2,3\n\n2,1,4\n", "line 3: expected a row; got an empty line; remove that line"),
    **{
        f"the cell {cell}": (GOOD + f'1,"{cell}",2\n', f"line 6, column 'b': expected a number; got '{cell}'; {hint}\n")
        for cell, hint in {
            "1,5": "--decimal ',' reads it",
            "78,830.21": "the comma may stand between thousands",
            "1,234,567": "the comma may stand between thousands",
            "1_000": "a number must have no underscores",
            "15.3%": "a number must stand alone in its cell, without '%'",
            "$1,250.50": "a number must stand alone in its cell, without '$'",
            "-": GAP,
            "?": GAP,
            "None": GAP,
        }.items()
    },
    "a short row": (GOOD + "1,2\n", "line 6: expected 3 cells, as in line 1; got 2"),
    "no rows": ("a,b,y\n", "expected rows; got none"),
    "no target": ("a,b\n1,2\n", "no column 'y'; the columns are 'a', 'b'"),
    "nothing but the target": ("y\n1\n2\n", "expected columns beside the target 'y'"),
}
READERS = ["whole", "in parts", "compressed", "a pipe", "without pyarrow", "in parts without pyarrow"]


@pytest.fixture
def pipe(monkeypatch):
    """Return a function that makes a file the standard input."""
    with ExitStack() as stack:
        yield lambda path: monkeypatch.setattr(sys, "stdin", stack.enter_context(open(path, encoding="utf-8")))


def list_arguments(folder, monkeypatch, reader, text):
    """Write the text, and return the command that reads it by one of the readers."""
    (folder / "a.csv").write_text(text)
    if "without" in reader:
        monkeypatch.setattr(csv_blocks, "find_pyarrow", lambda: None)
    if reader == "compressed":
        (folder / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
        return ["fit", "a.csv.gz", "--target", "y"]
    if reader == "a pipe":
        return ["fit", "-", "--target", "y"]
    return ["fit", "a.csv", "--target", "y", *(["--checkpoint", "kept"] if reader.startswith("in parts") else [])]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_in_the_same_words(tmp_path, monkeypatch, capsys, pipe, reader, fault):
    monkeypatch.chdir(tmp_path)
    text, message = FAULTS[fault]
    arguments = list_arguments(tmp_path, monkeypatch, reader, text)
    pipe("a.csv")
    assert main(arguments) == 2
    name = {"compressed": "a.csv.gz", "a pipe": "-"}.get(reader, "a.csv")
    printed = capsys.readouterr().err
    assert printed.startswith(f"fastgd: {name}{', ' if message.startswith('line') else ': '}{message}")
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("2.65", "the decimal mark is a comma, and this cell has a point"),
        ("1.234", "the decimal mark is a comma, and this cell has a point, which may stand between thousands"),
        ("1.234,50", "the point may stand between thousands"),
        ("1.234.567", "the point may stand between thousands"),
    ],
)
def test_a_point_beside_decimal_commas_is_told(tmp_path, monkeypatch, capsys, cell, hint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(f"a;y\n1,5;2\n{cell};3\n2;4\n")
    assert main(["fit", "a.csv", "--target", "y", "--decimal", ","]) == 2
    assert capsys.readouterr().err == f"fastgd: a.csv, line 3, column 'a': expected a number; got '{cell}'; {hint}\n"


@pytest.mark.parametrize("fault", ["an empty cell", "NA", "infinity", "a large number", "a short row", "no rows"])
def test_predictions_tell_the_faults_of_a_file_in_the_same_words(tmp_path, monkeypatch, capsys, fault):
    monkeypatch.chdir(tmp_path)
    save(Model("y", ["a", "b"], 0.5, [2.0, 1.0]), "model.json")
    text, message = FAULTS[fault]
    (tmp_path / "a.csv").write_text(text)
    assert main(["predict", "model.json", "a.csv"]) == 2
    assert f"a.csv{', ' if message.startswith('line') else ': '}{message}" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["error", "skip"])
def test_an_infinity_is_refused_beside_a_missing_cell_too(tmp_path, missing):
    (tmp_path / "a.csv").write_text(GOOD + "inf,,2\n")
    with pytest.raises(ValueError, match=r"a\.csv, line 6, column 'a': expected a finite number; got 'inf'$"):
        fit_files(tmp_path / "a.csv", "y", missing=missing)


@pytest.mark.parametrize("missing", ["error", "skip"])
def test_an_infinity_is_refused_beside_a_missing_value_in_memory_too(missing):
    rows, told = (
        [[1.0, 2.0], [np.nan, np.inf], [0.0, 1.0]],
        "row 1 .*, column 1 of X: expected a finite number; got inf",
    )
    for fit in (fit_array, lambda X, y, **more: fit_batches([(X, y)], **more)):
        with pytest.raises(ValueError, match=told if missing == "skip" else "row 1 .*, column 0 of X: .* got no value"):
            fit(rows, [1.0, 2.0, 3.0], missing=missing)


LACKING = {
    "a target": ["--target", "z"],
    "one of two targets": ["--target", "y", "z"],
    "a feature": ["--target", "y", "--features", "a", "z"],
    "a weight": ["--target", "y", "--weight", "z"],
    "text": ["--target", "y", "--one-hot", "z"],
}


@pytest.mark.parametrize("missing", ["error", "skip"])
@pytest.mark.parametrize(
    ("lack", "source"),
    [(lack, source) for lack in LACKING for source in ("file", "pipe", "folder") if (lack, source) != ("text", "pipe")],
)
def test_a_missing_column_is_told_in_one_wording(tmp_path, monkeypatch, capsys, pipe, lack, source, missing):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.csv").write_text(GOOD)
    name = {"file": "d/a.csv", "pipe": "-", "folder": "d"}[source]
    pipe("d/a.csv")
    assert main(["fit", name, *LACKING[lack], "--missing", missing]) == 2
    place = "-" if source == "pipe" else "d/a.csv"
    assert capsys.readouterr().err == f"fastgd: {place}: no column 'z'; the columns are 'a', 'b', 'y'\n"


def test_a_file_that_lacks_a_column_of_the_first_one_is_told_in_the_same_wording(tmp_path, capsys):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text("a,y\n1,2\n")
    assert main(["fit", str(tmp_path), "--target", "y"]) == 2
    assert capsys.readouterr().err == f"fastgd: {tmp_path / 'b.csv'}: no column 'b'; the columns are 'a', 'y'\n"


@pytest.mark.parametrize("column", ["y", "w"])
def test_advice_about_features_is_not_given_for_targets_and_weights(tmp_path, capsys, column):
    path = tmp_path / "a.csv"
    path.write_text("a,y,w\n1,2,3\n" + {"y": "1,x,3\n", "w": "1,2,x\n"}[column])
    assert main(["fit", str(path), "--target", "y", "--weight", "w"]) == 2
    assert capsys.readouterr().err == f"fastgd: {path}, line 3, column '{column}': expected a number; got 'x'\n"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_without_rows_are_passed_over_unless_all_are(tmp_path, capsys, suffix):
    paths = [tmp_path / f"{number}.{suffix}" for number in range(3)]
    for path, rows in zip(paths, (GOOD[:6], GOOD, GOOD[:6]), strict=True):
        write_table(path, rows)
    out = str(tmp_path / "model.json")
    assert main(["fit", str(tmp_path), "--target", "y", "--out", out, "--quiet"]) == 0
    capsys.readouterr()
    assert main(["predict", out, *map(str, paths)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    for given, told in ([paths[:1], f"{paths[0]}"], [paths[::2], f"{paths[0]} and 1 more file"]):
        for command in (["fit", *map(str, given), "--target", "y"], ["predict", out, *map(str, given)]):
            assert main(command) == 2
            assert capsys.readouterr() == ("", f"fastgd: {told}: expected rows; got none\n")


def write_table(path, text):
    """Write a table as CSV, or as Parquet."""
    if path.suffix == ".csv":
        path.write_text(text)
        return
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")
    import pyarrow.parquet as pq

    names, *rows = [line.split(",") for line in text.split()]
    columns = {name: [float(row[j]) for row in rows] for j, name in enumerate(names)}
    pq.write_table(pa.table(columns, schema=pa.schema([(name, pa.float64()) for name in names])), path)


@pytest.mark.parametrize(
    ("option", "value"), [("delimiter", ";"), ("delimiter", ","), ("decimal", ","), ("encoding", "latin-1")]
)
def test_options_of_csv_are_refused_for_parquet(tmp_path, monkeypatch, capsys, option, value):
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "a.parquet", GOOD)
    save(Model("y", ["a", "b"], 0.5, [2.0, 1.0]), "model.json")
    more = ["--delimiter", ";"] if option == "decimal" else []
    for command in (["fit", "a.parquet", "--target", "y"], ["predict", "model.json", "a.parquet"]):
        assert main([*command, f"--{option}", value, *more]) == 2
        first = "delimiter" if more else option
        got = ";" if more else {"latin-1": "iso8859-1"}.get(value, value)
        message = f"fastgd: --{first} must be left out for Parquet files, a.parquet here; got '{got}'\n"
        assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize("source", ["file", "pipe"])
def test_a_negative_weight_is_told_by_its_line(tmp_path, monkeypatch, capsys, pipe, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x,y,w\n1,2,1\n2,3,-4\n3,1,1\n")
    pipe("a.csv")
    name = "a.csv" if source == "file" else "-"
    assert main(["fit", name, "--target", "y", "--weight", "w"]) == 2
    assert capsys.readouterr().err == f"fastgd: {name}, line 3: column 'w' must not be negative; got -4.0\n"
