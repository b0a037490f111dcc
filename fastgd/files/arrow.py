"""Numbers between pyarrow and NumPy, by their memory.

pyarrow's own `to_numpy` and `pa.array` import pandas where it is installed: that takes longer than reading most files.
"""

from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array


def find_pyarrow() -> Any:
    """Return pyarrow with its reader and writer of CSV; None if it is missing or broken: Python does the same work."""
    try:
        import pyarrow as pa
        import pyarrow.csv
    except Exception:
        return None
    return pa


def read_numbers(column: Any) -> Array:
    """Return an Arrow array of integers or floats as an array, with NaN for null; without nulls, it is read-only.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.files.arrow import find_pyarrow, make_column, read_numbers
    >>> read_numbers(make_column(find_pyarrow(), np.array([1.0, 2.5])))
    array([1. , 2.5])
    """
    valid, data = column.buffers()
    dtype = np.dtype(column.type.to_pandas_dtype())
    if not len(column):
        return np.empty(0, dtype)
    values: Array = np.frombuffer(data, dtype, len(column), column.offset * dtype.itemsize)
    if not column.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), count=column.offset + len(column), bitorder="little")
    return np.where(bits[column.offset :], values, np.nan)


def join_numbers(column: Any) -> Array:
    """Return a column of a table, of integers or floats in one or more Arrow arrays, as an array."""
    parts = [read_numbers(part) for part in column.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])


def make_column(pa: Any, values: Array) -> Any:
    """Return numbers as an Arrow array of float64, without a copy if they lie side by side."""
    data = pa.py_buffer(np.ascontiguousarray(values, np.float64))
    return pa.Array.from_buffers(pa.float64(), len(values), [None, data])
