"""Fit Parquet and CSV files: which ones, which of their columns, and in what order they are read."""

from __future__ import annotations  # help() shows plain names

import os
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Any

from fastgd.streaming import csv_file, parquet_file
from fastgd.streaming.array import identify_file
from fastgd.streaming.columns import Columns, choose_columns
from fastgd.streaming.options import check_options
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import Batch, Seen, split_seen

READERS = {".parquet": parquet_file, ".csv": csv_file}


def fit_files(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    target: str,
    *,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    method: str = "auto",
    missing: str = "error",
    checkpoint: str | os.PathLike[str] | None = None,
    quiet: bool = True,
    **descent: Any,
) -> StreamResult:
    r"""Fit a linear regression to Parquet or CSV files that need not fit into memory.

    The fit is that of `fastgd.gradient_descent` on the rows of all files, compressed. Files are read in the order of
    their names: Parquet by row groups, CSV by blocks. pyarrow reads them: ``pip install 'fastgd[parquet]'``.

    Parameters
    ----------
    paths : path, or iterable of paths
        Each a file, a folder (its .parquet or .csv files) or a pattern such as ``data/*.parquet``. The suffix says what
        a file is; all must be of one kind.
    target : str
        The column to predict.
    features : sequence of str or None
        The columns to predict from. None takes all others, in the order of the first file, and demands the same columns
        of every file. Columns may be in another order there, and columns that are not used may hold anything.
    weight : str or None
        A column of weights of the rows: a weight of k counts as k equal rows.
    fit_intercept : bool
        Whether weights begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "auto" is "gram", and a second pass by "qr" where that would have lost digits.
    missing : {"error", "skip"}
        What to do with a row that holds a null or NaN in a column that is used: refuse it, with file, row group, row
        and column, or leave it out and count it. Infinities are refused.
    checkpoint : path or None
        A file that keeps what was summed up, every few seconds; see `fit_batches`. Row groups that were read are not
        read again, nor are CSV files; of the CSV file it stopped in, lines are read again but not summed up. The files
        must be the same, and unchanged.
    quiet : bool
        False shows on standard error how many rows were read, and how fast: see `fit_batches`.
    **descent
        Arguments of the descent: see `fit_batches`.

    Returns
    -------
    StreamResult
        A `fastgd.DescentResult`, with features, target, n_samples, skipped, method, cost and r_squared.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described above. If a file is damaged, lacks a column, has one that is not of
        numbers or of another type than in the first file, or a value that is not finite: with the place. If the
        checkpoint is damaged, or one of another fit.
    OSError
        If a file is not there, or cannot be read.
    ImportError
        If pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.streaming import fit_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number in range(3):
    ...         rows = "".join(f"{x},{number},{1 + 2 * x + 3 * number}\n" for x in range(4))
    ...         _ = (Path(folder) / f"{number}.csv").write_text("x,number,y\n" + rows)
    ...     result = fit_files(folder, "y", learning_rate="eigenvalues", standardize=True)
    >>> result.features, result.weights.round(6), result.n_samples
    (['x', 'number'], array([1., 2., 3.]), 12)
    """
    options = check_options(
        "fit_files",
        descent,
        fit_intercept=fit_intercept,
        alpha=alpha,
        method=method,
        missing=missing,
        checkpoint=checkpoint,
        quiet=quiet,
    )
    return fit_source(FileSource(find_files(paths), target, features, weight), options)


class FileSource:
    """Batches of files, in the order given."""

    lasting = True

    def __init__(self, paths: list[str], target: str, features: Sequence[str] | None, weight: str | None) -> None:
        reader = READERS[os.path.splitext(paths[0])[1].lower()]
        heads = [reader.read_head(path) for path in paths]  # all of them, before any work
        self.columns: Columns = choose_columns(heads, target, features, weight)
        self.paths, self.heads, self.reader = paths, heads, reader
        rows = [head.rows for head in heads if head.rows is not None]
        self.total = sum(rows) if len(rows) == len(heads) else None
        self.features, self.target = self.columns.features, target
        self.n_features = len(self.features)
        self.identity: dict[str, Any] = {
            "source": "files",
            "files": [identify_file(path) for path in paths],
            "columns": self.columns.names,
            "weight": weight,
            "reader": self.reader.describe(self.columns),
        }

    def batches(self, seen: Sequence[Seen]) -> Iterator[Batch]:
        """Yield the batches after those seen."""
        first, done = split_seen(seen)
        for part in range(first, len(self.paths)):
            yield from self.reader.read_batches(self.heads[part], self.columns, part, done if part == first else 0)


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
