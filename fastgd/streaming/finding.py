"""Find the files that a user names: files, folders and patterns."""

import os
from collections.abc import Iterable, Iterator
from glob import escape, glob
from pathlib import Path
from typing import Any, NoReturn

from fastgd.files.dialect import suffix_of
from fastgd.files.opening import STANDARD_INPUT
from fastgd.inputs.frames import IN_MEMORY, is_data_in_memory
from fastgd.inputs.words import kind_of, printable, quote
from fastgd.streaming import csv_file, parquet_file

READERS = {".parquet": parquet_file, ".pq": parquet_file, ".csv": csv_file, ".tsv": csv_file}
MORE_SUFFIXES = "(.pq, .tsv, .csv.gz and .csv.zst too)"


def find_files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the files of all paths, in the order of their names; refuse files of two kinds, and a file given twice."""
    if is_data_in_memory(paths):
        raise TypeError(f"paths must be a path, or a list of paths; got {kind_of(paths)}: {IN_MEMORY}")
    single = isinstance(paths, str | os.PathLike) or not hasattr(paths, "__iter__")
    given: list[Any] = [paths] if single else list(paths)  # type: ignore[arg-type]
    if not all(isinstance(path, str | os.PathLike) for path in given):
        raise TypeError(f"paths must be a path, or a list of paths; got {quote(paths)}")
    if not given:
        raise ValueError("paths must name one file at least; got none")
    found = sorted(file for path in given for file in expand_path(os.fsdecode(path)))
    kinds = {READERS[suffix_of(file)]: file for file in found}
    if len(kinds) > 1:
        got = " and ".join(f"'{printable(file)}'" for file in sorted(kinds.values()))
        raise ValueError(f"paths must be files of one kind; got {got}")
    seen: dict[Path, str] = {}
    for file in found:
        place = Path(file).resolve()
        if place in seen:
            got = f"'{printable(seen[place])}' and '{printable(file)}'"
            raise ValueError(f"paths must name no file twice; got {got}")
        seen[place] = file
    return found


def expand_path(path: str) -> list[str]:
    """Return the files of one path: a file, a folder or a pattern."""
    if "\0" in path:
        raise ValueError(f"paths must hold no null character; got {quote(path)}")
    if os.path.isdir(path):
        folders = walk_folders(os.path.join(path, ""))
        inside = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder)]
        files = [file for file in inside if is_data(file)]
        if not files:
            raise ValueError(f"paths must hold .parquet or .csv files; got the folder '{printable(path)}' without any")
        return files
    if is_pattern(path):
        files = [file for file in find_matches(path) if not os.path.isdir(file)]
        if not files:
            raise ValueError(f"paths must match files; got the pattern '{printable(path)}', which matches none")
    else:
        files = [path]
        refuse_input(path)
        os.stat(path)  # raises an OSError that names the file
    for file in files:
        if suffix_of(file) not in READERS:
            raise ValueError(f"paths must end in .parquet or .csv {MORE_SUFFIXES}; got '{printable(file)}'")
    return files


def refuse_input(path: str) -> None:
    """Refuse standard input: files are read twice, to find their columns and levels before their rows."""
    if path == STANDARD_INPUT:
        raise ValueError("paths must be files that can be read again; got standard input, '-'")


def is_data(file: str) -> bool:
    """Return True for a file in a folder that holds data by its name; other programs keep notes in hidden ones."""
    return suffix_of(file) in READERS and not os.path.basename(file).startswith((".", "_")) and os.path.isfile(file)


def is_pattern(path: str) -> bool:
    """Return True for a pattern, and False for the name of an existing file with such characters in it."""
    return any(character in path for character in "*?[") and not os.path.exists(path)


def find_matches(pattern: str) -> list[str]:
    """Return the paths that match a pattern, in which ** stands for any folders, each once.

    `glob` itself follows links from folder to folder again and again: two links to their own folder have 2**40 paths.
    """
    parts = pattern.replace(os.altsep or os.sep, os.sep).split(os.sep)
    if "**" not in parts:
        return glob(pattern)
    first = parts.index("**")
    rest = parts[first:]
    while rest and rest[0] == "**":
        del rest[0]
    begin = os.path.join(os.sep.join(parts[:first]), "")  # "" at the start of a path, or with a separator behind it
    folders = [folder for root in (glob(begin) if begin else [begin]) for folder in walk_folders(root)]
    inside = os.sep.join(rest) or "*"
    return list(dict.fromkeys(file for folder in folders for file in find_matches(escape(folder) + inside)))


def walk_folders(root: str) -> Iterator[str]:
    """Yield a folder, "" for the current one, and the folders below it except hidden ones; each once, by one path.

    A folder that cannot be read is an OSError: without its files, the data would not be those that were asked for.
    """
    here = "" if root else os.path.join(os.curdir, "")
    seen = set()
    for folder, names, _ in os.walk(root or os.curdir, onerror=refuse_folder, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            names.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield os.path.join(folder, "").removeprefix(here)


def refuse_folder(error: OSError) -> NoReturn:
    """Raise the error of a folder that cannot be read, which `os.walk` would pass over."""
    raise error
