"""Fits of Parquet and CSV files equal the fit of their rows in memory, and errors name the place."""

import json
import re
import sys
from functools import partial

import numpy as np
import pytest
from test_streaming import SETTINGS, assert_same_fit, make_data

import fastgd
from fastgd.cli.main import main
from fastgd.files import csv_blocks, lines
from fastgd.files.csv import read_csv
from fastgd.streaming import columns, fit_files
from fastgd.streaming.choosing import Request
from fastgd.streaming.files import FileBatchSource
from fastgd.streaming.finding import find_files
from fastgd.streaming.pipes import fit_pipe

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
NAMES = ["size", "rooms", "age"]


def make_table(X, y, **more):
    return pa.table({"size": X[:, 0], "price": y, "rooms": X[:, 1], "age": X[:, 2], **more})


def write(path, table):
    """Write a table as Parquet or CSV, by the suffix of the path."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=60)
    else:
        table.to_pandas().to_csv(path, index=False)


@pytest.fixture(params=[".parquet", ".csv"])
def folder(request, tmp_path):
    """Return a folder with three files of data, and one that is not data."""
    X, y = make_data()
    for number, rows in enumerate((slice(0, 150), slice(150, 151), slice(151, None))):
        write(tmp_path / f"part{number}{request.param}", make_table(X[rows], y[rows]))
    (tmp_path / "README.txt").write_text("not data")
    return tmp_path


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(columns, "BATCH_BYTES", 1)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1000)


def fit_in_memory(**options):
    return fastgd.gradient_descent(*make_data(), compress=True, **SETTINGS, **options)


@pytest.mark.parametrize("form", ["folder", "pattern", "list", "backwards"])
def test_files_give_the_fit_of_their_rows(folder, small_batches, form):
    files = sorted(folder.glob("part*"))
    paths = {"folder": folder, "pattern": str(folder / "part[0-9]*"), "list": files, "backwards": map(str, files[::-1])}
    result = fit_files(paths[form], "price", **SETTINGS)
    assert_same_fit(result, fit_in_memory())
    assert (result.features, result.target) == (NAMES, "price")
    assert (result.n_samples, result.method) == (500, "gram")
    assert result.weights.tobytes() == fit_files(folder, "price", threads=3, **SETTINGS).weights.tobytes()


def test_files_are_fitted_where_nothing_is_named(folder, small_batches):
    X, y = make_data()
    result = fit_files(folder, "price")
    assert (result.converged, result.reason, result.precondition) == (True, "gradient", "whiten")
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]
    np.testing.assert_allclose(result.coef, expected, rtol=1e-9)


def test_columns_are_chosen_by_name(tmp_path):
    X, y = make_data()
    weights = np.arange(500.0) % 3
    write(tmp_path / "a.parquet", make_table(X, y, s=weights, name=["x"] * 500))
    result = fit_files(tmp_path / "a.parquet", "price", features=["age", "size"], weight="s", **SETTINGS)
    expected = fastgd.gradient_descent(X[:, [2, 0]], y, sample_weight=weights, compress=True, **SETTINGS)
    assert_same_fit(result, expected)
    assert result.features == ["age", "size"]
    with pytest.raises(ValueError, match=r"a\.parquet, column 'name': expected numbers; got the type string"):
        fit_files(tmp_path / "a.parquet", "price", weight="s")


@pytest.mark.parametrize("kind", ["float32", "int8", "uint64", "bool", "float16"])
def test_numbers_of_all_types_are_read(tmp_path, kind):
    X, y = make_data()
    X = (X > [0.0, 50.0, 2.0]).astype(kind)
    write(tmp_path / "a.parquet", make_table(X, y))
    expected = fastgd.gradient_descent(X.astype(float), y, compress=True, **SETTINGS)
    assert_same_fit(fit_files(tmp_path / "a.parquet", "price", **SETTINGS), expected)


def test_column_order_may_differ_between_files(folder):
    files = sorted(folder.glob("part*"))
    X, y = make_data()
    write(files[2], make_table(X[151:], y[151:]).select(["age", "size", "rooms", "price"]))
    assert_same_fit(fit_files(folder, "price", **SETTINGS), fit_in_memory())


def test_a_second_pass_keeps_the_digits_that_gram_loses(folder, small_batches):
    for path in folder.glob("part*"):
        table = pq.read_table(path) if path.suffix == ".parquet" else pa.csv.read_csv(path)
        almost = table["size"].to_numpy() + 1e-7 * table["age"].to_numpy()
        write(path, table.append_column("almost", pa.array(almost)))
    X, y = make_data()
    result = fit_files(folder, "price", **SETTINGS)
    expected = fastgd.gradient_descent(np.column_stack([X, X[:, 0] + 1e-7 * X[:, 2]]), y, compress=True, **SETTINGS)
    assert result.method == "qr"
    assert_same_fit(result, expected)


@pytest.mark.parametrize("value", [None, np.nan])
def test_missing_values_in_parquet_are_named_by_row_and_column(tmp_path, small_batches, value):
    X, y = make_data()
    age = [*X[:99, 2], value, *X[100:, 2]]
    write(tmp_path / "a.parquet", make_table(X, y).drop_columns("age").append_column("age", pa.array(age)))
    place = r"a\.parquet, row group 1, row 39 \(counted from 0\), column 'age': expected a finite number; got no value"
    with pytest.raises(ValueError, match=place):
        fit_files(tmp_path / "a.parquet", "price")
    result = fit_files(tmp_path / "a.parquet", "price", missing="skip", **SETTINGS)
    assert (result.n_samples, result.skipped) == (499, 1)
    without = fit_files(tmp_path / "a.parquet", "price", features=["size", "rooms"], **SETTINGS)
    assert (without.n_samples, without.skipped) == (500, 0)


def test_missing_values_in_csv_are_named_by_line_and_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y,s\n1,2,1\n2,,1\n3,4,NA\n4,5.5,1\n6,6,1\n")
    place = r"a\.csv, line 3, column 'y': expected a number; got an empty cell; missing='skip' leaves out"
    with pytest.raises(ValueError, match=place):
        fit_files(path, "y", weight="s")
    assert fit_files(path, "y", weight="s", missing="skip").skipped == 2
    path.write_text("x,y\n1,2\n2,-inf\n")
    with pytest.raises(ValueError, match=r"line 3, column 'y': expected a finite number; got '-inf'$"):
        fit_files(path, "y", missing="skip")


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2\nred,3\n", r"a\.csv, line 3, column 'x': expected a number; .*'red'"),
        ("x,y\n1,2\n2,3,4\n", r"a\.csv, line 3: expected 2 cells, as in line 1; got 3"),
        ("x,y\n1,2\n" * 300, r"a\.csv, line 3, column '.'"),
        ("x,y\n", "expected rows"),
        ("", r"a\.csv, line 1: expected column names; got an empty line"),
        ("1,2\n3,4\n", "expected column names; got the numbers"),
        ("x,x,y\n1,2,3\n", "expected different column names"),
        ("y\n1\n", "expected columns beside the target 'y'"),
        ("x,z\n1,1\n", r"a\.csv: no column 'y'; the columns are 'x', 'z'"),
        ("x,y\n1,2\n\udcff,2\n", r"a\.csv, line 3: expected text in UTF-8; got the byte 0xff"),
    ],
)
def test_bad_csv_is_refused_by_line_and_column(tmp_path, monkeypatch, text, message, small):
    if small:
        monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 50)
    (tmp_path / "a.csv").write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=message):
        fit_files(tmp_path / "a.csv", "y")


# Rows below the names "x,t,y", and whether they are a table; the column t may hold anything.
CSV_ROWS = [
    ('"1"2,a,3', False), ('1"2,a,3', False), ('"1""2",a,3', False), ('"1",a,"3"', True), ("+1,a,3", True),
    (".5,a,5.", True), ("1_000,a,3", False), ("0x10,a,3", False), ("1e5,a,-1E-3", True), ("inf,a,3", False),
    ("nan(1),a,3", False), ("\u0661\u0662,a,3", True), ("\uff11,a,3", True), ("\xa01,a,3", True),
    ("\v1,a,3", True), ("\ufeff1,a,3", False), ("\x001,a,3", False), (" 1\t,a,3", True), ('1,"a,b",3', True),
    ('1,"a""b",3', True), ('1,"a\nb",3', True), ('"1\n",a,3', True), ('1,a"b,3', True), ('1,"a" ,3', False),
    ('1,"a,3', False), ("1,\udcff,3", False), ("1,\xe9,3", True), ("1,a,3,", False), ("1,a", False),
    ("1,a,3\n\n2,b,4", False), ("1,a,3\r\r2,b,4", False), ("1,a,3\n \n", True), ("1,a,3\n\n\n", True),
    ("1,a,3\r2,b,4", True), ("1,a,3\n\r2,b,4", False), (f"1,{'a' * 140_000},3", False),
    (f'1,"{"a," * 70_000}",3', False), (f"1,{'a' * 131_000},3", True), (",a,3", False), ("NA,a,3", False),
    ("1e400,a,3", False), ("0.1" + 400 * "0" + "1,a,4.9e-324", True),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "good"), CSV_ROWS)
@pytest.mark.parametrize("size", [10, 1 << 20])
def test_csv_in_blocks_holds_what_csv_read_whole_holds(tmp_path, monkeypatch, rows, good, size):
    path = tmp_path / "a.csv"
    path.write_bytes(f"x,t,y\n9,c,8\n{rows}".encode("utf-8", "surrogateescape"))
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", size)
    if good:
        source = FileBatchSource([str(path)], Request("y", ["x"]))
        found = np.concatenate([np.column_stack([batch.X, batch.y]) for batch in source.batches_after([])])
        np.testing.assert_array_equal(found, read_csv(path, ["x", "y"]).values)
    else:
        for read in (partial(read_csv, path, ["x", "y"]), partial(fit_files, path, "y", features=["x"])):
            with pytest.raises(ValueError, match=r"a\.csv, line \d"):
                read()


def test_plain_blocks_of_quotes_are_read_by_pyarrow(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("x,t,y\n" + '1,"a, ""b""",2\n"2",c,4\n3,"",6.5\n' * 50)
    monkeypatch.setattr(csv_blocks, "read_any", lambda *given: pytest.fail("the block is plain"))
    assert fit_files(path, "y", features=["x"]).n_samples == 150


