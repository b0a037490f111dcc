"""A batch of rows, the record that a pass keeps of it, and the interface of all sources of batches."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import numpy as np

from fastgd.files.opening import FileState, make_state
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import count, printable, quote

STAMP_ROWS = 8  # the rows at each end of a batch that its stamp covers
START_OVER = "delete the checkpoint to begin anew"


class SeenBatch(NamedTuple):
    """The record of a batch: its file, counted from 0, its number of rows, and its stamp."""

    file: int
    rows: int
    stamp: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of rows, not checked yet.

    Attributes
    ----------
    X, y, weights : array_like
        The rows; weights may be None.
    file : int
        The number of the file that the rows come from, counted from 0; 0 without files.
    where : str
        The place of the batch, for messages.
    locate : callable
        Takes a row of the batch, counted from 0, and returns its place, for messages.
    columns : list of str or None
        The names of the features, the targets and the weight, or of the first of them; None for one without a name.
    weight : str or None
        The name of the column of the weights.
    end : int or None
        The bytes of its file that were read for it and the batches before it, if the number of rows is not known.
    whole : tuple of bool
        For X, y and the weights: True if the stamp covers all rows, not just the first and last.
    """

    X: Any
    y: Any
    weights: Any
    file: int
    where: str
    locate: Callable[[int], str]
    columns: Sequence[str | None] = ()
    whole: tuple[bool, bool, bool] = (False, False, False)
    end: int | None = None
    weight: str | None = None

    def explain(self, error: Exception) -> str:
        """Return the message of an error with the place of the batch, in which the weights have their name."""
        return f"{self.where}: {str(error).replace('sample_weight', name_weights(self.weight))}"


def list_names(features: list[str] | None, target: Any, X: Any) -> list[str | None]:
    """Return the names of the columns of X, and of y if it has some, for messages; None for one without a name."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if features is None and len(shape) != 2:  # the number of the columns is not known yet
        return []
    targets = [target] if isinstance(target, str) else target
    return [*([None] * shape[1] if features is None else features), *(targets if target else [])]


class BatchSource(Protocol):
    """A source of batches in a fixed order. The attributes are properties here because they are only read.

    Attributes
    ----------
    identity : dict
        The description that a checkpoint of this source must share, as plain values for JSON.
    weight : str or None
        The name of the column of the weights of the rows; None without one.
    place : str
        The begin of a message about all rows: the names of the files and a colon, or nothing.
    total : int or None
        The number of rows; None if it is not known.
    n_features : int or None
        The number of features; None if it is not known before the first batch.
    n_targets : int
        The number of targets, if the number of features is known.
    features : list of str or None
        The names of the columns of X, known after the last batch at the latest.
    target : str, list of str, or None
        The name of y, or of its columns, known as early.
    bytes_read : pair of int or None
        The bytes read so far, and those of all files; None if `total` or nothing is known.
    rereadable : bool
        True if batches stay unchanged, so that several can be summed at a time, and all of them read again.
    """

    @property
    def identity(self) -> dict[str, Any]: ...  # noqa: D102
    @property
    def weight(self) -> str | None: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    @property
    def total(self) -> int | None: ...  # noqa: D102
    @property
    def n_features(self) -> int | None: ...  # noqa: D102
    @property
    def n_targets(self) -> int: ...  # noqa: D102
    @property
    def features(self) -> list[str] | None: ...  # noqa: D102
    @property
    def target(self) -> Any: ...  # noqa: D102
    @property
    def bytes_read(self) -> tuple[int, int] | None: ...  # noqa: D102
    @property
    def rereadable(self) -> bool: ...  # noqa: D102

    def batches_after(self, seen: Sequence[SeenBatch]) -> Iterator[Batch]:
        """Yield the batches after those seen, the same ones in every run; refuse data that differ from those seen."""
        ...


def name_weights(column: str | None) -> str:
    """Return the words for the weights of the rows in a message: their column, or the argument.

    Examples
    --------
    >>> from fastgd.streaming.source import name_weights
    >>> name_weights("count"), name_weights(None)
    ("column 'count'", 'sample_weight')
    """
    return "sample_weight" if column is None else f"column {quote(column)}"


def name_files(paths: Sequence[str]) -> str:
    """Return the begin of a message about all rows of some files.

    Examples
    --------
    >>> from fastgd.streaming.source import name_files
    >>> name_files(["a.csv"]), name_files(["a.csv", "b.csv", "c.csv"])
    ('a.csv: ', 'a.csv and 2 more files: ')
    """
    more = f" and {count(len(paths) - 1, 'more file')}" if len(paths) > 1 else ""
    return f"{printable(paths[0])}{more}: "


def identify_file(path: str | os.PathLike[str], state: FileState | None = None) -> dict[str, Any]:
    """Return the identity of a file in a state, by default that of now, for a checkpoint.

    Device and inode are left out: a file does not keep them after it was copied, or mounted again.
    """
    state = state or make_state(os.stat(path))
    return {"file": os.path.abspath(path), "size": state.size, "changed": state.changed}


def make_stamp(arrays: Sequence[Array | None], whole: Sequence[bool]) -> int:
    """Return a checksum of X, y and the weights: of all rows, or of the first and last where `whole` is false.

    Data that the user hands over are included as a whole: nothing else shows a change of them.
    """
    stamp = 0
    for array, all_rows in zip(arrays, whole, strict=True):
        if array is None:
            stamp = crc32(b"none", stamp)
            continue
        for rows in (array,) if all_rows else (array[:STAMP_ROWS], array[-STAMP_ROWS:]):
            by_columns = all_rows and rows.flags.f_contiguous and not rows.flags.c_contiguous  # read where it lies
            stamp = crc32(np.ascontiguousarray(rows.T if by_columns else rows).data, stamp)
    return stamp


def find_position(seen: Sequence[SeenBatch]) -> tuple[int, int]:
    """Return the number of the file that the last batch came from, and how many of its rows were seen."""
    if not seen:
        return 0, 0
    file = seen[-1].file
    return file, sum(batch.rows for batch in seen if batch.file == file)
