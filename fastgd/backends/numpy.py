"""The vectorized version: the update in three lines of NumPy, and the Gram matrix by products of blocks of rows."""

from contextlib import nullcontext
from math import isfinite

import numpy as np

from fastgd.backends.blas import one_blas_thread
from fastgd.backends.contract import check_arrays
from fastgd.backends.sparse import CSR, check_sparse_arrays
from fastgd.inputs.arrays import Array

BLOCK_ELEMENTS = 1 << 17  # of a block of rows: 1 MB in float64, so that the block stays in cache for its product
LEAST_REDUCED = 256  # rows of a block for a QR
LONG_QR = 1 << 26  # rows times columns² of a QR that takes long enough to limit BLAS to one thread: some milliseconds
MEASURED_ELEMENTS = 1 << 16  # of a block of centred rows: 512 KB, which two products read
LONG_PRODUCT = 1 << 24  # elements times vectors of products that take as long
BLOCK_ROWS = 2048  # the product of a wide block with fewer rows takes up to twice as long

TAKES_SPARSE = True


def descend(
    X: Array | CSR,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
) -> int:
    """Apply ``len(rates)`` updates in place and return how many were applied.

    r = Xw − y;  costs[k] = rᵀr / 2n;  gradient = Xᵀr / n;  w ← w − rates[k]·gradient
    """
    if isinstance(X, CSR):
        return descend_sparse(X, y, weights, rates, costs, gradient, threads)
    intercepts = check_arrays(X, y, weights, rates, costs, gradient, threads)
    X = X.astype(np.float64, copy=False)  # arithmetic is in float64: float32 data is copied once a call
    n_samples = len(X)
    zeros = np.zeros_like(weights)
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch, rate in enumerate(rates.tolist()):
            residual = X @ weights[intercepts:] - y
            if intercepts:
                residual += weights[0]
                gradient[0] = residual.sum(axis=0) / n_samples
            gradient[intercepts:] = (residual.T @ X).T / n_samples
            costs[epoch] = cost = sum_squares(residual) / (2 * n_samples)
            updated = weights - rate * gradient
            if not is_finite(cost, updated, zeros):
                return epoch
            weights[:] = updated
    return len(rates)


def is_finite(cost: Array, weights: Array, zeros: Array) -> bool:
    """Return True if the cost and all weights are finite."""
    if weights.ndim == 1:  # 0 · inf and 0 · NaN are NaN: one product finds any number that is not finite
        return isfinite(cost + weights @ zeros)
    return bool(np.isfinite(cost).all() and np.isfinite(weights).all())


def sum_squares(residual: Array) -> Array:
    """Return rᵀr, or that of each target; a product of matrices would form all products of two targets."""
    return residual @ residual if residual.ndim == 1 else np.einsum("ij,ij->j", residual, residual)


def descend_sparse(
    X: CSR, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array, threads: int = 1
) -> int:
    """Apply the updates for sparse rows, by products of SciPy: the same lines, and the means beside the rows."""
    intercepts, n = check_sparse_arrays(X, y, weights, rates, costs, gradient, threads), X.shape[0]
    rows = X.matrix.astype(np.float64, copy=False)
    means = np.zeros(X.shape[1]) if X.means is None else X.means
    factors = np.ones(n) if X.factors is None else X.factors
    transposed, zeros = rows.T, np.zeros(len(weights))
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch, rate in enumerate(rates.tolist()):
            coef = weights[intercepts:]
            residual = rows @ coef - np.multiply.outer(factors, means @ coef) - y
            if intercepts:
                residual += weights[0]
                gradient[0] = residual.sum(axis=0) / n
            gradient[intercepts:] = (transposed @ residual - np.multiply.outer(means, factors @ residual)) / n
            costs[epoch] = cost = np.einsum("i...,i...->...", residual, residual) / (2 * n)
            updated = weights - rate * gradient
            if not np.isfinite(cost + zeros @ updated).all():
                return epoch
            weights[:] = updated
    return len(rates)


