"""Check the paths of output files before any work is done; every error names the option."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path

from fastgd.inputs.words import printable

UNWRITABLE = "{} must be a file that can be written; got '{}': {}"  # the option, the path, the reason


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


def is_special(path: str) -> bool:
    """Return True for a pipe, a device or a socket, and for a path such as /dev/stdout that leads to one."""
    return os.path.exists(path) and not os.path.isfile(path)


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
    absent = not os.path.lexists(target)
    try:
        open(target, "xb" if absent else "ab").close()
    except FileExistsError:  # made by another process in this moment
        absent = False
    except OSError as error:
        return error.strerror or str(error)
    finally:  # a Ctrl-C at this moment must not leave an empty file either
        if absent:
            remove_empty(target)
    return ""


def remove_empty(path: str) -> None:
    """Remove a file that has nothing in it, if there is one."""
    with suppress(OSError):
        if os.path.getsize(path) == 0:
            os.unlink(path)
