"""The result of a fit of batches: a `DescentResult` with counts of the rows."""

from dataclasses import dataclass, fields

from fastgd.descent.fit import fit_rows
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.problem.rows import CompressedSource
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.lock import hold_lock
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.passes import sum_source
from fastgd.streaming.source import BatchSource


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class StreamResult(DescentResult):
    """A `DescentResult` that also knows how many rows were read, and how they were summed.

    Attributes
    ----------
    n_samples : int
        The number of rows fitted, including rows of weight zero.
    skipped : int
        The number of rows left out because of missing values.
    method : {"gram", "qr"}
        The method by which the rows were summed.

    Examples
    --------
    >>> from fastgd.streaming import fit_batches
    >>> batches = [([[0.0], [1.0]], [1.0, 3.0]), ([[2.0]], [5.0])]
    >>> result = fit_batches(batches)
    >>> result.n_samples, result.skipped, result.method, round(result.r_squared, 6)
    (3, 0, 'qr', 1.0)
    """

    n_samples: int
    skipped: int
    method: str


def fit_source(source: BatchSource, options: StreamOptions) -> StreamResult:
    """Read all batches, descend on their sums, and remove the checkpoint."""
    if source.n_features is not None:
        options.descent.check_start_shape(source.n_features, source.n_targets)
    identity = {**source.identity, "method": options.method, "missing": options.missing}
    with hold_lock(options.checkpoint):
        checkpoint = Checkpoint(options.checkpoint, identity)
        state, summary = sum_source(source, options, checkpoint)
        rows = CompressedSource(summary, "the rows were read in batches", source.features, source.target)
        result = solve_sums(rows, options.descent, n_rows=state.rows, skipped=state.skipped, method=state.method)
        # An interrupted descent can start again without reading the rows; several targets have a list of reasons.
        if "interrupted" not in result.reason:
            checkpoint.remove()
    return result


def solve_sums(
    rows: CompressedSource, options: DescentOptions, *, n_rows: int, skipped: int, method: str
) -> StreamResult:
    """Descend on the sums of all rows; return the result with the names of the columns and the counts of rows."""
    result = fit_rows(rows, options)
    inherited = {field.name: getattr(result, field.name) for field in fields(DescentResult)}
    counts = {"n_samples": n_rows - skipped, "skipped": skipped}
    return StreamResult(**(inherited | counts), method=method)
