"""The warnings of a descent; each points at the line that called fastgd."""

import sys
import warnings
from pathlib import Path

from fastgd.rates.decays import largest_stable_rate

PACKAGE = str(Path(__file__).parents[1] / "_")[:-1]  # ends with a path separator


class DivergenceWarning(RuntimeWarning):
    """The cost grew or stopped being finite: the learning rate is too large for the data.

    Examples
    --------
    >>> import warnings, fastgd
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.DivergenceWarning)
    ...     result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], learning_rate=9.0)
    >>> result.reason, "the largest stable one" in str(caught[0].message)
    ('diverged', True)
    """


class ConditionWarning(RuntimeWarning):
    """The problem is too ill-conditioned for the given tol or number of epochs.

    Examples
    --------
    >>> import warnings, numpy as np, fastgd
    >>> X = 1e6 + np.arange(5.0).reshape(5, 1)  # far from zero
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.ConditionWarning)
    ...     result = fastgd.gradient_descent(X, [1.0, 3.0, 2.0, 5.0, 4.0], learning_rate="chebyshev")
    >>> result.converged, "precondition='whiten'" in str(caught[0].message)
    (False, True)
    """


def warn_of_divergence(rate: float, epochs: int, smoothness: float) -> None:
    """Warn that the cost grew, and name the largest rate that was used and the largest stable rate."""
    warn_caller(
        f"the cost grew or was no longer finite after {epochs} epochs: the largest learning_rate used is {rate:.6g}, "
        f"the largest stable one for this X is 2/smoothness = {largest_stable_rate(smoothness):.6g}; the result holds "
        "the last good weights",
        DivergenceWarning,
    )


def warn_of_condition(condition: float, precondition: str, reason: str) -> None:
    """Warn that the problem is too ill-conditioned for the given tol or number of epochs, and name a remedy."""
    remedy = "alpha, or fewer columns" if precondition == "whiten" else "precondition='whiten' or alpha"
    if reason == "epochs":
        remedy += ", or more epochs at learning_rate='eigenvalues' or 'chebyshev'"
    warn_caller(
        f"not converged: the condition number of X is {condition:.3g}, too much for the tol and the epochs asked for; "
        f"try {remedy}",
        ConditionWarning,
    )


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn at the line that called fastgd: skip all frames of the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
