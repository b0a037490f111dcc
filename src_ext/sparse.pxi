"""Sparse rows (CSR): one pass over the stored entries an epoch. Included by _kernel.pyx, which has the team of threads.

An entry is used twice while its row is in L1: for the residual, and for the gradient. The loops have no vectors: the
weights of a row's columns are anywhere in memory. So they are the same at every CPU level.
"""

from libc.math cimport fabs
from libc.stdint cimport int32_t
from libc.string cimport memset


cdef extern from *:
    """
    #if defined(FASTGD_NO_FETCH) || !(defined(__GNUC__) || defined(__clang__))
    #define FETCH_SOON(address) ((void) 0)
    #else
    #define FETCH_SOON(address) __builtin_prefetch(address, 0, 3)
    #endif
    """
    void FETCH_SOON(const void *address) noexcept nogil

cdef enum:
    ROWS_AHEAD = 8  # rows before its use at which a row is fetched into L1, if they are not in the order of memory


ctypedef fused place:
    int32_t
    int64_t


cdef struct SparseBlocks:  # fastgd/backends/sparse.py and sparse_team.py explain the arrays
    const void *data  # doubles, or floats
    const void *indices  # int32, or int64
    const void *indptr
    int floats, long_places, intercepts
    const double *means  # NULL if no column is centred
    const double *factors  # NULL if all are 1
    const double *y
    const int64_t *starts
    const int64_t *order  # of the rows; NULL for their own
    ptrdiff_t n, p, k, n_blocks
    double *sums  # those of block b begin at sums + b * width: Σr², Σr, Σf·r, then Σ r·x; k of each
    ptrdiff_t width


