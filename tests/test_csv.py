"""CSV files are read as tables of numbers, and every error names the place."""

import numpy as np
import pytest

from fastgd.files.csv import read_csv
from fastgd.files.lines import TableError


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_names_and_numbers_are_read(write):
    table = read_csv(write("a, b,c\n1,2.5,-3e2\n4,5,6\n"))
    assert table.names == ["a", "b", "c"]
    np.testing.assert_array_equal(table.values, [[1, 2.5, -300], [4, 5, 6]])
    np.testing.assert_array_equal(table.columns(["c", "a"]), [[-300, 1], [6, 4]])


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa,b\r\n1,2\r\n", 'a,"b"\n"1",2'])
def test_files_of_spreadsheets_are_read(write, content):
    table = read_csv(write(content))
    assert table.names == ["a", "b"]
    np.testing.assert_array_equal(table.values, [[1, 2]])


@pytest.mark.parametrize("end", ["\n\n\n", "\n  \n\t\n", "\r\n\r\n", "\n "])
def test_blank_lines_at_the_end_are_no_rows(write, end):
    np.testing.assert_array_equal(read_csv(write(f"a\n1\n2{end}")).values, [[1], [2]])


def test_columns_that_are_not_required_may_hold_anything(write):
    table = read_csv(write("name,b,a\nx,2,1\ny,4,3\n"), required=["a", "b"])
    assert table.names == ["a", "b"]
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (" \n1\n", "line 1: expected column names; got an empty line"),
        ("a,\n1,2\n", "line 1: expected a name for every column; got none for column 2"),
        ("a;b\n1;2\n", "line 1: expected columns separated by commas; got the one column 'a;b'"),
        ("a\tb\n1\t2\n", "line 1: expected columns separated by commas; got the one column 'a\\tb'"),
        ("", "line 1: expected column names; got an empty line"),
        ("a,b\n", "expected rows; got none"),
        ("1,2\n3,4\n", "line 1: expected column names; got the numbers 1, 2"),
        ("a,a\n1,2\n", "line 1: expected different column names; got 'a' more than once"),
        ("a,b\n1,2\n3,x\n", "line 3, column 'b': expected a number; got 'x'"),
        ("a,b\n1,2\n3,\n", "line 3, column 'b': expected a number; got an empty cell"),
        ('a\n1\n""\n', "line 3, column 'a': expected a number; got an empty cell"),
        ("a,b\n1,2\n\n3,4\n", "line 3: expected a row; got an empty line"),
        ("a\n1\n2\n \t\n\n3\n", "line 4: expected a row; got an empty line"),
        ("a,b\n1,1_000\n", "line 2, column 'b': expected a number; got '1_000'"),
        (
            "a,b\n1,nan\n",
            "line 2, column 'b': expected a number; got 'nan', a missing value; missing='skip' leaves",
        ),
        ("a,b\n1,1e999\n", "line 2, column 'b': expected a finite number; got '1e999'"),
        ("a,b\n1,2,3\n", "line 2: expected 2 cells, as in line 1; got 3"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        (b"a,b\n1,2\n\xff,2\n", "line 3: expected text in UTF-8; got the byte 0xff"),
        ("Größe\n1\n".encode("latin-1"), "line 1: expected text in UTF-8; got the byte 0xf6"),
        ("a,b\n1,2\n".encode("utf-16"), "line 1: expected text in UTF-8; got the byte 0xff"),
    ],
)
def test_every_error_names_the_place(write, content, message):
    path = write(content)
    with pytest.raises(TableError) as caught:
        read_csv(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_the_error_of_a_missing_column_lists_the_columns(write):
    with pytest.raises(TableError, match=r"data\.csv: no column 'z'; the columns are 'a', 'b'"):
        read_csv(write("a,b\n1,2\n"), required=["z"])


def test_an_empty_list_of_required_columns_reads_no_column(write):
    assert read_csv(write("a,b\n1,2\n"), required=[]).names == []


def test_a_line_far_into_the_file_that_is_not_utf8_is_named(write):
    with pytest.raises(TableError, match="line 5002: expected text in UTF-8; got the byte 0xe9"):
        read_csv(write(b"name,a\n" + "né,1\n".encode() * 5000 + b"n\xe9,1\n"), required=["a"])


def test_messages_stay_short(write):
    for content in (f"a,b\n1,{'x' * 100_000}\n", f"{'n' * 100_000}\nx\n", ",".join(map(str, range(10_000))) + "\n"):
        with pytest.raises(TableError) as caught:
            read_csv(path := write(content))
        assert len(str(caught.value)) < len(str(path)) + 400
    with pytest.raises(TableError, match=r"no column 'z'; the columns are 'c0', 'c1', .*, … and 9980 more"):
        read_csv(write(",".join(f"c{i}" for i in range(10_000)) + "\n1\n"), required=["z"])


def test_pyarrow_gets_no_memory_of_python_which_its_threads_could_let_go_of_while_the_process_ends(write, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow", reason="it is about pyarrow, an extra")
    seen, BufferReader = [], pyarrow.BufferReader
    monkeypatch.setattr(pyarrow, "BufferReader", lambda source: seen.append(source) or BufferReader(source))
    np.testing.assert_array_equal(read_csv(write("a,b\n1,2\n3,4\n")).values, [[1, 2], [3, 4]])
    assert [(type(source), source.is_mutable) for source in seen] == [(pyarrow.Buffer, True)]  # bytes are not mutable
