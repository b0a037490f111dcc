"""The sums of one batch: its rows are checked, those with missing values refused or left out, the others summed up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers, check_problem, check_sample_weight
from fastgd.problem.moments import Moments, add_moments, sum_blocks
from fastgd.streaming.source import Batch, Seen, make_stamp


@dataclass(frozen=True, slots=True)
class Part:
    """What is kept of a batch: moments (None if no row counts), how many rows were left out, and what to remember."""

    moments: Moments | None
    skipped: int
    seen: Seen


def sum_batch(batch: Batch, shift: Array | None, method: str, missing: str) -> Part:
    """Return the sums of a batch, about a shift if there is one already; errors say which batch it was."""
    if len_of(batch.X) == 0 and len_of(batch.y) == 0:
        return Part(None, 0, Seen(batch.part, 0, 0))
    try:
        X, y = check_problem(batch.X, batch.y, finite=False)
        # A weight that is not finite is looked at below, where the row is known.
        weights = None if batch.weights is None else check_numbers("sample_weight", batch.weights)
        if weights is not None and weights.shape != y.shape:
            check_sample_weight(weights, len(y))
        if shift is not None and X.shape[1] + 1 != len(shift):
            raise ValueError(f"X must have {len(shift) - 1} columns, as before; got {X.shape[1]}")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{batch.where}: {error}") from error
    if weights is not None and (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise ValueError(f"{batch.locate(row)}: sample_weight must not be negative; got {weights[row]}")
    bad = find_bad_rows(X, y, weights)
    left_out = check_bad_rows(batch, (X, y, weights), bad, missing) if len(bad) else bad
    seen = Seen(batch.part, len(y), make_stamp(X, y, weights, batch.whole))
    if len(left_out):
        keep = np.delete(np.arange(len(y)), left_out)
        X, y, weights = X[keep], y[keep], None if weights is None else weights[keep]
    try:
        return Part(sum_rows(X, y, weights, shift, method), len(left_out), seen)
    except ValueError as error:  # weights, or squares out of range
        raise ValueError(f"{batch.where}: {error}") from error


def len_of(values: object) -> int | None:
    """Return how many rows something has; None for what has no rows."""
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple):
        return shape[0] if shape else None
    return len(values) if hasattr(values, "__len__") else None


def sum_rows(X: Array, y: Array, weights: Array | None, shift: Array | None, method: str) -> Moments | None:
    """Return the moments of finite rows; None if none of them counts."""
    weights = check_sample_weight(weights, len(y), zero_sum=True)
    if not len(y) or (weights is not None and not weights.any()):
        return None
    return sum_blocks(X, y[:, np.newaxis], weights, method, shift)


def find_bad_rows(X: Array, y: Array, weights: Array | None) -> Array:
    """Return which rows hold a NaN or an infinity: one fast pass, and a closer look at the rows it suspects."""
    with np.errstate(over="ignore", invalid="ignore"):
        sums = X @ np.ones(X.shape[1], X.dtype) + y  # hides no NaN and no infinity
        if weights is not None:
            sums += weights
    suspects = np.flatnonzero(~np.isfinite(sums))
    if not len(suspects):
        return suspects
    finite = np.isfinite(stack(X, y, weights, suspects)).all(axis=1)
    return suspects[~finite]


def stack(X: Array, y: Array, weights: Array | None, rows: Array) -> Array:
    """Return rows of all columns: those of X, y, and the weight."""
    return np.column_stack([array[rows] for array in (X, y, weights) if array is not None])


def check_bad_rows(batch: Batch, arrays: tuple[Array, Array, Array | None], bad: Array, missing: str) -> Array:
    """Return the rows to leave out; refuse the first value that is neither finite nor missing and to be skipped."""
    values = stack(*arrays, bad)
    refused = ~np.isfinite(values)
    if missing == "skip":
        refused &= ~np.isnan(values).any(axis=1, keepdims=True)
    if not refused.any():
        return bad
    row, column = np.argwhere(refused)[0].tolist()
    value, n_features = values[row, column], arrays[0].shape[1]
    if batch.columns is not None:
        name = f"column {batch.columns[column]!r}"
    else:
        name = f"column {column} of X" if column < n_features else ("y", "sample_weight")[column - n_features]
    hint = "; missing='skip' leaves out rows without a value" if np.isnan(value) else ""
    got = "no value (null or NaN)" if np.isnan(value) else value
    raise ValueError(f"{batch.locate(int(bad[row]))}, {name}: expected a finite number; got {got}{hint}")


@dataclass(frozen=True, slots=True)
class State:
    """How far a pass has come. Never changed, so that an interrupt between two steps leaves a whole one.

    Attributes
    ----------
    method : {"gram", "qr"}
        What this pass sums up.
    moments : Moments or None
        The sums; None before the first row of positive weight.
    skipped : int
        How many rows were left out.
    batches : int
        How many batches were summed up.
    """

    method: str
    moments: Moments | None = None
    skipped: int = 0
    batches: int = 0
    log: list[Seen] = field(default_factory=list)  # of this state and of those after it

    @property
    def seen(self) -> Sequence[Seen]:
        """The batches that were summed up."""
        return self.log[: self.batches]

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(batch.rows for batch in self.seen)

    def after(self, part: Part) -> "State":
        """Return the state after one more batch."""
        moments = self.moments
        if part.moments is not None:
            moments = part.moments if moments is None else add_moments(moments, part.moments, self.method)
        del self.log[self.batches :]
        self.log.append(part.seen)
        return State(self.method, moments, self.skipped + part.skipped, self.batches + 1, self.log)
