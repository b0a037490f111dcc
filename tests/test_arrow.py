"""Numbers between pyarrow and NumPy, without pandas."""

import numpy as np
import pytest
from processes import run_python

from fastgd.files.arrow import join_numbers, make_column, read_numbers

pa = pytest.importorskip("pyarrow")
TYPES = ["int8", "uint8", "int16", "int64", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("gaps", [[], [0], [3, 9, 10], range(20)], ids=str)
def test_numbers_and_nulls_are_those_of_pyarrow(name, gaps):
    values = [None if k in gaps else np.dtype(name).type(k) for k in range(20)]
    column = pa.array(values, getattr(pa, name)())
    for part in (column, column[3:], column[5:11], column[4:4]):
        found, expected = read_numbers(part), part.to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_the_parts_of_a_column_are_joined():
    column = pa.chunked_array([[1.0, None], [], [2.0]], pa.float64())
    np.testing.assert_array_equal(join_numbers(column), [1.0, np.nan, 2.0])
    np.testing.assert_array_equal(join_numbers(pa.chunked_array([], pa.float64())), [])
    np.testing.assert_array_equal(join_numbers(column[2:]), [2.0])


def test_an_array_of_numpy_becomes_a_column():
    values = np.arange(12.0).reshape(4, 3)
    for given in (values[:, 1], np.asfortranarray(values)[:, 1], values[:, 1].astype(np.float32), values[:0, 1]):
        assert make_column(pa, given).to_pylist() == given.tolist()


READ = """
import sys
from fastgd.cli.main import main
from fastgd.streaming import fit_files
with open({folder!r} + "/a.csv", "w") as file:
    file.write("x,y\\n" + "".join(f"{{k}},{{2 * k}}\\n" for k in range(9)))
import pyarrow.csv, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.csv.read_csv({folder!r} + "/a.csv"), {folder!r} + "/a.parquet")
for kind in ("csv", "parquet"):
    path = f"{folder}/a.{{kind}}"
    fit_files(path, "y").save({folder!r} + "/model.json")
    assert main(["predict", {folder!r} + "/model.json", path, "--out", {folder!r} + "/out." + kind]) == 0
print("pandas" in sys.modules)
"""


def test_reading_and_writing_files_does_not_import_pandas(tmp_path):
    assert run_python(READ.format(folder=str(tmp_path))) == "False"
