"""The moments of small groups of rows: means, and mean products about them. Included by _kernel.pyx.

fastgd/problem/group_rows.py is the specification. The rows of a group are gathered once, wherever they are, and stay in
L1 or L2, column by column, until the group is done. The loops have no vectors of their own: sums go to four
accumulators, in an order that stands in the source, of which compilers make vectors.
"""

from libc.math cimport NAN, fabs, sqrt


cdef double dot(const double *a, const double *b, ptrdiff_t padded) noexcept nogil:
    """Return the product of two columns, whose padding is zeros."""
    cdef double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0
    cdef ptrdiff_t i
    for i in range(0, padded, 4):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
    return (s0 + s2) + (s1 + s3)


cdef bint vanishes(const double *a, ptrdiff_t count, double smallest) noexcept nogil:
    """Return True if a column is not zero, but the squares of all its entries are below the smallest square."""
    cdef double most = 0.0
    cdef ptrdiff_t i
    for i in range(count):
        if a[i] * a[i] >= smallest:
            return False
        most = max(most, fabs(a[i]))
    return most > 0


cdef bint gather_group(
    const number[:, :] X, const double[:, ::1] Y, const double[::1] weights, const ptrdiff_t[::1] order,
    ptrdiff_t start, ptrdiff_t count, double total, double[:, ::1] block,
) noexcept nogil:
    """Write the columns of a group's rows, then their shares of the weight, then the roots of these; zeros behind.

    Return False, with the block unfinished, if the order has a row that does not exist.
    """
    cdef ptrdiff_t p = X.shape[1], k = Y.shape[1], padded = (count + 3) // 4 * 4, i, j, row
    cdef double share = 1.0 / total
    for i in range(count):
        row = start + i
        if order is not None:
            row = order[row]
            if row < 0 or row >= X.shape[0]:
                return False
        for j in range(p):
            block[j, i] = X[row, j]
        for j in range(k):
            block[p + j, i] = Y[row, j]
        if weights is not None:
            share = weights[row] / total
        block[p + k, i] = share
        block[p + k + 1, i] = sqrt(share)
    for j in range(p + k + 2):
        for i in range(count, padded):
            block[j, i] = 0.0
    return True


cdef void sum_block(
    double[:, ::1] block, ptrdiff_t p, ptrdiff_t count, double smallest, double[::1] means, double[:, ::1] products,
    double[::1] squares,
) noexcept nogil:
    """Write the moments of a group whose rows were gathered."""
    cdef ptrdiff_t columns = block.shape[0] - 2, padded = (count + 3) // 4 * 4, i, j, other, again
    cdef const double *shares = &block[columns, 0]
    cdef const double *roots = &block[columns + 1, 0]
    cdef double *column
    cdef double rest
    cdef bint lost = False
    for j in range(columns):
        column = &block[j, 0]
        means[j] = 0.0
        for again in range(2):  # the second time takes off the rounding error of the first mean
            rest = dot(column, shares, padded)
            means[j] += rest
            for i in range(count):
                column[i] -= rest
        for i in range(count):
            column[i] *= roots[i]
        lost = lost or vanishes(column, count, smallest)
    for j in range(p):
        for other in range(j, columns):
            products[j, other] = dot(&block[j, 0], &block[other, 0], padded)
            if other < p:
                products[other, j] = products[j, other]
    for j in range(columns - p):
        squares[j] = NAN if lost else dot(&block[p + j, 0], &block[p + j, 0], padded)


def sum_groups(
    const number[:, :] X, const double[:, ::1] Y, const double[::1] weights, const ptrdiff_t[::1] order,
    const ptrdiff_t[::1] starts, const ptrdiff_t[::1] counts, const double[::1] totals, double smallest,
    double[:, ::1] block, double[:, ::1] means, double[:, :, ::1] products, double[:, ::1] squares,
):
    """Write the moments of groups of rows.

    X has any strides; weights and order may be None. Entry g of the other arrays belongs to a group: the place in the
    order where its rows begin, their number, the sum of their weights, its means, products and squares. These are NaN
    if a column varies, but its squares are below the smallest one. The block has room for the columns of [X Y] and two
    more, of the rows of the largest group, rounded up to a multiple of four.
    """
    cdef ptrdiff_t n = X.shape[0], p = X.shape[1], k = Y.shape[1], groups = starts.shape[0], g, most = 1
    cdef bint good = True
    if p < 1 or k < 1 or Y.shape[0] != n or (weights is not None and weights.shape[0] != n):
        raise ValueError("X, Y and weights must have the same number of rows, and X and Y one column at least")
    if order is not None and order.shape[0] != n:
        raise ValueError("order must have one entry for each row")
    if counts.shape[0] != groups or totals.shape[0] != groups:
        raise ValueError("starts, counts and totals must have one entry for each group")
    if (
        means.shape[0] != groups or means.shape[1] != p + k or products.shape[0] != groups or products.shape[1] != p
        or products.shape[2] != p + k or squares.shape[0] != groups or squares.shape[1] != k
    ):
        raise ValueError("means, products and squares must have the shapes of the groups, features and targets")
    for g in range(groups):
        if starts[g] < 0 or counts[g] < 1 or counts[g] > n or starts[g] > n - counts[g]:
            raise ValueError("starts and counts must lie within the rows")
        most = max(most, counts[g])
    if block.shape[0] != p + k + 2 or block.shape[1] < (most + 3) // 4 * 4:
        raise ValueError("block must have room for the largest group")
    with nogil:
        for g in range(groups):
            good = gather_group(X, Y, weights, order, starts[g], counts[g], totals[g], block)
            if not good:
                break
            sum_block(block, p, counts[g], smallest, means[g], products[g], squares[g])
    if not good:
        raise ValueError("order must have rows of X")
