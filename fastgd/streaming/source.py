"""What rows come from: batches in a fixed order, some of which an earlier run may have seen."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import numpy as np

SAMPLE = 8  # rows at either end of a batch that its stamp is made of


class Seen(NamedTuple):
    """What is remembered of a batch: which part it is from (a file), how many rows, and a stamp of some of them."""

    part: int
    rows: int
    stamp: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows, as they came.

    Attributes
    ----------
    X, y, weights : array_like
        Unchecked; weights may be None.
    part : int
        Which file they are from, counted from 0.
    where : str
        Where they came from, for a message.
    locate : callable
        Returns where a row of them, counted from 0, came from.
    columns : list of str or None
        The names of the features, the target and the weight.
    whole : bool
        Whether all rows are to be remembered by, not just the first and last.
    """

    X: Any
    y: Any
    weights: Any
    part: int
    where: str
    locate: Callable[[int], str]
    columns: list[str] | None = None
    whole: bool = False


class BatchSource(Protocol):
    """Where batches come from. What is known of them is only read here, hence the properties.

    Attributes
    ----------
    identity : dict
        What a checkpoint must be of to be of this source, as plain values for JSON.
    total : int or None
        How many rows there are, if that is known.
    n_features : int or None
        How many features, if that is known before the first batch.
    features, target : list of str, str, or None
        Names, known after the last batch at the latest.
    lasting : bool
        Whether a batch stays as it is when the next one is taken: several may be worked on at a time then, and all of
        them be read again.
    """

    @property
    def identity(self) -> dict[str, Any]: ...  # noqa: D102
    @property
    def total(self) -> int | None: ...  # noqa: D102
    @property
    def n_features(self) -> int | None: ...  # noqa: D102
    @property
    def features(self) -> list[str] | None: ...  # noqa: D102
    @property
    def target(self) -> str | None: ...  # noqa: D102
    @property
    def lasting(self) -> bool: ...  # noqa: D102

    def batches(self, seen: Sequence[Seen]) -> Iterator[Batch]:
        """Yield the batches after those seen, the same ones in every run; refuse what differs from those seen."""
        ...


def make_stamp(X: Any, y: Any, weights: Any, whole: bool) -> int:
    """Return a number that tells batches apart, whatever the order of X in memory: by all rows, or the first and last.

    All rows are looked at where they were handed in, and nobody else knows whether they are the same.
    """
    stamp = 0 if weights is None else 1
    for array in (X, y) if weights is None else (X, y, weights):
        for rows in (array,) if whole else (array[:SAMPLE], array[-SAMPLE:]):
            stamp = crc32(np.ascontiguousarray(rows, dtype=np.float64).data, stamp)
    return stamp


def split_seen(seen: Sequence[Seen]) -> tuple[int, int]:
    """Return the part that the next batch is from, or the one after, and how many rows of that part were seen."""
    if not seen:
        return 0, 0
    part = seen[-1].part
    return part, sum(batch.rows for batch in seen if batch.part == part)
