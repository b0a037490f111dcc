"""A file that keeps the state of a pass, so that the fit can resume after its process was killed.

Each save writes a new file to the disk, which then replaces the old one: the file is complete at any moment. A save
that fails, as on a full disk, costs the checkpoint alone: the fit goes on and warns.
"""

import errno
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from fastgd.files.opening import refuse_kinds
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.words import printable
from fastgd.streaming.saved_state import pack_state, unpack_state
from fastgd.streaming.sums import State

SAVE_SECONDS = 5.0  # the least time between two saves during a pass
REMEDY = "delete it to begin anew, or name another file"
# Some systems lack these flags: write bytes as they are, wait for no pipe's writer, follow no link.
READING = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOFOLLOW"))


class Checkpoint:
    """The checkpoint of a pass; without a path, it keeps nothing.

    The identity describes the data and their sums, as plain values for JSON: a checkpoint of others is refused.
    """

    def __init__(self, path: Path | None, identity: dict[str, Any]) -> None:
        self.path = None if path is None else path.absolute()  # the data may come from code that changes the folder
        self.name = printable(path)
        self.identity = identity
        self.saved = monotonic()
        self.warned = False

    def load(self, n_features: int | None = None, n_targets: int = 1) -> State | None:
        """Return the state that an earlier run has saved; None if there is no file. Refuse a file of another fit.

        `n_features` and `n_targets` are the numbers of columns of X and y, if that of X is known.
        """
        if self.path is None:
            return None
        try:
            descriptor = os.open(self.path, READING)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            refuse_kinds(self.path, status, "a regular file", ())
            try:
                return unpack_state(file, status.st_size, self.identity, (n_features, n_targets))
            except ValueError as error:
                raise ValueError(f"{self.name}: {error}; {REMEDY}") from error

    def save_if_due(self, state: State) -> None:
        """Save the state if the last save was long enough ago."""
        if self.path is not None and monotonic() - self.saved >= SAVE_SECONDS:
            self.save(state)

    def save(self, state: State) -> None:
        """Write the state to a new file, then replace the old one by it; warn if that is not possible."""
        if self.path is None or not state.batches:
            return
        try:
            replace_file(self.path, pack_state(self.identity, state))
        except OSError as error:
            self.warn("saved", error)
        self.saved = monotonic()

    def remove(self) -> None:
        """Remove the file."""
        try:
            if self.path is not None:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            self.warn("removed", error)

    def warn(self, done: str, error: OSError) -> None:
        """Warn, once, that the file cannot be written: the fit does not need it."""
        if not self.warned:
            self.warned = True
            reason = error.strerror or str(error)
            message = f"{self.name}: the checkpoint could not be {done}: {reason}; the fit needs it only to resume"
            warn_caller(RuntimeWarning(message))


def replace_file(path: Path, pieces: Iterable[Any]) -> None:
    """Write the pieces to a new file in the same folder, which then takes the place of the file at the path.

    The new file has a name that nobody can guess, is opened only if there is nothing of that name, not even a link, and
    can be read by its owner alone.
    """
    descriptor, new = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, on systems that offer this."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # the file system does not offer it
            raise
    finally:
        os.close(descriptor)
