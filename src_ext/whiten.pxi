"""Factors of few well-conditioned columns, and their whitened coordinates: calls of NumPy take longer."""

cdef enum:
    SOLVED_AT_ONCE = 128  # targets: their columns of the triangle stay in cache


def whiten_triangle(
    const double[:, :] rows, double total, const double[::1] means, double epsilon, double most,
    double[:, ::1] to_whitened, double[:, ::1] to_coef, double[::1] scales, double[:, ::1] X, double[:, ::1] y,
):
    """Write the maps between coefficients and whitened coordinates, the scales, and the problem; return a bound, or 0.

    The features are the first columns of the triangle, as many as there are scales, and the targets are the others; its
    rows are divided by the root of the total weight. The problem is that of `make_identity_problem`, with an intercept.
    The bound is the Frobenius norm of the inverse of the standardized triangle. It is 0 if NumPy must decide: a column
    is constant up to the rounding `epsilon` of its mean, or the condition number is above `most`.
    """
    cdef ptrdiff_t p = scales.shape[0], k = y.shape[1]
    cdef double bound
    if rows.shape[0] != p + 1 or rows.shape[1] != p + k or means.shape[0] != p + k:
        raise ValueError("rows must have a row for each of the scales and one more, and means a number for each column")
    if not p == to_whitened.shape[0] == to_whitened.shape[1] == to_coef.shape[0] == to_coef.shape[1]:
        raise ValueError("to_whitened and to_coef must have a row and a column for each of the scales")
    if X.shape[0] != p + 2 or X.shape[1] != p + 1 or y.shape[0] != p + 2:
        raise ValueError("X and y must have a row for each of the scales and two more, and X a column and one more")
    with nogil:
        bound = invert_scaled(rows, sqrt(total), means, epsilon, most, to_whitened, to_coef, scales)
        if bound:
            write_identity(rows, sqrt(total), means, X, y)
    return bound


cdef void write_identity(
    const double[:, :] rows, double root, const double[::1] means, double[:, ::1] X, double[:, ::1] y,
) noexcept nogil:
    """Write the rows of ½‖z − minimum‖² + ½·rest², where z begins with the intercept."""
    cdef ptrdiff_t p = X.shape[1] - 1, m = X.shape[0], i, t
    cdef double scale = sqrt(<double> m)
    memset(&X[0, 0], 0, m * (p + 1) * sizeof(double))
    for i in range(p + 1):
        X[i, i] = scale
    for t in range(y.shape[1]):
        y[0, t] = means[p + t] * scale
        for i in range(p):
            y[1 + i, t] = rows[i, p + t] / root * scale
        y[m - 1, t] = abs(rows[p, p + t]) / root * scale


cdef double invert_scaled(
    const double[:, :] rows, double root, const double[::1] means, double epsilon, double most,
    double[:, ::1] to_whitened, double[:, ::1] to_coef, double[::1] scales,
) except -1 nogil:
    """Do the work of `whiten_triangle`."""
    cdef ptrdiff_t p = scales.shape[0], i, j, k
    cdef double number, squares = 0.0, noise = 0.0
    for j in range(p):
        number = 0.0
        for i in range(p):
            to_whitened[i, j] = rows[i, j] / root if i <= j else 0.0
            number += to_whitened[i, j] * to_whitened[i, j]
        scales[j] = sqrt(number)
        if not scales[j] > 4 * epsilon * abs(means[j]) or to_whitened[j, j] == 0.0:
            return 0.0
        noise = max(noise, epsilon * abs(means[j]) / scales[j])
        # Column j of the inverse of the standardized triangle comes from the columns before it.
        to_coef[j, j] = scales[j] / to_whitened[j, j]
        squares += to_coef[j, j] * to_coef[j, j]
        for i in range(j):
            number = 0.0
            for k in range(i, j):
                number += to_coef[i, k] * to_whitened[k, j]
            to_coef[i, j] = -number / to_whitened[j, j]
            to_coef[j, i] = 0.0
            squares += to_coef[i, j] * to_coef[i, j]
    squares = sqrt(squares)
    if not squares * sqrt(<double> p) <= most or noise * squares >= 1:
        return 0.0
    for i in range(p):
        for j in range(i, p):
            to_coef[i, j] /= scales[i]
    return squares


