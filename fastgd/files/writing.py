"""Write files whole, or not at all; every error names the file."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from fastgd.files.opening import name_errors
from fastgd.files.paths import UNWRITABLE, is_special
from fastgd.inputs.words import printable

NEW = ".fastgd-"  # the beginning of the name of a file that is not complete
OPENED_BEFORE = ("/dev/std", "/dev/fd/", "/proc/")  # names of files that this process, or another, has opened
NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def write_file(option: str, path: str | Path, make: Callable[[], str]) -> None:
    """Write the text that `make` returns; if anything fails, the file stays as it is.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.files.writing import write_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file("--out", f"{folder}/new.txt", lambda: "text")
    ...     Path(folder, "new.txt").read_text()
    'text'
    """
    with name_output(option, path):
        try:
            write_text(path, make())
        except ValueError as error:
            raise ValueError(f"{option} cannot be written to '{printable(path)}': {error}") from error


@contextmanager
def name_output(option: str, path: str | Path) -> Iterator[None]:
    """Put the option and the path into an error of writing; an error that names another file passes."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and os.path.realpath(os.fsdecode(error.filename)) != os.path.realpath(path):
            raise
        raise ValueError(UNWRITABLE.format(option, printable(path), error.strerror or error)) from error


def write_text(path: str | Path, text: str) -> None:
    """Write a text in UTF-8 to a file as a whole: see `replacing`."""
    content = text.encode("utf-8")
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Open a new file, which takes the place of the file at `path` when the block ends without an error.

    A full disk, an error or a kill thus leaves the old file as it was. The new file has the permissions that `open`
    would give, or those of the old one; the target of a symbolic link is replaced, not the link. In a folder that
    takes no new file, the old file gets the new content. A pipe and a device are written to directly.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.files.writing import replacing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     with replacing(path) as file:
    ...         _ = file.write(b"text")
    ...     path.read_text()
    'text'
    """
    path = os.fspath(path)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if is_special(path) or os.path.abspath(path).startswith(OPENED_BEFORE) or not os.path.isdir(folder):
        with name_errors(path), open(path, "wb") as file:  # where there is no such folder, the error names the path
            yield file
    elif os.access(folder, os.W_OK):
        with name_errors(path), replacing_whole(target) as file:
            yield file
    else:
        from tempfile import TemporaryFile  # imported here to keep the command line fast

        with name_errors(path), open(path, "ab"), TemporaryFile() as file:
            yield file
            put_content(file, path)


@contextmanager
def replacing_whole(target: str) -> Iterator[BinaryIO]:
    """Open a new file in the folder of the target, which it replaces when the block ends without an error."""
    new = os.path.join(os.path.dirname(target), f"{NEW}{os.urandom(8).hex()}")
    try:
        with open(new, "xb") as file:
            with suppress(FileNotFoundError):
                os.chmod(new, stat.S_IMODE(os.stat(target).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # or else a machine that stops may keep the new name, and lose the content
        put_in_place(new, target)
    except OSError as error:
        if error.filename == new:
            error.filename = None  # the user did not name that file
        raise
    finally:
        with suppress(FileNotFoundError):
            os.unlink(new)


def put_in_place(new: str, target: str) -> None:
    """Let a new file take the place of the target."""
    try:
        os.replace(new, target)
    except OSError:  # a mount point, or another user's file in a folder such as /tmp: only its content can change
        with open(new, "rb") as file:
            put_content(file, target)


def put_content(file: BinaryIO, target: str) -> None:
    """Copy the content of an open file into the target; if there is no room, the target keeps its own."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    with open(target, "r+b") as old:
        reserve(old, size)
        shutil.copyfileobj(file, old)
        old.truncate()
        old.flush()
        os.fsync(old.fileno())


def reserve(file: BinaryIO, size: int) -> None:
    """Take the room for some bytes of a file, on systems that offer this, without a change of its first bytes."""
    before = os.fstat(file.fileno()).st_size
    if not hasattr(os, "posix_fallocate") or size <= before:
        return
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        file.truncate(before)
        if error.errno in NO_ROOM:
            raise
