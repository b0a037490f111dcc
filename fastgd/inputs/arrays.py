"""The array type, and small numeric helpers."""

from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 64  # up to this many entries, Python's hypot is faster than the NumPy calls below
LONG = 8192  # entries from which on BLAS may use threads for a product
SAFE_SQUARE = 1e-290  # sums of squares between this and its reciprocal have lost nothing
EPSILON = float(np.finfo(np.float64).eps)
FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
Array = NDArray[Any]  # for annotations; docstrings give shapes and dtypes


def is_sparse(values: Any) -> bool:
    """Return True for a sparse array or matrix of SciPy, without importing SciPy."""
    return type(values).__module__.startswith("scipy.sparse")


def column_norms(matrix: Array) -> Array:
    """Return the Euclidean norm of each column, even if the squares of the entries would overflow or underflow."""
    squares = np.einsum("ij,ij->j", matrix, matrix)
    if squares.min(initial=1.0) > SAFE_SQUARE and squares.max(initial=1.0) < 1 / SAFE_SQUARE:
        return np.sqrt(squares)
    largest = np.abs(matrix).max(axis=0)
    scale = np.where((largest == 0) | ~np.isfinite(largest), 1.0, largest)
    scaled = matrix / scale
    norms: Array = scale * np.sqrt(np.einsum("ij,ij->j", scaled, scaled))
    return norms


def sum_squares(vector: Array) -> float:
    """Return the sum of squares of a vector.

    Threads of BLAS, which it uses for long vectors, would wait for their next call on the processors that threads of
    fastgd need: for some ten epochs.
    """
    return float(vector @ vector if len(vector) < LONG else np.einsum("i,i->", vector, vector))


def norm(vector: Array) -> float:
    """Return the Euclidean norm, even if the squares of the entries would overflow or underflow."""
    if len(vector) <= FEW:
        return hypot(*vector.tolist())
    largest = float(np.abs(vector).max())
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(vector / largest))
