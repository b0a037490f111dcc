"""`fastgd predict`: all kinds of files, in parts, to standard output or to a file."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from problems import random_problem
from processes import run_python

import fastgd
from fastgd.cli import predictions
from fastgd.cli.main import main
from fastgd.files import csv_blocks
from fastgd.files.worker import work_ahead
from fastgd.inputs.extras import is_installed

X, Y = random_problem(60, 3)
NAMES = ["a", "b", "c"]
needs_arrow = pytest.mark.skipif(not is_installed("pyarrow"), reason="Parquet needs pyarrow, an extra")
posix = pytest.mark.skipif(os.name != "posix", reason="the test needs pipes of POSIX")


def write_csv(path, rows, extra="no number"):
    """Write rows as CSV, with a column of text that no model needs."""
    lines = [",".join(["text", *NAMES])] + [",".join([extra, *map(repr, row)]) for row in rows.tolist()]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a model, and rows as CSV in two files and in one."""
    monkeypatch.chdir(tmp_path)
    result = fastgd.gradient_descent(X, Y)
    fastgd.files.model.save(
        fastgd.files.model.Model("y", NAMES, float(result.intercept), result.coef.tolist()), "model.json"
    )
    write_csv(tmp_path / "all.csv", X)
    (tmp_path / "parts").mkdir()
    write_csv(tmp_path / "parts" / "1.csv", X[:35])
    write_csv(tmp_path / "parts" / "2.csv", X[35:])
    return tmp_path


EXPECTED = fastgd.gradient_descent(X, Y).predict(X)


def test_a_prediction_imports_nothing_that_fits():
    code = "import sys; from fastgd.cli import main; main.load_command(['predict']); print(*sorted(sys.modules))"
    loaded = run_python(code).split()
    assert "fastgd.cli.predict" in loaded
    unneeded = {"backends", "bench", "descent", "plots", "problem", "rates", "report"}
    assert not {name.split(".")[1] for name in loaded if name.startswith("fastgd.")} & unneeded
    assert not {"pyarrow", "matplotlib", "numba", "secrets", "importlib.metadata"} & {*loaded}


def read(text):
    """Return the predictions in a printed table."""
    name, *lines = text.splitlines()
    assert name == "y"
    return np.array(lines, float)


