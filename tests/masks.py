"""Forms in which masked arrays reach fastgd: as they are, hidden in sequences, or behind `__array__`."""

from collections import deque

import numpy as np


class Wrapped:
    """Data of a library whose arrays NumPy converts to masked arrays, such as a variable of netCDF4."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, key):
        return self.array[key]

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


def hide(array):
    """Return lists of arrays without dimensions, each with its mask."""
    mask = np.ma.getmaskarray(array)
    if array.ndim == 1:
        return [np.ma.array(value, mask=m) for value, m in zip(array.data, mask, strict=True)]
    return [hide(row) for row in array]


MASKED_FORMS = {
    "array": lambda array: array,
    "Fortran float32": lambda array: np.ma.array(np.asfortranarray(array.data, "f4"), mask=array.mask),
    "whole numbers": lambda array: array.astype(int),
    "objects": lambda array: np.ma.array(array.data.astype(object), mask=array.mask),
    "list": list,
    "tuple of lists": lambda array: tuple(list(row) for row in array) if array.ndim == 2 else tuple(array),
    "list of arrays without dimensions": hide,
    "deque": deque,
    "wrapped": Wrapped,
}
