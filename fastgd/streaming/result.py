"""What a fit of a stream leaves behind: a `DescentResult`, and what another pass over the rows would be needed for."""

from dataclasses import dataclass, fields
from math import sqrt
from pathlib import Path

import numpy as np

from fastgd.descent.cost import cost
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import descend
from fastgd.inputs.arrays import EPSILON, norm
from fastgd.problem.compressor import make_problem
from fastgd.problem.moments import Summary
from fastgd.problem.rows import prepare_summary
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.options import Options
from fastgd.streaming.passes import read
from fastgd.streaming.source import Source


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
    cost : float
        J of the weights, over all rows and without the ridge.
    r_squared : float or None
        The share of the variance of y that is explained; None if y is constant.

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
    cost: float
    r_squared: float | None

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
            Without n_samples, skipped, method, cost and r_squared.

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


def fit_source(source: Source, options: Options) -> StreamResult:
    """Read all batches, descend on their sums, and remove the checkpoint."""
    if source.n_features is not None:
        options.check_start(source.n_features)
    identity = {**source.identity, "method": options.method, "missing": options.missing}
    checkpoint = Checkpoint(options.checkpoint, identity)
    state, summary = read(source, options, checkpoint)
    result = report(source, options, summary, rows=state.rows, skipped=state.skipped, method=state.method)
    if result.reason != "interrupted":  # what was read need not be read again
        checkpoint.remove()
    return result


def report(source: Source, options: Options, summary: Summary, *, rows: int, skipped: int, method: str) -> StreamResult:
    """Descend on the sums of all rows, and say how that went."""
    prepared = prepare_summary(summary, options.fit_intercept, options.alpha, options.standardize)
    start = options.make_start(len(summary.means) - 1)
    result = descend(prepared, start, options.settings, "the rows were read in batches")
    inherited = {field.name: getattr(result, field.name) for field in fields(DescentResult)}
    reached, r_squared = judge(summary, result, options.fit_intercept)
    return StreamResult(
        **{**inherited, "features": source.features, "target": source.target},
        n_samples=rows - skipped,
        skipped=skipped,
        method=method,
        cost=reached,
        r_squared=r_squared,
    )


def judge(summary: Summary, result: DescentResult, fit_intercept: bool) -> tuple[float, float | None]:
    """Return J of the weights without a ridge, and R²."""
    n_features = len(summary.means) - 1
    reached = cost(*make_problem(summary, fit_intercept, np.zeros(n_features)), result.weights)
    deviation = norm(summary.rows[:, -1]) / sqrt(summary.total)
    constant = deviation <= 4 * EPSILON * abs(summary.means[-1])  # as far as rounding lets see
    return reached, None if constant else 1 - 2 * reached / deviation**2
