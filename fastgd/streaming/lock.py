"""One process at a time uses a checkpoint: a lock file beside it names the process and its host.

The lock that the operating system puts on the file counts: it ends with its process, however that ends, so a lock file
that a killed process left behind locks nobody out. On a file system without such locks, the process that the file names
counts, unless it is known to have ended.
"""

import errno
import json
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import NamedTuple, NoReturn

from fastgd.files.paths import UNWRITABLE
from fastgd.inputs.words import printable, quote

SUFFIX = ".lock"
MOST_BYTES = 4096  # of a lock file
BEGIN = b'{"pid": '  # of its content
MOST_TURNS = 100  # each fails only because another process ends, or takes the lock, at the same moment
LOOKS, WAIT_SECONDS = 5, 0.05  # for a process that has the lock to write its name
LOCKED_BYTE = 1 << 30  # on Windows a locked byte cannot be read: lock one that no file has
# Some systems lack the last three: follow no link, wait for no reader of a pipe, and write bytes as they are.
FLAGS = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


class Owner(NamedTuple):
    """The process that a lock file names; `started` tells it from a later process with the same number."""

    pid: int
    host: str
    started: str


@contextmanager
def hold_lock(path: Path | None) -> Iterator[None]:
    """Lock a checkpoint while the block runs; refuse one that another process has locked. None needs no lock."""
    if path is None:
        yield
        return
    path = path.absolute()
    lock = path.with_name(path.name + SUFFIX)
    descriptor = take_lock(path, lock)
    owner = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == owner:  # a fork that leaves the block too does not hold the lock
            release_lock(descriptor, lock)


def take_lock(path: Path, lock: Path) -> int:
    """Return the descriptor of the lock file, locked by this process."""
    try:
        for _ in range(MOST_TURNS):
            descriptor = os.open(lock, FLAGS, 0o600)
            try:
                if try_to_take(descriptor, path, lock):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    except OSError as error:
        reason = f"{printable(lock.name)}: {error.strerror or error}"
        raise ValueError(UNWRITABLE.format("checkpoint", printable(path), reason)) from error
    refuse_lock(path, lock, None)


def try_to_take(descriptor: int, path: Path, lock: Path) -> bool:
    """Return True if this process has the lock now; False if the file gave way, so that the next turn may succeed."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "expected a regular file")
    content = read_content(descriptor)
    if not content.startswith(BEGIN) and not BEGIN.startswith(content.rstrip(b"\0")):
        raise OSError(errno.EEXIST, "expected a lock file of fastgd; got a file of another kind")
    locked, owner = try_to_lock(descriptor), read_owner(descriptor)
    if not is_file_at(descriptor, lock):
        return False
    if locked is False and is_orphaned(descriptor):  # only forks of a process that has ended hold the lock
        if is_file_at(descriptor, lock):  # another process may have replaced the file while this one looked
            lock.unlink(missing_ok=True)
        return False
    if locked is False or (locked is None and owner is not None and not has_ended(owner)):
        refuse_lock(path, lock, owner)
    write_owner(descriptor, lock)
    if owner is not None:
        remove_leftovers(path)
    return True


def try_to_lock(descriptor: int) -> bool | None:
    """Return True if the file is locked now, False if another process has locked it, None if it cannot be locked."""
    try:
        lock_descriptor(descriptor)
    except OSError as error:
        if error.errno in HELD:
            return False
        if error.errno in WITHOUT_LOCKS:
            return None
        raise
    return True


def lock_descriptor(descriptor: int) -> None:
    """Lock a file for this process, without waiting; an OSError says that this is not possible."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_file_at(descriptor: int, lock: Path) -> bool:
    """Return True if the path still leads to the open file: its last owner may have removed it in the meantime."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(lock))
    except FileNotFoundError:
        return False


def read_content(descriptor: int) -> bytes:
    """Return the first bytes of the lock file; a crash of the machine may have left it empty, cut short or zeroed."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, MOST_BYTES)


def read_owner(descriptor: int) -> Owner | None:
    """Return the process that a lock file names; None if it names none, as a file cut short does."""
    try:
        found = json.loads(read_content(descriptor))
        pid, host, started = found["pid"], found["host"], found["started"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    fits = type(pid) is int and 0 < pid < 1 << 31 and type(host) is type(started) is str
    return Owner(pid, host, started) if fits else None


def write_owner(descriptor: int, lock: Path) -> None:
    """Write this process into the lock file."""
    content = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": find_start(os.getpid())})
    try:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, content.encode())
    except OSError:
        lock.unlink(missing_ok=True)
        raise


def find_start(pid: int) -> str:
    """Return the time at which a process started, in ticks since the machine did; "" where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def has_ended(owner: Owner) -> bool:
    """Return True if a process is known to have ended: only processes of this host can be asked."""
    if owner.host != socket.gethostname() or sys.platform == "win32":
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it belongs to another user
    return "" not in (owner.started, find_start(owner.pid)) and owner.started != find_start(owner.pid)


def is_orphaned(descriptor: int) -> bool:
    """Return True if the process that the lock file names has ended, and no other one is about to write its name."""
    for turn in range(LOOKS):
        owner = read_owner(descriptor)
        if owner is None or not has_ended(owner):
            return False
        if turn + 1 < LOOKS:
            sleep(WAIT_SECONDS)
    return True


def refuse_lock(path: Path, lock: Path, owner: Owner | None) -> NoReturn:
    """Raise the error of a checkpoint that another process uses."""
    process = "another process" if owner is None else f"process {owner.pid} on host {quote(owner.host)}"
    raise ValueError(
        f"checkpoint must be used by one fit at a time; {printable(path)} is in use by {process}, as the lock file "
        f"{printable(lock)} says: wait until that fit ends, or name another file"
    )


def release_lock(descriptor: int, lock: Path) -> None:
    """Remove the lock file and its lock; a lock file that cannot be removed locks nobody out."""
    with suppress(OSError):
        if sys.platform != "win32" and is_file_at(descriptor, lock):  # Windows removes no open file
            lock.unlink()
    os.close(descriptor)
    with suppress(OSError):
        if sys.platform == "win32":
            lock.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove half-written files of a process that was killed while it saved the checkpoint."""
    pattern = re.compile(re.escape(path.name) + r"\.[a-z0-9_]{8}\.new")
    for name in os.listdir(path.parent):
        if pattern.fullmatch(name):
            with suppress(OSError):
                (path.parent / name).unlink()
