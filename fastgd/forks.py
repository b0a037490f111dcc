"""Locks, and imports, that a fork waits for.

A forked process has a copy of every lock, but of all threads only the one that forked. A lock that another thread held,
such as Python's lock of a module that it was importing, stays locked there for ever. So a fork waits until the locks
below are free: for an import, or the compilation of a loop, that is in progress. Both processes then release them.
"""

# Hooks of forks that were registered last run first. The thread that imports may need the lock of `logging`, which a
# fork also takes: importing logging first makes a fork take the locks of this module before that one.
import logging  # noqa: F401
import os
import sys
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Any, Protocol


class Lock(Protocol):
    """A lock of any kind."""

    def acquire(self) -> Any:
        """Wait for the lock, and take it."""

    def release(self) -> Any:
        """Release the lock."""


IMPORTING = RLock()
LOCKS: list[Lock] = [IMPORTING]  # in the order in which threads take them: an import may compile, a compilation may sum
TAKEN: list[Lock] = []  # by the thread that forks


def wait_before_forks(lock: Lock) -> None:
    """Let each later fork wait until a lock is free."""
    LOCKS.append(lock)


def import_safely(name: str) -> ModuleType:
    """Import and return a module; a fork in another thread waits until the import has ended."""
    if name in sys.modules:  # loaded, or being imported by a thread whose module lock this one waits for
        return import_module(name)
    with IMPORTING:
        return import_module(name)


def take_locks() -> None:
    """Take all locks, before a fork."""
    for lock in LOCKS:
        lock.acquire()
        TAKEN.append(lock)


def release_locks() -> None:
    """Release the locks, after a fork: in both processes."""
    locks = TAKEN[::-1]
    TAKEN.clear()  # before another thread can take them
    for lock in locks:
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=take_locks, after_in_parent=release_locks, after_in_child=release_locks)
