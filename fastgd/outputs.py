"""The paths of files that are going to be written, all checked in one way before any work is done."""

import os
from collections.abc import Sequence
from pathlib import Path


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
    >>> from fastgd.outputs import check_output
    >>> check_output("--out", ".")
    Traceback (most recent call last):
        ...
    ValueError: --out must be a file; got the folder '.'
    """
    path = str(path)
    if not path:
        raise ValueError(f"{option} must name a file; got ''")
    if os.path.isdir(path):
        raise ValueError(f"{option} must be a file; got the folder {path!r}")
    if not os.path.isdir(os.path.dirname(path) or os.curdir):
        raise ValueError(f"{option} must be in a folder that exists; got {path!r}")
    if any(is_same_file(path, source) for source in sources):
        raise ValueError(f"{option} must not be the file that is read; got {path!r}")
    obstacle = find_obstacle(path)
    if obstacle:
        raise ValueError(f"{option} must be a file that can be written; got {path!r}: {obstacle}")


def is_same_file(path: str, source: str) -> bool:
    """Tell whether two paths are of one file; one that is missing is told of by whoever reads it."""
    return os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source)


def find_obstacle(path: str) -> str:
    """Return why a file cannot be written, or "" if it can; nothing is changed.

    Permissions do not tell for sure (of root, of file systems that are read-only), so the file is opened.

    Examples
    --------
    >>> import tempfile
    >>> from fastgd.outputs import find_obstacle
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
