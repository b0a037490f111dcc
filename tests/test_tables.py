"""Reading CSV files: what is taken, and what the errors say."""

import numpy as np
import pytest

from fastgd.tables import TableError, read_csv


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_numbers_and_names(write):
    table = read_csv(write("a, b,c\n1,2.5,-3e2\n\n4,5,6\n"))
    assert table.names == ["a", "b", "c"]
    np.testing.assert_array_equal(table.values, [[1, 2.5, -300], [4, 5, 6]])
    np.testing.assert_array_equal(table.columns(["c", "a"]), [[-300, 1], [6, 4]])


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa,b\r\n1,2\r\n", 'a,"b"\n"1",2'])
def test_what_spreadsheets_write(write, content):
    table = read_csv(write(content))
    assert table.names == ["a", "b"]
    np.testing.assert_array_equal(table.values, [[1, 2]])


def test_columns_that_are_not_required_may_hold_anything(write):
    table = read_csv(write("name,b,a\nx,2,1\ny,4,3\n"), required=["a", "b"])
    assert table.names == ["a", "b"]
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: expected column names; got an empty line"),
        ("a,b\n", "expected rows below the column names; got none"),
        ("1,2\n3,4\n", "line 1: expected column names; got the numbers 1, 2"),
        ("a,a\n1,2\n", "line 1: expected different column names; got 'a' more than once"),
        ("a,b\n1,2\n3,x\n", "line 3, column 'b': expected a number; got 'x'"),
        ("a,b\n1,2\n\n3,\n", "line 4, column 'b': expected a number; got an empty cell"),
        ("a,b\n1,nan\n", "line 2, column 'b': expected a finite number; got 'nan'"),
        ("a,b\n1,1e999\n", "line 2, column 'b': expected a finite number; got '1e999'"),
        ("a,b\n1,2,3\n", "line 2: expected 2 cells, as in line 1; got 3"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        (b"a,b\n\xff,2\n", "expected text in UTF-8"),
    ],
)
def test_errors_say_where(write, content, message):
    path = write(content)
    with pytest.raises(TableError) as caught:
        read_csv(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_missing_column_lists_those_there_are(write):
    with pytest.raises(TableError, match="line 1: no column 'z'; the columns are 'a', 'b'"):
        read_csv(write("a,b\n1,2\n"), required=["z"])
