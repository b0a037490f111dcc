"""Columns of text as columns of ones and zeros, one for each level: one-hot encoding."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from fastgd.files.cells import MISSING
from fastgd.files.lines import TableError
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import count, quote, quote_names

MOST_LEVELS = 1_000  # of a column; more are names or numbers of rows, not categories
UNKNOWN = ("error", "zeros")
NO_LEVEL, NO_VALUE = -1, -2  # codes of labels that are no level, and of missing ones


def clean_label(label: Any) -> str | None:
    """Return a label without blanks around it; None for a missing value.

    A whole number of a column that holds floats is the label that it is among integers: 2024.0 is 2024.
    """
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    text = "" if label is None else str(label).strip()
    return None if text in MISSING else text


def collect_levels(seen: dict[str, set[str]], name: str, labels: Array, where: str) -> None:
    """Add the labels of a column to the levels seen so far; refuse a column of too many levels."""
    cleaned = (clean_label(label) for label in set(labels.tolist()))
    levels = seen.setdefault(name, set())
    levels.update(label for label in cleaned if label is not None)
    if len(levels) > MOST_LEVELS:
        raise TableError(
            f"{where}, column {quote(name)}: expected at most {MOST_LEVELS:,} levels to encode; got more: it seems to "
            "name the rows"
        )


def encode(labels: Array, levels: Sequence[str]) -> tuple[Array, Array]:
    """Return a column of ones and zeros for each level, and the rows whose label is no level.

    Rows without a label are NaN, rows whose label is no level are zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.streaming.levels import encode
    >>> encode(np.array(["b", "c", None], dtype=object), ["a", "b"])
    (array([[ 0.,  1.],
           [ 0.,  0.],
           [nan, nan]]), array([1]))
    """
    given = labels.tolist()
    places = {level: k for k, level in enumerate(levels)}
    codes = {label: find_code(label, places) for label in set(given)}
    found = np.array([codes[label] for label in given], dtype=np.intp)
    columns = (found[:, np.newaxis] == np.arange(len(levels))).astype(np.float64)
    columns[found == NO_VALUE] = np.nan
    return columns, np.flatnonzero(found == NO_LEVEL)


def find_code(label: Any, places: Mapping[str, int]) -> int:
    """Return the place of a label among the levels, or the code of one that is none."""
    cleaned = clean_label(label)
    return NO_VALUE if cleaned is None else places.get(cleaned, NO_LEVEL)


def refuse_label(place: str, name: str, label: Any, levels: Sequence[str]) -> NoReturn:
    """Raise the error of a label that is no level of the fit."""
    expected = f"expected one of {count(len(levels), 'level')}, {quote_names(list(levels))}"
    hint = "unknown='zeros' gives such rows zeros"
    raise TableError(f"{place}, column {quote(name)}: {expected}; got {quote(clean_label(label))}; {hint}")
