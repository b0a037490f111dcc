"""Names of the columns of data frames, read from the attributes that pandas, polars, pyarrow and Dask share.

`fastgd.inputs.tables` reads their numbers.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, NoReturn

import numpy as np

from fastgd.inputs.words import MOST_NAMES, quote, quote_names

IN_MEMORY = "gradient_descent and fastgd.streaming.fit_array take data in memory"  # for messages


def column_names(frame: Any) -> list[str] | None:
    """Return the column names of a data frame; None if it has no names, or if one is not a string.

    Examples
    --------
    >>> import pandas
    >>> from fastgd.inputs.frames import column_names
    >>> column_names(pandas.DataFrame({"size": [1.0], "age": [2.0]}))
    ['size', 'age']
    >>> column_names([[1.0, 2.0]]) is None
    True
    """
    if type(frame) is np.ndarray:  # the usual case, in little time
        return None
    if hasattr(frame, "collect"):  # a lazy frame computes its names; `tables` refuses it
        return None
    names = getattr(frame, "column_names", None)  # pyarrow, where `columns` holds the data
    if names is None:
        names = getattr(frame, "columns", None)  # pandas, polars, dask
    if names is None or callable(names):
        return None
    names = list(names)
    return names if all(isinstance(name, str) for name in names) else None


def check_names(argument: str, frame: Any) -> list[str] | None:
    """Return the column names; refuse texts among other labels: those could not be kept.

    Columns without any text, such as the numbers that pandas gives to an array's columns, have no names. Nor have those
    with tuples among their labels: they come from columns of several levels.
    """
    names = column_names(frame)
    if names is not None or type(frame) is np.ndarray or hasattr(frame, "collect"):
        return names
    columns = getattr(frame, "columns", None)
    labels = [] if columns is None or callable(columns) else list(columns)
    text = [label for label in labels if isinstance(label, str)]
    if text and not any(isinstance(label, tuple) for label in labels):
        other = next(label for label in labels if not isinstance(label, str))
        raise TypeError(
            f"{argument} must have column names that are all text, or none that is; got {quote(text[0])} and "
            f"{quote(other)}: {argument}.columns = {argument}.columns.astype(str) makes all of them text"
        )
    return None


def is_data_in_memory(values: Any) -> bool:
    """Return True for an array of numbers, a series, a data frame or a dict of columns: no list of paths or batches.

    Examples
    --------
    >>> from fastgd.inputs.frames import is_data_in_memory
    >>> is_data_in_memory({"size": [1.0, 2.0]}), is_data_in_memory(["a.csv", "b.csv"])
    (True, False)
    """
    table = isinstance(values, Mapping) or hasattr(values, "column_names") or hasattr(values, "columns")
    return table or getattr(getattr(values, "dtype", None), "kind", "O") in "biufc"


def series_name(series: Any) -> str | None:
    """Return the name of a series, or of a frame's only column; None if there is no such name."""
    names = column_names(series)
    if names is not None:
        return names[0] if len(names) == 1 else None
    if hasattr(series, "chunks"):  # a Dask array, whose `name` is an internal key
        return None
    name = getattr(series, "name", None)
    return name if isinstance(name, str) else None


def target_names(targets: Any) -> Any:
    """Return the name of a series, the list of names of a frame of several columns, or None without names."""
    if type(targets) is np.ndarray:
        return None
    names = column_names(targets)
    return names if names is not None and len(names) > 1 else series_name(targets)


def data_names(X: Any, y: Any) -> tuple[list[str] | None, Any]:
    """Return the names of the columns of X, and those of the targets; refuse two columns of one name."""
    check_different_names("y", y)
    return check_different_names("X", X), target_names(y)


def check_different_names(argument: str, frame: Any) -> list[str] | None:
    """Return the column names; refuse a name that two columns share: models are saved, and columns found, by names."""
    names = check_names(argument, frame)
    if names is not None and len(set(names)) < len(names):
        repeated = next(name for name, times in Counter(names).items() if times > 1)
        raise ValueError(f"{argument} must have different column names; got {quote(repeated)} more than once")
    return names


def check_same_columns(frame: Any, features: list[str] | None) -> None:
    """Refuse a frame whose columns differ from the features of the fit, or stand in another order."""
    names = check_names("X", frame) if features is not None else None
    if names is not None and features is not None and names != features:
        refuse_names("X", features, names)


def check_same_targets(targets: Any, known: Any) -> None:
    """Refuse a series or a frame whose name or names differ from those of the targets of the fit, or their order."""
    names = target_names(targets)
    if None not in (names, known) and names != known:
        refuse_names("y", *([one] if isinstance(one, str) else one for one in (known, names)))


def refuse_names(argument: str, expected: list[str], got: list[str]) -> NoReturn:
    """Raise the error of a frame whose columns have other names than those of the fit."""
    first = next(j for j, (before, now) in enumerate(zip_longest(expected, got)) if before != now)
    # The lists show only the first names of many.
    place = f" (they differ from column {first} on, counted from 0)" if first >= MOST_NAMES else ""
    raise ValueError(
        f"{argument} must have the columns of the fit, in their order, [{quote_names(expected)}]; got "
        f"[{quote_names(got)}]{place}"
    )


def name_column(frame: Any, column: int) -> str | None:
    """Return the name of a column of a data frame, or of a series, in quotes; None if there is no such name."""
    names = target_names(frame)
    if not names:  # polars calls a series without a name ""
        return None
    return quote(names if isinstance(names, str) else names[column])
