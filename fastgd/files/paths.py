"""Files that are going to be written: their paths, all checked in one way before any work is done, and the writing."""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

UNWRITABLE = "{} must be a file that can be written; got {!r}: {}"  # option, path and reason


def check_output(option: str, path: str | Path, sources: Sequence[str] = ()) -> None:
    """Refuse the path of a file that cannot be written, or that is one of those to be read; change nothing.

    Parameters
    ----------
    option : str
        What an error calls the path: the option or the argument that it was given by.
    path : str or Path
        Of the file; one that exists is going to be replaced.
    sources : sequence of str
        The files to be read.

    Raises
    ------
    ValueError
        If the path is no file's, or the file cannot be written; the message names option, path and reason.

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
    if path == "-":  # elsewhere what is printed
        raise ValueError(f"{option} must name a file; got '-' (one of that name is './-')")
    if os.path.isdir(path):
        raise ValueError(f"{option} must be a file; got the folder {path!r}")
    if not os.path.isdir(os.path.dirname(path) or os.curdir):
        raise ValueError(f"{option} must be in a folder that exists; got {path!r}")
    if any(is_same_file(path, source) for source in sources):
        raise ValueError(f"{option} must not be the file that is read; got {path!r}")
    obstacle = find_obstacle(path)
    if obstacle:
        raise ValueError(UNWRITABLE.format(option, path, obstacle))


def check_different(paths: Mapping[str, str | Path]) -> None:
    """Refuse two paths of one file, under whatever names: what is written last would replace the rest.

    Parameters
    ----------
    paths : mapping of str to str or Path
        Of the files to be written, by what an error calls them.

    Raises
    ------
    ValueError
        If two are of one file; the message names both options and paths.

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
            raise ValueError(f"{first} and {second} must be different files; got {str(path)!r} and {str(other)!r}")


def is_same_file(path: str, other: str) -> bool:
    """Tell whether two paths lead to one file, which need not be there yet."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)  # hard links have nothing else in common
    return os.path.realpath(path) == os.path.realpath(other)


def write_file(option: str, path: str | Path, make: Callable[[], str]) -> None:
    """Write what `make` returns; where that cannot be made, the file stays as it is.

    Parameters
    ----------
    option : str
        What an error calls the path.
    path : str or Path
        Of the file.
    make : callable
        Returns the text.

    Raises
    ------
    ValueError
        If the text cannot be made, or not be written; the message names option, path and reason.

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
        Path(path).write_text(make(), encoding="utf-8")
    except OSError as error:
        raise ValueError(UNWRITABLE.format(option, str(path), error.strerror or error)) from error
    except ValueError as error:
        raise ValueError(f"{option} cannot be written to {str(path)!r}: {error}") from error


def find_obstacle(path: str) -> str:
    """Return why a file cannot be written, or "" if it can; nothing is changed.

    Permissions do not tell for sure (of root, of file systems that are read-only), so the file is opened.

    Examples
    --------
    >>> import tempfile
    >>> from fastgd.files.paths import find_obstacle
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     find_obstacle(f"{folder}/new.json"), os.listdir(folder)
    ('', [])
    """
    target = os.path.realpath(path)  # of a link that leads to nothing yet, the file is made and removed, not the link
    try:
        if os.path.isfile(target):
            open(target, "ab").close()
        elif os.path.exists(target):  # a pipe or a device: its reader would see it opened, and closed again
            return "" if os.access(target, os.W_OK) else "no permission to write"
        else:
            open(target, "xb").close()
            os.unlink(target)
    except OSError as error:
        return error.strerror or str(error)
    return ""
