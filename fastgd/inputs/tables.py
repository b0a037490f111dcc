"""The numbers of data frames and series: read column by column, by dtype, with NaN for missing values.

pandas, polars and pyarrow are imported only for a value of theirs, so they are loaded already. Frames of other
libraries come through the array protocol, ``numpy.asarray(frame)``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgd.inputs.arrays import FLOAT32, FLOAT64, Array
from fastgd.inputs.masks import check_masked
from fastgd.inputs.objects import read_objects
from fastgd.inputs.words import quote

NUMBERS, OBJECTS, TEXT = "numbers", "objects", "text"  # kinds of columns; any other kind is the dtype in words


class Table(NamedTuple):
    """The columns of a data frame, or the one column of a series.

    Attributes
    ----------
    names : list
        The names of the columns.
    kinds : list of str
        The kind of each column.
    rows : int
        The number of rows.
    read_numbers : callable
        Takes the positions of columns with numbers, or None for all columns; returns them as an array of two
        dimensions, float32 if all of them are, else float64.
    read_cells : callable
        Takes the position of a column with objects, and returns them, with None for missing values.
    """

    names: list[Any]
    kinds: list[str]
    rows: int
    read_numbers: Callable[[list[int] | None], Array]
    read_cells: Callable[[int], list[Any]]


def read_frame(argument: str, values: Any) -> Array | None:
    """Return the numbers of a data frame or a series, with NaN for missing values; None for any other value.

    A series gives an array of one dimension. The errors name the argument, and the column of a frame.

    Examples
    --------
    >>> import pandas
    >>> from fastgd.inputs.tables import read_frame
    >>> read_frame("X", pandas.DataFrame({"size": pandas.array([1, None], dtype="Int64"), "new": [True, False]}))
    array([[ 1.,  1.],
           [nan,  0.]])
    """
    library = find_library(values)
    table = None if library is None else OPENERS[library](argument, values)
    if table is None:
        return None
    series = not (hasattr(values, "columns") or hasattr(values, "column_names"))
    advice = [
        "" if series else f" in column {quote(name)}: encode that column as numbers, or leave it out"
        for name in table.names
    ]
    for kind, end in zip(table.kinds, advice, strict=True):
        if kind not in (NUMBERS, OBJECTS):
            raise TypeError(f"{argument} must hold real numbers; got {kind}{end}")
    array = table.read_numbers(None) if OBJECTS not in table.kinds else read_mixed(argument, table, advice)
    return array[:, 0] if series else array


def read_mixed(argument: str, table: Table, advice: list[str]) -> Array:
    """Return the columns of a table of which some hold objects."""
    array = np.empty((table.rows, len(table.kinds)), order="F")
    numbers = [j for j, kind in enumerate(table.kinds) if kind == NUMBERS]
    if numbers:
        array[:, numbers] = table.read_numbers(numbers)
    for j, kind in enumerate(table.kinds):
        if kind == OBJECTS:
            cells = np.empty(table.rows, dtype=object)
            cells[:] = table.read_cells(j)
            check_masked(argument, cells)
            array[:, j] = read_objects(argument, cells, advice[j], gaps=True)
    return array


def find_library(values: Any) -> str | None:
    """Return the library of a data frame or a series, or of its base class; None for any other value."""
    if isinstance(values, np.ndarray | list | tuple):
        return None
    found = (kind.__module__.partition(".")[0] for kind in type(values).__mro__)
    return next((library for library in found if library in OPENERS), None)


def advise_table(values: Any) -> str:
    """Return how one column of values becomes a table of one column, or an array of two dimensions.

    Examples
    --------
    >>> import numpy as np, pandas
    >>> from fastgd.inputs.tables import advise_table
    >>> advise_table(np.ones(3)), advise_table(pandas.Series([1.0]))
    ('X.reshape(-1, 1)', 'X.to_frame()')
    """
    if hasattr(values, "to_frame"):
        return "X.to_frame()"
    makers = {"pandas": "pandas.DataFrame({'x': X})", "pyarrow": "pyarrow.table({'x': X})"}
    usual = "X.reshape(-1, 1)" if hasattr(values, "reshape") else "numpy.reshape(X, (-1, 1))"
    return makers.get(find_library(values) or "", usual)


def open_pandas(argument: str, values: Any) -> Table | None:
    """Return the columns of a pandas DataFrame, Series, Index or extension array."""
    import pandas as pd

    index = isinstance(values, pd.Index) and not isinstance(values, pd.MultiIndex)
    if index or isinstance(values, pd.api.extensions.ExtensionArray):
        values = pd.Series(values)
    if isinstance(values, pd.Series):
        values = values.to_frame()
    if not isinstance(values, pd.DataFrame):
        return None
    dtypes = values.dtypes.tolist()
    known = {dtype: name_pandas_kind(dtype) for dtype in set(dtypes)}

    def read_numbers(columns: list[int] | None) -> Array:
        part = values if columns is None else values.iloc[:, columns]
        kinds = set(part.dtypes.tolist())
        if len(kinds) == 1 and kinds <= {FLOAT64, FLOAT32}:
            return part.to_numpy()  # no copy
        single = all(dtype.kind == "f" and getattr(dtype, "itemsize", 8) <= FLOAT32.itemsize for dtype in kinds)
        gaps = {} if all(isinstance(dtype, np.dtype) for dtype in kinds) else {"na_value": np.nan}
        return part.to_numpy(dtype=FLOAT32 if single else FLOAT64, **gaps)

    def read_cells(column: int) -> list[Any]:
        return values.iloc[:, column].to_numpy(dtype=object).tolist()

    return Table(list(values.columns), [known[dtype] for dtype in dtypes], len(values), read_numbers, read_cells)


def name_pandas_kind(dtype: Any) -> str:
    """Return the kind of the columns of a dtype of pandas; categories and decimals are read as objects."""
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        kind = name_pandas_kind(dtype.categories.dtype)
        return OBJECTS if kind == NUMBERS else kind
    if dtype.kind in "biuf":
        return NUMBERS
    if dtype.kind == "O" and not isinstance(dtype, pd.StringDtype):
        return OBJECTS
    return TEXT if dtype.kind in "OU" else str(dtype)


def open_polars(argument: str, values: Any) -> Table | None:
    """Return the columns of a polars DataFrame or Series."""
    import polars as pl

    if isinstance(values, pl.LazyFrame):
        raise TypeError(f"{argument} must be a DataFrame; got a LazyFrame: call its method collect() first")
    if isinstance(values, pl.Series):
        values = values.to_frame()
    if not isinstance(values, pl.DataFrame):
        return None

    def read_numbers(columns: list[int] | None) -> Array:
        part = values if columns is None else values[:, columns]
        kinds = set(part.dtypes)
        part = part if len(kinds) == 1 and kinds <= {pl.Float64, pl.Float32} else part.cast(pl.Float64)
        return part.to_numpy()

    def read_cells(column: int) -> list[Any]:
        return values[:, column].to_list()

    kinds = [name_polars_kind(dtype) for dtype in values.dtypes]
    return Table(values.columns, kinds, len(values), read_numbers, read_cells)


def name_polars_kind(dtype: Any) -> str:
    """Return the kind of the columns of a dtype of polars."""
    import polars as pl

    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        return NUMBERS
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return TEXT
    return OBJECTS if dtype == pl.Object else str(dtype)


def open_pyarrow(argument: str, values: Any) -> Table | None:
    """Return the columns of a pyarrow Table, RecordBatch, Array or ChunkedArray."""
    import pyarrow as pa

    if isinstance(values, pa.RecordBatch):
        values = pa.Table.from_batches([values])
    if isinstance(values, pa.Array | pa.ChunkedArray):
        values = pa.table([values], names=[""])
    if not isinstance(values, pa.Table):
        return None
    types = values.schema.types
    kinds = [name_arrow_kind(one) for one in types]

    def read_numbers(columns: list[int] | None) -> Array:
        columns = list(range(len(types))) if columns is None else columns
        single = all(types[j] == pa.float32() for j in columns)
        array = np.empty((len(values), len(columns)), FLOAT32 if single else FLOAT64, order="F")
        for k, j in enumerate(columns):
            column = values.column(j)
            if pa.types.is_dictionary(types[j]):
                column = column.cast(types[j].value_type)
            array[:, k] = column.cast(pa.float32() if single else pa.float64(), safe=False).to_numpy()
        return array

    return Table(values.column_names, kinds, len(values), read_numbers, lambda j: values.column(j).to_pylist())


def name_arrow_kind(dtype: Any) -> str:
    """Return the kind of the columns of a type of pyarrow."""
    from pyarrow import types

    if types.is_dictionary(dtype):
        dtype = dtype.value_type
    if is_arrow_number(dtype):
        return NUMBERS
    text = [types.is_string, types.is_large_string, getattr(types, "is_string_view", types.is_string)]
    return TEXT if any(is_kind(dtype) for is_kind in text) else str(dtype)


def is_arrow_number(dtype: Any) -> bool:
    """Return True for a type of numbers of pyarrow, decimals among them, of truth values, or of nothing but nulls."""
    from pyarrow import types

    kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(is_kind(dtype) for is_kind in kinds)


OPENERS = {"pandas": open_pandas, "polars": open_polars, "pyarrow": open_pyarrow}
