"""A limit of one BLAS thread, for calls whose own threads multiply matrices.

BLAS has one number of threads for the whole process; even OpenBLAS' limit "of this thread" limits all threads. So calls
that overlap share a limit: the first one sets it, and the last one restores the numbers that the first one found, in
whatever order they end. Other threads' BLAS calls have one thread meanwhile. A forked process forgets the calls of
threads that it lacks.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock, get_ident
from typing import Any

from fastgd.forks import import_safely, wait_before_forks

BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LOCK = RLock()  # held while threadpoolctl works, for a millisecond
CALLS: list[int] = []  # the thread of each call that needs the limit
FOUND: dict[str, tuple[Any, int]] = {}  # the limited libraries, and the number of threads that each had before


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """Limit BLAS to one thread if threadpoolctl is installed; yield True if BLAS has one thread."""
    try:
        threadpoolctl: Any = import_safely("threadpoolctl")
    except ImportError:
        yield any(os.environ.get(name) == "1" for name in BLAS_VARIABLES)
        return
    with LOCK:  # threadpoolctl has locks of its own, which a fork shall find free
        libraries = find_libraries(threadpoolctl, len(sys.modules))
        CALLS.append(get_ident())
    try:
        set_limit(libraries)
        yield True
    finally:
        with LOCK:
            CALLS.remove(get_ident())
            restore_if_unused()


@lru_cache(maxsize=1)
def find_libraries(threadpoolctl: Any, modules: int) -> list[Any]:
    """Return the BLAS libraries of this process; it takes longer than a small fit, so only after a further import."""
    found: list[Any] = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    return found


def set_limit(libraries: list[Any]) -> None:
    """Limit the libraries that no other call has limited already."""
    with LOCK:
        for library in libraries:
            if library.filepath not in FOUND:
                FOUND[library.filepath] = library, library.get_num_threads()
                set_threads(library, 1)


def restore_if_unused() -> None:
    """Restore the numbers of threads if no call needs the limit, but one that somebody has set since then."""
    if CALLS:
        return
    for library, threads in FOUND.values():
        if library.get_num_threads() == 1:
            set_threads(library, threads)
    FOUND.clear()


def set_threads(library: Any, threads: int) -> None:
    """Set a library's number of threads from any thread.

    From version 3.7 on, threadpoolctl ignores all threads but the first one that set a number, until it is told that
    this thread is done. The call that restores the number may run in another thread than the one that set it.
    """
    be_done = getattr(library, "clear_controlling_thread", None)
    if be_done is not None:
        be_done(force=True)
    library.set_num_threads(threads)
    if be_done is not None:
        be_done(force=True)


def forget_other_threads() -> None:
    """In a forked process, keep the limit only if the thread that forked needs it."""
    CALLS[:] = [thread for thread in CALLS if thread == get_ident()]
    restore_if_unused()


wait_before_forks(LOCK)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_other_threads)
