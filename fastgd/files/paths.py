"""Check the paths of output files before any work is done, and write the files; every error names the option."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import combinations
from pathlib import Path
from typing import BinaryIO

from fastgd.files.opening import name_errors
from fastgd.inputs.words import printable

UNWRITABLE = "{} must be a file that can be written; got '{}': {}"  # the option, the path, the reason
NEW = ".fastgd-"  # the beginning of the name of a file that is not complete
OPENED_BEFORE = ("/dev/std", "/dev/fd/", "/proc/")  # names of files that this process, or another, has opened


def check_output(option: str, path: str | Path, sources: Sequence[str] = ()) -> None:
    """Refuse an output path that cannot be written or that is an input file; change nothing.

    Examples
    --------
    >>> from fastgd.files.paths import check_output
    >>> check_output("--out", ".")
    Traceback (most recent call last):
        ...
    ValueError: --out must be a file; got the folder '.'
    """
    path = str(path)
    if not path:
        raise ValueError(f"{option} must name a file; got ''")
    if path == "-":  # other options print to "-"
        raise ValueError(f"{option} must name a file; got '-' (a file of that name is './-')")
    if os.path.isdir(path):
        raise ValueError(f"{option} must be a file; got the folder '{printable(path)}'")
    if not os.path.isdir(os.path.dirname(path) or os.curdir):
        raise ValueError(f"{option} must be in a folder that exists; got '{printable(path)}'")
    if any(is_same_file(path, source) for source in sources):
        raise ValueError(f"{option} must not be the file that is read; got '{printable(path)}'")
    obstacle = find_obstacle(path)
    if obstacle:
        raise ValueError(UNWRITABLE.format(option, printable(path), obstacle))


def check_different(paths: Mapping[str, str | Path]) -> None:
    """Refuse two options that name the same file, because one output would replace the other.

    Examples
    --------
    >>> from fastgd.files.paths import check_different
    >>> check_different({"--out": "study.html", "--json": "./study.html"})
    Traceback (most recent call last):
        ...
    ValueError: --out and --json must be different files; got 'study.html' and './study.html'
    """
    for (first, path), (second, other) in combinations(paths.items(), 2):
        if is_same_file(str(path), str(other)):
            got = f"'{printable(path)}' and '{printable(other)}'"
            raise ValueError(f"{first} and {second} must be different files; got {got}")


def is_same_file(path: str, other: str) -> bool:
    """Return True if both paths lead to the same file, which need not exist yet."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)  # sees hard links, whose real paths differ
    return os.path.realpath(path) == os.path.realpath(other)


def write_file(option: str, path: str | Path, make: Callable[[], str]) -> None:
    """Write the text that `make` returns; if anything fails, the file stays as it is.

    Examples
    --------
    >>> import tempfile
    >>> from fastgd.files.paths import write_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file("--out", f"{folder}/new.txt", lambda: "text")
    ...     Path(folder, "new.txt").read_text()
    'text'
    """
    try:
        write_text(path, make())
    except OSError as error:
        raise ValueError(UNWRITABLE.format(option, printable(path), error.strerror or error)) from error
    except ValueError as error:
        raise ValueError(f"{option} cannot be written to '{printable(path)}': {error}") from error


@contextmanager
def name_output(option: str, path: str | Path) -> Iterator[None]:
    """Put the option and the path into an error of writing; an error that names another file passes."""
    try:
        yield
    except OSError as error:
        name = os.fsdecode(error.filename or path)
        if name != os.fspath(path) and not os.path.basename(name).startswith(NEW):
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
    would give, or those of the old one; the target of a symbolic link is replaced, not the link. A pipe, a device and
    a file in a folder that takes no new file are written to directly.

    Examples
    --------
    >>> import tempfile
    >>> from fastgd.files.paths import replacing
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
    locked = not os.access(folder, os.W_OK)  # also where there is no such folder: the error then names the path
    if locked or is_special(path) or os.path.abspath(path).startswith(OPENED_BEFORE):
        with name_errors(path), open(path, "wb") as file:
            yield file
        return
    new = os.path.join(folder, f"{NEW}{os.urandom(8).hex()}")
    try:
        with name_errors(path), open(new, "xb") as file:
            with suppress(FileNotFoundError):
                os.chmod(new, stat.S_IMODE(os.stat(target).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # or else a machine that stops may keep the new name, and lose the content
        put_in_place(new, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(new)


def is_special(path: str) -> bool:
    """Return True for a pipe, a device or a socket, and for a path such as /dev/stdout that leads to one."""
    return os.path.exists(path) and not os.path.isfile(path)


def put_in_place(new: str, target: str) -> None:
    """Let a new file take the place of the target."""
    try:
        os.replace(new, target)
    except OSError:  # a mount point, or another user's file in a folder such as /tmp: only its content can change
        shutil.copyfile(new, target)


def find_obstacle(path: str) -> str:
    """Return the reason why a file cannot be written, or "" if it can; change nothing.

    Permissions alone do not decide (root ignores them, a file system may be read-only), so the file is opened.

    Examples
    --------
    >>> import tempfile
    >>> from fastgd.files.paths import find_obstacle
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     find_obstacle(f"{folder}/new.json"), os.listdir(folder)
    ('', [])
    """
    if is_special(path):  # opening a pipe or a device would disturb its reader
        return "" if os.access(path, os.W_OK) else "no permission to write"
    target = os.path.realpath(path)  # for a dangling link, test its target: the link itself stays
    try:
        if os.path.isfile(target):
            open(target, "ab").close()
        else:
            open(target, "xb").close()
            os.unlink(target)
    except OSError as error:
        return error.strerror or str(error)
    return ""
