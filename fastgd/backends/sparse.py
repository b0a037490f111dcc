"""Sparse rows as the kernels take them: the arrays of a CSR matrix, and the numbers that centre its columns.

Centring a column would fill its zeros. So the means stay beside the rows: with factors f (1 if there are none), row i
of X is xᵢ − fᵢ·means, and rᵢ = xᵢ·w − fᵢ·(means·w) + w₀ − yᵢ; gradientⱼ = 1/n (Σ rᵢ·xᵢⱼ − meansⱼ·Σ fᵢ·rᵢ). That
difference keeps its digits unless a column's mean is far above its deviation.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastgd.backends.contract import C_ORDER, NAMES, OUTPUTS, WRITEABLE
from fastgd.inputs.arrays import FLOAT32, FLOAT64, Array, is_sparse
from fastgd.inputs.options import check_count
from fastgd.inputs.words import kind_of

STRIP_ROWS = 512  # a strip of short rows stays in L2
LONG_ROW = 16  # rows of more entries, on average, are faster in the order of memory
INDEX_TYPES = np.dtype(np.int32), np.dtype(np.int64)


@dataclass(frozen=True, eq=False)
class CSR:
    """Sparse rows. Entries of a row may be in any order; entries at the same place are added.

    With factors f (1 if there are none), row i of X is the stored row minus fᵢ times the means. A record cannot be made
    of arrays that point outside each other: kernels read memory by these numbers.

    Attributes
    ----------
    data : ndarray of shape (n_stored,), float64 or float32
        The stored entries, row after row.
    indices : ndarray of shape (n_stored,), int32 or int64
        The column of each.
    indptr : ndarray of shape (n_samples + 1,), of the type of the indices
        The place in `data` where each row begins, and the end of the last one.
    shape : (n_samples, n_features)
        The numbers of rows and columns.
    means : ndarray of shape (n_features,), float64, or None
        The numbers subtracted from the columns.
    factors : ndarray of shape (n_samples,), float64, or None
        How many times the means are subtracted from each row; None for once.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.backends.sparse import CSR
    >>> rows = CSR(np.array([1.0, 5.0]), np.array([0, 2]), np.array([0, 1, 2]), (2, 3))
    >>> rows.matrix.toarray()
    array([[1., 0., 0.],
           [0., 0., 5.]])
    """

    data: Array
    indices: Array
    indptr: Array
    shape: tuple[int, int]
    means: Array | None = None
    factors: Array | None = None

    def __post_init__(self) -> None:
        check_rows(self)

    @property
    def size(self) -> int:
        """The number of stored entries."""
        return len(self.data)

    @property
    def nbytes(self) -> int:
        """The bytes of the stored entries and of their places."""
        return self.data.nbytes + self.indices.nbytes + self.indptr.nbytes

    @cached_property
    def matrix(self) -> Any:
        """The rows, not centred, as an array of SciPy that shares their memory, for its products."""
        from scipy import sparse  # installed, unless somebody made the record by hand

        return sparse.csr_array((self.data, self.indices, self.indptr), shape=self.shape)

    @cached_property
    def divided(self) -> dict[int, Array]:
        """The rows where blocks begin, for each number of blocks that was asked for."""
        return {}

    @cached_property
    def order(self) -> Array:
        """An order of the rows in which those of a length follow each other, strip by strip; empty for their own.

        Processors guess how often a loop repeats. Where rows have other lengths than those before, wrong guesses take
        half of the time of an epoch.
        """
        n = self.shape[0]
        lengths = np.diff(self.indptr)
        if (lengths == lengths[0]).all() or n < STRIP_ROWS // 8 or len(self.data) > LONG_ROW * n:
            return np.empty(0, dtype=np.int64)
        strips = np.full(-(-n // STRIP_ROWS) * STRIP_ROWS, 255, dtype=np.uint8)  # what is beyond the rows comes last
        strips[:n] = np.minimum(lengths, 254)
        order: Array = np.argsort(strips.reshape(-1, STRIP_ROWS), axis=1, kind="stable")
        order += STRIP_ROWS * np.arange(len(order))[:, np.newaxis]
        return order.ravel()[:n]


def take_rows(X: Any, means: Array | None = None, factors: Array | None = None) -> CSR:
    """Return a sparse array or matrix of SciPy as a record; CSR shares its memory, other forms are converted."""
    if X.ndim != 2:
        raise ValueError(f"X must be two-dimensional, (n_samples, n_features); got shape {X.shape}")
    rows = X.tocsr()
    size = int(rows.indptr[-1])
    data, indices = np.ascontiguousarray(rows.data[:size]), np.ascontiguousarray(rows.indices[:size])
    return CSR(data, indices, rows.indptr, (int(rows.shape[0]), int(rows.shape[1])), means, factors)


def check_rows(X: CSR) -> None:
    """Refuse arrays that are no CSR matrix.

    Raises
    ------
    TypeError, ValueError
        If a type, shape or order is wrong, or an index points outside an array; the message names the array.
    """
    shape, size = tuple(X.shape), np.size(X.data)
    if len(shape) != 2 or min(shape) < 1 or any(type(side) is not int for side in shape):
        raise ValueError(f"X must have at least one row and one column; got shape {shape}")
    n, p = shape
    check_array("X.data", X.data, (FLOAT64, FLOAT32), (size,))
    check_array("X.indices", X.indices, INDEX_TYPES, (size,))
    check_array("X.indptr", X.indptr, (X.indices.dtype,), (n + 1,))
    if X.means is not None:
        check_array("X.means", X.means, (FLOAT64,), (p,))
    if X.factors is not None:
        check_array("X.factors", X.factors, (FLOAT64,), (n,))
    first, last = int(X.indptr[0]), int(X.indptr[-1])
    if (first, last) != (0, size) or not (X.indptr[1:] >= X.indptr[:-1]).all():
        raise ValueError(
            f"X.indptr must rise from 0 to {size}, the number of stored entries; got {first} to {last}"
            + (", with a fall between" if (first, last) == (0, size) else "")
        )
    if size and not 0 <= int(X.indices.min()) <= int(X.indices.max()) < p:
        raise ValueError(
            f"X.indices must be from 0 to {p - 1}, for {p} columns; got {X.indices.min()} to {X.indices.max()}"
        )


def check_array(
    name: str, array: Any, dtypes: tuple[Any, ...], shape: tuple[int, ...], *, output: bool = False
) -> None:
    """Refuse an object that is no array of these types and this shape, or whose memory a kernel would misread."""
    if type(array) not in (np.ndarray, np.memmap):
        raise TypeError(f"{name} must be a numpy.ndarray; got {kind_of(array)}")
    if array.dtype not in dtypes:
        expected = " or ".join(dtype.name for dtype in dtypes)
        order = "" if array.dtype.isnative else f" of the other byte order ({array.dtype.str})"
        raise ValueError(f"{name} must have dtype {expected}; got {array.dtype.name}{order}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}")
    if not array.flags.num & C_ORDER:
        raise ValueError(
            f"{name} must be contiguous; got strides {array.strides} (numpy.ascontiguousarray({name}) copies it)"
        )
    if not array.flags.aligned:
        raise ValueError(f"{name} must be aligned; got numbers between the addresses of {array.dtype.name}")
    if output and not array.flags.num & WRITEABLE:
        raise ValueError(f"{name} must be writeable; got a read-only array")


def check_sparse_arrays(
    X: CSR, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array, threads: int
) -> int:
    """Return 1 if `weights` hold an intercept in front of the coefficients, 0 if not, as `check_arrays` does.

    The record X was checked when it was made; to check it again would take a part of the time of an epoch.
    """
    n, p = X.shape
    targets = np.shape(y)[1:]
    if np.ndim(y) not in (1, 2) or 0 in targets:
        raise ValueError(
            f"y must have shape ({n},) or ({n}, n_targets), to fit X of shape {X.shape}; got {np.shape(y)}"
        )
    intercepts = int(len(weights) == p + 1) if np.ndim(weights) else 0
    shapes = (n, *targets), (p + intercepts, *targets), np.shape(rates), (*np.shape(rates), *targets)
    if np.ndim(rates) != 1:
        raise ValueError(f"rates must have one dimension; got shape {np.shape(rates)}")
    arrays = zip(NAMES[1:], (y, weights, rates, costs, gradient), (*shapes, shapes[1]), strict=True)
    for name, array, shape in arrays:
        check_array(name, array, (FLOAT64,), shape, output=name in OUTPUTS)
    check_count("threads", threads)
    return intercepts


def check_sparse_contract(
    X: Any, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array, threads: int
) -> CSR:
    """Return X as a record, checked with all arrays; refuse an output that shares memory with another array."""
    if isinstance(X, CSR):
        check_rows(X)  # again: its arrays may have changed
    else:
        X = take_rows(X)
    check_sparse_arrays(X, y, weights, rates, costs, gradient, threads)
    parts = {f"X.{name}": getattr(X, name) for name in ("data", "indices", "indptr", "means", "factors")}
    inputs = {**parts, "y": y, "rates": rates}
    outputs = {"weights": weights, "costs": costs, "gradient": gradient}
    for name, array in outputs.items():
        for other, another in (inputs | outputs).items():
            if name != other and another is not None and np.may_share_memory(array, another):
                raise ValueError(f"{name} and {other} must not share memory; got arrays that overlap")
    return X


def is_sparse_rows(X: Any) -> bool:
    """Return True for a record, and for a sparse array or matrix of SciPy."""
    return isinstance(X, CSR) or is_sparse(X)