cdef void add_one_target(
    const number *data, const place *indices, const place *indptr, const SparseBlocks *blocks, const double *w,
    double intercept, ptrdiff_t b,
) noexcept nogil:
    """Compute the sums of block b for one target."""
    cdef double *out = blocks.sums + b * blocks.width
    cdef double *g = out + 3
    cdef double squares = 0.0, total = 0.0, moved = 0.0, shift = 0.0, f = 1.0, r, second, third, fourth
    cdef ptrdiff_t row, i, j
    cdef place t, first, last
    if blocks.means != NULL:
        for j in range(blocks.p):
            shift += blocks.means[j] * w[j]
    for row in range(blocks.starts[b], blocks.starts[b + 1]):
        i = row
        if blocks.order != NULL:
            i = blocks.order[row]
            j = indptr[blocks.order[min(row + ROWS_AHEAD, blocks.n - 1)]]
            FETCH_SOON(data + j)
            FETCH_SOON(data + j + LINE // sizeof(number))
            FETCH_SOON(indices + j)
        first, last = indptr[i], indptr[i + 1]
        r = second = third = fourth = 0.0
        t = first
        while t + 4 <= last:  # four sums: an addition takes as long as four entries
            r += data[t] * w[indices[t]]
            second += data[t + 1] * w[indices[t + 1]]
            third += data[t + 2] * w[indices[t + 2]]
            fourth += data[t + 3] * w[indices[t + 3]]
            t += 4
        r = (r + second) + (third + fourth)
        while t < last:
            r += data[t] * w[indices[t]]
            t += 1
        if blocks.factors != NULL:
            f = blocks.factors[i]
        r += intercept - f * shift - blocks.y[i]
        squares += r * r
        total += r
        moved += f * r
        for t in range(first, last):
            g[indices[t]] += r * data[t]
    out[0], out[1], out[2] = squares, total, moved


cdef inline void add_some_targets(
    const number *data, const place *indices, const place *indptr, const SparseBlocks *blocks, const double *weights,
    ptrdiff_t b, ptrdiff_t c, ptrdiff_t width,
) noexcept nogil:
    """Compute the sums of block b for a few targets from target c on, whose numbers lie side by side.

    The width, at most 8, is a constant at each call, so that compilers unroll the loops and keep sums in registers.
    """
    cdef ptrdiff_t k = blocks.k, row, i, j, q
    cdef double *out = blocks.sums + b * blocks.width + c
    cdef double *g = out + 3 * k
    cdef const double *w = weights + blocks.intercepts * k + c
    cdef const double *some
    cdef double *sums
    cdef double[8] r, squares, total, moved, shift, intercept
    cdef double f = 1.0, value
    cdef place t, first, last
    for q in range(width):
        squares[q] = total[q] = moved[q] = shift[q] = 0.0
        intercept[q] = weights[c + q] if blocks.intercepts else 0.0
    if blocks.means != NULL:
        for j in range(blocks.p):
            for q in range(width):
                shift[q] += blocks.means[j] * w[j * k + q]
    for row in range(blocks.starts[b], blocks.starts[b + 1]):
        i = row if blocks.order == NULL else blocks.order[row]
        first, last = indptr[i], indptr[i + 1]
        for q in range(width):
            r[q] = 0.0
        for t in range(first, last):
            value, some = data[t], w + indices[t] * k
            for q in range(width):
                r[q] += value * some[q]
        if blocks.factors != NULL:
            f = blocks.factors[i]
        for q in range(width):
            r[q] += intercept[q] - f * shift[q] - blocks.y[i * k + c + q]
            squares[q] += r[q] * r[q]
            total[q] += r[q]
            moved[q] += f * r[q]
        for t in range(first, last):
            value, sums = data[t], g + indices[t] * k
            for q in range(width):
                sums[q] += value * r[q]
    for q in range(width):
        out[q], out[k + q], out[2 * k + q] = squares[q], total[q], moved[q]


cdef void add_targets(
    const number *data, const place *indices, const place *indptr, const SparseBlocks *blocks, const double *weights,
    ptrdiff_t b,
) noexcept nogil:
    """Compute the sums of block b for k targets: eight at once, then four, two and one."""
    cdef ptrdiff_t c = 0, k = blocks.k
    while c + 8 <= k:
        add_some_targets(data, indices, indptr, blocks, weights, b, c, 8)
        c += 8
    if k - c >= 4:
        add_some_targets(data, indices, indptr, blocks, weights, b, c, 4)
        c += 4
    if k - c >= 2:
        add_some_targets(data, indices, indptr, blocks, weights, b, c, 2)
        c += 2
    if k > c:
        add_some_targets(data, indices, indptr, blocks, weights, b, c, 1)


cdef void add_sparse_rows(
    const number *data, const place *indices, const place *indptr, const SparseBlocks *blocks, const double *weights,
    ptrdiff_t b,
) noexcept nogil:
    """Compute the sums of block b."""
    memset(blocks.sums + b * blocks.width, 0, blocks.width * sizeof(double))
    if blocks.k > 1:
        add_targets(data, indices, indptr, blocks, weights, b)
    else:
        add_one_target(
            data, indices, indptr, blocks, weights + blocks.intercepts, weights[0] if blocks.intercepts else 0.0, b
        )


cdef void compute_sparse(const SparseBlocks *blocks, const double *weights, ptrdiff_t b) noexcept nogil:
    """Compute the sums of block b, for the types of the data and of the indices."""
    cdef const void *data = blocks.data
    cdef const void *indices = blocks.indices
    cdef const void *indptr = blocks.indptr
    if blocks.floats and blocks.long_places:
        add_sparse_rows(<const float*> data, <const int64_t*> indices, <const int64_t*> indptr, blocks, weights, b)
    elif blocks.floats:
        add_sparse_rows(<const float*> data, <const int32_t*> indices, <const int32_t*> indptr, blocks, weights, b)
    elif blocks.long_places:
        add_sparse_rows(<const double*> data, <const int64_t*> indices, <const int64_t*> indptr, blocks, weights, b)
    else:
        add_sparse_rows(<const double*> data, <const int32_t*> indices, <const int32_t*> indptr, blocks, weights, b)


cdef bint take_sparse_part(
    const SparseBlocks *blocks, const Team *team, const double *weights, int64_t epoch
) noexcept nogil:
    """Compute blocks of an epoch until all are taken, as `take_part` does; return True if this member ended it."""
    cdef int64_t member, finished = 0
    cdef ptrdiff_t b
    if team.members == 1:  # no claims needed
        for b in range(blocks.n_blocks):
            compute_sparse(blocks, weights, b)
        return True
    for member in range(team.member, team.member + team.members):
        b = claim(team, epoch, blocks.n_blocks, member % team.members)
        while b >= 0:
            compute_sparse(blocks, weights, b)
            finished += 1
            b = claim(team, epoch, blocks.n_blocks, member % team.members)
    return finished > 0 and add_to_entry(team.sync, FINISHED, finished) == (epoch + 1) * blocks.n_blocks


cdef void fold_sparse(const SparseBlocks *blocks, double *gradient, double *costs) noexcept nogil:
    """Add up the blocks' sums in their order: gradient = Xᵀr / n, costs = rᵀr / 2n of each target."""
    cdef ptrdiff_t k = blocks.k, size = blocks.p * blocks.k, b, c, j
    cdef double *g = gradient + blocks.intercepts * k
    cdef double *first = blocks.sums
    cdef const double *sums
    for b in range(1, blocks.n_blocks):  # into the first block's, which the next epoch makes anew
        sums = first + b * blocks.width
        for j in range(size + 3 * k):
            first[j] += sums[j]
    for c in range(k):
        costs[c] = first[c] / (2 * blocks.n)
        if blocks.intercepts:
            gradient[c] = first[k + c] / blocks.n
    for j in range(size):
        g[j] = first[3 * k + j]
    if blocks.means != NULL:
        for j in range(blocks.p):
            for c in range(k):
                g[j * k + c] -= blocks.means[j] * first[2 * k + c]
    for j in range(size):
        g[j] /= blocks.n


cdef bint update_all(
    double *weights, const double *gradient, double rate, const double *costs, ptrdiff_t size, ptrdiff_t k
) noexcept nogil:
    """Apply w ← w − rate·gradient. Return False, and leave w as it is, if a cost or a new weight is not finite."""
    cdef double zero = 0.0
    cdef ptrdiff_t j
    for j in range(k):
        zero += 0.0 * costs[j]  # 0 · inf and 0 · NaN are NaN
    for j in range(size):
        zero += 0.0 * (weights[j] - rate * gradient[j])
    if zero != 0.0:
        return False
    for j in range(size):
        weights[j] -= rate * gradient[j]
    return True


cdef ptrdiff_t run_sparse_epochs(
    const SparseBlocks *blocks, const Team *team, double *weights, const double[::1] rates, double *costs,
    double *gradient,
) noexcept nogil:
    """Run the epochs as one member of a team, as `run_epochs` does; return how many updates the team has applied."""
    cdef int64_t epoch = read_entry(team.sync, APPLIED)
    cdef ptrdiff_t k = blocks.k, size = (blocks.p + blocks.intercepts) * k
    while epoch < rates.shape[0] and not read_entry(team.sync, ENDED):
        if take_sparse_part(blocks, team, weights, epoch):
            fold_sparse(blocks, gradient, costs + epoch * k)
            if update_all(weights, gradient, rates[epoch], costs + epoch * k, size, k):
                write_entry(team.sync, APPLIED, epoch + 1)
            else:
                write_entry(team.sync, ENDED, 1)
        else:
            wait_for_end(team, epoch)
        epoch = read_entry(team.sync, APPLIED)
    return read_entry(team.sync, APPLIED)


cdef int check_sparse_call(
    const SparseBlocks *blocks, const Team *team, const int64_t[::1] starts, ptrdiff_t means, ptrdiff_t factors,
    const double[:, ::1] y, const double[:, ::1] weights, const double[:, ::1] costs, const double[:, ::1] gradient,
    ptrdiff_t rates, ptrdiff_t entries,
) except -1:
    """Refuse a call whose arrays do not fit together; CSR in sparse.py has checked where the indices point."""
    cdef ptrdiff_t b
    if blocks.n < 1 or blocks.p < 1 or blocks.k < 1 or y.shape[0] != blocks.n:
        raise ValueError("X must have rows and columns, and y one row for each row")
    if not 0 <= blocks.intercepts <= 1 or weights.shape[0] != blocks.p + blocks.intercepts:
        raise ValueError("weights must have one row for each column of X and for the intercept")
    if gradient.shape[0] != weights.shape[0] or costs.shape[0] != rates:
        raise ValueError("gradient must have the shape of the weights, and costs a row for each rate")
    if y.shape[1] != blocks.k or gradient.shape[1] != blocks.k or costs.shape[1] != blocks.k:
        raise ValueError("y, weights, costs and gradient must have one column for each target")
    if means not in (0, blocks.p) or factors not in (0, blocks.n):
        raise ValueError("means must have a number for each column, and factors one for each row, or none")
    if blocks.width < (blocks.p + 3) * blocks.k or blocks.n_blocks < 1 or starts.shape[0] != blocks.n_blocks + 1:
        raise ValueError("partials must have a row for each block, with room for its sums")
    if starts[0] != 0 or starts[blocks.n_blocks] != blocks.n:
        raise ValueError("the blocks must cover the rows")
    for b in range(blocks.n_blocks):
        if starts[b + 1] <= starts[b]:
            raise ValueError("no block may be empty")
    if not 0 <= team.member < team.members or team.members > (entries - CLAIMED) // PER_LINE:
        raise ValueError("sync must have a cache line for each member")
    return 0


def run_sparse_member(
    const number[::1] data, const place[::1] indices, const place[::1] indptr, const double[::1] means,
    const double[::1] factors, const double[:, ::1] y, double[:, ::1] weights, const double[::1] rates,
    double[:, ::1] costs, double[:, ::1] gradient, int intercepts, const int64_t[::1] order, const int64_t[::1] starts,
    double[:, ::1] partials, int64_t[::1] sync, int64_t member, int64_t members,
):
    """Run one member of a team (fastgd/backends/sparse_team.py)."""
    cdef SparseBlocks blocks
    cdef Team team = Team(&sync[0], member, members)
    cdef ptrdiff_t applied, stored = data.shape[0]
    blocks.floats, blocks.long_places = sizeof(number) == sizeof(float), sizeof(place) == sizeof(int64_t)
    blocks.n, blocks.k, blocks.p = indptr.shape[0] - 1, weights.shape[1], weights.shape[0] - intercepts
    blocks.n_blocks, blocks.width, blocks.intercepts = partials.shape[0], partials.shape[1], intercepts
    check_sparse_call(
        &blocks, &team, starts, means.shape[0], factors.shape[0], y, weights, costs, gradient, rates.shape[0],
        sync.shape[0],
    )
    if indices.shape[0] != stored or indptr[0] != 0 or indptr[blocks.n] != stored:
        raise ValueError("indptr must rise from 0 to the number of indices and of entries")
    blocks.data = &data[0] if stored else NULL
    blocks.indices = &indices[0] if stored else NULL
    blocks.indptr, blocks.y, blocks.starts = &indptr[0], &y[0, 0], &starts[0]
    if order.shape[0] not in (0, blocks.n):
        raise ValueError("order must have each row once, or be empty")
    blocks.order = &order[0] if order.shape[0] else NULL
    blocks.means = &means[0] if means.shape[0] else NULL
    blocks.factors = &factors[0] if factors.shape[0] else NULL
    blocks.sums = &partials[0, 0]
    with nogil:
        applied = run_sparse_epochs(
            &blocks, &team, &weights[0, 0], rates, &costs[0, 0] if rates.shape[0] else NULL, &gradient[0, 0]
        )
    return applied


cdef void add_products(
    const number *data, const place *indices, const place *indptr, const double *weights, const double *y,
    ptrdiff_t n, ptrdiff_t p, ptrdiff_t k, ptrdiff_t low, ptrdiff_t high, double *matrix, ptrdiff_t width,
) noexcept nogil:
    """Add s·xₐ·[1 x_b y] to the matrix for the columns a from low to high; if low is 0, for the column of ones too."""
    cdef ptrdiff_t i, c
    cdef place t, u, column
    cdef double value, s = 1.0
    cdef double *out
    for i in range(n):
        if weights != NULL:
            s = weights[i]
        if low == 0:
            matrix[0] += s
            for c in range(k):
                matrix[1 + p + c] += s * y[i * k + c]
        for t in range(indptr[i], indptr[i + 1]):
            column = indices[t]
            if column < low:
                continue
            if column >= high:  # and so are those that follow
                break
            value, out = s * data[t], matrix + (1 + column) * width + 1
            matrix[1 + column] += value
            for u in range(t, indptr[i + 1]):
                out[indices[u]] += value * data[u]
            for c in range(k):
                out[p + c] += value * y[i * k + c]


def sum_sparse_products(
    const number[::1] data, const place[::1] indices, const place[::1] indptr, const double[::1] weights,
    const double[:, ::1] y, double[:, ::1] matrix, ptrdiff_t p, ptrdiff_t low, ptrdiff_t high,
):
    """Add products over the rows [1 x y] to a matrix: those of the columns from low to high with all from their own on.

    The column of ones comes with low = 0. Only the part on and above the diagonal is filled: the columns of a row must
    ascend. The places must be those of a CSR record. Each sum is over the rows in their order, so ranges of columns may
    be computed by any number of threads.
    """
    cdef ptrdiff_t n = indptr.shape[0] - 1, k = y.shape[1], stored = data.shape[0]
    if n < 1 or indices.shape[0] != stored or indptr[0] != 0 or indptr[n] != stored or y.shape[0] != n:
        raise ValueError("indptr must rise from 0 to the number of indices and of entries, and y have a row for each")
    if weights.shape[0] not in (0, n) or matrix.shape[0] < p + 1 or matrix.shape[1] < p + 1 + k or k < 1:
        raise ValueError("weights must be one for each row or none, and the matrix must have room for all products")
    if not 0 <= low <= high <= p:
        raise ValueError("low and high must be columns")
    with nogil:
        add_products(
            &data[0] if stored else NULL, &indices[0] if stored else NULL, &indptr[0],
            &weights[0] if weights.shape[0] else NULL, &y[0, 0], n, p, k, low, high, &matrix[0, 0], matrix.shape[1],
        )


def describe_columns(const number[::1] data, const place[::1] indices, double[:, ::1] numbers):
    """Add to the numbers of each column that of its entries, their sum, and the largest size of an entry, if it grows.

    Return the sum of the squares of all entries. The places must be those of a CSR record.
    """
    cdef ptrdiff_t t
    cdef double total = 0.0, size
    cdef place j
    if indices.shape[0] != data.shape[0] or numbers.shape[1] != 3:
        raise ValueError("data and indices must have the same length, and each column three numbers")
    with nogil:
        for t in range(data.shape[0]):
            j = indices[t]
            size = fabs(data[t])  # a comparison with 0 would be guessed wrong half of the time
            total += size * size
            numbers[j, 0] += 1
            numbers[j, 1] += data[t]
            if not size <= numbers[j, 2]:  # NaN too
                numbers[j, 2] = size
    return total


def sum_powers(
    const number[::1] data, const place[::1] indices, const place[::1] indptr, const double[::1] weights,
    const double[::1] centres, double[:, ::1] sums,
):
    """Add to each row of sums, over the stored entries x of a column: 1, s, s·(x − centre) and s·(x − centre)².

    The weights s of the rows are 1 if there are none. The places must be those of a CSR record.
    """
    cdef ptrdiff_t i, n = indptr.shape[0] - 1, p = centres.shape[0], stored = data.shape[0]
    cdef place t, j
    cdef double s = 1.0, moved
    if n < 1 or indices.shape[0] != stored or indptr[0] != 0 or indptr[n] != stored:
        raise ValueError("indptr must rise from 0 to the number of indices and of entries")
    if weights.shape[0] not in (0, n) or sums.shape[0] != p or sums.shape[1] != 4:
        raise ValueError("weights must be one for each row or none, and sums have four numbers for each column")
    with nogil:
        for i in range(n):
            if weights.shape[0]:
                s = weights[i]
            for t in range(indptr[i], indptr[i + 1]):
                j = indices[t]
                moved = data[t] - centres[j]
                sums[j, 0] += 1.0
                sums[j, 1] += s
                sums[j, 2] += s * moved
                sums[j, 3] += s * moved * moved


def scale_entries(
    const number[::1] data, const place[::1] indices, const double[::1] offsets, const double[::1] factors,
    double[::1] scaled,
):
    """Set each entry of `scaled` to that of the data minus its column's offset, times its column's factor."""
    cdef ptrdiff_t t
    if indices.shape[0] != data.shape[0] or scaled.shape[0] != data.shape[0] or factors.shape[0] != offsets.shape[0]:
        raise ValueError("data, indices and scaled must have the same length, and offsets and factors too")
    with nogil:
        for t in range(data.shape[0]):
            scaled[t] = (data[t] - offsets[indices[t]]) * factors[indices[t]]


def scale_products(const double[:, ::1] matrix, const double[::1] norms, double total, double[:, ::1] scaled):
    """Centre the products of columns in a matrix of Gram sums, divide them by the columns' norms, and write them.

    Only the part on and above the diagonal is read and written.
    """
    cdef ptrdiff_t i, j, p = norms.shape[0]
    cdef double shift, size
    if matrix.shape[0] < p + 1 or matrix.shape[1] < p + 1 or scaled.shape[0] != p or scaled.shape[1] != p:
        raise ValueError("the matrices must have a row and a column for each norm")
    with nogil:
        for i in range(p):
            shift, size = matrix[0, 1 + i] / total, 1 / norms[i]
            for j in range(i, p):
                scaled[i, j] = (matrix[1 + i, 1 + j] - shift * matrix[0, 1 + j]) * (size / norms[j])


def spread_factor(
    const double[:, :] factor, const int64_t[::1] columns, const double[::1] norms, double[:, :] rows,
):
    """Write each column of a factor, times its norm, to one of the columns of the rows."""
    cdef ptrdiff_t i, j
    if factor.shape[0] != rows.shape[0] or columns.shape[0] != factor.shape[1] or norms.shape[0] != factor.shape[1]:
        raise ValueError("factor must have a row for each row, and columns and norms an entry for each of its columns")
    for j in range(columns.shape[0]):
        if not 0 <= columns[j] < rows.shape[1]:
            raise ValueError("columns must be columns of the rows")
    with nogil:
        for i in range(rows.shape[0]):
            for j in range(factor.shape[1]):
                rows[i, columns[j]] = factor[i, j] * norms[j]


def pack_triangle(double[:, ::1] factor, ptrdiff_t r):
    """Move the triangle of the first r rows and columns to the first r² numbers, with zeros below its diagonal."""
    cdef double *out = &factor[0, 0]
    cdef ptrdiff_t i, j
    if not 0 <= r <= min(factor.shape[0], factor.shape[1]):
        raise ValueError("r must be at most the number of rows and of columns")
    with nogil:
        for i in range(r):  # no number is moved to the place of one that is still to be read
            for j in range(r):
                out[i * r + j] = factor[i, j] if j >= i else 0.0
