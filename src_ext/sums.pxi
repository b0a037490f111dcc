"""Sums over rows for compression: products of columns (gram.inc), or the triangle R of a QR (triangle.inc).

The caller divides the rows into parts, by their shape alone, and the members of a team of threads share them. If there
are fewer parts than members, each member sums a share of the columns of all parts. So the sums have the same bits for
any number of threads.
"""

cdef enum:
    PACKED_ELEMENTS = 1_048_576  # of the rows whose products are summed at a time (8 MB), unless rows are very long
    WIDE = 512  # columns whose products leave L2
    # Rows of many targets are read side by side. While few columns are multiplied, memory keeps up with few rows only.
    FEW_COLUMNS = 16
    FEW_ROWS = 32
    REDUCED_ELEMENTS = 8_192  # of the rows that are reduced at a time (64 KB)


cdef ptrdiff_t padded(ptrdiff_t columns, ptrdiff_t unit) noexcept nogil:
    """Return the number of columns, made a multiple of `unit`."""
    return (columns + unit - 1) // unit * unit


cdef void copy_products(const gram_task *task, ptrdiff_t panel, double total, double[:, ::1] out) noexcept nogil:
    """Write the sums of this share's panels: products of [1 X y], with both triangles, and squares of the targets."""
    cdef ptrdiff_t p = task.p, columns = p + task.k, first = task.share * panel, last, begin, i, j
    if task.share == 0:
        out[0, 0], out[1 + p, 0] = total, 0.0  # the sum of the weights
    while first < columns:
        last = min(first + panel, columns)
        memcpy(&out[0, 1 + first], task.totals + first, (last - first) * sizeof(double))
        for j in range(first, min(last, p)):
            out[1 + j, 0], out[1 + p, 1 + j] = task.totals[j], 0.0
        for i in range(min(last, p)):
            begin = max(first, i)
            memcpy(&out[1 + i, 1 + begin], task.sums + i * task.width + begin, (last - begin) * sizeof(double))
            for j in range(begin, min(last, p)):
                out[1 + j, 1 + i] = out[1 + i, 1 + j]
        begin = max(first, p)
        if begin < last:
            memcpy(&out[1 + p, 1 + begin], task.squares + begin, (last - begin) * sizeof(double))
        first += task.shares * panel


def mean_rows(X, ptrdiff_t runs, ptrdiff_t rows, ptrdiff_t step, double[::1] means):
    """Write the means of the columns over some runs of rows; each run begins `step` rows after the one before.

    X may have any strides.
    """
    cdef Py_buffer view
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES | PyBUF_FORMAT)
    try:
        if (
            view.ndim != 2 or not holds_numbers(&view)
            or view.strides[0] % view.itemsize or view.strides[1] % view.itemsize
        ):
            raise ValueError("X must be a matrix of aligned float64 or float32 numbers")
        if means.shape[0] != view.shape[1] or means.shape[0] < 1:
            raise ValueError("means must have a number for each column")
        if runs < 1 or rows < 1 or step < 0 or (runs - 1) * step + rows > view.shape[0]:
            raise ValueError("the runs must have rows of X")
        with nogil:
            if view.itemsize == sizeof(float):
                average(<const float*> view.buf, &view, runs, rows, step, means)
            else:
                average(<const double*> view.buf, &view, runs, rows, step, means)
    finally:
        PyBuffer_Release(&view)


