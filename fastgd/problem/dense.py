"""The summary of dense rows for whitened coordinates: from their Gram matrix wherever that can keep all digits."""

from functools import partial

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.corrected import loses_digits, summarize_corrected
from fastgd.problem.measured import measure_rows
from fastgd.problem.moments import Summary, sum_blocks, summarize_moments, summarize_rows
from fastgd.problem.rank import summarize_ranked

SHORT_QR = 1 << 23  # rows times columns² up to which a QR takes no longer than corrections


def summarize_dense(
    X: Array, y: Array, weights: Array | None, *, threads: int | None = None, backend: str = "auto"
) -> Summary:
    """Return the summary of rows for the minimum of J with an intercept, and without a ridge.

    Where the Cholesky factor of the Gram matrix loses digits, a few passes over the rows measure them. If that does not
    bring them back, a QR of the rows keeps them.
    """
    sums = sum_blocks(X, y, weights, "gram", threads=threads, backend=backend)
    summary = summarize_moments(sums, "gram")
    if summary is not None and not loses_digits(summary):
        return summary
    summary, (n, p) = None, X.shape
    if n * (p + y.shape[1]) ** 2 > SHORT_QR:
        measure = partial(measure_rows, (X, y, weights), sums, threads=threads, backend=backend)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # such numbers need a QR
            summary = summarize_corrected(sums, measure) or summarize_ranked(sums, measure)
    return summary or summarize_rows(X, y, weights, "qr", threads=threads, backend=backend)