def factorize_products(
    const double[:, ::1] products, double total, const double[::1] means, double epsilon, double least,
    double[:, ::1] R,
):
    """Write the triangle R of the centred columns, from products; return the least pivot, -1 where NumPy decides.

    The products are those of `sum_products`. A pivot is the share of a column's squares that the mean and the columns
    before it do not explain; below `least`, R is not complete. NumPy decides about columns that are constant up to the
    rounding `epsilon` of their means.
    """
    cdef ptrdiff_t p = products.shape[0] - 2, size = products.shape[1] - 1
    cdef double pivot
    if p < 1 or size <= p or means.shape[0] != size or R.shape[0] != p + 1 or R.shape[1] != size:
        raise ValueError("R must have a row for each feature and one more, and R and means a column for each of [X y]")
    with nogil:
        pivot = factorize_centred(products, total, means, epsilon, least, R)
    return pivot


cdef double factorize_centred(
    const double[:, ::1] products, double total, const double[::1] means, double epsilon, double least,
    double[:, ::1] R,
) except -2 nogil:
    """Do the work of `factorize_products`."""
    cdef ptrdiff_t p = R.shape[0] - 1, size = R.shape[1], i, j, k, first
    cdef double around, squares, rest, number, lowest = 1.0
    for j in range(p):
        squares = centred_squares(products, total, means, epsilon, j)
        if not squares > 0:
            return -1.0
        rest = squares
        for i in range(j):
            number = products[1 + i, 1 + j] - products[0, 1 + i] * (products[0, 1 + j] / total)
            for k in range(i):
                number -= R[k, i] * R[k, j]
            R[i, j] = number / R[i, i]
            rest -= R[i, j] * R[i, j]
        lowest = min(lowest, rest / products[1 + j, 1 + j])
        if not lowest >= least:
            return lowest
        R[j, j] = sqrt(rest)
        for i in range(j + 1, p + 1):
            R[i, j] = 0.0
    first = p
    while first < size:
        number = solve_targets(products, total, means, epsilon, R, first, min(first + SOLVED_AT_ONCE, size))
        if number < 0:
            return -1.0
        lowest = min(lowest, number)
        if not lowest >= least:
            return lowest
        first += SOLVED_AT_ONCE
    return lowest


cdef double centred_squares(
    const double[:, ::1] products, double total, const double[::1] means, double epsilon, ptrdiff_t j,
) noexcept nogil:
    """Return the sum of squares of column j of [X y] about its mean; 0 if rounding may have made it."""
    cdef ptrdiff_t p = products.shape[0] - 2
    cdef double around = products[1 + j, 1 + j] if j < p else products[1 + p, 1 + j]
    cdef double squares = around - products[0, 1 + j] * (products[0, 1 + j] / total)
    return squares if squares > 0 and sqrt(squares / total) > 4 * epsilon * abs(means[j]) else 0.0


cdef double solve_targets(
    const double[:, ::1] products, double total, const double[::1] means, double epsilon, double[:, ::1] R,
    ptrdiff_t first, ptrdiff_t last,
) noexcept nogil:
    """Write the columns of R of some targets, row by row; return their least pivot, -1 for a constant one."""
    cdef ptrdiff_t p = R.shape[0] - 1, i, j, k
    cdef double factor, lowest = 1.0
    cdef double shares[SOLVED_AT_ONCE]
    cdef double *row
    cdef const double *above
    for j in range(first, last):
        R[p, j] = centred_squares(products, total, means, epsilon, j)
        if not R[p, j] > 0:
            return -1.0
        shares[j - first] = products[0, 1 + j] / total
    for i in range(p):
        row, factor = &R[i, first], products[0, 1 + i]
        for j in range(last - first):
            row[j] = products[1 + i, 1 + first + j] - factor * shares[j]
        for k in range(i):
            above, factor = &R[k, first], R[k, i]
            for j in range(last - first):
                row[j] -= factor * above[j]
        factor, above = R[i, i], row
        row = &R[p, first]
        for j in range(last - first):
            R[i, first + j] = above[j] / factor
            row[j] -= R[i, first + j] * R[i, first + j]
    for j in range(first, last):
        lowest = min(lowest, R[p, j] / products[1 + p, 1 + j])
        R[p, j] = sqrt(max(R[p, j], 0.0))
    return lowest
