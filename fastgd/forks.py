"""What a fork waits for: imports, compilations, locks, and calculations that several threads of BLAS may share.

A forked process has a copy of every lock, but of all threads only the one that forked. A lock that another thread held,
such as Python's lock of a module that it was importing, stays locked there for ever. OpenBLAS ends its own threads when
a process forks: another thread that was using them waits for ever, and so does the fork. So a fork waits until the
locks below are free and the calculations of other threads have come to a halt; afterwards both processes go on.
"""

# A fork takes locks of these modules too, by hooks that run in the reverse order of their registration. Imported first,
# they come after the locks of this module: a thread that imports, and holds one of those, may need one of theirs.
import concurrent.futures.thread  # noqa: F401
import logging  # noqa: F401
import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from threading import Condition, RLock, get_ident
from types import ModuleType
from typing import Any, ParamSpec, Protocol, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Lock(Protocol):
    """A lock of any kind."""

    def acquire(self) -> Any:
        """Wait for the lock, and take it."""

    def release(self) -> Any:
        """Release the lock."""


IMPORTING = RLock()
LOCKS: list[Lock] = [IMPORTING]  # in the order in which a thread takes them: an import may compile
TAKEN: list[Lock] = []  # by the thread that forks
GATE = Condition()  # protects what follows, and tells of its changes
CALCULATING: set[int] = set()  # the threads that calculate
FORKING: set[int] = set()  # the threads that fork, or wait for it
LONGEST_WAIT = 10.0  # seconds: a thread that calculates may itself wait for the thread that forks


def wait_before_forks(lock: Lock) -> None:
    """Let each later fork wait until a lock is free."""
    LOCKS.append(lock)


def import_safely(name: str) -> ModuleType:
    """Import and return a module; a fork in another thread waits until the import has ended."""
    module = sys.modules.get(name)
    if module is not None:  # loaded, or being imported by a thread whose module lock this one waits for
        being_imported = getattr(module.__spec__, "_initializing", True)
        return import_module(name) if being_imported else module
    with IMPORTING:
        return import_module(name)


def hand_on(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that imports each of its names from a module when it is first used."""

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_safely(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)  # found there the next time
        return value

    return find


def halt_for_forks(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Let forks in other threads wait until a call of the function ends or `let_forks_pass`."""

    @wraps(function)
    def calculate(*arguments: Arguments.args, **options: Arguments.kwargs) -> Answer:
        thread = get_ident()
        if thread in CALCULATING:  # a part of another calculation
            return function(*arguments, **options)
        # This thread is listed before it looks for forks; a fork does the reverse, so one of the two sees the other. A
        # lock would take longer than some of these calculations.
        CALCULATING.add(thread)
        try:
            let_forks_pass()
            return function(*arguments, **options)
        finally:
            CALCULATING.discard(thread)
            if FORKING:
                with GATE:
                    GATE.notify_all()

    return calculate


def let_forks_pass() -> None:
    """In the middle of a long calculation, let other threads fork that want to."""
    if FORKING:
        thread = get_ident()
        with GATE:
            if thread in CALCULATING:
                CALCULATING.remove(thread)
                GATE.notify_all()
                GATE.wait_for(lambda: not FORKING, LONGEST_WAIT)
                CALCULATING.add(thread)


def count_calculations() -> int:
    """Return how many threads of this process calculate, the calling one included."""
    return max(len(CALCULATING), 1)


def prepare_fork() -> None:
    """Wait for the calculations of other threads, and take all locks."""
    with GATE:
        FORKING.add(get_ident())
        GATE.notify_all()  # other threads that fork wait for this one no more
        GATE.wait_for(lambda: not CALCULATING - FORKING, LONGEST_WAIT)
    for lock in (*LOCKS, GATE):
        lock.acquire()
        TAKEN.append(lock)


def go_on_after_fork() -> None:
    """Release the locks, and the calculations that wait."""
    locks = TAKEN[::-1]
    TAKEN.clear()  # before another thread can take them
    for lock in locks:
        lock.release()
    with GATE:
        FORKING.discard(get_ident())
        GATE.notify_all()
        let_forks_pass()  # a fork that did not wait for this thread must end before its calculation goes on


def begin_child() -> None:
    """In a forked process, forget the other threads."""
    FORKING.clear()
    CALCULATING.intersection_update({get_ident()})
    go_on_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=prepare_fork, after_in_parent=go_on_after_fork, after_in_child=begin_child)