def test_blocks_of_truth_values_and_of_numbers_are_read_by_pyarrow(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="the test is about pyarrow, an extra")
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 60)
    mixed, read_any = [], csv_blocks.read_any
    monkeypatch.setattr(csv_blocks, "read_any", lambda *given, **more: mixed.append(1) or read_any(*given, **more))
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "True,2\nFalse,3\n" * 20 + "0.5,2.5\n1.0,2.0\n" * 20 + "true,2\nfalse,3\n" * 20)
    result = fit_files(path, "y")
    assert result.n_samples == 120
    np.testing.assert_allclose(result.weights, [3.0, -1.0], atol=1e-9)
    assert len(mixed) <= 2  # of some sixteen blocks: those that hold both


def test_a_line_without_an_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 18)
    path = tmp_path / "a.csv"
    for begin, line in (("", 1), ("x,y\n1,2\n", 3)):
        path.write_text(begin + "1" * (1 << 20))
        for read in (partial(read_csv, path), partial(fit_files, path, "y")):
            with pytest.raises(ValueError, match=rf"a\.csv, line {line}: expected .* of at most [\d,]+ [bc]"):
                read()


def link_in_circles(folder):
    """Make a folder of data with two links to itself, and a hidden folder."""
    for name in ("data/deep", "data/.hidden"):
        (folder / name).mkdir(parents=True)
    for name in ("data/a.csv", "data/deep/b.csv", "data/.hidden/c.csv"):
        (folder / name).write_text("x,y\n1,2\n2,3\n")
    (folder / "data" / "one").symlink_to(".")
    (folder / "data" / "deep" / "two").symlink_to("..")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("data/**/*.csv", ["data/a.csv", "data/deep/b.csv"]),
        ("**/*.csv", ["data/a.csv", "data/deep/b.csv"]),
        ("**/**/deep/**/b.c*", ["data/deep/b.csv"]),
        ("data/**", ["data/a.csv", "data/deep/b.csv"]),
        ("d*/**/deep/*", ["data/deep/b.csv"]),
        ("data/.hidden/**/*", ["data/.hidden/c.csv"]),
        ("{}/**/b.csv", ["{}/data/deep/b.csv"]),
    ],
)
def test_folders_that_are_linked_in_circles_are_entered_once(tmp_path, monkeypatch, pattern, names):
    link_in_circles(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_files(pattern.format(tmp_path)) == [name.format(tmp_path) for name in names]


def test_messages_about_files_are_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"c{j}" for j in range(10_000)]
    files = {
        "cell.csv": f"x,y\n1,{'z' * 100_000}\n",
        "name.csv": f"{'x' * 100_000},y\nz,1\n",
        "names.csv": ",".join(names) + "\n1\n",
        "few.csv": "x\x1b[2J,z\n1,2\n",
        "x" * 200 + ".csv": "x,y\nz,1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=r"line|no column") as caught:
            fit_files(name, "y")
        assert len(str(caught.value)) < 700
        assert str(caught.value).isprintable()
    for wrong in ({"features": names * 2}, {"features": "x" * 10_000}, {"weight": ["y" * 1000] * 1000}):
        with pytest.raises((TypeError, ValueError)) as caught:
            fit_files("few.csv", "y", **wrong)
        assert len(str(caught.value)) < 700
    with pytest.raises(TypeError) as caught:
        fit_files([b"x" * 1000] * 1000, "y")
    assert len(str(caught.value)) < 700
    with pytest.raises(ValueError, match="no null character"):
        fit_files("a\0.csv", "y")


def test_files_with_different_columns_are_refused(tmp_path):
    X, y = make_data()
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    write(first, make_table(X, y))
    table = make_table(X, y)
    for other, message in [
        (table.drop_columns("age"), r"b\.parquet: no column 'age'; the columns are 'size', 'price', 'rooms'"),
        (make_table(X, y, tax=y), r"b\.parquet: expected the columns of .*a\.parquet; got 'tax' too"),
        (make_table(X.astype("float32"), y), r"b\.parquet, column 'size': expected the type double, .*; got float"),
        (make_table(X.astype("str"), y), r"b\.parquet, column 'size': expected numbers; got the type "),
    ]:
        write(second, other)
        with pytest.raises(ValueError, match=message):
            fit_files(tmp_path, "price")
    with pytest.raises(ValueError, match=r"a\.parquet: no column 'rent'; the columns are 'size', 'price'"):
        fit_files(first, "rent")


def test_corrupt_parquet_is_refused_or_read_right(tmp_path, small_batches):
    X, y = make_data()
    path = tmp_path / "a.parquet"
    pq.write_table(make_table(X, y), path, row_group_size=60, write_page_checksum=True)
    content = path.read_bytes()
    expected, refused = fit_files(path, "price", **SETTINGS).weights, []
    for place in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            result = fit_files(path, "price", **SETTINGS)
        except ValueError as error:
            refused.append(str(error))
        else:
            np.testing.assert_array_equal(result.weights, expected)
    assert all("a.parquet" in message for message in refused)
    assert len(refused) > 25
    path.write_bytes(content[:-100])
    with pytest.raises(ValueError, match=r"a\.parquet: expected a Parquet file; "):
        fit_files(path, "price")


def test_the_error_of_a_damaged_file_names_the_row_group(tmp_path):
    path = tmp_path / "a.parquet"
    table = make_table(*make_data())
    pq.write_table(table, path, row_group_size=60, write_page_checksum=True, use_dictionary=False)
    chunk = pq.ParquetFile(path).metadata.row_group(3).column(1)
    place = chunk.data_page_offset + chunk.total_compressed_size - 100
    content = path.read_bytes()
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(ValueError, match=r"a\.parquet, row group 3, from row 0 on: cannot be read; "):
        fit_files(path, "price")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], "y"), "paths must name one file at least"),
        ((3, "y"), "paths must be a path, or a list of paths; got 3"),
        (([3], "y"), "paths must be a path, or a list of paths"),
        ((pa.table({"a.csv": [1.0]}), "y"), "a list of paths; got a Table: gradient_descent and fastgd.stre"),
        (({"a.csv": [1.0]}, "y"), "a list of paths; got a dict: gradient_descent and fastgd.streaming.fit_array take"),
        ((np.ones((2, 2)), "y"), "a list of paths; got a ndarray: gradient_descent and fastgd.streaming.fit_array"),
        (("c*.parquet", "y"), r"paths must match files; got the pattern 'c\*\.parquet', which matches none"),
        (("empty", "y"), "paths must hold .parquet or .csv files; got the folder 'empty' without any"),
        (("a.txt", "y"), r"paths must end in \.parquet or \.csv \(\.pq, .* too\); got 'a\.txt'"),
        ((["a.csv", "b.parquet"], "y"), "files of one kind; got 'a.csv' and 'b.parquet'"),
        ((["a.csv", "./a.csv"], "y"), r"no file twice; got '\./a\.csv' and 'a\.csv'"),
        (("none.csv", "y"), "none.csv"),
        (("a.csv", 3), "target must be the name of a column, or a list of names; got 3, an int"),
        (("a.csv", "y", {"features": "x"}), "features must be None or a list of names"),
        (("a.csv", "y", {"features": []}), "features must be None or a list of names"),
        (("a.csv", "y", {"features": ["x", "y"]}), "without target and weight; got 'y' twice"),
        (("a.csv", "y", {"features": ["x", "x"]}), "without target and weight; got 'x' twice"),
        (("a.csv", "y", {"weight": "y"}), "weight must be another column than target"),
        (("a.csv", "y", {"weight": 1}), "weight must be None or the name of a column; got 1, an int"),
        (("a.csv", "y", {"epoch": 1}), r"fit_files\(\) got an unexpected keyword argument 'epoch'"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.parquet").write_text("x")
    paths, target, *options = arguments
    with pytest.raises((ValueError, TypeError, OSError), match=message):
        fit_files(paths, target, **(options[0] if options else {}))


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("pyarrow", ": pip install .*pyarrow"),
        ("pyarrow.parquet", ", and the one installed cannot be imported .*: import of pyarrow.parquet halted"),
    ],
)
def test_the_error_without_pyarrow_names_it_or_the_fault(tmp_path, monkeypatch, module, told):
    write(tmp_path / "a.parquet", make_table(*make_data()))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"need pyarrow{told}"):
        fit_files(tmp_path / "a.parquet", "price")