def gram(X: Array, y: Array, sample_weight: Array | None, shift: Array, threads: int = 1) -> Array:
    """Return Σ s·[1 x−c]ᵀ[1 x−c y−c] over the rows, and Σ s·(y−c)²: see `fastgd.backends.gram`.

    BLAS decides about threads. Features that need no shift and no weights need no copies either.
    """
    (n, p), k = X.shape, y.shape[1]
    products = np.zeros((2 + p, 1 + p + k))
    if sample_weight is None and X.dtype == np.float64 and not shift[:p].any():
        right = np.concatenate([np.ones((n, 1)), y - shift[p:]], axis=1)
        sums = X.T @ right
        products[1:-1, 1 : 1 + p], products[1:-1, 1 + p :] = X.T @ X, sums[:, 1:]
        products[1:-1, 0] = products[0, 1 : 1 + p] = sums[:, 0]
        products[0, 0], products[0, 1 + p :] = n, right[:, 1:].sum(axis=0)
        products[-1, 1 + p :] = np.einsum("ij,ij->j", right[:, 1:], right[:, 1:])
        return products
    rows = max(BLOCK_ROWS, BLOCK_ELEMENTS // (1 + p + k))
    buffer = np.empty((min(rows, n), 1 + p + k), order="F" if X.strides[0] == X.itemsize else "C")
    for start in range(0, n, rows):
        part = slice(start, start + rows)
        block = pack_rows(X[part], y[part], None if sample_weight is None else sample_weight[part], shift, buffer)
        left, right = block[:, : 1 + p], block[:, 1 + p :]
        products[:-1, : 1 + p] += left.T @ left  # NumPy computes half of a product of a matrix with itself
        products[:-1, 1 + p :] += left.T @ right
        products[-1, 1 + p :] += np.einsum("ij,ij->j", right, right)
    return products


def triangle(X: Array, y: Array, sample_weight: Array | None, shift: Array, threads: int = 1) -> Array:
    """Return the R of a QR of the rows √s·[1 x−c y−c]: see `fastgd.backends.triangle`.

    BLAS has one thread: several would take far longer for blocks as small as these.
    """
    (n, p), k = X.shape, y.shape[1]
    rows = max(LEAST_REDUCED, BLOCK_ELEMENTS // (1 + p + k), 2 * (1 + p))  # a QR is efficient for tall blocks
    buffer = np.empty((min(rows, n), 1 + p + k), order="F" if X.strides[0] == X.itemsize else "C")
    R = np.zeros((0, 1 + p + k))
    with one_blas_thread() if n * (1 + p) * (1 + p) >= LONG_QR else nullcontext():
        for start in range(0, n, rows):
            part = slice(start, start + rows)
            block = pack_rows(X[part], y[part], None if sample_weight is None else sample_weight[part], shift, buffer)
            R = stack_triangle(R, block, k)
    return R


def measure(
    X: Array, y: Array | None, sample_weight: Array | None, means: Array, vectors: Array, threads: int = 1
) -> tuple[Array, Array]:
    """Return Σ s·r² and Σ s·r·(x−c) for r = (x−c)·v − (y−d): see `fastgd.backends.measure`.

    BLAS has one thread where blocks take long enough for a limit.
    """
    (n, p), m = X.shape, vectors.shape[1]
    squares, gradient = np.zeros(m), np.zeros((p, m))
    rows = max(MEASURED_ELEMENTS // p, LEAST_REDUCED)
    buffer = np.empty((min(rows, n), p), order="F" if X.strides[0] == X.itemsize else "C")
    with one_blas_thread() if X.size * m >= LONG_PRODUCT else nullcontext():
        for start in range(0, n, rows):
            part = slice(start, start + rows)
            block = np.subtract(X[part], means[:p], out=buffer[: min(rows, n - start)])
            residual = block @ vectors
            if y is not None:
                residual -= y[part] - means[p:]
            weighted = residual if sample_weight is None else residual * sample_weight[part, np.newaxis]
            squares += np.einsum("ij,ij->j", residual, weighted)
            gradient += block.T @ weighted
    return squares, gradient


def stack_triangle(R: Array, rows: Array, n_targets: int = 1) -> Array:
    """Return the R of a QR of the two arrays, one above the other; their last columns are those of the targets.

    Below the rows of the features, R has one row: for each target, the norm of what the features do not explain.
    """
    both = np.concatenate([R, rows])
    if n_targets == 1:
        return np.asarray(np.linalg.qr(both, mode="r"))
    left, targets = both[:, :-n_targets], both[:, -n_targets:]
    Q, top = np.linalg.qr(left)
    images = Q.T @ targets
    rest = np.zeros((1, both.shape[1]))
    rest[0, -n_targets:] = np.linalg.norm(targets - Q @ images, axis=0)
    return np.concatenate([np.concatenate([top, images], axis=1), rest])


def pack_rows(X: Array, y: Array, sample_weight: Array | None, shift: Array, buffer: Array) -> Array:
    """Return √s·[1, x − c, y − c], written to the first rows of the buffer."""
    p, block = X.shape[1], buffer[: len(y)]
    block[:, 0] = 1.0
    np.subtract(X, shift[:p], out=block[:, 1 : 1 + p])
    np.subtract(y, shift[p:], out=block[:, 1 + p :])
    if sample_weight is not None:
        block *= np.sqrt(sample_weight)[:, np.newaxis]
    return block
