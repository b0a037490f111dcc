"""The threads of NumPy's own products, which must not compete with ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class BlasLimit:
    """A limit of one thread that lasts as long as somebody needs it: BLAS knows only one limit for the process.

    Contexts of several Python threads overlap in any order. If each restored what it had found, the last one to end
    could restore the limit of another.
    """

    def __init__(self) -> None:
        self.lock, self.users, self.limit = Lock(), 0, None

    def enter(self, make_limit: Any) -> None:
        """Set the limit, unless it is set."""
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.limit = make_limit(1, "blas")

    def leave(self) -> None:
        """Take the limit off if nobody else needs it."""
        with self.lock:
            self.users -= 1
            if self.users == 0 and self.limit is not None:
                self.limit.restore_original_limits()


LIMIT = BlasLimit()  # the one piece of state of this package, since the process has it too


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """Let products take one thread each, if threadpoolctl is installed, and tell whether they do."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield any(os.environ.get(name) == "1" for name in VARIABLES)
        return
    LIMIT.enter(threadpool_limits)
    try:
        yield True
    finally:
        LIMIT.leave()
