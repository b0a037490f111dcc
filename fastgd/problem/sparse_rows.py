"""Sparse rows with the attributes and methods that the descent uses of a dense array; the kernels take their record.

Centring a column would fill its zeros. So the means stay beside the rows: X·v − means·v. That difference loses digits
only where a column's mean is far above its deviation; `fastgd.problem.sparse` centres columns without a zero in place.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.compiled import find_kernel
from fastgd.backends.sparse import CSR, take_rows
from fastgd.backends.sparse_team import choose_sparse_threads, count_sparse_work
from fastgd.inputs.arrays import Array
from fastgd.problem.sparse_columns import sum_powers


class SparseRows:
    """A CSR array.

    Parameters
    ----------
    rows : CSR, or CSR array or matrix of SciPy, of shape (n_samples, n_features)
        The rows.
    """

    __array_ufunc__ = None  # makes `ndarray @ rows` call __rmatmul__
    means: Array | None = None
    factors: Array | None = None
    standard: Array | None = None  # the mean square of each column, if they are known, and all means are zero
    threads: int | None = None  # how many threads products may use; None for as many as pay off
    flags = SimpleNamespace(c_contiguous=True, f_contiguous=False)

    def __init__(self, rows: Any) -> None:
        self.given = rows
        self.shape, self.size, self.dtype = rows.shape, len(rows.data), rows.data.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    @cached_property
    def rows(self) -> Any:
        """The rows, not centred, as a CSR array of SciPy."""
        return self.given.matrix if isinstance(self.given, CSR) else self.given

    @cached_property
    def record(self) -> CSR:
        """The rows as the kernels take them, checked once."""
        rows = self.given if isinstance(self.given, CSR) else take_rows(self.given)
        return rows if self.means is None else replace(rows, means=self.means, factors=self.factors)

    def hessian_product(self, vector: Array) -> Array:
        """Return XᵀXv/n: the gradient of an update at the rate 0 for targets of zeros, in one pass over the rows."""
        gradient, weights, targets = np.empty_like(vector), vector.copy(), vector.shape[1:]
        descend = backends.load(find_kernel()).descend
        goal, costs = np.zeros((self.shape[0], *targets)), np.empty((1, *targets))
        members = self.threads or choose_sparse_threads(count_sparse_work(self.record, vector[0].size), 1)
        descend(self.record, goal, weights, np.zeros(1), costs, gradient, members)
        return gradient

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
        return bool(self.given.data.any())

    def reshape(self, *_: Any, **__: Any) -> Array:
        """Return the stored entries as a vector, for sums over all entries."""
        return self.given.data

    def sum_stored(self, values: Array | None = None) -> Array:
        """Return the sum of the values of the stored entries in each column; without values, their number."""
        return np.bincount(self.rows.indices, values, minlength=self.shape[1])

    def column_means(self) -> Array:
        """Return the mean of each column; the second sum takes off the rounding of the first."""
        n = len(self)
        means: Array = sum_powers(self.record, None, np.zeros(self.shape[1]))[2] / n
        counts, _, rest, _ = sum_powers(self.record, None, means)
        return means + (rest - (n - counts) * means) / n

    def mean_squares(self, origin: Array) -> Array:
        """Return the mean square of each column's distance from its entry of `origin`."""
        counts, _, _, squares = sum_powers(self.record, None, origin)
        found: Array = (squares + (len(self) - counts) * origin**2) / len(self)
        return found


class CentredRows(SparseRows):
    """A CSR array minus an outer product: of weighted rows, each row's factor times the means of the columns.

    Parameters
    ----------
    rows : CSR, or CSR array or matrix of SciPy, of shape (n_samples, n_features)
        The rows before they are centred.
    left : ndarray of shape (n_samples,)
        How many times the means are subtracted from each row.
    right : ndarray of shape (n_features,)
        The means.
    """

    def __init__(self, rows: Any, left: Array, right: Array) -> None:
        super().__init__(rows)
        self.left, self.right = left, right
        self.means, self.factors = right, None if (left == 1).all() else left

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        dense = self.rows.toarray() - np.outer(self.left, self.right)
        return dense.astype(dtype or self.dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return super().__getitem__(key) - self.left[key[0]] * self.right[key[1]]
        return CentredRows(self.rows[key], self.left[key], self.right)

    def __matmul__(self, other: Any) -> Array:
        product = super().__matmul__(other)
        if isinstance(other, CentredRows):
            product -= np.outer(self.rows @ other.left, other.right)
        return product - np.multiply.outer(self.left, self.right @ other)

    def __rmatmul__(self, other: Array) -> Array:
        return super().__rmatmul__(other) - np.multiply.outer(other @ self.left, self.right)

    @property
    def T(self) -> CentredRows:  # noqa: N802 - NumPy's name
        """The transpose."""
        return CentredRows(self.rows.T, self.right, self.left)

    def astype(self, dtype: Any, copy: bool = True) -> CentredRows:
        """Return the rows with another dtype; the means stay in float64."""
        return CentredRows(self.rows.astype(dtype, copy=copy), self.left, self.right)

    def sum(self, axis: int | None = None, dtype: Any = None) -> Any:
        """Return the sum of all entries, or the sums along an axis."""
        left, right = (
            vector.sum() if axis in (None, k) else vector for k, vector in enumerate((self.left, self.right))
        )
        return super().sum(axis, dtype) - left * right

    def reshape(self, *_: Any, **__: Any) -> Array:
        """Return the norms of the columns, for the sum of squares over all entries."""
        return np.sqrt(len(self) * self.mean_squares(np.zeros(self.shape[1])))

    def column_means(self) -> Array:
        """Return the mean of each column."""
        return np.zeros(self.shape[1]) if self.standard is not None else self.sum(axis=0) / len(self)

    def mean_squares(self, origin: Array) -> Array:
        """Return the mean square of each column's distance from its entry of `origin`.

        Where no entry is stored, the square is (left·right + origin)²: three sums over the rows, minus those over the
        rows where an entry is stored.
        """
        if self.standard is not None and not origin.any():
            return self.standard
        if self.factors is None:
            return super().mean_squares(self.right + origin)
        columns, left = self.rows.indices, np.repeat(self.left, np.diff(self.rows.indptr))
        stored = self.sum_stored(np.square(self.rows.data - left * self.right[columns] - origin[columns]))
        ones, lefts = len(self) - self.sum_stored(), self.left.sum() - self.sum_stored(left)
        squares = self.left @ self.left - self.sum_stored(np.square(left))
        rest = origin**2 * ones + 2 * origin * self.right * lefts + self.right**2 * squares
        return (stored + np.maximum(rest, 0.0)) / len(self)
