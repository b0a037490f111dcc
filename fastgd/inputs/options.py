"""Checks of scalar options: counts, numbers, flags, choices, learning rates, seeds.

Each message names the argument, the expected value and the value received.
"""

from __future__ import annotations  # so that np.random is not loaded to name its generator

from collections.abc import Sequence
from math import inf
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.forks import import_safely
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers
from fastgd.inputs.values import check_finite
from fastgd.inputs.words import kind_of, printable, quote

# Curvatures of data within the bounds of `inputs.data`, with a margin for rounding, lie between these.
SMALLEST_CURVATURE, LARGEST_CURVATURE = 1e-300, 1e300
LARGEST_ALPHA = 1e270  # keeps the mean squares of the ridge's rows within the bounds of X
MOST_EPOCHS = 100_000_000  # limits the memory: rates and costs hold one number for each epoch


def check_rates(rates: ArrayLike, epochs: int) -> Array:
    """Return one learning rate for each epoch, from one rate or an array of rates."""
    if isinstance(rates, bool | np.bool):
        raise TypeError(f"learning_rate must be a rate; got {rates}, a bool")
    array = check_numbers("learning_rate", rates).astype(np.float64)
    if array.shape not in ((), (epochs,)):
        raise ValueError(
            f"learning_rate must be one rate or {epochs} of them, one for each epoch; got shape {array.shape}"
        )
    good = np.isfinite(array) & (array >= 0)
    if not good.all():
        bad = np.flatnonzero(~good)
        where = f" for epoch {bad[0]}" if array.ndim else ""
        raise ValueError(f"learning_rate must be finite and not negative; got {array.flat[bad[0]]}{where}")
    if not array.any():
        raise ValueError("learning_rate must be above 0 in at least one epoch; got only zeros")
    return array if array.ndim else np.full(epochs, array)


def check_count(name: str, value: Any, most: int | None = None) -> int:
    """Return a whole number from 1 to `most`."""
    if type(value) is int and 0 < value <= (most or value):  # the usual case, in little time, here and below
        return value
    try:
        if isinstance(value, bool | np.bool):
            raise TypeError
        count = index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number; got {quote(value)}, {kind_of(value)}") from None
    if count < 1:
        raise ValueError(f"{name} must be 1 or more; got {quote(count)}")
    if most is not None and count > most:
        raise ValueError(f"{name} must be {most:,} or less; got {quote(count)}")
    return count


def check_position(name: str, value: Any, count: int) -> int:
    """Return a whole number from 0 to count − 1."""
    position = check_level(name, value)
    if position >= count:
        raise ValueError(f"{name} must be below {count}; got {quote(position)}")
    return position


def check_level(name: str, value: Any) -> int:
    """Return a whole number of 0 or more; a bool counts as 0 or 1."""
    if type(value) is int and value >= 0:
        return value
    if not isinstance(value, int | np.integer | np.bool):
        raise TypeError(f"{name} must be a whole number; got {quote(value)}, {kind_of(value)}")
    if value < 0:
        raise ValueError(f"{name} must be 0 or more; got {quote(int(value))}")
    return int(value)


def check_not_negative(name: str, number: Any) -> float:
    """Return a finite number of 0 or more."""
    if type(number) is float and 0 <= number < inf:
        return number
    if isinstance(number, bool | np.bool):
        raise TypeError(f"{name} must be a number; got {number}, a bool")
    value = np.float64(number) if isinstance(number, float) else check_numbers(name, number)
    if value.ndim:
        raise TypeError(f"{name} must be a number; got an array of shape {value.shape}")
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be finite and not negative; got {printable(number)}")
    return float(value)


def check_alpha(alpha: Any) -> float:
    """Return the penalty of the ridge, a finite number from 0 to `LARGEST_ALPHA`."""
    value = check_not_negative("alpha", alpha)
    if value > LARGEST_ALPHA:
        raise ValueError(f"alpha must be {LARGEST_ALPHA} or less; got {printable(alpha)}")
    return value


def check_curvature(name: str, number: Any) -> float:
    """Return an eigenvalue or a bound of eigenvalues: 0, or a number whose reciprocal is in the range of float64."""
    value = check_not_negative(name, number)
    if value and not SMALLEST_CURVATURE <= value <= LARGEST_CURVATURE:
        raise ValueError(
            f"{name} must be 0, or between {SMALLEST_CURVATURE} and {LARGEST_CURVATURE}; got {printable(number)}"
        )
    return value


def check_choice(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """Return the value; refuse it unless it is one of the choices."""
    value = bool(value) if isinstance(value, np.bool) else value
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {quote(value)}")


def check_callback(callback: Any) -> None:
    """Refuse a callback that cannot be called."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable or None; got {quote(callback)}, {kind_of(callback)}")


def check_flag(name: str, value: Any) -> bool:
    """Return a truth value, given as a bool or as 0 or 1."""
    if type(value) is bool:
        return value
    if isinstance(value, bool | np.bool) or (isinstance(value, int | np.integer) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False; got {quote(value)}, {kind_of(value)}")


def check_random_state(random_state: Any) -> np.random.Generator:
    """Return a generator from a seed, a generator or None."""
    try:
        return import_safely("numpy.random").default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"random_state must be None, a seed of 0 or more, or a numpy.random.Generator; got {quote(random_state)}"
        ) from error


def check_eigenvalues(name: str, values: ArrayLike) -> Array:
    """Return positive eigenvalues as float64, in descending order."""
    array = check_numbers(name, values).astype(np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must have shape (k,), with one eigenvalue at least; got shape {array.shape}")
    check_finite(name, array)
    if array.min() <= 0:
        raise ValueError(f"{name} must hold eigenvalues above 0; got {array.min()}")
    for value in (array.min(), array.max()):
        check_curvature(name, float(value))
    return np.sort(array)[::-1]