@pytest.mark.parametrize("size", [40, 1 << 20])
@pytest.mark.parametrize("files", [["all.csv"], ["parts"], ["parts/*.csv"], ["parts/2.csv", "parts/1.csv"]], ids=str)
def test_files_folders_and_patterns_are_predicted_in_parts(folder, monkeypatch, capsys, files, size):
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", size)
    assert main(["predict", "model.json", *files]) == 0
    np.testing.assert_allclose(read(capsys.readouterr().out), EXPECTED, rtol=1e-12)
    assert main(["predict", "model.json", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(document["predictions"], EXPECTED, rtol=1e-12)


@needs_arrow
def test_parquet_is_read_and_written(folder, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: X[:, j] for j, name in enumerate(NAMES)}
    pq.write_table(pa.table(columns | {"text": ["no number"] * 60}), "rows.parquet", row_group_size=25)
    assert main(["predict", "model.json", "rows.parquet", "--out", "out.pq"]) == 0
    assert capsys.readouterr().out == ""
    np.testing.assert_allclose(pq.read_table("out.pq")["y"].to_numpy(), EXPECTED, rtol=1e-12)
    assert main(["predict", "model.json", "rows.parquet"]) == 0
    np.testing.assert_allclose(read(capsys.readouterr().out), EXPECTED, rtol=1e-12)


def test_predictions_are_saved_as_csv(folder, capsys):
    assert main(["predict", "model.json", "all.csv", "--out", "out.csv"]) == 0
    assert capsys.readouterr().out == ""
    np.testing.assert_allclose(read((folder / "out.csv").read_text()), EXPECTED, rtol=1e-12)


def test_rows_without_a_value_are_refused_or_left_out(folder, capsys):
    lines = (folder / "all.csv").read_text().splitlines()
    lines[5] = "no number,1.0,,2.0"
    (folder / "gaps.csv").write_text("\n".join(lines))
    assert main(["predict", "model.json", "gaps.csv"]) == 2
    assert "gaps.csv, line 6, column 'b': expected a number; got an empty cell" in capsys.readouterr().err
    assert main(["predict", "model.json", "gaps.csv", "--missing", "skip"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "fastgd: 1 row without a value left out\n"
    np.testing.assert_allclose(read(printed.out), np.delete(EXPECTED, 4), rtol=1e-12)


@pytest.mark.parametrize(("options", "text"), [([], "y\n"), (["--json"], '{"target": "y", "predictions": []}\n')])
def test_a_file_whose_rows_are_all_left_out_has_the_names_alone(folder, capsys, options, text):
    (folder / "gaps.csv").write_text("a,b,c\n1,,2\n,3,4\n")
    assert main(["predict", "model.json", "gaps.csv", "--missing", "skip", *options]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (text, "fastgd: 2 rows without a value left out\n")


def test_a_broken_pyarrow_is_not_needed_to_print(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow.csv", None)
    assert main(["predict", "model.json", "all.csv"]) == 0
    np.testing.assert_allclose(read(capsys.readouterr().out), EXPECTED, rtol=1e-12)


@needs_arrow
def test_rows_of_parquet_without_a_value_are_refused_or_left_out(folder, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array([None, *X[1:, j]]) for j, name in enumerate(NAMES)}
    pq.write_table(pa.table(columns), "gaps.parquet")
    assert main(["predict", "model.json", "gaps.parquet"]) == 2
    assert "gaps.parquet, row group 0, row 0 (counted from 0), column 'a'" in capsys.readouterr().err
    assert main(["predict", "model.json", "gaps.parquet", "--missing", "skip"]) == 0
    np.testing.assert_allclose(read(capsys.readouterr().out), EXPECTED[1:], rtol=1e-12)


def test_a_failure_keeps_the_old_predictions(folder, monkeypatch, capsys):
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 200)
    (folder / "out.csv").write_text("old")
    with (folder / "all.csv").open("a") as file:
        file.write("no number,1.0,x,2.0\n")
    assert main(["predict", "model.json", "all.csv", "--out", "out.csv"]) == 2
    assert "line 62, column 'b': expected a number; got 'x'" in capsys.readouterr().err
    assert (folder / "out.csv").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["all.csv", "model.json", "out.csv", "parts"]


def test_a_full_disk_is_told_by_the_name_of_the_output(folder, monkeypatch, capsys):
    (folder / "out.csv").write_text("old")

    class Full(io.BytesIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(predictions, "replacing", lambda path: Full())
    assert main(["predict", "model.json", "all.csv", "--out", "out.csv"]) == 2
    printed = capsys.readouterr().err
    assert printed == "fastgd: --out must be a file that can be written; got 'out.csv': No space left on device\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "model.json"], "--out must not be the file that is read; got 'model.json'"),
        (["--out", "all.csv"], "--out must not be the file that is read; got 'all.csv'"),
        (["--out", "no/out.csv"], "--out must be in a folder that exists"),
        (["--out", "out.csv", "--json"], "--json must not be given with --out"),
        (["--out", "out.csv.gz"], "--out must name a file without compression; got 'out.csv.gz'"),
        (["--decimal", "x"], "--decimal must be '.' or ','; got 'x'"),
    ],
)
def test_bad_options_are_refused(folder, capsys, options, message):
    assert main(["predict", "model.json", "all.csv", *options]) == 2
    assert message in capsys.readouterr().err


def test_the_rows_before_a_bad_one_are_printed_and_the_first_fault_is_told(folder, monkeypatch, capsys):
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 100)
    lines = (folder / "all.csv").read_text().splitlines()
    lines[50] = "no number,1.0,bad,2.0"
    (folder / "bad.csv").write_text("\n".join(lines))
    assert main(["predict", "model.json", "bad.csv"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "fastgd: bad.csv, line 51, column 'b': expected a number; got 'bad'\n"
    found = read(printed.out)
    np.testing.assert_allclose(found, EXPECTED[: len(found)], rtol=1e-12)
    assert len(found) > 40
    model = json.loads((folder / "model.json").read_text())
    (folder / "large.json").write_text(json.dumps(model | {"coef": [1e308, 1e308, 1e308]}))
    lines[1] = "no number,1e300,1,1"
    (folder / "bad.csv").write_text("\n".join(lines))
    assert main(["predict", "large.json", "bad.csv"]) == 2
    printed = capsys.readouterr()
    assert printed == ("", "fastgd: bad.csv, line 2: the prediction is out of the range of float64\n")


def test_no_part_follows_one_whose_work_failed():
    def work(part):
        if part == 2:
            raise ValueError("the second part")
        return part

    found = work_ahead([1, 2, 3, 4], work)
    assert next(found) == 1
    with pytest.raises(ValueError, match="the second part"):
        next(found)
    assert list(found) == []


def test_work_goes_on_without_a_thread(monkeypatch):
    def refuse(*given):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    assert list(work_ahead(["a", "b"], str.upper)) == ["A", "B"]


@posix
def test_standard_input_and_pipes_are_read(folder):
    for files, given in (("-", "< all.csv"), ("<(cat all.csv)", "")):
        command = f"{sys.executable} -m fastgd predict model.json {files} {given}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        np.testing.assert_allclose(read(done.stdout), EXPECTED, rtol=1e-12)


@needs_arrow
def test_numbers_are_written_as_python_writes_them():
    generator = np.random.default_rng(5)
    spread = generator.standard_normal((4000, 2)) * 10.0 ** generator.integers(-4, 15, (4000, 2))
    usual = spread[((np.abs(spread) >= 1e-4) & (np.abs(spread) < 1e10) & (np.rint(spread) != spread)).all(axis=1)]
    few_odd = usual.copy()
    few_odd[[0, 7, 8, -1]] = [[0.5, 2.0], [1e-7, -0.0], [1e22, 0.1], [-3.0, 1e-320]]
    for values in (usual, spread, few_odd, few_odd[:1], np.array([[1.0, 1e22], [1e-7, -0.0]])):
        assert predictions.encode_csv(values) == "".join(f"{a!r},{b!r}\n" for a, b in values.tolist()).encode()


def test_several_targets_have_a_column_each(folder, capsys):
    result = fastgd.gradient_descent(X, np.column_stack([Y, -Y]))
    result.save("two.json", target=["up", "down"])
    (folder / "all.csv").write_text("x0,x1,x2\n" + "\n".join(",".join(map(repr, row)) for row in X.tolist()))
    assert main(["predict", "two.json", "all.csv"]) == 0
    names, *lines = capsys.readouterr().out.splitlines()
    assert names == "up,down"
    found = [[float(cell) for cell in line.split(",")] for line in lines]
    np.testing.assert_allclose(found, np.column_stack([EXPECTED, -EXPECTED]), rtol=1e-9)
    assert main(["predict", "two.json", "all.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["target"] == ["up", "down"]
    assert np.shape(document["predictions"]) == (60, 2)
