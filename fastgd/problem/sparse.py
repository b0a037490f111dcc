"""Sparse features of SciPy: summed up for a compressed problem, or wrapped so that the NumPy backend can use them.

Columns are scaled but never centred: centring would fill their zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_mean_square
from fastgd.problem.compressor import Compressor
from fastgd.problem.coordinates import Problem, ScaledCoordinates, choose_scales, scale_penalty
from fastgd.problem.moments import Moments, rows_per_block
from fastgd.problem.prepared import Prepared, PrepareOptions
from fastgd.problem.rows import DenseSource, prepare_targets, weighted_variance

# Up to this many columns, the dense compressed problem takes less time (benchmarks/extras/sparse_features.py).
MOST_COMPRESSED = 700


class SparseRows:
    """A CSR array with the attributes and methods that the NumPy kernel and the descent use of a dense array."""

    __array_ufunc__ = None  # makes `ndarray @ rows` call __rmatmul__
    flags = SimpleNamespace(c_contiguous=True, f_contiguous=False)

    def __init__(self, rows: Any) -> None:
        self.rows, self.shape, self.size, self.dtype = rows, rows.shape, rows.nnz, rows.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return a dense copy: the singular values of few rows are computed from it."""
        return self.rows.toarray().astype(dtype or self.dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        part = self.rows[key]
        return part.toarray().ravel() if isinstance(key, tuple) else SparseRows(part)

    def __matmul__(self, other: Any) -> Array:
        return (self.rows @ other.rows).toarray() if isinstance(other, SparseRows) else self.rows @ other

    def __rmatmul__(self, other: Array) -> Array:
        return other @ self.rows

    @property
    def T(self) -> SparseRows:  # noqa: N802 - NumPy's name
        """The transpose."""
        return SparseRows(self.rows.T)

    def astype(self, dtype: Any, copy: bool = True) -> SparseRows:
        """Return the rows with another dtype."""
        return SparseRows(self.rows.astype(dtype, copy=copy))

    def sum(self, axis: int | None = None, dtype: Any = None) -> Any:
        """Return the sum of all entries, or the sums along an axis."""
        return np.asarray(self.rows.sum(axis=axis, dtype=dtype)).ravel() if axis is not None else self.rows.sum()

    def any(self) -> bool:
        """Return True if any entry is not zero."""
        return bool(self.rows.data.any())

    def reshape(self, *_: Any, **__: Any) -> Array:
        """Return the stored entries as a vector, for sums over all entries."""
        return self.rows.data


def add_sparse(compressor: Compressor, X: Any, y: Array, weights: Array | None) -> None:
    """Add sparse rows to a compressor; method "qr" makes them dense block by block."""
    check_mean_square("X", SparseRows(X))  # type: ignore[arg-type]  # it behaves as an array here
    check_mean_square("y", y)
    if compressor.method == "gram":
        compressor.include(sum_products(X, y, weights), len(y))
        return
    block = rows_per_block(1 + X.shape[1] + y.shape[1])
    for start in range(0, len(y), block):
        part = slice(start, start + block)
        compressor.add(X[part].toarray(), y[part], None if weights is None else weights[part])


def sum_products(X: Any, y: Array, weights: Array | None) -> Moments:
    """Return the Gram sums of sparse rows; the features are not shifted, so that they stay sparse."""
    shift = np.concatenate([np.zeros(X.shape[1]), y.mean(axis=0)])
    counts = np.ones(len(y)) if weights is None else weights
    rows, targets = X.astype(np.float64), y - shift[X.shape[1] :]
    weighted = rows.multiply(counts[:, np.newaxis]).tocsr()
    p, size, total = X.shape[1], 1 + len(shift), float(counts.sum())
    matrix = np.empty((size, size))
    matrix[0, 0] = total
    matrix[0, 1 : 1 + p], matrix[0, 1 + p :] = counts @ rows, counts @ targets
    matrix[1 : 1 + p, 1 : 1 + p] = (weighted.T @ rows).toarray()
    matrix[1 : 1 + p, 1 + p :] = weighted.T @ targets
    matrix[1 + p :, 1 + p :] = targets.T @ (targets * counts[:, np.newaxis])
    lower = np.tril_indices(size, -1)
    matrix[lower] = matrix.T[lower]
    return Moments(shift, total, len(y), matrix, y.shape[1])


class SparseSource(DenseSource):
    """Sparse rows in memory: X is a CSR array or matrix of scipy, float32 or float64."""

    def prepare(self, options: PrepareOptions) -> Iterator[Prepared]:
        """Yield one problem for each target: compressed, or the sparse rows if X has many columns."""
        if options.batch_size is not None:
            raise ValueError(f"batch_size must be None for sparse X; got {options.batch_size!r}")
        options = options.resolved(self.X.shape)
        needed = options.compress is True or options.precondition == "whiten"
        if needed or (options.compress == "auto" and self.n_features <= MOST_COMPRESSED):
            message = f"sparse X of {self.n_features} columns has a small compressed problem"
            summary = compress_sparse(self.X, self.y, self.sample_weight).summary(None)
            yield from prepare_targets(summary, options, message)
            return
        if options.backend_named and options.backend != "numpy":
            raise ValueError(
                f"backend must be 'auto' or 'numpy' for sparse X that is not compressed; got {options.backend!r}"
            )
        for target in self.y.T:
            yield prepare_sparse(self.X, np.ascontiguousarray(target), self.sample_weight, options)


def compress_sparse(X: Any, y: Array, weights: Array | None) -> Compressor:
    """Return a compressor with the sparse rows: by method "gram", or by "qr" if "gram" loses digits."""
    compressor = Compressor(method="gram")
    add_sparse(compressor, X, y, weights)
    if not compressor.keeps_digits:
        compressor = Compressor(method="qr")
        add_sparse(compressor, X, y, weights)
    return compressor


def prepare_sparse(X: Any, y: Array, sample_weight: Array | None, options: PrepareOptions) -> Prepared:
    """Return the problem of the sparse rows themselves: scaled, weighted, with the rows of the ridge, all sparse."""
    from scipy import sparse

    check_mean_square("X", SparseRows(X))  # type: ignore[arg-type]
    check_mean_square("y", y)
    n, p = X.shape
    variance = weighted_variance(y, sample_weight)
    rows, coordinates, fit_intercept = X.astype(np.float64), None, options.fit_intercept
    counts = np.ones(n) if sample_weight is None else sample_weight
    if options.precondition == "standardize":
        squares = counts @ rows.multiply(rows) / counts.sum()
        coordinates = ScaledCoordinates(np.zeros(p), choose_scales(squares, np.zeros(p)), fit_intercept)
        rows = rows.multiply(1 / coordinates.scales).tocsr()
    penalty, intercept = scale_penalty(options.alpha, p, coordinates), fit_intercept
    if sample_weight is not None or options.alpha > 0:
        if fit_intercept:
            rows, intercept = sparse.hstack([np.ones((n, 1)), rows], format="csr"), False
        m = n + p * (options.alpha > 0)
        factors = np.sqrt(counts * (m / counts.sum()))
        rows, y = rows.multiply(factors[:, np.newaxis]).tocsr(), y * factors
    if options.alpha > 0:
        ridge = sparse.diags_array(np.sqrt(m * penalty), offsets=rows.shape[1] - p, shape=(p, rows.shape[1]))
        rows, y = sparse.vstack([rows, ridge], format="csr"), np.concatenate([y, np.zeros(p)])
    problem = Problem(SparseRows(rows), y, intercept)  # type: ignore[arg-type]  # it behaves as an array here
    message = f"sparse X of {p} columns has fewer entries than a compressed problem"
    known = fit_intercept, False, variance, message
    return Prepared(problem, problem, options.alpha, penalty, coordinates, *known, backend="numpy")
