"""The array type, and small numeric helpers."""

from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 64  # up to this many entries, Python's hypot is faster than the NumPy calls below
EPSILON = float(np.finfo(np.float64).eps)
Array = NDArray[Any]  # for annotations; docstrings give shapes and dtypes


def is_sparse(values: Any) -> bool:
    """Return True for a sparse array or matrix of SciPy, without importing SciPy."""
    return type(values).__module__.startswith("scipy.sparse")


def norm(vector: Array) -> float:
    """Return the Euclidean norm, even if the squares of the entries would overflow or underflow."""
    if len(vector) <= FEW:
        return hypot(*vector.tolist())
    largest = float(np.abs(vector).max())
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(vector / largest))
