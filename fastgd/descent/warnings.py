"""The warnings of a descent; each points at the line that called fastgd."""

from fastgd.inputs.words import count
from fastgd.rates.decays import largest_stable_rate


class DivergenceWarning(RuntimeWarning):
    """The cost grew or stopped being finite: the learning rate is too large for the data.

    Attributes
    ----------
    epochs : int
        The number of epochs that ran.
    stable_rate : float
        2/smoothness: at a smaller constant rate the cost falls.

    Examples
    --------
    >>> import warnings, fastgd
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.DivergenceWarning)
    ...     result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], learning_rate=9.0)
    >>> result.reason, "the largest stable one" in str(caught[0].message)
    ('diverged', True)
    >>> round(caught[0].message.stable_rate, 3)
    0.838
    """

    epochs: int
    stable_rate: float


class ConvergenceWarning(RuntimeWarning):
    """The run ended before it converged: the weights are not those of the least cost.

    Examples
    --------
    >>> import warnings, fastgd
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.ConvergenceWarning)
    ...     result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], learning_rate=0.1, epochs=5)
    >>> result.converged, "more epochs" in str(caught[0].message)
    (False, True)
    """


class ConditionWarning(ConvergenceWarning):
    """The run did not converge because the problem is too ill-conditioned for the given tol or number of epochs.

    Examples
    --------
    >>> import warnings, numpy as np, fastgd
    >>> X = 1e6 + np.arange(5.0).reshape(5, 1)  # far from zero
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.ConditionWarning)
    ...     result = fastgd.gradient_descent(X, [1.0, 3.0, 2.0, 5.0, 4.0], learning_rate="chebyshev")
    >>> result.converged, "learning_rate='auto'" in str(caught[0].message)
    (False, True)
    """


def make_divergence_warning(rate: float, epochs: int, smoothness: float, stopped: bool = True) -> DivergenceWarning:
    """Return the warning that the cost grew, with the largest rate that was used and the largest stable rate.

    `stopped` is False if the run was to go on all the same.
    """
    stable_rate = largest_stable_rate(smoothness)
    warning = DivergenceWarning(
        f"the cost grew or was no longer finite after {count(epochs, 'epoch')}: the largest learning_rate used is "
        f"{rate:.6g}, the largest stable one for this X is 2/smoothness = {stable_rate:.6g}; the result holds the "
        f"{'weights with the lowest cost at a check' if stopped else 'last weights'}"
    )
    warning.epochs, warning.stable_rate = epochs, stable_rate
    return warning


def make_convergence_warning(
    ending: str,
    cost: float,
    least: float | None,
    condition: float | None,
    remedies: list[str],
    target: str | None = None,
) -> ConvergenceWarning:
    """Return the warning that the run did not converge: why it ended, how far it got, and what would help.

    Parameters
    ----------
    ending : str
        Why the run ended, in words.
    cost : float
        J at the end.
    least : float or None
        The least value of J, or None if it is unknown.
    condition : float or None
        The condition number of X if it is too large, else None.
    remedies : list of str
        What would help.
    target : str or None
        The name or the number of the target of the costs, if there are several.
    """
    distance = f"J is {cost:.6g}" if least is None else f"J is {cost:.6g}, {cost - least:.3g} above its least value"
    distance += "" if target is None else f" for target {target}"
    category = ConvergenceWarning if condition is None else ConditionWarning
    return category(f"not converged: {ending}; {distance}; try {', or '.join(remedies)}")
