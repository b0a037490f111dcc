"""Forms in which X, y and sample weights may be given: the same numbers as the array, if whole and from -9 to 9."""

from decimal import Decimal
from fractions import Fraction

import numpy as np


def with_gaps(array):
    """Return a view of every other row and column of a larger array."""
    larger = np.full([2 * size for size in array.shape], np.nan)
    view = larger[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array):
    """Return a copy that cannot be written to."""
    array = array.copy()
    array.flags.writeable = False
    return array


FORMS = {
    "float64": np.array,
    "list": lambda array: array.tolist(),
    "tuple": lambda array: tuple(map(tuple, array)) if array.ndim == 2 else tuple(array),
    "tuple of lists": lambda array: tuple(array.tolist()),
    "list of arrays": list,
    "list of whole numbers": lambda array: array.astype(int).tolist(),
    "Fortran": np.asfortranarray,
    "Fortran float32": lambda array: np.asfortranarray(array, dtype=np.float32),
    "gaps": with_gaps,
    "every other row": lambda array: np.repeat(array, 2, axis=0)[::2],
    "every other column": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
    "broadcast": lambda array: np.broadcast_to(array, (2, *array.shape))[1],
    "read-only": read_only,
    "byte-swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "not aligned": lambda array: np.frombuffer(b"0" + array.tobytes(), "u1")[1:].view("f8").reshape(array.shape),
    "whole objects": lambda array: array.astype(int).astype(object),
    "fractions": np.vectorize(Fraction, otypes=[object]),
    "decimals": np.vectorize(Decimal, otypes=[object]),
    "masked array without a mask": np.ma.array,
    "memory": lambda array: memoryview(np.ascontiguousarray(array)),
} | {
    name: lambda array, name=name: array.astype(name)
    for name in ("int8", "int16", ">i4", "int64", "float16", ">f2", "float32", ">f4", "<f4", "longdouble")
}  # fmt: skip
