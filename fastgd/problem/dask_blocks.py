"""One block of Dask's data, where it is computed: its rows, checked against the layout that the collections declare.

Dask trusts the declared columns, types and lengths: nothing checks a partition that a user's function has made. Such a
partition may have other columns, or the same columns in another order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd.inputs.words import count, quote

NAMES = ("X", "y", "sample_weight")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What all blocks have in common.

    Attributes
    ----------
    n_features, n_targets : int
        The numbers of columns of X and y.
    columns, target_columns : list or None
        The labels of the columns of X and of y; None unless they are data frames.
    weight : float or None
        The weight of every row; None if the blocks have weights of their own, or none at all.
    """

    n_features: int
    n_targets: int
    columns: list[Any] | None = None
    target_columns: list[Any] | None = None
    weight: Any = None


def list_columns(values: Any) -> list[Any] | None:
    """Return the labels of the columns of a data frame, of any type; None for other objects."""
    columns = getattr(values, "columns", None)
    return None if columns is None or callable(columns) else list(columns)


@contextmanager
def naming_block(number: int) -> Iterator[None]:
    """Put the number of the block in front of the message of a refusal."""
    try:
        yield
    except (TypeError, ValueError) as error:  # a subclass may need more arguments than a message
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"in block {number} (counted from 0), {error}") from error


def take_rows(layout: Layout, *part: Any) -> tuple[Any, Any, Any] | None:
    """Return the X, y and weights of a block, with the declared columns in their order; None if it has no rows.

    Parameters
    ----------
    layout : Layout
        The declared columns.
    *part
        The X and y of the block, and its weights if it has any.
    """
    rows = [count_rows(name, values) for name, values in zip(NAMES, part, strict=False)]
    if not any(rows):
        return None
    for name, got in zip(NAMES[1:], rows[1:], strict=False):
        if got != rows[0]:
            raise ValueError(f"X and {name} must have the same number of rows; got {rows[0]} in X and {got} in {name}")
    X = arrange_columns("X", part[0], layout.columns)
    y = arrange_columns("y", part[1], layout.target_columns)
    check_width("X", X, layout.n_features)
    check_width("y", y, layout.n_targets)
    return X, y, part[2] if len(part) > 2 else layout.weight


def count_rows(name: str, values: Any) -> int:
    """Return the number of rows of X, y or the weights; refuse a block that is no dense array or frame."""
    if hasattr(values, "todense"):
        raise TypeError(
            f"{name} must be dense; got a block of the type {type(values).__name__}: "
            f"{name}.map_blocks(lambda block: block.toarray()) makes the blocks dense"
        )
    shape = np.shape(values)
    if not shape:
        raise TypeError(f"{name} must have rows of numbers; got a block of the type {type(values).__name__}")
    return int(shape[0])


def arrange_columns(name: str, values: Any, declared: list[Any] | None) -> Any:
    """Return the values with the declared columns in their order; refuse a frame with other columns."""
    found = list_columns(values)
    if found is None or found == declared:
        return values
    if declared is None:  # the collection is an array, whose columns have no labels
        return np.asarray(values)
    known, there = set(declared), set(found)
    lacking = [label for label in declared if label not in there]
    new = [label for label in found if label not in known]
    if lacking or new:
        got = f"no {quote(lacking[0])}" if lacking else f"{quote(new[0])} too"
        raise ValueError(f"{name} must have the columns that its collection declares; got {got}")
    if len(there) < len(found) or len(known) < len(declared):
        raise ValueError(f"{name} must have the columns that its collection declares; got one of them twice")
    return values[declared]


def check_width(name: str, values: Any, declared: int) -> None:
    """Refuse a block whose number of columns differs from the declared one; a y of one dimension has one column."""
    shape = np.shape(values)
    got = 1 if len(shape) == 1 and name == "y" else shape[1] if len(shape) == 2 else None
    if got is None:
        if name == "X":
            raise ValueError(f"X must be two-dimensional, (n_samples, n_features); got shape {shape}")
        raise ValueError(f"y must have shape (n_samples,) or (n_samples, n_targets); got shape {shape}")
    if got != declared:
        raise ValueError(f"{name} must have {count(declared, 'column')}, as its collection declares; got {got}")
