"""CSV files in other dialects, encodings and compressions, read whole and in parts, by functions and commands."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd.cli.data_arguments import split_names
from fastgd.cli.main import main
from fastgd.files.csv import read_csv
from fastgd.files.dialect import Dialect
from fastgd.inputs.extras import is_installed
from fastgd.streaming import fit_files

ROWS = [(1.5, 0.25, 7.0), (2.0, 1.0, 3.5), (4.25, -2.0, 1e3), (0.5, 3.0, 2.0), (8.0, 0.0, -1.0)]
X, Y = np.array(ROWS)[:, :2], np.array(ROWS)[:, 2]


def write_rows(names=("größe", "b", "y"), delimiter=",", decimal="."):
    """Return the rows as text in a dialect."""
    lines = [delimiter.join(names)]
    lines += [delimiter.join(str(cell).replace(".", decimal) for cell in row) for row in ROWS]
    return "\n".join(lines) + "\n"


FILES = {  # the name of the file, its bytes, the options that read it
    "semicolons": ("a.csv", write_rows(delimiter=";").encode(), {"delimiter": ";"}),
    "decimal commas": ("a.csv", write_rows(delimiter=";", decimal=",").encode(), {"decimal": ","}),
    "tabs by name": ("a.tsv", write_rows(delimiter="\t").encode(), {}),
    "tabs by option": ("a.csv", write_rows(delimiter="\t").encode(), {"delimiter": "\\t"}),
    "bars": ("a.csv", write_rows(delimiter="|").encode(), {"delimiter": "|"}),
    "blanks": ("a.csv", write_rows(delimiter=" ").encode(), {"delimiter": " "}),
    "Latin-1": ("a.csv", write_rows().encode("latin-1"), {"encoding": "latin-1"}),
    "UTF-16": ("a.csv", write_rows().encode("utf-16"), {"encoding": "utf-16"}),
    "UTF-16 without a mark": ("a.csv", write_rows().encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "UTF-8 with a mark": ("a.csv", write_rows().encode("utf-8-sig"), {"encoding": "utf-8-sig"}),
    "gzip": ("a.csv.gz", gzip.compress(write_rows().encode()), {}),
    "tabs in gzip": ("a.TSV.GZ", gzip.compress(write_rows(delimiter="\t").encode()), {}),
    "Latin-1 in gzip": ("a.csv.gz", gzip.compress(write_rows().encode("cp1252")), {"encoding": "cp1252"}),
    "Excel in Germany": (
        "a.csv", write_rows(delimiter=";", decimal=",").encode("cp1252").replace(b"\n", b"\r\n"),
        {"decimal": ",", "encoding": "cp1252"},
    ),
}  # fmt: skip


@pytest.fixture(params=FILES)
def written(request, tmp_path):
    """Return the path of a file, and the options that read it."""
    name, content, options = FILES[request.param]
    path = tmp_path / name
    path.write_bytes(content)
    return path, options


@pytest.mark.parametrize("arrow", [True, False], ids=["pyarrow", "csv"])
def test_files_in_all_dialects_give_the_same_numbers(written, monkeypatch, arrow):
    path, options = written
    if not arrow:
        monkeypatch.setattr("fastgd.files.csv_blocks.make_reader", lambda *given: None)
    table = read_csv(path, dialect=Dialect.checked(**options))
    assert table.names == ["größe", "b", "y"]
    np.testing.assert_array_equal(table.values, ROWS)
    result, expected = fit_files(path, "y", **options), fastgd.gradient_descent(X, Y)
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-12)


def list_options(options):
    """Return options as the command line takes them."""
    return [word for name, value in options.items() for word in (f"--{name}", value)]


@pytest.mark.parametrize("batches", [[], ["--missing", "skip"]], ids=["whole", "in parts"])
def test_the_command_reads_all_dialects(written, capsys, batches):
    path, options = written
    assert main(["fit", str(path), "--target", "y", "--json", "--quiet", *batches, *list_options(options)]) == 0
    document = json.loads(capsys.readouterr().out)
    weights = [document["intercept"], *document["coef"]]
    np.testing.assert_allclose(weights, fastgd.gradient_descent(X, Y).weights, rtol=1e-10)


@pytest.mark.parametrize(("suffix", "compression"), [("gz", "gzip"), ("zst", "zstd")])
def test_a_damaged_compressed_file_is_named(tmp_path, suffix, compression):
    if suffix == "zst":
        pytest.importorskip("pyarrow", reason="zstd comes with pyarrow, an extra")
    path = tmp_path / f"a.csv.{suffix}"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"damaged" * 30)
    for read in (read_csv, lambda path: fit_files(path, "y")):
        with pytest.raises(ValueError, match=rf"a\.csv\.{suffix}: expected text in {compression}; \w"):
            read(path)


@pytest.mark.skipif(not is_installed("pyarrow"), reason="zstd comes with pyarrow, an extra")
def test_files_in_zstd_are_read(tmp_path):
    import pyarrow as pa

    with pa.output_stream(str(tmp_path / "a.csv.zst"), compression="zstd") as file:
        file.write(write_rows().encode())
    np.testing.assert_array_equal(read_csv(tmp_path / "a.csv.zst").values, ROWS)
    assert fit_files(tmp_path / "a.csv.zst", "y").n_samples == len(ROWS)


@pytest.mark.parametrize("batches", [[], ["--missing", "skip"]], ids=["whole", "in parts"])
@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (write_rows(delimiter=";").encode(), "--delimiter ';' separates them"),
        (write_rows(delimiter="\t").encode(), "--delimiter '\\t' separates them"),
        (b'x,y\n"1,5",2\n"2,5",3\n', "expected a number; got '1,5'; --decimal ',' reads it"),
        (write_rows().encode("latin-1"), "expected text in UTF-8; got the byte 0xf6; --encoding latin-1 may read it"),
        (write_rows().encode("utf-16"), "expected text in UTF-8; got the byte 0xff; --encoding utf-16 may read it"),
        (write_rows().encode("utf-32"), "expected text in UTF-8; got the byte 0xff; --encoding utf-32 may read it"),
    ],
)
def test_the_message_about_another_dialect_names_the_option(tmp_path, capsys, content, hint, batches):
    (tmp_path / "a.csv").write_bytes(content)
    assert main(["fit", str(tmp_path / "a.csv"), "--target", "y", "--quiet", *batches]) == 2
    assert hint in capsys.readouterr().err


def write_parquet():
    pa, pq = pytest.importorskip("pyarrow", reason="pyarrow is an extra"), pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    pq.write_table(pa.table({"x": [1.0, 2.0], "y": [2.0, 3.0]}), file)
    return file.getvalue()


def write_archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("sheet1.xml", write_rows())
    return file.getvalue()


@pytest.mark.parametrize("path", ["a.csv", "-"])
@pytest.mark.parametrize(
    ("write", "hint"),
    [
        (lambda: gzip.compress(write_rows().encode()), "got a file compressed by gzip; decompress it, or let its name"),
        (lambda: b"\x28\xb5\x2f\xfd\x04\x00", "got a file compressed by zstd; decompress it, or let its name"),
        (lambda: bz2.compress(b"x,y\n"), "got a file compressed by bzip2; decompress it"),
        (lambda: lzma.compress(b"x,y\n"), "got a file compressed by xz; decompress it"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1", "got a spreadsheet; save its table as CSV"),
        (write_parquet, "got a Parquet file; let its name end in .parquet"),
        (write_archive, "got a ZIP archive, as .xlsx is; save its table as CSV"),
    ],
)
def test_a_file_that_is_no_text_is_called_by_its_kind(tmp_path, monkeypatch, capsys, path, write, hint):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_bytes(write())
    with open("a.csv", "rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        assert main(["fit", path, "--target", "y"]) == 2
    told = capsys.readouterr().err
    assert f"{path}, line 1: expected text; {hint}" in told
    assert "--encoding" not in told


def test_one_cell_is_told_in_the_singular(tmp_path):
    (tmp_path / "a.csv").write_text("# made by hand\nx,y\n")
    with pytest.raises(ValueError, match=r"a\.csv, line 2: expected 1 cell, as in line 1; got 2"):
        read_csv(tmp_path / "a.csv")


def test_a_text_that_is_not_in_the_encoding_asked_for_is_named(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    assert main(["fit", str(tmp_path / "a.csv"), "--target", "y", "--encoding", "utf-16"]) == 2
    assert "a.csv: expected text in utf-16; UTF-16 stream does not start with BOM" in capsys.readouterr().err


def test_names_may_begin_like_a_file_of_another_kind(tmp_path):
    (tmp_path / "a.csv").write_text("PAR1,PK\n1,2\n2,3\n")
    assert read_csv(tmp_path / "a.csv").names == ["PAR1", "PK"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ""}, "delimiter must be one character"),
        ({"delimiter": ";;"}, "delimiter must be one character"),
        ({"delimiter": '"'}, "delimiter must be one character"),
        ({"delimiter": "5"}, "delimiter must be one character"),
        ({"delimiter": "."}, "delimiter must be one character"),
        ({"delimiter": "ø"}, "delimiter must be one character"),
        ({"delimiter": 5}, "delimiter must be text; got 5, an int"),
        ({"decimal": ";"}, r"decimal must be '\.' or ','; got ';'"),
        ({"decimal": None}, "decimal must be text; got None, a NoneType"),
        ({"decimal": ",", "delimiter": ","}, "decimal must differ from the delimiter; got ',' for both"),
        ({"encoding": "base64"}, "encoding must name an encoding that Python knows; got 'base64'"),
        ({"encoding": "klingon"}, "encoding must name an encoding that Python knows; got 'klingon'"),
    ],
)
def test_bad_dialects_are_refused(tmp_path, options, message):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises((ValueError, TypeError), match=message):
        fit_files(tmp_path / "a.csv", "y", **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", b"x,y\n1,2\n"),
        ("a.csv.gz", gzip.compress(write_rows().encode())[:-9]),
        ("a.csv", b"\xff\xfex\x00,"),
    ],
    ids=["not compressed", "cut off", "half a character"],
)
def test_bytes_that_are_no_text_are_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    options = {} if name.endswith("gz") else {"encoding": "utf-16"}
    for read in (
        lambda path: read_csv(path, dialect=Dialect.checked(**options)),
        lambda path: fit_files(path, "y", **options),
    ):
        with pytest.raises(ValueError, match=rf"{name}: expected text in (gzip|utf-16)"):
            read(tmp_path / name)


# ---- truth values


@pytest.mark.parametrize("arrow", [True, False], ids=["pyarrow", "csv"])
@pytest.mark.parametrize(
    "words", [("True", "False"), ("true", "false"), ("TRUE", "FALSE"), ("True", "0"), ("1", "false")]
)
def test_truth_values_are_one_and_zero(tmp_path, monkeypatch, words, arrow):
    if not arrow:
        monkeypatch.setattr("fastgd.files.csv_blocks.make_reader", lambda *given: None)
    path, flags = tmp_path / "a.csv", np.arange(40) % 3 == 0
    path.write_text("flag,y\n" + "".join(f"{words[not flag]},{k}\n" for k, flag in enumerate(flags)))
    np.testing.assert_array_equal(read_csv(path).values, np.column_stack([flags, np.arange(40)]))
    assert fit_files(path, "y").n_samples == 40


@pytest.mark.parametrize("word", ["NA", "nan", " null "])
def test_a_word_for_a_missing_value_is_told_as_one(tmp_path, capsys, word):
    path = tmp_path / "a.csv"
    path.write_text(f"a,y\n1,2\n{word},4\n3,5\n")
    assert main(["fit", str(path), "--target", "y"]) == 2
    told = capsys.readouterr().err
    assert f"got '{word}', a missing value; --missing skip leaves out rows without a value" in told
    assert "--one-hot" not in told


# ---- columns on the command line


def test_a_list_of_columns_does_not_swallow_the_file(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text(write_rows(("a", "b", "y")))
    answers = set()
    for words in (
        [str(path), "--target", "y", "--features", "a", "b"],
        ["--target", "y", "--features", "a", "b", str(path)],
        ["--features", "a,b", str(path), "--target", "y"],
        ["--features", "a", "--features", "b", "--target", "y", str(path)],
        ["--features", "a", "b", "--target", "y", str(path)],
        ["--target", "y", str(path)],
    ):
        assert main(["fit", *words]) == 0
        answers.add(capsys.readouterr().out)
    assert len(answers) == 1


@pytest.mark.parametrize(
    "words", [["-", "--target", "y"], ["--target", "y", "-"], ["--target", "y", "--features", "a", "-"]]
)
def test_standard_input_stands_before_or_behind_the_options(monkeypatch, tmp_path, capfd, words):
    (tmp_path / "a.csv").write_text("a,y\n1,2\n2,4\n3,5\n")
    with open(tmp_path / "a.csv", "rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        assert main(["fit", *words]) == 0
    assert "3 rows, 1 feature" in capfd.readouterr().out


def test_standard_input_is_not_one_of_several_files(capsys, tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1,2\n2,4\n")
    assert main(["fit", str(tmp_path / "a.csv"), "-", "--target", "y"]) == 2
    assert "FILE must be files that can be read again; got standard input, '-'" in capsys.readouterr().err


def test_a_missing_file_argument_is_told(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "--target", "y", "--features", "a", "b"])
    assert "the following arguments are required: FILE" in capsys.readouterr().err


def test_names_with_commas_stand_in_quotes():
    assert split_names(["a, b", '"a,b",c', ""]) == ["a", " b", "a,b", "c", ""]
    assert split_names(["a, b", '"a,b",c', 'a "b", c'], ["a, b", 'a "b", c']) == ["a, b", "a,b", "c", 'a "b", c']


@pytest.mark.parametrize("kind", ["homes.csv", "homes.txt", "homes.csv.gz", "folder", "homes.parquet"])
def test_a_column_whose_name_holds_a_comma_is_named_as_it_is(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(tmp_path)
    names, rows = ["Size, m2", "Town, Land", "Price, kCHF"], [(k, "uv"[k % 2], 3 * k + k % 2) for k in range(8)]
    text = ",".join(f'"{name}"' for name in names) + "\n" + "".join(f'{a},"{b}",{c}\n' for a, b, c in rows)
    if kind == "homes.parquet":
        pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")
        pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow, an extra")
        pq.write_table(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), kind)
    elif kind.endswith(".gz"):
        Path(kind).write_bytes(gzip.compress(text.encode()))
    else:
        (tmp_path / "folder").mkdir()
        Path("folder/homes.csv" if kind == "folder" else kind).write_text(text)
    one_hot = [] if kind == "homes.txt" else ["--one-hot", "Town, Land"]
    features = ["--features", "Size, m2", *one_hot[1:]]
    assert main(["fit", kind, "--target", "Price, kCHF", *features, *one_hot, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["target"] == "Price, kCHF"
    assert document["features"][0] == "Size, m2"


def test_a_name_whose_quotes_do_not_end_is_an_error_of_the_option(capsys):
    assert main(["fit", "a.csv", "--target", "y", "--features", '"a']) == 2
    assert "expected names of columns, separated by commas; got '\"a'" in capsys.readouterr().err


def test_a_feature_that_is_the_target_is_told_as_such(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,3\n")
    assert main(["fit", str(tmp_path / "a.csv"), "--target", "y", "--features", "x", "y"]) == 2
    printed = capsys.readouterr().err
    assert "--features must be different columns" in printed
    assert "got 'y' twice: it is the target" in printed


# ---- pipes


@pytest.mark.skipif(os.name != "posix", reason="the test needs pipes of POSIX")
@pytest.mark.parametrize("source", ["-", "<(cat a.csv)"])
def test_a_pipe_takes_weights_and_rows_without_a_value(tmp_path, source):
    (tmp_path / "a.csv").write_text("x,s,y\n1,1,2\n2,1,\n3,2,6.5\n4,1,8\n5,0,100\n")
    options = "--target y --weight s --missing skip --json --quiet"
    command = f"cat a.csv | {sys.executable} -m fastgd fit {source} {options}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    expected = fastgd.gradient_descent([[1.0], [3.0], [4.0], [5.0]], [2, 6.5, 8, 100], sample_weight=[1, 2, 1, 0])
    np.testing.assert_allclose([document["intercept"], *document["coef"]], expected.weights, rtol=1e-10)
    assert (document["features"], document["fit"]["skipped"]) == (["x"], 1)


@pytest.mark.skipif(os.name != "posix", reason="the test needs pipes of POSIX")
@pytest.mark.parametrize("option", ["--checkpoint kept", "--one-hot x"])
def test_a_pipe_cannot_be_read_twice(tmp_path, option):
    command = f"echo x,y | {sys.executable} -m fastgd fit - --target y --missing skip {option}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{option.split()[0]} needs files that can be read again; got the pipe -" in done.stderr
