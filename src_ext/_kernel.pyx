"""Gradient descent over blocks of rows: the update, and the epochs that one thread or a team of threads runs.

The loops over the rows of a block are C (levels.h, loops.inc), since Cython has no vectors; atomics.h has the counters
that threads share. Everything else is here.

Design:
(a) The blocks depend on the shape of X alone, and their sums are added in the order of the blocks: the answer has the
    same bits for every number of threads.
(b) Every member of a team calls `run_member`. It has a range of blocks, which stays in its cache from epoch to epoch,
    and takes blocks from the ranges of others when its own range is done. The member that finishes the last block of
    an epoch makes the update and opens the next epoch. Members wait only for blocks in progress: one that starts late
    finds less to do, and one that never starts delays nothing.
(c) The members share counters in memory and no thread pool, so a process may fork afterwards, and calls from several
    Python threads do not interfere.
"""

from cpython.buffer cimport (
    PyBUF_ANY_CONTIGUOUS, PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.math cimport sqrt
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import sys


cdef extern from *:
    """
    #ifndef FASTGD_FLAGS
    #define FASTGD_FLAGS ""
    #endif
    #define FASTGD_TEXT(number) #number
    #define FASTGD_TEXT_OF(macro) FASTGD_TEXT(macro)
    #if defined(__clang__)
    #define FASTGD_COMPILER __VERSION__
    #elif defined(__GNUC__)
    #define FASTGD_COMPILER "GCC " __VERSION__
    #elif defined(_MSC_FULL_VER)
    #define FASTGD_COMPILER "MSVC " FASTGD_TEXT_OF(_MSC_FULL_VER)
    #else
    #define FASTGD_COMPILER "unknown"
    #endif
    """
    const char* FASTGD_FLAGS
    const char* FASTGD_COMPILER


cdef extern from "levels.h" nogil:
    enum:
        LINE, NARROW, MOST_VECTORS, FOUR_ROWS, FAR_AHEAD, NEAR_AHEAD, CACHED, STREAMS, MANY_STREAMS, COLUMNS_AHEAD
        PACKED_ROWS, MOST_PACKED_ROWS, MOST_PANEL, MOST_REDUCED_ROWS, TILE
        SCRATCH, LEAST_SCRATCH_ROWS, MOST_SCRATCH_ROWS

    ctypedef void (*add_block_function)(
        const void *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t stride, int columns, int cached,
        const double *w, double intercept, double *out,
    ) noexcept
    ctypedef void (*add_targets_function)(
        const void *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t stride, int columns, ptrdiff_t k,
        const double *w, int intercepts, double *scratch, double *out,
    ) noexcept
    ctypedef double (*sum_all_function)(const void *X, ptrdiff_t size, ptrdiff_t ahead) noexcept
    ctypedef struct gram_task:
        ptrdiff_t p, k, stride
        int columns, singles
        const double *shift
        ptrdiff_t left, width, rows, share, shares
        double *packed
        double *panel
        double *sums
        double *totals
        double *squares
    ctypedef void (*add_rows_function)(
        const gram_task *task, const void *part, const void *y, const double *weights, ptrdiff_t n,
    ) noexcept
    ctypedef void (*reduce_block_function)(
        double *block, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t pivots, ptrdiff_t columns, double *R,
    ) noexcept
    ctypedef struct measure_task:
        ptrdiff_t p, stride
        int columns
        const double *means
        const double *vector
        double centre
        double *sums
    ctypedef void (*add_measured_function)(
        const measure_task *task, const void *part, const double *y, ptrdiff_t k, const double *weights, ptrdiff_t n,
    ) noexcept
    ctypedef struct cpu_level:
        const char *name
        add_block_function *add_block  # for X of doubles, and of floats
        add_targets_function *add_targets
        sum_all_function *sum_all
        add_rows_function *add_gram
        add_rows_function *add_triangle
        reduce_block_function reduce_block
        add_measured_function *add_measured
        ptrdiff_t tile_rows, panel_columns

    const bint PLAIN_LOOPS
    const cpu_level *cpu_levels
    int highest_level() noexcept
    ptrdiff_t scratch_rows(ptrdiff_t p) noexcept
    void set_bounds(const void *X, ptrdiff_t bytes) noexcept


cdef extern from "atomics.h" nogil:
    int64_t read_entry(const int64_t *sync, ptrdiff_t entry) noexcept
    void write_entry(int64_t *sync, ptrdiff_t entry, int64_t value) noexcept
    int64_t add_to_entry(int64_t *sync, ptrdiff_t entry, int64_t amount) noexcept
    bint replace_entry(int64_t *sync, ptrdiff_t entry, int64_t expected, int64_t value) noexcept
    void give_way() noexcept


cdef enum:
    PACK_FEATURES = 16  # most features, and
    PACK_ELEMENTS = 16_384  # most elements (128 KB), of an X in C order that is copied into columns once a call
    SUMS = 6  # where a block's sums begin in its row of partials: Σr², Σr, then Σ r·x from a cache line on
    LEAST_ROWS = 16  # of a block; a block in Fortran order begins a few rows early
    PATIENCE = 4096  # how often a waiting member reads a counter before it offers its core to other threads

cdef enum:  # the entries of sync, each on a cache line of its own; all are zero at first and only grow
    PER_LINE = LINE // 8
    ENDED = 0  # not zero: the run is over. Written by the member that stops it, or by the caller
    APPLIED = PER_LINE  # how many updates were made: the epoch of this number is open
    FINISHED = 2 * PER_LINE  # how many blocks were computed, over all epochs
    CLAIMED = 3 * PER_LINE  # how many blocks of the first member's range were taken; then the other members' entries

cdef int HIGHEST_LEVEL = highest_level()  # of the levels that this machine has
cdef char OWN_ORDER = b"<" if sys.byteorder == "little" else b">"  # of a number's bytes, as formats of buffers say it


cdef struct Blocks:  # X and y, divided into blocks of rows, and the sums of each block
    add_block_function add_block
    add_targets_function add_targets  # of several targets, else NULL
    const char *X
    const double *y
    ptrdiff_t n, p
    ptrdiff_t n_blocks, block_rows  # the number of blocks; the rows of a block
    ptrdiff_t shift  # how many rows earlier every block but the first begins
    ptrdiff_t stride, itemsize  # numbers from row to row, or from column to column in Fortran order; bytes of a number
    int columns, cached, intercepts  # columns: X is in Fortran order
    double *sums  # those of block b begin at sums + b * width
    ptrdiff_t width
    ptrdiff_t k  # the number of targets
    double *scratch  # memory of one member, for a few rows of X and the residuals of a few targets


cdef struct Team:
    int64_t *sync
    int64_t member, members  # the number of this member, from 0 on, and of all members


cdef double fold(const Blocks *blocks, double[::1] gradient) noexcept nogil:
    """Add up the blocks' sums in their order: gradient = Xᵀr / n. Return the cost J = rᵀr / 2n."""
    cdef double squares = 0.0
    cdef const double *sums = blocks.sums
    cdef ptrdiff_t _b, j
    for j in range(gradient.shape[0]):
        gradient[j] = 0.0
    for _b in range(blocks.n_blocks):
        squares += sums[0]
        if blocks.intercepts:
            gradient[0] += sums[1]
        for j in range(blocks.intercepts, gradient.shape[0]):
            gradient[j] += sums[2 + j - blocks.intercepts]
        sums += blocks.width
    for j in range(gradient.shape[0]):
        gradient[j] /= blocks.n
    return squares / (2 * blocks.n)


cdef bint update(double *weights, const double[::1] gradient, double rate, double cost) noexcept nogil:
    """Apply w ← w − rate·gradient. Return False, and leave w as it is, if the cost or a new weight is not finite."""
    cdef double zero = 0.0 * cost  # 0 · inf and 0 · NaN are NaN
    cdef ptrdiff_t j
    for j in range(gradient.shape[0]):
        zero += 0.0 * (weights[j] - rate * gradient[j])
    if zero != 0.0:
        return False
    for j in range(gradient.shape[0]):
        weights[j] -= rate * gradient[j]
    return True


cdef inline ptrdiff_t first_row(const Blocks *blocks, ptrdiff_t b) noexcept nogil:
    """Return the row where block b begins; for the block after the last, the number of rows.

    In Fortran order, a strip of rows that begins inside a cache line touches one more line of every column. glibc
    places large arrays 16 bytes behind a cache line, so blocks that begin 16 bytes' worth of rows early begin with a
    line. Arrays at other addresses take longer, but get the same bits, since no address is read here.
    """
    if b == 0:
        return 0
    return b * blocks.block_rows - blocks.shift if b < blocks.n_blocks else blocks.n


cdef inline void compute(const Blocks *blocks, const double *weights, ptrdiff_t b) noexcept nogil:
    """Compute the sums of block b."""
    cdef ptrdiff_t first = first_row(blocks, b), rows = first_row(blocks, b + 1) - first
    cdef ptrdiff_t step = 1 if blocks.columns else blocks.stride
    if blocks.add_targets != NULL:
        blocks.add_targets(
            blocks.X + first * step * blocks.itemsize, blocks.y + first * blocks.k, rows, blocks.p, blocks.stride,
            blocks.columns, blocks.k, weights, blocks.intercepts, blocks.scratch, blocks.sums + b * blocks.width,
        )
        return
    cdef double intercept = weights[0] if blocks.intercepts else 0.0
    blocks.add_block(
        blocks.X + first * step * blocks.itemsize, blocks.y + first, rows, blocks.p, blocks.stride, blocks.columns,
        blocks.cached, weights + blocks.intercepts, intercept, blocks.sums + b * blocks.width,
    )


# Memory order. A member opens an epoch by writing APPLIED (release). A member that reads the new value (acquire) sees
# the new weights and all claims of earlier epochs, and the partials of those epochs are not read any more. A claim has
# to be unique, but it orders no other memory. A claim that comes after its epoch has ended fails: the counter has then
# reached the epoch's limit, and replace_entry compares with the latest value. An epoch cannot end while a block that
# was claimed in it is unfinished. Additions to FINISHED acquire and release, one after the other, so the member that
# completes an epoch sees the sums of all its blocks.


cdef ptrdiff_t claim(const Team *team, int64_t epoch, ptrdiff_t n_blocks, int64_t member) noexcept nogil:
    """Take the next block of a member's range in an epoch; return -1 if all are taken."""
    cdef int64_t first = n_blocks * member // team.members
    cdef int64_t size = n_blocks * (member + 1) // team.members - first
    cdef ptrdiff_t entry = CLAIMED + member * PER_LINE
    cdef int64_t claimed = read_entry(team.sync, entry)
    while claimed < (epoch + 1) * size:
        if replace_entry(team.sync, entry, claimed, claimed + 1):
            return first + claimed - epoch * size
        claimed = read_entry(team.sync, entry)
    return -1


cdef bint take_part(
    const Blocks *blocks, const Team *team, const double *weights, int64_t epoch
) noexcept nogil:
    """Compute blocks of an epoch until all are taken, own blocks first; return True if this member ended the epoch."""
    cdef int64_t member, finished = 0
    cdef ptrdiff_t b
    if team.members == 1:  # no claims needed
        for b in range(blocks.n_blocks):
            compute(blocks, weights, b)
        return True
    for member in range(team.member, team.member + team.members):
        b = claim(team, epoch, blocks.n_blocks, member % team.members)
        while b >= 0:
            compute(blocks, weights, b)
            finished += 1
            b = claim(team, epoch, blocks.n_blocks, member % team.members)
    return finished > 0 and add_to_entry(team.sync, FINISHED, finished) == (epoch + 1) * blocks.n_blocks


cdef void wait_for_end(const Team *team, int64_t epoch) noexcept nogil:
    """Wait until an epoch, or the run, is over."""
    cdef int64_t reads = 0
    while read_entry(team.sync, APPLIED) == epoch and not read_entry(team.sync, ENDED):
        reads += 1
        if reads > PATIENCE:
            give_way()


cdef ptrdiff_t run_epochs(
    const Blocks *blocks, const Team *team, double *weights, const double[::1] rates, double[::1] costs,
    double[::1] gradient,
) noexcept nogil:
    """Run the epochs as one member of a team; return how many updates the team has applied."""
    cdef int64_t epoch = read_entry(team.sync, APPLIED)
    while epoch < rates.shape[0] and not read_entry(team.sync, ENDED):
        if take_part(blocks, team, weights, epoch):
            costs[epoch] = fold(blocks, gradient)
            if update(weights, gradient, rates[epoch], costs[epoch]):
                write_entry(team.sync, APPLIED, epoch + 1)
            else:
                write_entry(team.sync, ENDED, 1)
        else:
            wait_for_end(team, epoch)
        epoch = read_entry(team.sync, APPLIED)
    return read_entry(team.sync, APPLIED)  # read again: other members may have gone on before the run ended


cdef void *pack(Blocks *blocks, int level) noexcept nogil:
    """Replace a narrow X in C order by a copy: columns of doubles, each from a cache line on. Return its memory.

    Without memory, return NULL and leave X as it is.
    """
    cdef ptrdiff_t stride = (blocks.n + PER_LINE - 1) // PER_LINE * PER_LINE, i, j, k
    cdef void *memory = malloc(stride * blocks.p * sizeof(double) + LINE)
    if memory == NULL:
        return NULL
    cdef double *columns = <double*> ((<uintptr_t> memory + LINE - 1) // LINE * LINE)
    cdef int is_float = blocks.itemsize == sizeof(float)
    for i in range(blocks.n):
        for j in range(blocks.p):
            k = i * blocks.p + j
            columns[j * stride + i] = (<const float*> blocks.X)[k] if is_float else (<const double*> blocks.X)[k]
    blocks.X, blocks.stride, blocks.columns, blocks.itemsize = <const char*> columns, stride, True, sizeof(double)
    blocks.add_block = cpu_levels[level].add_block[0]
    return memory


cdef bint is_readable(const Py_buffer *view) noexcept:
    """Return True if an array is contiguous and holds aligned doubles or floats of this machine's byte order."""
    return holds_numbers(view) and PyBuffer_IsContiguous(view, b"A")


cdef bint holds_numbers(const Py_buffer *view) noexcept:
    """Return True if an array holds aligned doubles or floats of this machine's byte order."""
    cdef const char *format = view.format
    if format == NULL:
        return False
    if format[0] == OWN_ORDER:  # the arrays of ctypes name it
        format += 1
    if format[0] == 0 or format[1] != 0:
        return False  # also the other byte order, such as ">d"
    cdef size_t size = sizeof(double) if format[0] == b"d" else sizeof(float) if format[0] == b"f" else 0
    return size and <uintptr_t> view.buf % size == 0


cdef int describe_blocks(
    Blocks *blocks, const Py_buffer *view, ptrdiff_t n_blocks, ptrdiff_t block_rows, int intercepts
) except -1:
    """Fill in how the memory of X is divided into blocks; refuse an X that the loops cannot read."""
    if view.ndim != 2 or not is_readable(view):
        raise ValueError("X must be a contiguous matrix of aligned float64 or float32 numbers")
    blocks.X, blocks.n, blocks.p = <const char*> view.buf, view.shape[0], view.shape[1]
    blocks.n_blocks, blocks.block_rows = n_blocks, block_rows
    blocks.itemsize, blocks.columns = view.itemsize, PyBuffer_IsContiguous(view, b"F")
    blocks.stride = blocks.n if blocks.columns else blocks.p
    blocks.shift = 16 // blocks.itemsize if blocks.columns else 0
    blocks.cached, blocks.intercepts, blocks.k, blocks.add_targets = view.len <= CACHED, intercepts, 1, NULL
    return 0


cdef int check_call(
    const Blocks *blocks, const Team *team, int level, ptrdiff_t y, ptrdiff_t weights, ptrdiff_t rates,
    ptrdiff_t costs, ptrdiff_t gradient, ptrdiff_t entries,
) except -1:
    """Refuse a call that would access memory outside an array; check_arrays in contract.py has messages for users."""
    if not 0 <= level <= HIGHEST_LEVEL:
        raise ValueError("level must be that of a CPU level of this machine")
    if blocks.n < 1 or blocks.p < 1 or y != blocks.n:
        raise ValueError("X must have rows and columns, and y one number for each row")
    if not 0 <= blocks.intercepts <= 1 or weights != blocks.p + blocks.intercepts or gradient != weights:
        raise ValueError("weights and gradient must have one number for each column of X and for the intercept")
    if costs != rates:
        raise ValueError("costs and rates must have the same length")
    if blocks.block_rows < LEAST_ROWS or blocks.n_blocks != (blocks.n - 1) // blocks.block_rows + 1:
        raise ValueError("the blocks must cover the rows, and none may be empty")
    if blocks.width % PER_LINE or blocks.width < SUMS + 2 + blocks.p:
        raise ValueError("partials must have whole cache lines, with room for the sums of a block")
    if not 0 <= team.member < team.members or team.members > (entries - CLAIMED) // PER_LINE:
        raise ValueError("sync must have a cache line for each member")
    return 0


def run_member(
    X, const double[::1] y, double[::1] weights, const double[::1] rates, double[::1] costs, double[::1] gradient,
    int intercepts, ptrdiff_t block_rows, double[:, ::1] partials, int64_t[::1] sync, int64_t member, int64_t members,
    int level,
):
    """Run one member of a team (fastgd/backends/threads.py) on float64 or float32 data in either order."""
    cdef Blocks blocks
    cdef Team team = Team(NULL, member, members)
    cdef Py_buffer view
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES | PyBUF_FORMAT)
    try:
        describe_blocks(&blocks, &view, partials.shape[0], block_rows, intercepts)
        blocks.width = partials.shape[1]
        check_call(
            &blocks, &team, level, y.shape[0], weights.shape[0], rates.shape[0], costs.shape[0], gradient.shape[0],
            sync.shape[0],
        )
        blocks.y, blocks.sums, team.sync = &y[0], &partials[0, SUMS], &sync[0]
        return run_packed(&blocks, &team, level, &weights[0], rates, costs, gradient)
    finally:
        PyBuffer_Release(&view)


def run_alone(
    X, const double[::1] y, double[::1] weights, const double[::1] rates, double[::1] costs, double[::1] gradient,
    int intercepts, ptrdiff_t block_rows, int level,
):
    """Run a team of one, as `run_member` does, without arrays for the sums of blocks and for other members."""
    cdef Blocks blocks
    cdef Team team = Team(NULL, 0, 1)
    cdef Py_buffer view
    cdef void *memory = NULL
    cdef double *own
    cdef ptrdiff_t n_blocks, applied, size = weights.shape[0]
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES | PyBUF_FORMAT)
    try:
        n_blocks = (y.shape[0] - 1) // max(block_rows, 1) + 1
        describe_blocks(&blocks, &view, n_blocks, block_rows, intercepts)
        blocks.width = (SUMS + 2 + blocks.p + PER_LINE - 1) // PER_LINE * PER_LINE
        check_call(
            &blocks, &team, level, y.shape[0], size, rates.shape[0], costs.shape[0], gradient.shape[0],
            CLAIMED + PER_LINE,
        )
        # The counters, a row for the sums of each block, and one for the weights: coefficients begin with a cache line.
        memory = malloc((CLAIMED + 2 * PER_LINE + (n_blocks + 1) * blocks.width) * sizeof(double))
        if memory == NULL:
            raise MemoryError
        team.sync = <int64_t*> ((<uintptr_t> memory + LINE - 1) // LINE * LINE)
        memset(team.sync, 0, (CLAIMED + PER_LINE) * sizeof(int64_t))
        blocks.y, blocks.sums = &y[0], <double*> team.sync + CLAIMED + PER_LINE + SUMS
        own = blocks.sums - SUMS + n_blocks * blocks.width + PER_LINE - intercepts
        memcpy(own, &weights[0], size * sizeof(double))
        applied = run_packed(&blocks, &team, level, own, rates, costs, gradient)
        memcpy(&weights[0], own, size * sizeof(double))
    finally:
        free(memory)
        PyBuffer_Release(&view)
    return applied


cdef ptrdiff_t run_packed(
    Blocks *blocks, const Team *team, int level, double *weights, const double[::1] rates, double[::1] costs,
    double[::1] gradient,
) noexcept:
    """Run the epochs as one member of a team, on a copy of X where that takes less time."""
    cdef void *packed = NULL
    cdef ptrdiff_t applied
    blocks.add_block = cpu_levels[level].add_block[blocks.itemsize == sizeof(float)]
    with nogil:
        if not blocks.columns and blocks.p <= PACK_FEATURES and blocks.n * blocks.p <= PACK_ELEMENTS:
            packed = pack(blocks, level)
        if packed == NULL:
            set_bounds(blocks.X, blocks.n * blocks.p * blocks.itemsize)
        else:
            set_bounds(blocks.X, blocks.stride * blocks.p * blocks.itemsize)
        applied = run_epochs(blocks, team, weights, rates, costs, gradient)
        free(packed)
    return applied


ctypedef fused number:  # of X
    double
    float


include "sums.pxi"
include "measure.pxi"
include "whiten.pxi"
include "targets.pxi"
include "sparse.pxi"
include "groups.pxi"


def read(X, int level, ptrdiff_t ahead):
    """Return the sum of a contiguous float64 or float32 array, to time how long reading it takes.

    The loop prefetches `ahead` bytes ahead, 0 for no prefetching.
    """
    cdef Py_buffer view
    cdef double total
    PyObject_GetBuffer(X, &view, PyBUF_ANY_CONTIGUOUS | PyBUF_FORMAT)
    try:
        if not is_readable(&view) or not 0 <= level <= HIGHEST_LEVEL or ahead < 0:
            raise ValueError("expected a contiguous array of float64 or float32, a CPU level, and 0 bytes or more")
        with nogil:
            total = cpu_levels[level].sum_all[view.itemsize == sizeof(float)](
                view.buf, view.len // view.itemsize, ahead
            )
    finally:
        PyBuffer_Release(&view)
    return total


def levels():
    """Return the names of the CPU levels that this machine has, the lowest first."""
    return [cpu_levels[k].name.decode() for k in range(HIGHEST_LEVEL + 1)]


def build_info():
    """Return the compiler, the flags and the loops that the extension was built with."""
    return {
        "compiler": FASTGD_COMPILER.decode(), "flags": FASTGD_FLAGS.decode(),
        "loops": "plain" if PLAIN_LOOPS else "vectors",
    }


def constants():
    """Return the sizes that the Numba kernel must share; a test compares them."""
    return {
        "LINE": LINE, "NARROW": NARROW, "MOST_VECTORS": MOST_VECTORS, "FOUR_ROWS": FOUR_ROWS, "FAR_AHEAD": FAR_AHEAD,
        "NEAR_AHEAD": NEAR_AHEAD, "CACHED": CACHED, "STREAMS": STREAMS, "MANY_STREAMS": MANY_STREAMS,
        "COLUMNS_AHEAD": COLUMNS_AHEAD, "PACK_FEATURES": PACK_FEATURES, "PACK_ELEMENTS": PACK_ELEMENTS, "SUMS": SUMS,
        "PATIENCE": PATIENCE, "PER_LINE": PER_LINE, "ENDED": ENDED, "APPLIED": APPLIED, "FINISHED": FINISHED,
        "CLAIMED": CLAIMED, "TILE": TILE, "SCRATCH": SCRATCH, "LEAST_SCRATCH_ROWS": LEAST_SCRATCH_ROWS,
        "MOST_SCRATCH_ROWS": MOST_SCRATCH_ROWS,
    }
