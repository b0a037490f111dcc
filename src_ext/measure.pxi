"""The residuals of weights, measured in the data: squares and gradient (measure.inc), by parts of the rows."""


def measure_parts(
    X, const double[:, ::1] y, ptrdiff_t target, const double[::1] weights, double centre, const double[::1] means,
    const double[::1] vector, ptrdiff_t part_rows, double[:, ::1] parts, ptrdiff_t member, ptrdiff_t members, int level,
):
    """Write Σ s·r² and Σ s·r·(x − mean) of the rows in some parts to `parts`: those of this member of a team.

    The residuals are r = (x − mean)·vector − (y − centre), where y is the column `target`, or zero without y.
    Part b begins at row b · part_rows.
    """
    cdef measure_task task
    cdef Py_buffer view
    cdef ptrdiff_t n, width, first, j, k = 0
    cdef void *memory = NULL
    cdef double *numbers
    cdef const double *goal = NULL
    cdef const double *row_weights = NULL
    cdef add_measured_function add_measured
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES | PyBUF_FORMAT)
    try:
        check_rows(&view, level)
        n, task.p = view.shape[0], view.shape[1]
        if means.shape[0] != task.p or vector.shape[0] != task.p:
            raise ValueError("means and vector must have a number for each column of X")
        if y is not None and (y.shape[0] != n or not 0 <= target < y.shape[1]):
            raise ValueError("y must have a row for each row of X, and the target's column")
        if weights is not None and weights.shape[0] != n:
            raise ValueError("weights must have one number for each row of X")
        if part_rows < 1 or parts.shape[0] != (n - 1) // part_rows + 1 or parts.shape[1] != 1 + task.p:
            raise ValueError("the parts must cover the rows, none may be empty, and each has 1 + n_features numbers")
        if not 0 <= member < members:
            raise ValueError("member must be below members")
        width = padded(task.p, PER_LINE)
        memory = malloc((3 * width + 2 * PER_LINE) * sizeof(double))
        if memory == NULL:
            raise MemoryError
        numbers = <double*> ((<uintptr_t> memory + LINE - 1) // LINE * LINE)
        task.columns = not PyBuffer_IsContiguous(&view, b"C")
        task.stride, task.centre = view.strides[1] // view.itemsize, centre
        task.means, task.vector, task.sums = numbers, numbers + width, numbers + 2 * width
        add_measured = cpu_levels[level].add_measured[view.itemsize == sizeof(float)]
        with nogil:
            set_bounds(view.buf, (n - 1) * view.strides[0] + (task.p - 1) * view.strides[1] + view.itemsize)
            memset(numbers, 0, 2 * width * sizeof(double))
            memcpy(numbers, &means[0], task.p * sizeof(double))
            memcpy(numbers + width, &vector[0], task.p * sizeof(double))
            while member < parts.shape[0]:
                first = member * part_rows
                memset(task.sums, 0, (PER_LINE + width) * sizeof(double))
                if y is not None:
                    goal, k = &y[first, target], y.shape[1]
                if weights is not None:
                    row_weights = &weights[first]
                add_measured(
                    &task, <const char*> view.buf + first * view.strides[0], goal, k, row_weights,
                    min(part_rows, n - first),
                )
                parts[member, 0] = task.sums[0]
                for j in range(task.p):
                    parts[member, 1 + j] = task.sums[PER_LINE + j]
                member += members
    finally:
        free(memory)
        PyBuffer_Release(&view)
