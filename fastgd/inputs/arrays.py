"""What all modules say and ask of arrays."""

from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 64  # entries of a vector that Python sums faster than several calls of NumPy do
EPSILON = float(np.finfo(np.float64).eps)
Array = NDArray[Any]  # in annotations; shapes and dtypes stand in the docstrings


def is_sparse(values: Any) -> bool:
    """Tell whether that is a sparse array or matrix of scipy, without importing scipy."""
    return type(values).__module__.startswith("scipy.sparse")


def norm(vector: Array) -> float:
    """Return the Euclidean norm, also where the squares of the entries would leave the range of float64."""
    if len(vector) <= FEW:
        return hypot(*vector.tolist())
    largest = float(np.abs(vector).max())
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(vector / largest))
