"""Refuse masked values: the numbers under a mask are no data."""

import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np


def check_masked(name: str, values: Any) -> None:
    """Refuse masked values: NumPy and scikit-learn would read the numbers under the mask."""
    if has_masked(values):
        raise ValueError(f"{name} must not have masked values; fill or drop them first")


def has_masked(values: Any) -> bool:
    """Return True if a masked array has masked values, also one in a list of arrays, or in an array of objects."""
    if type(values) is np.ndarray and values.dtype != object:  # the usual case, in little time
        return False
    if "numpy.ma" not in sys.modules:  # NumPy loads it when somebody first needs it: nobody has made a masked array
        return False
    objects = isinstance(values, np.ndarray) and values.dtype == object and not isinstance(values, np.ma.MaskedArray)
    level = values.ravel().tolist() if objects else [values]
    for _ in range(3):  # the data, their rows and their entries
        kinds = set(map(type, level))  # found fast, so that long lists of numbers cost little
        masked = tuple(kind for kind in kinds if issubclass(kind, np.ma.MaskedArray))
        if masked and any(np.ma.is_masked(value) for value in level if isinstance(value, masked)):
            return True
        nested = tuple(kind for kind in kinds if issubclass(kind, Sequence) and kind not in (str, bytes, memoryview))
        if not nested:
            break
        level = list(chain.from_iterable(value for value in level if isinstance(value, nested)))
    return False