def test_files_resume_after_the_last_batch(folder, small_batches, tmp_path, monkeypatch):
    expected = fit_files(folder, "price", **SETTINGS)
    path = folder / "fit.checkpoint"

    for stop in range(1, 12):
        numbers = iter(range(stop))
        with monkeypatch.context() as patched:
            patched.setattr("fastgd.progress.Progress.show", lambda *_, numbers=numbers: next(numbers))
            with pytest.raises(StopIteration):
                fit_files(folder, "price", checkpoint=path, **SETTINGS)
        result = fit_files(folder, "price", checkpoint=path, **SETTINGS)
        assert result.weights.tobytes() == expected.weights.tobytes()
        assert not path.exists()


def test_a_checkpoint_refuses_changed_files(folder, small_batches):
    path, last = folder / "fit.checkpoint", max(folder.glob("part*"))
    write(last, make_table(*make_data()).set_column(0, "size", pa.array([*[1.0] * 400, None, *[1.0] * 99])))
    with pytest.raises(ValueError, match=r"no value|an empty cell"):
        fit_files(folder, "price", checkpoint=path, **SETTINGS)
    write(last, make_table(*make_data()))
    with pytest.raises(ValueError, match=r"of another fit, with files .* delete it to begin anew"):
        fit_files(folder, "price", checkpoint=path, **SETTINGS)
    path.unlink()
    fit_files(folder, "price", checkpoint=path, **SETTINGS)


