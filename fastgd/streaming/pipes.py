"""Fit CSV from a pipe or from standard input, which can be read once."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

from fastgd.files.csv import check_columns, read_parts
from fastgd.files.csv_blocks import Block, describe_line
from fastgd.files.dialect import Dialect
from fastgd.inputs.words import printable
from fastgd.streaming.choosing import Request, check_column_names, choose_features
from fastgd.streaming.columns import Columns
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import Batch, SeenBatch, name_files


def fit_pipe(
    path: str | os.PathLike[str],
    target: str | Sequence[str],
    *,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    missing: str = "error",
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    quiet: bool = True,
    **descent: Any,
) -> StreamResult:
    r"""Fit a linear regression to CSV that can be read once: the path of a pipe, or "-" for standard input.

    Parameters
    ----------
    path : path
        The pipe; "-" is standard input.
    target, features, weight, missing, delimiter, decimal, encoding, quiet, **descent
        As in `fit_files`.

    Raises
    ------
    TypeError, ValueError, OSError
        As in `fit_files`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.streaming.pipes import fit_pipe
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("x,y\n0,1\n1,3\n2,5\n")
    ...     fit_pipe(f"{folder}/a.csv", "y").weights.round(6)
    array([1., 2.])
    """
    options = StreamOptions.checked("fit_pipe", descent, method="auto", missing=missing, checkpoint=None, quiet=quiet)
    dialect = Dialect.checked(delimiter, decimal, encoding)
    return fit_source(
        PipeBatchSource(os.fspath(path), Request(target, features, weight, None, missing, dialect)), options
    )


class PipeBatchSource:
    """CSV from a pipe as a source of batches: one for each block of text."""

    total = None
    rereadable = False
    bytes_read = None

    def __init__(self, path: str, request: Request) -> None:
        self.path, self.place = path, name_files([path])
        features, weight = request.features, request.weight
        targets, gaps = check_column_names(request.target, features, weight), request.missing == "skip"
        taken = [*targets, *([] if weight is None else [weight])]
        wanted = None if features is None else [*features, *taken]
        parts = read_parts(path, wanted, request.dialect, gaps=gaps)
        self.names, first = next(parts)
        check_columns(path, self.names, taken)
        features = choose_features(path, self.names, targets, features, weight)
        self.weight = weight
        self.columns = Columns(features, targets, weight, gaps=gaps)
        self.blocks: Iterator[Block] = chain([first], (block for _, block in parts))
        self.features, self.target = features, self.columns.target
        self.n_features, self.n_targets = len(features), len(targets)
        self.identity: dict[str, Any] = {"source": "pipe"}

    def batches_after(self, _: Sequence[SeenBatch]) -> Iterator[Batch]:
        """Yield all batches; there is no checkpoint, which would need the rows again."""
        for block in self.blocks:
            if not len(block.lines):
                continue
            found = dict(zip(self.names, block.arrays, strict=True))
            where = f"{printable(self.path)}, lines {block.lines[0]} to {block.lines[-1]}"
            locate = partial(describe_line, self.path, block.lines)
            yield self.columns.make_batch([found[name] for name in self.columns.names], 0, where, locate)
