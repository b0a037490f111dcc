"""Whitened coordinates of a well-conditioned triangle of few columns: NumPy's calls would take longer than the arithmetic."""


def whiten_triangle(
    const double[:, :] rows, double total, const double[::1] means, double epsilon, double most,
    double[:, ::1] to_whitened, double[:, ::1] to_coef, double[::1] scales,
):
    """Write the maps between coefficients and whitened coordinates, and the scales; return a bound, or 0.

    The features are the first columns of the triangle, as many as there are scales; its rows are divided by the root of the
    total weight. The bound is the Frobenius norm of the inverse of the standardized triangle. It is 0 where NumPy must
    decide: a column is constant up to the rounding `epsilon` of its mean, or the condition number is above `most`.
    """
    cdef ptrdiff_t p = scales.shape[0]
    cdef double bound
    if rows.shape[0] < p or rows.shape[1] < p or means.shape[0] < p:
        raise ValueError("rows and means must have a row and a column for each of the scales")
    if not p == to_whitened.shape[0] == to_whitened.shape[1] == to_coef.shape[0] == to_coef.shape[1]:
        raise ValueError("to_whitened and to_coef must have a row and a column for each of the scales")
    with nogil:
        bound = invert_scaled(rows, total ** 0.5, means, epsilon, most, to_whitened, to_coef, scales)
    return bound


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
        scales[j] = number ** 0.5
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
    squares = squares ** 0.5
    if not squares * <double> p ** 0.5 <= most or noise * squares >= 1:
        return 0.0
    for i in range(p):
        for j in range(i, p):
            to_coef[i, j] /= scales[i]
    return squares

