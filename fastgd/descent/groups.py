"""One fit for each group of rows, from one pass over the rows: many groups at once, the doubtful ones by a descent."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from fastgd.backends.blas import one_blas_thread
from fastgd.descent.group_result import GroupResult
from fastgd.descent.options import DescentOptions
from fastgd.descent.solve import solve
from fastgd.descent.warnings import ConvergenceWarning
from fastgd.inputs.arrays import Array
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.data import as_kernel_array, check_problem, check_sample_weight
from fastgd.inputs.frames import data_names
from fastgd.inputs.labels import find_groups
from fastgd.inputs.words import count, quote
from fastgd.problem.group_fits import GroupFits, fit_groups_at_once
from fastgd.problem.group_rows import GroupRows, sort_rows
from fastgd.problem.rows import DenseSource

FEW_GROUPS = 10
MOST_LABELS = 5  # listed in a message


def fit_groups(
    X: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    *,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    sample_weight: ArrayLike | None = None,
) -> GroupResult:
    """Fit one linear regression for each group of rows, from one pass over the rows.

    Each group gets the weights that ``gradient_descent(X[rows], y[rows])`` finds on its rows: one epoch at the rate 1,
    in coordinates in which the Hessian of J is the identity. That epoch ends at the minimum from any start, so all that
    is left to compute is the coordinates, and they come from sums over the group's rows. These sums, and the steps of
    their factorization, are computed for thousands of groups at once.

    The rules are those of `gradient_descent` too: a column that is constant in a group has the coefficient 0 there, and
    where rows are fewer than weights or columns are collinear, the fit has the least norm of coef. A group whose sums
    leave too few digits for this is fitted from its rows.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features. Arrays of float32 and float64 are used without a copy; X is never changed.
    y : array_like of shape (n_samples,) or (n_samples, n_targets)
        The target or targets.
    groups : array_like of shape (n_samples,)
        The label of each row's group: numbers, texts, dates, or other values that can be compared. The rows of a group
        need not be next to each other, but if they are, the fit is faster.
    fit_intercept : bool
        True if the weights of each group begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J of each group, in the units of the data; the intercept is not penalised.
    sample_weight : array_like of shape (n_samples,), float or None
        The weights of the rows: a weight of k counts a row k times. J of a group is divided by the sum of its weights.

    Returns
    -------
    GroupResult
        The labels, and arrays of weights, costs and more, one entry for each group.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description above, a label is missing, or all rows of a group have the weight 0;
        the message names it.

    Warns
    -----
    ConvergenceWarning
        Once, if some groups have not converged: rounding leaves too few digits of their weights.

    See Also
    --------
    gradient_descent : One fit of all rows, with rates, coordinates and a history.

    Examples
    --------
    >>> import numpy as np, fastgd
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((6000, 3)), rng.integers(2000, size=6000)
    >>> result = fastgd.fit_groups(X, X @ [1.0, 2.0, 3.0] + shop, shop, alpha=1e-3)
    >>> result.weights.shape, bool(result.converged.all())
    ((1900, 4), True)
    """
    options = DescentOptions.checked(fit_intercept=fit_intercept, alpha=alpha)
    features, target = data_names(X, y)
    X, Y = check_problem(X, y, targets=True)
    weights = check_sample_weight(sample_weight, len(Y))
    labels, codes = find_groups(groups, len(X))
    rows = sort_rows(X, Y, weights, codes, len(labels))
    check_totals(rows.totals, labels)
    fits = fit_groups_at_once(rows, options.fit_intercept, options.alpha)
    converged, doubtful = fits.sure.copy(), np.flatnonzero(~fits.sure).tolist()
    # Threads of BLAS gain nothing on small groups, and may wait for each other; the limit takes a millisecond to set.
    with one_blas_thread() if len(doubtful) > FEW_GROUPS else nullcontext():
        for group in doubtful:
            converged[group] = fit_alone(rows, group, labels, options, fits)
    if not converged.all():
        warn_caller(make_groups_warning(labels[~converged], len(labels)))
    return replace(make_result(rows, fits, labels, converged), features=features, target=target)


def check_totals(totals: Array, labels: Array) -> None:
    """Refuse groups without a row of positive weight."""
    empty = np.flatnonzero(totals == 0)
    if len(empty):
        raise ValueError(
            f"sample_weight must be above 0 in at least one row of each group; got only zeros in "
            f"{list_labels(labels[empty])}"
        )


def fit_alone(rows: GroupRows, group: int, labels: Array, options: DescentOptions, fits: GroupFits) -> bool:
    """Fit one group as `gradient_descent` does, and write the fit in; return True if all targets have converged."""
    X, Y, weights = rows.pick(group)
    try:
        source = DenseSource(as_kernel_array(X), as_kernel_array(Y), check_sample_weight(weights, len(Y)))
        prepared = source.prepare(options)
        result, _ = solve(prepared, options.make_start(source.n_features, source.n_targets), options)
        fits.weights[group] = result.weights.reshape(fits.weights[group].shape)
        fits.costs[group], fits.variances[group] = result.cost, prepared.variance
        converged = bool(np.all(result.converged))
    except ValueError as error:  # squares out of range
        raise ValueError(f"{error}, in {list_labels(labels[group : group + 1])}") from error
    return converged


def make_groups_warning(labels: Array, n_groups: int) -> ConvergenceWarning:
    """Return the warning that the fits of these groups, out of `n_groups`, have not converged."""
    return ConvergenceWarning(
        f"not converged: {list_labels(labels)}, out of {count(n_groups, 'group')}; gradient_descent on the rows of one "
        "of them says why, and what would help"
    )


def list_labels(labels: Array) -> str:
    """Return the number of the groups, and the labels of the first ones."""
    more = ", …" if len(labels) > MOST_LABELS else ""
    return f"{count(len(labels), 'group')} ({', '.join(map(quote, labels[:MOST_LABELS].tolist()))}{more})"


def make_result(rows: GroupRows, fits: GroupFits, labels: Array, converged: Array) -> GroupResult:
    """Return the result; the axis of the targets is left out if there is one target."""

    def alone(values: Array) -> Array:
        return np.ascontiguousarray(values[..., 0]) if fits.costs.shape[1] == 1 else values

    intercepts = fits.weights.shape[1] - rows.X.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        r_squared = np.where(fits.variances == 0, np.nan, 1 - 2 * fits.costs / fits.variances)
    return GroupResult(
        groups=labels,
        weights=alone(fits.weights),
        coef=alone(fits.weights[:, intercepts:].copy()),
        intercept=alone(fits.weights[:, 0].copy() if intercepts else np.zeros_like(fits.costs)),
        cost=alone(fits.costs),
        r_squared=alone(r_squared),
        n_samples=rows.counts,
        converged=converged,
    )