cdef void average(
    const number *X, const Py_buffer *view, ptrdiff_t runs, ptrdiff_t rows, ptrdiff_t step, double[::1] means,
) noexcept nogil:
    """Do the work of `mean_rows`, for a cache line of columns at a time; four rows are summed side by side."""
    cdef ptrdiff_t next_row = view.strides[0] // view.itemsize, next_column = view.strides[1] // view.itemsize
    cdef ptrdiff_t columns, line, i, j, c, r
    cdef double part[4][PER_LINE]
    cdef const number *row
    for line in range((means.shape[0] + PER_LINE - 1) // PER_LINE):
        j = line * PER_LINE
        columns = min(means.shape[0] - j, PER_LINE)
        memset(&part[0][0], 0, 4 * PER_LINE * sizeof(double))
        for r in range(runs):
            for i in range(rows):
                row = X + (r * step + i) * next_row + j * next_column
                for c in range(columns):
                    part[i % 4][c] += row[c * next_column]
        for c in range(columns):
            means[j + c] = ((part[0][c] + part[1][c]) + (part[2][c] + part[3][c])) / (runs * rows)


def sum_products(
    X, y, const double[::1] weights, const double[::1] shift, ptrdiff_t part_rows,
    double[:, :, ::1] parts, ptrdiff_t member, ptrdiff_t members, int level,
):
    """Write the products of the rows in some parts to `parts`: those of this member of a team.

    Part b begins at row b · part_rows. Its products are those of [1 X−c] with [1 X−c y−c], where c is the shift, and
    rows have weights; its last row holds the squares of y−c.
    """
    sum_parts(X, y, weights, shift, part_rows, parts, member, members, level, False)


def sum_triangles(
    X, y, const double[::1] weights, const double[::1] shift, ptrdiff_t part_rows,
    double[:, :, ::1] parts, ptrdiff_t member, ptrdiff_t members, int level,
):
    """Write the triangles R of the rows in some parts to `parts`: those of this member of a team.

    Part b begins at row b · part_rows. Its R is that of the rows [1 X−c y−c] times the roots of their weights; in its
    last row stands, for each target, the norm of what the features do not explain.
    """
    sum_parts(X, y, weights, shift, part_rows, parts, member, members, level, True)


cdef int sum_parts(
    X, y, const double[::1] weights, const double[::1] shift, ptrdiff_t part_rows,
    double[:, :, ::1] parts, ptrdiff_t member, ptrdiff_t members, int level, bint triangle,
) except -1:
    """Check a call, take the memory that it needs, and sum up its parts."""
    cdef Py_buffer view, targets
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES | PyBUF_FORMAT)
    try:
        PyObject_GetBuffer(y, &targets, PyBUF_STRIDES | PyBUF_FORMAT)
        try:
            check_rows(&view, level)
            check_summed_targets(&targets, view.shape[0])
            if shift.shape[0] != view.shape[1] + targets.shape[1]:
                raise ValueError("shift must have a number for each column of X and y")
            if weights is not None and weights.shape[0] != view.shape[0]:
                raise ValueError("weights must have one number for each row of X")
            if part_rows < 1 or parts.shape[0] != (view.shape[0] - 1) // part_rows + 1:
                raise ValueError("the parts must cover the rows, and none may be empty")
            if parts.shape[1] != 2 + view.shape[1] or parts.shape[2] != 1 + shift.shape[0]:
                raise ValueError("parts must have a row for each column of [1 X] and one more, and columns for [1 X y]")
            if not 0 <= member < members:
                raise ValueError("member must be below members")
            add_parts(&view, &targets, weights, shift, part_rows, parts, member, members, level, triangle)
        finally:
            PyBuffer_Release(&targets)
    finally:
        PyBuffer_Release(&view)
    return 0


cdef int check_summed_targets(const Py_buffer *targets, ptrdiff_t n) except -1:
    """Refuse targets that are no matrix of numbers in C order with a row for each row of X."""
    if targets.ndim != 2 or not holds_numbers(targets) or not PyBuffer_IsContiguous(targets, b"C"):
        raise ValueError("y must be a matrix of aligned float64 or float32 numbers in C order")
    if targets.shape[0] != n or targets.shape[1] < 1:
        raise ValueError("y must have a number for each row of X and each target")
    return 0


