"""The door between Python and the C of this folder: arrays in, addresses out, the GIL released.

descend.h runs the epochs, loops.h has the work of one, levels.h builds that for several CPU levels.
"""

from cpython.buffer cimport (
    PyBUF_ANY_CONTIGUOUS, PyBUF_STRIDES, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t


cdef extern from *:
    """
    #ifndef FASTGD_FLAGS
    #define FASTGD_FLAGS ""
    #endif
    """
    const char* FASTGD_FLAGS
    const char* COMPILER "__VERSION__"


cdef extern from "sources.h":  # written by setup.py
    const char* SOURCE_NAMES[]
    const unsigned char* SOURCE_TEXTS[]


cdef extern from "descend.h" nogil:
    ctypedef struct descent:
        const void *X
        const double *y
        ptrdiff_t n, p, stride
        int columns, is_float, level, intercepts, packed
        double *weights
        const double *rates
        double *costs
        double *gradient
        ptrdiff_t epochs, block_rows
        double *partials
        ptrdiff_t partial_size
        int64_t *sync
        int64_t member, members

    const char* level_names[]
    int highest_level()
    ptrdiff_t run_descent(const descent *)
    double read_once(int level, int is_float, const void *, ptrdiff_t size, ptrdiff_t ahead)


def levels():
    """Return the names of the CPU levels that this machine has, the lowest first."""
    return [level_names[k].decode() for k in range(highest_level() + 1)]


def build_info():
    """Return what the extension was built with: the compiler's version and the optimisation flags."""
    return {"compiler": COMPILER.decode(), "flags": FASTGD_FLAGS.decode()}


def sources():
    """Return the files that this module was built from: their names and texts."""
    found, k = {}, 0
    while SOURCE_NAMES[k] != NULL:
        found[SOURCE_NAMES[k].decode()] = (<const char*> SOURCE_TEXTS[k]).decode()
        k += 1
    return found


def descend(
    X, const double[::1] y, double[::1] weights, const double[::1] rates, double[::1] costs, double[::1] gradient,
    int intercepts, ptrdiff_t block_rows, double[:, ::1] partials, int64_t[::1] sync, int64_t member, int64_t members,
    int level,
):
    """Run one member of a team (fastgd/backends/threads.py) on float64 or float32 data in either order."""
    cdef descent d
    cdef Py_buffer view
    cdef ptrdiff_t applied
    if rates.shape[0] == 0:
        return 0
    PyObject_GetBuffer(X, &view, PyBUF_STRIDES)
    try:
        d.X, d.n, d.p = view.buf, view.shape[0], view.shape[1]
        d.columns = PyBuffer_IsContiguous(&view, b"F")
        d.stride = d.n if d.columns else d.p
        d.is_float = view.itemsize == sizeof(float)
        d.level, d.intercepts, d.packed = level, intercepts, False
        d.y, d.weights, d.gradient = &y[0], &weights[0], &gradient[0]
        d.rates, d.costs, d.epochs = &rates[0], &costs[0], rates.shape[0]
        d.block_rows = block_rows
        d.partials, d.partial_size = &partials[0, 0], partials.shape[1]
        d.sync, d.member, d.members = &sync[0], member, members
        with nogil:
            applied = run_descent(&d)
    finally:
        PyBuffer_Release(&view)
    return applied


def read(X, int level, ptrdiff_t ahead):
    """Return the sum of a contiguous float64 or float32 array, for the time that reading it takes.

    `ahead` is how many bytes the loop fetches ahead, 0 for none.
    """
    cdef Py_buffer view
    cdef double total
    PyObject_GetBuffer(X, &view, PyBUF_ANY_CONTIGUOUS)
    try:
        with nogil:
            total = read_once(level, view.itemsize == sizeof(float), view.buf, view.len // view.itemsize, ahead)
    finally:
        PyBuffer_Release(&view)
    return total
