"""The numbers in arrays and columns of objects."""

from numbers import Number
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.words import describe_position, kind_of, printable, quote

MISSING = ("NoneType", "NAType", "NaTType")  # the types of None, and of pandas' NA and NaT


def read_objects(argument: str, objects: Array, column: str = "", *, gaps: bool = False) -> Array:
    """Return an array of real numbers, such as int, float or Decimal, as float64.

    Parameters
    ----------
    argument : str
        The name of the argument, for messages.
    objects : ndarray of object
        The numbers.
    column : str
        The end of the message about an object that is no number, such as the name of its column.
    gaps : bool
        True if None and pandas' NA are missing values, and become NaN.

    Raises
    ------
    TypeError
        If an object is not a real number; the message gives its place.
    ValueError
        If a number is out of the range of float64.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.inputs.objects import read_objects
    >>> read_objects("y", np.array([1, None, 2.5], dtype=object), gaps=True)
    array([1. , nan, 2.5])
    """
    flat = objects.ravel().tolist()
    kinds = set(map(type, flat))  # few, so that long arrays take little time
    missing = tuple(kind for kind in kinds if gaps and kind.__name__ in MISSING)
    bad = tuple(kind for kind in kinds if not is_real(kind) and kind not in missing)
    if bad:
        first = next(k for k, value in enumerate(flat) if type(value) in bad)
        position = tuple(int(i) for i in np.unravel_index(first, objects.shape))
        where = f", at {describe_position(position)}" if position else ""
        got = f"{quote(flat[first])}, {kind_of(flat[first])}{where}{column}"
        raise TypeError(f"{argument} must hold real numbers; got {got}")
    if missing:
        flat = [np.nan if isinstance(value, missing) else value for value in flat]
    try:
        with np.errstate(over="ignore"):  # a longdouble out of range becomes inf, which is refused elsewhere
            return np.array(flat, dtype=np.float64).reshape(objects.shape)
    except (OverflowError, ValueError) as error:  # ValueError: a Decimal that is a signalling NaN
        raise ValueError(f"{argument} must hold numbers in the range of float64; {printable(error)}") from error


def is_real(kind: type[Any]) -> bool:
    """Return True for the types of real numbers and of flags."""
    return issubclass(kind, Number | np.bool) and not issubclass(kind, complex | np.complexfloating)