cdef int add_parts(
    const Py_buffer *view, const Py_buffer *targets, const double[::1] weights, const double[::1] shift,
    ptrdiff_t part_rows, double[:, :, ::1] parts, ptrdiff_t member, ptrdiff_t members, int level, bint triangle,
) except -1:
    """Take the memory that a call needs, and sum up its parts."""
    cdef gram_task task
    cdef ptrdiff_t n = view.shape[0], part = member, step = members, most, packed, summed
    cdef double total
    cdef bint few
    cdef void *memory
    cdef add_rows_function add_rows
    task.p, task.k = view.shape[1], targets.shape[1]
    task.columns, task.singles = not PyBuffer_IsContiguous(view, b"C"), targets.itemsize == sizeof(float)
    task.stride, task.shift = view.strides[1] // view.itemsize, &shift[0]
    task.share, task.shares = 0, 1
    if not triangle and members > parts.shape[0]:
        task.share, task.shares, part, step = member, members, 0, 1
    if triangle:
        task.left, task.width = 2 + task.p, 1 + task.p + task.k
        packed = task.width
        task.rows = choose_rows(REDUCED_ELEMENTS, MOST_REDUCED_ROWS, packed, n)
        add_rows = cpu_levels[level].add_triangle[view.itemsize == sizeof(float)]
    else:
        task.left = padded(task.p, cpu_levels[level].tile_rows // 2)
        task.width = padded(task.p + task.k, cpu_levels[level].tile_rows)
        packed = min(task.width, task.left + MOST_PANEL)
        few = task.left <= FEW_COLUMNS and task.k > MOST_PANEL
        most = FEW_ROWS if few else PACKED_ROWS if task.left <= WIDE else MOST_PACKED_ROWS
        task.rows = choose_rows(PACKED_ELEMENTS, most, packed, n)
        add_rows = cpu_levels[level].add_gram[view.itemsize == sizeof(float)]
    summed = (task.left + 2) * task.width
    memory = malloc((task.rows * (packed + MOST_PANEL) + summed + PER_LINE) * sizeof(double))
    if memory == NULL:
        raise MemoryError
    task.packed = <double*> ((<uintptr_t> memory + LINE - 1) // LINE * LINE)
    task.panel = task.packed + task.rows * packed
    task.sums = task.panel + task.rows * MOST_PANEL
    task.totals = task.sums + task.left * task.width
    task.squares = task.totals + task.width
    with nogil:
        set_bounds(view.buf, (n - 1) * view.strides[0] + (task.p - 1) * view.strides[1] + view.itemsize)
        memset(task.packed, 0, task.rows * packed * sizeof(double))
        while part < parts.shape[0]:
            memset(task.sums, 0, summed * sizeof(double))
            sum_part(&task, add_rows, view, targets, weights, part_rows, part)
            if triangle:
                memcpy(&parts[part, 0, 0], task.sums, task.left * task.width * sizeof(double))
            else:
                total = add_weights(weights, part * part_rows, min((part + 1) * part_rows, n))
                copy_products(&task, cpu_levels[level].panel_columns, total, parts[part])
            part += step
    free(memory)
    return 0


cdef double add_weights(const double[::1] weights, ptrdiff_t first, ptrdiff_t last) noexcept nogil:
    """Return the sum of the weights of some rows, each 1 unless weights are given."""
    cdef double total = 0.0
    cdef ptrdiff_t i
    if weights is None:
        return last - first
    for i in range(first, last):
        total += weights[i]
    return total


cdef int sum_part(
    const gram_task *task, add_rows_function add_rows, const Py_buffer *view, const Py_buffer *targets,
    const double[::1] weights, ptrdiff_t part_rows, ptrdiff_t b,
) except -1 nogil:
    """Add up the rows of part b."""
    cdef ptrdiff_t first = b * part_rows
    cdef const double *row_weights = NULL
    if weights is not None:
        row_weights = &weights[first]
    add_rows(
        task, <const char*> view.buf + first * view.strides[0], <const char*> targets.buf + first * targets.strides[0],
        row_weights, min(part_rows, view.shape[0] - first),
    )
    return 0


cdef ptrdiff_t choose_rows(ptrdiff_t elements, ptrdiff_t most, ptrdiff_t width, ptrdiff_t n) noexcept nogil:
    """Return how many rows are packed at a time: whole cache lines of a column."""
    return max(min(min(most, elements // width // PER_LINE * PER_LINE), padded(n, PER_LINE)), PER_LINE)


def merge_triangles(double[:, :, ::1] parts, ptrdiff_t pivots, int level):
    """Change the first of several triangles R so that RᵀR is the sum over all; the first columns have pivots."""
    cdef ptrdiff_t columns = parts.shape[2], stride = padded(parts.shape[1], PER_LINE), b, i, j
    cdef void *memory = NULL
    cdef double *block
    if not 0 <= level <= HIGHEST_LEVEL:
        raise ValueError("level must be that of a CPU level of this machine")
    if parts.shape[0] < 1 or not 1 <= pivots <= columns or parts.shape[1] != pivots + 1:
        raise ValueError("each part must have a row for each pivot and one more, and a column for each pivot at least")
    memory = malloc((stride * columns + PER_LINE) * sizeof(double))
    if memory == NULL:
        raise MemoryError
    block = <double*> ((<uintptr_t> memory + LINE - 1) // LINE * LINE)
    try:
        with nogil:
            memset(block, 0, stride * columns * sizeof(double))
            for b in range(1, parts.shape[0]):
                for j in range(columns):
                    for i in range(parts.shape[1]):
                        block[j * stride + i] = parts[b, i, j]
                cpu_levels[level].reduce_block(block, stride, stride, pivots, columns, &parts[0, 0, 0])
    finally:
        free(memory)


cdef int check_rows(const Py_buffer *view, int level) except -1:
    """Refuse rows that are no matrix in C order, nor some rows of a matrix in Fortran order."""
    if view.ndim != 2 or not holds_numbers(view) or view.shape[0] < 1 or view.shape[1] < 1:
        raise ValueError("X must be a matrix of aligned float64 or float32 numbers with rows and columns")
    if not PyBuffer_IsContiguous(view, b"C") and (
        view.strides[0] != view.itemsize
        or view.strides[1] % view.itemsize
        or view.strides[1] < view.shape[0] * view.itemsize
    ):
        raise ValueError("X must be in C order, or rows of a matrix in Fortran order")
    if not 0 <= level <= HIGHEST_LEVEL:
        raise ValueError("level must be that of a CPU level of this machine")
    return 0
