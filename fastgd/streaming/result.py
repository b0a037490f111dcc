"""What a fit of a stream leaves behind: a `DescentResult`, and what another pass over the rows would be needed for."""

from dataclasses import dataclass, fields
from pathlib import Path

from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import solve
from fastgd.problem.rows import CompressedSource
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.passes import read
from fastgd.streaming.source import BatchSource


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class StreamResult(DescentResult):
    """A `DescentResult`, and what is known of rows that are gone.

    Attributes
    ----------
    n_samples : int
        How many rows were fitted, those of weight zero included.
    skipped : int
        How many rows were left out since they had missing values.
    method : {"gram", "qr"}
        What the rows were summed up by.

    Examples
    --------
    >>> from fastgd.streaming import fit_batches
    >>> batches = [([[0.0], [1.0]], [1.0, 3.0]), ([[2.0]], [5.0])]
    >>> result = fit_batches(batches, learning_rate="eigenvalues", standardize=True)
    >>> result.n_samples, result.skipped, result.method, round(result.r_squared, 6)
    (3, 0, 'qr', 1.0)
    """

    n_samples: int
    skipped: int
    method: str

    @classmethod
    def load(cls, path: str | Path) -> DescentResult:
        """Read what `save` has written, as a `DescentResult`: of the rows, nothing is saved.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.

        Returns
        -------
        DescentResult
            Without n_samples, skipped and method.

        Raises
        ------
        fastgd.files.model.ModelError
            If the file is no such model, or has no history; it is a ValueError.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> from fastgd.streaming import StreamResult, fit_batches
        >>> result = fit_batches([([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result.save(f"{folder}/model.json")
        ...     StreamResult.load(f"{folder}/model.json").epochs == result.epochs
        True
        """
        return DescentResult.load(path)


def fit_source(source: BatchSource, options: StreamOptions) -> StreamResult:
    """Read all batches, descend on their sums, and remove the checkpoint."""
    if source.n_features is not None:
        options.descent.check_features(source.n_features)
    identity = {**source.identity, "method": options.method, "missing": options.missing}
    checkpoint = Checkpoint(options.checkpoint, identity)
    state, summary = read(source, options, checkpoint)
    rows = CompressedSource(summary, "the rows were read in batches", source.features, source.target)
    result = solve_sums(rows, options.descent, n_rows=state.rows, skipped=state.skipped, method=state.method)
    if result.reason != "interrupted":  # what was read need not be read again
        checkpoint.remove()
    return result


def solve_sums(
    rows: CompressedSource, options: DescentOptions, *, n_rows: int, skipped: int, method: str
) -> StreamResult:
    """Descend on the sums of all rows, and add to the result what is known of the rows."""
    (prepared,) = rows.prepare(options)
    result = solve(prepared, options.make_start(rows.n_features), options)
    inherited = {field.name: getattr(result, field.name) for field in fields(DescentResult)}
    return StreamResult(
        **{**inherited, "features": rows.features, "target": rows.target},
        n_samples=n_rows - skipped,
        skipped=skipped,
        method=method,
    )
