"""Which files a user means: by names, folders and patterns."""

import os
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import Any

SUFFIXES = (".parquet", ".csv")


def find_files(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the files that are meant, in the order of their names; all are of one kind, and none comes twice."""
    single = isinstance(paths, str | os.PathLike) or not hasattr(paths, "__iter__")
    given: list[Any] = [paths] if single else list(paths)  # type: ignore[arg-type]
    if not all(isinstance(path, str | os.PathLike) for path in given):
        raise TypeError(f"paths must be a path, or a list of paths; got {paths!r}")
    if not given:
        raise ValueError("paths must name one file at least; got none")
    found = sorted(file for path in given for file in expand(os.fspath(path)))
    kinds = {suffix_of(file): file for file in found}
    if len(kinds) > 1:
        raise ValueError(f"paths must be files of one kind; got {' and '.join(map(repr, sorted(kinds.values())))}")
    seen: dict[Path, str] = {}
    for file in found:
        place = Path(file).resolve()
        if place in seen:
            raise ValueError(f"paths must name no file twice; got {seen[place]!r} and {file!r}")
        seen[place] = file
    return found


def expand(path: str) -> list[str]:
    """Return the files of one name, folder or pattern."""
    if os.path.isdir(path):
        inside = [os.path.join(path, name) for name in os.listdir(path) if suffix_of(name) in SUFFIXES]
        files = [file for file in inside if os.path.isfile(file)]
        if not files:
            raise ValueError(f"paths: expected .parquet or .csv files in the folder {path!r}; got none")
        return files
    if is_pattern(path):
        files = [file for file in glob(path, recursive=True) if not os.path.isdir(file)]
        if not files:
            raise ValueError(f"paths: expected files that match {path!r}; got none")
    else:
        files = [path]
        os.stat(path)  # an OSError that names it
    for file in files:
        if suffix_of(file) not in SUFFIXES:
            raise ValueError(f"paths: expected files that end in {' or '.join(SUFFIXES)}; got {file!r}")
    return files


def is_pattern(path: str) -> bool:
    """Tell whether a path is a pattern, and not the name of a file with such characters in it."""
    return any(character in path for character in "*?[") and not os.path.exists(path)


def suffix_of(path: str) -> str:
    """Return the end of a name that says what kind of file it is."""
    return os.path.splitext(path)[1].lower()
