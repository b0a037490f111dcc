"""Checks of the values of arrays: they are finite, and their squares stay in the range of float64."""

from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

import numpy as np

from fastgd.inputs.arrays import FEW, Array, is_sparse, norm
from fastgd.inputs.frames import name_column
from fastgd.inputs.tables import find_library
from fastgd.inputs.words import describe_position

# Mean squares outside this range would make costs and curvatures overflow or vanish in float64.
SMALLEST_SQUARE, LARGEST_SQUARE = 1e-280, 1e280
T = TypeVar("T")


def check_finite(name: str, array: Array, given: Any = None) -> None:
    """Refuse NaN and infinities; the message gives the place of the first one.

    If the array came from a data frame, pass it as `given`: the message then names the column.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # One fast pass: a NaN or an infinity never gives a finite sum. If the sum is not finite, the loop below looks
        # by blocks of rows, so that it needs no mask of the size of the data.
        if np.isfinite(array.sum(dtype=np.float64)):
            return
    for start in range(0, len(array), 4096):
        bad = np.argwhere(~np.isfinite(array[start : start + 4096]))
        if len(bad):
            row, *column = bad[0].tolist()
            value, place = array[(start + row, *column)], describe_position((start + row, *column))
            label = name_column(given, *column or [0])
            if label is not None:
                place = f"row {start + row} of column {label}"
            if np.isnan(value) and has_gaps(given):
                value = "a missing value (NaN)"
            raise ValueError(f"{name} must be finite; got {value} at {place} (counted from 0)")


def has_gaps(given: Any) -> bool:
    """Return True for values in which NaN stands for a missing value: a frame, a series, or objects such as None."""
    return given is not None and (find_library(given) is not None or np.asanyarray(given).dtype == object)


def check_all_finite(X: Array, y: Array, given_X: Any, given_y: Any) -> None:
    """Refuse NaN and infinities in X and y; the last two arguments are the data frames or arrays they came from.

    Sparse rows pass: `check_sparse` has checked their entries.
    """
    if not is_sparse(X):
        check_finite("X", X, given_X)
    check_finite("y", y if y.ndim == 1 or y.shape[1] > 1 else y[:, 0], given_y)


def name_values(work: Callable[[], T], X: Array, y: Array, given: tuple[Any, Any]) -> T:
    """Return the result of the work; if it refuses values, look for those that are not finite.

    The message about these names the column of the data frame that X or y were given as.
    """
    try:
        return work()
    except ValueError:
        check_all_finite(X, y, *given)
        raise


def check_mean_square(name: str, array: Array) -> float:
    """Return the sum of squares divided by the rows; refuse data if they or their squares leave the float64 range."""
    flat = array.reshape(-1, order="A")
    if len(flat) <= FEW:
        root = norm(flat)
        square = root * root / len(array)
    else:
        with np.errstate(over="ignore", under="ignore"):
            square = float(np.einsum("i,i->", flat, flat, dtype=np.float64)) / len(array)
    if not isfinite(square):
        check_finite(name, array)
    if square > LARGEST_SQUARE or (square < SMALLEST_SQUARE and array.any()):
        size = "large" if square > 1 else "small"
        raise ValueError(
            f"{name} must have a mean square between {SMALLEST_SQUARE} and {LARGEST_SQUARE}; its values are too "
            f"{size} for their squares to be taken in float64: rescale {name}"
        )
    return square


def check_mean_squares(name: str, array: Array) -> Any:
    """Return the mean square of an array, or of each column of a matrix; refuse it as `check_mean_square` does."""
    if array.ndim == 1:
        return check_mean_square(name, array)
    with np.errstate(over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->j", array, array) / len(array)
    bad = np.flatnonzero(~((squares >= SMALLEST_SQUARE) & (squares <= LARGEST_SQUARE)))
    if len(bad):
        check_finite(name, array)
    for column in bad.tolist():
        if squares[column] > LARGEST_SQUARE or array[:, column].any():
            check_mean_square(f"{name}[:, {column}]", array[:, column])
    return squares


def check_predictions(predictions: Array) -> Array:
    """Return the predictions; refuse them unless all are finite."""
    if not np.isfinite(predictions).all():
        row = int(np.argwhere(~np.isfinite(predictions))[0][0])
        raise ValueError(f"X must have predictions in the range of float64; row {row} (counted from 0) is outside it")
    return predictions