def test_the_command_line_fits_files(folder, capsys, monkeypatch):
    out = folder / "model.json"
    command = [
        "fit",
        str(folder / "part*"),
        "--target",
        "price",
        "--precondition",
        "standardize",
        "--learning-rate",
        "eigenvalues",
    ]
    assert main([*command, "--out", str(out), "--plot", str(folder / "cost.svg"), "--quiet"]) == 0
    printed = capsys.readouterr()
    document = json.loads(out.read_text())
    assert printed.err == ""
    assert printed.out.startswith("500 rows, 3 features, target 'price'\n")
    assert "<svg" in (folder / "cost.svg").read_text()
    expected = fit_in_memory()
    np.testing.assert_allclose([document["intercept"], *document["coef"]], expected.weights, rtol=1e-10)
    assert document["features"] == NAMES
    X, y = make_data()
    assert document["fit"]["r_squared"] == pytest.approx(1 - 2 * fastgd.cost(X, y, expected.weights) / y.var())
    assert (document["fit"]["n_samples"], document["fit"]["skipped"]) == (500, 0)
    files = sorted(map(str, folder.glob("part*")))
    monkeypatch.setattr("fastgd.progress.LINE_SECONDS", 0)
    assert main(["fit", *files, *command[2:], "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["coef"] == document["coef"]
    assert "fastgd: reading: " in printed.err
    if files[0].endswith(".csv"):
        assert main(["predict", str(out), files[1]]) == 0


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "-1", "2"], ", line 3: column 'w' must not be negative; got -1.0"),
        (["0", "0", "0"], ": expected rows with column 'w' above 0; got none in 3 rows"),
        (["1e308", "1e308", "1e308"], ", lines 2 to 4: column 'w' must have a sum in the range of float64, with all"),
        (["1e300", "1e300", "1e300"], ", lines 2 to 4: X, y and column 'w' must have weighted squares in the range of"),
        (["1", "nan", "1"], ", line 3, column 'w': expected a number; got 'nan', a missing value"),
    ],
)
@pytest.mark.parametrize("front", ["files", "pipe"])
def test_a_message_about_weights_names_their_column(tmp_path, capsys, cells, message, front):
    path = tmp_path / "a.csv"
    path.write_text("x,w,y\n" + "".join(f"{1e10 * k},{cell},{k * k}\n" for k, cell in enumerate(cells)))
    fit = fit_files if front == "files" else fit_pipe
    with pytest.raises(ValueError, match=re.escape(f"{path}{message}")):
        fit(path, "y", weight="w")
    assert main(["fit", str(path), "--target", "y", "--weight", "w"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"fastgd: {path}{message}")
    assert "sample_weight" not in printed


def test_the_command_line_takes_weights_missing_values_and_a_checkpoint(tmp_path, capsys, monkeypatch):
    path, kept = tmp_path / "a.csv", tmp_path / "kept"
    path.write_text("x,s,y\n1,1,2\n2,1,\n3,2,6.5\n4,1,8\n5,0,100\n")
    command = ["fit", str(path), "--target", "y", "--weight", "s", "--checkpoint", str(kept), "--quiet", "--json"]
    assert main(command) == 2
    assert "a.csv, line 3, column 'y': expected a number; got an empty cell; --missing skip" in capsys.readouterr().err
    assert main([*command, "--missing", "skip", "--learning-rate", "100"]) == 1
    assert "; no model saved; use a rate below " in capsys.readouterr().err
    assert kept.exists()
    assert main([*command, "--missing", "skip"]) == 0
    assert not kept.exists()
    document = json.loads(capsys.readouterr().out)
    expected = fastgd.gradient_descent([[1.0], [3.0], [4.0], [5.0]], [2, 6.5, 8, 100], sample_weight=[1, 2, 1, 0])
    np.testing.assert_allclose([document["intercept"], *document["coef"]], expected.weights, rtol=1e-10)
    assert document["fit"]["skipped"] == 1
    assert main([*command[:-1], "--missing", "skip"]) == 0
    assert capsys.readouterr().out.startswith("4 rows (1 more left out), 1 feature")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--checkpoint", "a.csv"], "--checkpoint must not be the file that is read"),
        (["--checkpoint", "no/c"], "--checkpoint must be in a folder that exists; got 'no/c'"),
        (["--checkpoint", "c", "--out", "./c"], "--out and --checkpoint must be different files"),
        (["--weight", "s"], "no column 's'; the columns are 'x', 'y'"),
    ],
)
def test_the_command_line_refuses_bad_options(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,3\n")
    assert main(["fit", "a.csv", "--target", "y", *options]) == 2
    assert message in capsys.readouterr().err
