"""The threads of NumPy's own products, which must not compete with ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """Let products take one thread each, if threadpoolctl is installed, and tell whether they do."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield any(os.environ.get(name) == "1" for name in VARIABLES)
        return
    with threadpool_limits(1, "blas"):
        yield True
