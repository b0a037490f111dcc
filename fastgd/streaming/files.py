"""Fit Parquet and CSV files: choose their columns, and read them in order."""

from __future__ import annotations  # help() shows plain names

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from fastgd.files.dialect import Dialect, suffix_of
from fastgd.files.lines import TableError
from fastgd.inputs.words import printable, quote
from fastgd.streaming.choosing import Request, check_different, choose_columns
from fastgd.streaming.columns import Columns, Head
from fastgd.streaming.finding import READERS, find_files
from fastgd.streaming.levels import collect_levels
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.partitions import add_partition
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import Batch, SeenBatch, find_position, identify_file, name_files


def fit_files(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    target: str | Sequence[str],
    *,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    one_hot: Sequence[str] | None = None,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    method: str = "auto",
    missing: str = "error",
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    checkpoint: str | os.PathLike[str] | None = None,
    quiet: bool = True,
    **descent: Any,
) -> StreamResult:
    r"""Fit a linear regression to Parquet or CSV files that need not fit into memory.

    The fit is the one of `fastgd.gradient_descent` on the rows of all files with ``compress=True``. Files are read in
    the order of their names: Parquet by row groups, which needs pyarrow, the extra ``parquet``; CSV by blocks, which is
    far faster with pyarrow.

    Parameters
    ----------
    paths : path, or iterable of paths
        A path is a file, a folder (its files of these kinds, and those in folders below) or a pattern such as
        ``data/*.parquet``. All files must be Parquet, .parquet or .pq, or all CSV, .csv or .tsv, which may be
        compressed: .csv.gz, .csv.zst. Of several files, folders such as ``year=2024`` hold a column, which the files
        must not have too. Files without rows are skipped; at least one must have some.
    target : str or sequence of str
        The column to predict, or several: one pass and one descent fit them all.
    features : sequence of str or None
        The columns to predict from. None takes all others, in the order of the first file, and all files must have the
        same columns. The order of the columns may differ between files, and unused columns may hold anything.
    weight : str or None
        A column of weights of the rows: a weight of k counts a row k times.
    one_hot : sequence of str or None
        Features that hold text, or numbers that are names. Each becomes a column of ones and zeros for each of its
        levels, at most 1,000, named like ``town=Oslo``. A first pass over the files finds the levels.
    fit_intercept : bool
        True if the weights begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "auto" is "gram", followed by a second pass with "qr" if "gram" loses digits.
    missing : {"error", "skip"}
        "error" refuses a row that holds a null or NaN in a used column, and names file, row group, row and column;
        "skip" leaves the row out and counts it. Infinities are always refused.
    delimiter : str or None
        The character between two cells of a CSV file. None is a tab in files that end in .tsv, a semicolon if the
        decimal mark is a comma, and else a comma.
    decimal : {".", ","}
        The decimal mark of a CSV file.
    encoding : str
        The encoding of a CSV file, by a name that Python knows.
    checkpoint : path or None
        A file that keeps the sums, saved every few seconds; see `fit_batches`. The files must be the same, and
        unchanged, and the columns too. A resumed fit skips the files and row groups already summed; it reads the CSV
        file in which it stopped from the start, and drops the rows already summed.
    quiet : bool
        False shows progress on standard error; see `fit_batches`.
    **descent
        Arguments of the descent: see `fit_batches`.

    Returns
    -------
    StreamResult
        A `fastgd.DescentResult` with n_samples, skipped and method.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described above. If a file is damaged, lacks a column, or has a column without
        numbers or of another type than in the first file, or a value that is not finite; the message names the place.
        If the checkpoint is damaged or belongs to another fit.
    OSError
        If a file does not exist or cannot be read.
    ImportError
        If pyarrow is not installed, and files are Parquet or compressed by zstd.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.streaming import fit_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number in range(3):
    ...         rows = "".join(f"{x},{number},{1 + 2 * x + 3 * number}\n" for x in range(4))
    ...         _ = (Path(folder) / f"{number}.csv").write_text("x,number,y\n" + rows)
    ...     result = fit_files(folder, "y")
    >>> result.features, result.weights.round(6), result.n_samples
    (['x', 'number'], array([1., 2., 3.]), 12)
    """
    descent |= {"fit_intercept": fit_intercept, "alpha": alpha}
    options = StreamOptions.checked(
        "fit_files", descent, method=method, missing=missing, checkpoint=checkpoint, quiet=quiet
    )
    dialect = Dialect.checked(delimiter, decimal, encoding)
    source = FileBatchSource(find_files(paths), Request(target, features, weight, one_hot, missing, dialect))
    return replace(fit_source(source, options), levels=source.columns.levels)


class FileBatchSource:
    """Files as a source of batches, in the order given."""

    rereadable = True

    def __init__(self, paths: list[str], request: Request) -> None:
        reader = READERS[suffix_of(paths[0])]
        heads = [reader.read_head(path, request.dialect) for path in paths]  # before any rows: errors come early
        if len(heads) > 1 if request.partitioned is None else request.partitioned:
            heads = [add_partition(head) for head in heads]
        self.columns: Columns = choose_columns(heads, request)
        self.heads, self.reader, self.place = heads, reader, name_files(paths)
        if self.columns.levels:
            self.columns = replace(self.columns, levels=find_levels(reader, heads, self.columns))
            names = [*self.columns.encoded, *self.columns.targets]
            check_different("one_hot must give features of different names", names)
        rows = [head.rows for head in heads if head.rows is not None]
        self.total = sum(rows) if len(rows) == len(heads) else None
        self.bytes_read: tuple[int, int] | None = None
        self.features, self.target = self.columns.encoded, self.columns.target
        self.weight = self.columns.weight
        self.n_features, self.n_targets = len(self.features), len(self.columns.targets)
        self.identity: dict[str, Any] = {
            "source": "files",
            "files": [identify_file(head.path, head.state) for head in heads],
            "target": self.target,
            "features": self.features,
            "weight": request.weight,
            "reader": reader.identify_reader(self.columns),
        }

    def batches_after(self, seen: Sequence[SeenBatch]) -> Iterator[Batch]:
        """Yield the batches after those seen."""
        first, rows = find_position(seen)
        sizes = [head.state.size for head in self.heads]
        for file in range(first, len(self.heads)):
            for batch in self.reader.read_batches(self.heads[file], self.columns, file, rows if file == first else 0):
                if batch.end is not None:
                    self.bytes_read = sum(sizes[:file]) + batch.end, sum(sizes)
                yield batch


def find_levels(reader: Any, heads: Sequence[Head], columns: Columns) -> dict[str, list[str]]:
    """Return the levels of the columns to encode, in the order of their labels, by a pass over the files."""
    seen: dict[str, set[str]] = {}
    for head in heads:
        for arrays in reader.read_labels(head, list(columns.levels)):
            for name, labels in zip(columns.levels, arrays, strict=True):
                collect_levels(seen, name, labels, printable(head.path))
    for name in columns.levels:
        if not seen.get(name):
            got = "got none in any file" if len(heads) > 1 else "got none"
            raise TableError(f"{printable(heads[0].path)}, column {quote(name)}: expected levels to encode; {got}")
    return {name: sorted(seen[name]) for name in columns.levels}
