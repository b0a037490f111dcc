"""Open the files that a user hands in, and tell whether a file changed while it was read.

A path may lead to anything: a device such as /dev/zero never ends, and a pipe without a writer never begins.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, NamedTuple, NoReturn

from fastgd.inputs.words import printable

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}
STANDARD_INPUT = "-"
PIECE = 1 << 20  # bytes read at a time: Python takes memory for as many as it is asked to read
BYTES = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)  # flags that some systems lack
AT_ONCE = BYTES | getattr(os, "O_NONBLOCK", 0)  # opening a pipe does not wait for its writer


class FileState(NamedTuple):
    """The identity of a file's content: a file that is replaced, appended to or written to gets another one.

    An edit that keeps the size, within one tick of the clock that stamps files (a few milliseconds), cannot be seen,
    and neither can one whose author sets the time of the last change back.
    """

    device: int
    inode: int
    size: int
    changed: int


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Return a regular file, opened to read bytes; an OSError refuses pipes, devices and sockets without reading them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.files.opening import open_regular
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("text")
    ...     with open_regular(f"{folder}/a.txt") as file:
    ...         file.read()
    b'text'
    """
    return open_kind(path, "a regular file", (), AT_ONCE)


def open_stream(path: str | os.PathLike[str]) -> BinaryIO:
    """Return a regular file or a pipe, opened to read bytes; an OSError refuses devices and sockets.

    A named pipe waits for its writer, as in other programs. The path "-" is standard input.
    """
    if os.fspath(path) == STANDARD_INPUT:
        return open(os.dup(sys.stdin.fileno()), "rb")
    return open_kind(path, "a file or a pipe", (stat.S_IFIFO,), BYTES)


def open_kind(path: str | os.PathLike[str], expected: str, allowed: tuple[int, ...], flags: int) -> BinaryIO:
    """Return a file of a regular or an allowed kind, opened to read bytes."""
    refuse_kinds(path, os.stat(path), expected, allowed)
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        refuse_kinds(path, os.fstat(descriptor), expected, allowed)  # the path may lead elsewhere by now
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def refuse_kinds(path: str | os.PathLike[str], status: os.stat_result, expected: str, allowed: tuple[int, ...]) -> None:
    """Raise an OSError unless the status is one of a regular file, or of another kind that is allowed."""
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if kind != stat.S_IFREG and kind not in allowed:
        got = KINDS.get(kind, "something else")
        raise OSError(errno.EINVAL, f"expected {expected}; got {got}", os.fspath(path))


def read_text(path: str | os.PathLike[str], most_bytes: int) -> str:
    """Return the text of a regular file in UTF-8; a ValueError says that it is longer, or not such text.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.files.opening import read_text
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("text")
    ...     read_text(f"{folder}/a.txt", most_bytes=4)
    'text'
    """
    with open_regular(path) as file, name_errors(path):
        size = os.fstat(file.fileno()).st_size
        pieces = iter(lambda: file.read(PIECE) or b"", b"")  # to the end of the file: the size of those of /proc is 0
        content = b"".join(islice(pieces, 0 if size > most_bytes else most_bytes // PIECE + 1))
    if max(size, len(content)) > most_bytes:
        raise ValueError(f"the file has more than {most_bytes:,} bytes")
    return content.decode("utf-8")


@contextmanager
def name_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file into an OSError of reading or writing: Python names files only where it opens them."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:  # without a number, the name would hide the text
            error.filename = os.fspath(path)
        raise


def state_of(file: BinaryIO) -> FileState:
    """Return the state of an opened file."""
    return make_state(os.fstat(file.fileno()))


def make_state(status: os.stat_result) -> FileState:
    """Return the state of the file of a status."""
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@contextmanager
def open_unchanged(path: str | os.PathLike[str], state: FileState) -> Iterator[BinaryIO]:
    """Open a regular file that was looked at before; refuse one that changed since, or that changes while it is read.

    A change is also the cause of an error of reading, so that error gives way to the one that says so.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        refuse_change(path, str(error.strerror))
    with file, name_errors(path):
        check_state(path, file, state)
        try:
            yield file
        except (OSError, ValueError):
            check_state(path, file, state)
            raise
        check_state(path, file, state)


def check_state(path: str | os.PathLike[str], file: BinaryIO, state: FileState) -> None:
    """Refuse a file whose state is another one than before."""
    now = state_of(file)
    if (now.device, now.inode) != (state.device, state.inode):
        refuse_change(path, "another file stands in its place")
    if now.size != state.size:
        refuse_change(path, f"it had {state.size:,} bytes, now it has {now.size:,}")
    if now.changed != state.changed:
        refuse_change(path, "it was written to")


def refuse_change(path: str | os.PathLike[str], change: str) -> NoReturn:
    """Raise the error of a file that changed; the message names the file."""
    raise ValueError(
        f"{printable(path)}: the file changed while it was in use: {change}; try again when it is complete"
    )
