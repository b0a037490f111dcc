"""Several targets: the update of all of them from one pass over X, and the epochs of one member of a team.

_kernel.pyx includes this file. The loops over the rows of a block are in targets.inc.
"""


cdef void add_up(const double[:, :, :, ::1] partials, double[:, ::1] gradient, double[::1] cost, int intercepts,
                 ptrdiff_t n) noexcept nogil:
    """Add up the blocks' sums in their order, target by target: gradient = Xᵀr / n, cost = Σr² / 2n."""
    cdef ptrdiff_t b, j, t, tile, first = 2 - intercepts  # without an intercept, Σr is not needed
    cdef ptrdiff_t k = gradient.shape[1]
    for t in range(k):
        cost[t] = 0.0
    for j in range(gradient.shape[0]):
        for t in range(k):
            gradient[j, t] = 0.0
    for b in range(partials.shape[0]):
        for tile in range(partials.shape[1]):
            for t in range(min(TILE, k - tile * TILE)):
                cost[tile * TILE + t] += partials[b, tile, 0, t]
            for j in range(gradient.shape[0]):
                for t in range(min(TILE, k - tile * TILE)):
                    gradient[j, tile * TILE + t] += partials[b, tile, first + j, t]
    for t in range(k):
        cost[t] /= 2 * n
    for j in range(gradient.shape[0]):
        for t in range(k):
            gradient[j, t] /= n


cdef bint update_targets(
    double[:, :, ::1] weights, const double[:, ::1] gradient, double rate, const double[::1] cost
) noexcept nogil:
    """Apply w ← w − rate·gradient. Return False, and leave w as it is, if a cost or a new weight is not finite."""
    cdef double zero = 0.0  # 0 · inf and 0 · NaN are NaN
    cdef ptrdiff_t j, t, tile, k = gradient.shape[1]
    for t in range(k):
        zero += 0.0 * cost[t]
    for tile in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            for t in range(min(TILE, k - tile * TILE)):
                zero += 0.0 * (weights[tile, j, t] - rate * gradient[j, tile * TILE + t])
    if zero != 0.0:
        return False
    for tile in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            for t in range(min(TILE, k - tile * TILE)):
                weights[tile, j, t] -= rate * gradient[j, tile * TILE + t]
    return True


cdef ptrdiff_t run_target_epochs(
    const Blocks *blocks, const Team *team, double[:, :, ::1] weights, const double[::1] rates, double[:, ::1] costs,
    double[:, ::1] gradient, const double[:, :, :, ::1] partials,
) noexcept nogil:
    """Run the epochs as one member of a team, as `run_epochs` does; return how many updates the team has applied."""
    cdef int64_t epoch = read_entry(team.sync, APPLIED)
    while epoch < rates.shape[0] and not read_entry(team.sync, ENDED):
        if take_part(blocks, team, &weights[0, 0, 0], epoch):
            add_up(partials, gradient, costs[epoch], blocks.intercepts, blocks.n)
            if update_targets(weights, gradient, rates[epoch], costs[epoch]):
                write_entry(team.sync, APPLIED, epoch + 1)
            else:
                write_entry(team.sync, ENDED, 1)
        else:
            wait_for_end(team, epoch)
        epoch = read_entry(team.sync, APPLIED)
    return read_entry(team.sync, APPLIED)


cdef int check_targets(
    const Blocks *blocks, const double[:, ::1] y, const double[:, :, ::1] weights, ptrdiff_t rates,
    const double[:, ::1] costs, const double[:, ::1] gradient, const double[:, :, :, ::1] partials,
) except -1:
    """Refuse arrays of targets that a call would read or write outside; `check_call` checks all else."""
    cdef ptrdiff_t tiles = (blocks.k + TILE - 1) // TILE
    if blocks.k < 1 or gradient.shape[1] != blocks.k or costs.shape[1] != blocks.k or costs.shape[0] != rates:
        raise ValueError("y, costs and gradient must have one column for each target, and costs one row for each rate")
    if weights.shape[0] != tiles or weights.shape[2] != TILE:
        raise ValueError("weights must have whole tiles of targets")
    if partials.shape[1] != tiles or partials.shape[2] != 2 + blocks.p or partials.shape[3] != TILE:
        raise ValueError("partials must have room for the sums of a block, in whole tiles of targets")
    return 0


def run_target_member(
    X, const double[:, ::1] y, double[:, :, ::1] weights, const double[::1] rates, double[:, ::1] costs,
    double[:, ::1] gradient, int intercepts, ptrdiff_t block_rows, double[:, :, :, ::1] partials, int64_t[::1] sync,
    int64_t member, int64_t members, int level,
):
    """Run one member of a team, as `run_member` does, for a matrix of targets."""
    cdef Blocks blocks
    cdef Team team = Team(NULL, member, members)
    cdef Py_buffer view
    cdef ptrdiff_t applied
    blocks.scratch = NULL
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES | PyBUF_FORMAT)
    try:
        describe_blocks(&blocks, &view, partials.shape[0], block_rows, intercepts)
        blocks.k, blocks.width = y.shape[1], partials.shape[1] * partials.shape[2] * partials.shape[3]
        check_targets(&blocks, y, weights, rates.shape[0], costs, gradient, partials)
        check_call(
            &blocks, &team, level, y.shape[0], weights.shape[1], rates.shape[0], costs.shape[0], gradient.shape[0],
            sync.shape[0],
        )
        blocks.y, blocks.sums, team.sync = &y[0, 0], &partials[0, 0, 0, 0], &sync[0]
        blocks.add_targets = cpu_levels[level].add_targets[blocks.itemsize == sizeof(float)]
        blocks.scratch = <double*> malloc(scratch_rows(blocks.p) * (TILE + blocks.p) * sizeof(double))
        if blocks.scratch == NULL:
            raise MemoryError("no memory for a few rows of X")
        with nogil:
            set_bounds(blocks.X, view.len)
            applied = run_target_epochs(&blocks, &team, weights, rates, costs, gradient, partials)
    finally:
        free(blocks.scratch)
        PyBuffer_Release(&view)
    return applied
