"""The result of one fit for each group of rows."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs import frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_new_rows
from fastgd.inputs.labels import find_groups, match_labels
from fastgd.inputs.values import check_predictions
from fastgd.inputs.words import count


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupResult:
    """One fit for each group of rows; entry i of each array belongs to the group ``groups[i]``.

    Attributes
    ----------
    groups : ndarray of shape (n_groups,)
        The distinct labels, in ascending order.
    weights : ndarray of shape (n_groups, n_weights) or (n_groups, n_weights, n_targets), float64
        ``[intercept, coef…]`` of each group if an intercept was fitted, else ``coef`` alone.
    coef : ndarray of shape (n_groups, n_features) or (n_groups, n_features, n_targets), float64
        One coefficient for each column of X.
    intercept : ndarray of shape (n_groups,) or (n_groups, n_targets), float64
        The constant terms; zeros if no intercept was fitted.
    cost : ndarray of the shape of the intercept, float64
        J of the weights on the rows of the group, without the ridge.
    r_squared : ndarray of the shape of the intercept, float64
        The share of the variance of y in the group that the weights explain; NaN if y is constant there.
    n_samples : ndarray of shape (n_groups,), int
        The number of rows.
    converged : ndarray of shape (n_groups,), bool
        True if the cost of the group is its least value, within the tolerance of `fastgd.gradient_descent`, for all
        targets.
    features : list of str or None
        The names of the columns of X, if it was a data frame.
    target : str, list of str, or None
        The name of y, or the names of its columns, if they have names.

    Examples
    --------
    >>> import fastgd
    >>> result = fastgd.fit_groups([[0.0], [1.0], [0.0], [2.0]], [1.0, 3.0, 5.0, 5.0], ["a", "a", "b", "b"])
    >>> result.groups, result.intercept.round(4)
    (array(['a', 'b'], dtype='<U1'), array([1., 5.]))
    >>> result.predict([[2.0], [2.0]], ["b", "a"]).round(3)
    array([5., 5.])
    """

    groups: Array
    weights: Array
    coef: Array
    intercept: Array
    cost: Array
    r_squared: Array
    n_samples: Array
    converged: Array
    features: list[str] | None = None
    target: str | list[str] | None = None

    def __repr__(self) -> str:
        return (
            f"<GroupResult: {count(len(self.groups), 'group')}, {int(self.converged.sum())} converged, "
            f"{count(self.weights.shape[1], 'weight')} each>"
        )

    def predict(self, X: ArrayLike, groups: ArrayLike) -> Array:
        """Return the predictions for rows, each by the weights of its group.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The features; columns in the order of the fit.
        groups : array_like of shape (n_samples,)
            The label of each row's group; each must have had rows in the fit.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            ``X[i] @ coef + intercept``, with the coefficients of the group of row i.

        Raises
        ------
        ValueError, TypeError
            If X is no finite two-dimensional array of numbers with one column for each coefficient, if it is a data
            frame whose columns have other names than in the fit, or if a label is missing or was not in the fit.

        Examples
        --------
        >>> import fastgd
        >>> result = fastgd.fit_groups([[0.0], [1.0], [0.0], [2.0]], [1.0, 3.0, 5.0, 5.0], ["a", "a", "b", "b"])
        >>> result.predict([[3.0], [4.0]], ["a", "b"]).round(3)
        array([7., 5.])
        """
        frames.check_same_columns(X, self.features)
        X = check_new_rows(X, self.coef.shape[1])
        labels, codes = find_groups(groups, len(X))
        codes = match_labels(labels, self.groups)[codes]
        predictions = self.intercept[codes]
        with np.errstate(over="ignore", invalid="ignore"):
            for column, coefs in zip(X.T, np.moveaxis(self.coef, 1, 0), strict=True):  # needs no coef for each row
                predictions += (coefs[codes].T * column).T
        return check_predictions(predictions)
