"""Gradient descent for linear regression: the fused update, for rows and for columns.

Design:
(a) One pass over X an epoch. A few rows are taken while they are in cache: their residuals are formed, and at
    once their part of the gradient is added, where two matrix products would read X twice.
(b) Four rows at a time, so that a weight and a gradient entry are loaded once for all four.
(c) Fortran order goes by tiles of rows, small enough for a column of a tile to be in cache when it is read again.
(d) The column of ones of the intercept is implied: w[0] starts each residual, gradient[0] sums them.
"""

from cython cimport floating
from libc.math cimport isfinite

cdef extern from *:
    """
    #if defined(__VERSION__)
    #define FASTGD_COMPILER __VERSION__
    #else
    #define FASTGD_COMPILER "unknown"
    #endif
    #ifndef FASTGD_FLAGS
    #define FASTGD_FLAGS ""
    #endif
    """
    const char* FASTGD_COMPILER
    const char* FASTGD_FLAGS

cdef enum:
    TILE = 256  # rows


def build_info():
    """Return what the extension was built with: the compiler's version and the optimisation flags."""
    return {"compiler": FASTGD_COMPILER.decode(), "flags": FASTGD_FLAGS.decode()}


def descend_rows(
    const floating[:, ::1] X, const double[::1] y, double[::1] weights, const double[::1] rates,
    double[::1] costs, double[::1] gradient, int intercepts,
):
    """Descend on X in C order; see fastgd.backends for the contract."""
    cdef Py_ssize_t n = X.shape[0], p = X.shape[1], epoch
    with nogil:
        for epoch in range(rates.shape[0]):
            gradient[:] = 0.0
            costs[epoch] = add_rows(&X[0, 0], &y[0], n, p, &weights[0], &gradient[0], intercepts) / (2 * n)
            if not update(weights, gradient, rates[epoch], costs[epoch], n):
                break
        else:
            epoch = rates.shape[0]
    return epoch


def descend_columns(
    const floating[::1, :] X, const double[::1] y, double[::1] weights, const double[::1] rates,
    double[::1] costs, double[::1] gradient, int intercepts,
):
    """Descend on X in Fortran order; see fastgd.backends for the contract."""
    cdef Py_ssize_t n = X.shape[0], p = X.shape[1], epoch, start, rows
    cdef double squares
    with nogil:
        for epoch in range(rates.shape[0]):
            gradient[:] = 0.0
            squares = 0.0
            start = 0
            while start < n:
                rows = min(n - start, <Py_ssize_t>TILE)
                squares += add_tile(&X[start, 0], &y[start], n, rows, p, &weights[0], &gradient[0], intercepts)
                start += rows
            costs[epoch] = squares / (2 * n)
            if not update(weights, gradient, rates[epoch], costs[epoch], n):
                break
        else:
            epoch = rates.shape[0]
    return epoch


cdef bint update(double[::1] weights, double[::1] gradient, double rate, double cost, Py_ssize_t n) noexcept nogil:
    """w ← w − rate·gradient, where gradient arrives as the sum over rows; False if not finite, and no update."""
    cdef Py_ssize_t j
    cdef bint finite = isfinite(cost)
    for j in range(weights.shape[0]):
        gradient[j] /= n
        finite &= isfinite(weights[j] - rate * gradient[j])
    if finite:
        for j in range(weights.shape[0]):
            weights[j] -= rate * gradient[j]
    return finite


cdef double add_rows(
    const floating* X, const double* y, Py_ssize_t n, Py_ssize_t p, const double* weights, double* gradient,
    int intercepts,
) noexcept nogil:
    """Add the rows' residual · row to the gradient and return the sum of their squared residuals."""
    cdef const double* w = weights + intercepts
    cdef double* g = gradient + intercepts
    cdef const floating* a
    cdef const floating* b
    cdef const floating* c
    cdef const floating* d
    cdef double intercept = weights[0] if intercepts else 0.0
    cdef double r0, r1, r2, r3, squares = 0.0, total = 0.0
    cdef Py_ssize_t i, j
    for i in range(0, n - 3, 4):
        a, b, c, d = X + i * p, X + (i + 1) * p, X + (i + 2) * p, X + (i + 3) * p
        r0, r1, r2, r3 = intercept - y[i], intercept - y[i + 1], intercept - y[i + 2], intercept - y[i + 3]
        for j in range(p):
            r0 += a[j] * w[j]
            r1 += b[j] * w[j]
            r2 += c[j] * w[j]
            r3 += d[j] * w[j]
        for j in range(p):
            g[j] += r0 * a[j] + r1 * b[j] + r2 * c[j] + r3 * d[j]
        squares += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3
        total += r0 + r1 + r2 + r3
    for i in range(n - n % 4, n):
        a = X + i * p
        r0 = intercept - y[i]
        for j in range(p):
            r0 += a[j] * w[j]
        for j in range(p):
            g[j] += r0 * a[j]
        squares += r0 * r0
        total += r0
    if intercepts:
        gradient[0] += total
    return squares


cdef double add_tile(
    const floating* X, const double* y, Py_ssize_t n, Py_ssize_t rows, Py_ssize_t p, const double* weights,
    double* gradient, int intercepts,
) noexcept nogil:
    """Do what add_rows does, for the first `rows` rows of columns that are n apart."""
    cdef double[TILE] residual
    cdef const floating* x
    cdef double weight, dot, squares = 0.0, total = 0.0
    cdef double intercept = weights[0] if intercepts else 0.0
    cdef Py_ssize_t i, j
    for i in range(rows):
        residual[i] = intercept - y[i]
    for j in range(p):
        x = X + j * n
        weight = weights[j + intercepts]
        for i in range(rows):
            residual[i] += x[i] * weight
    for i in range(rows):
        squares += residual[i] * residual[i]
        total += residual[i]
    for j in range(p):
        x = X + j * n
        dot = 0.0
        for i in range(rows):
            dot += residual[i] * x[i]
        gradient[j + intercepts] += dot
    if intercepts:
        gradient[0] += total
    return squares
