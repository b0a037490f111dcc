"""Rows that come in parts, summed up to a problem of at most n_features + 2 rows with the same function J.

`moments` says how: by sums over blocks of rows that can be added up, so that one pass over the data is enough, and
parts of them can be compressed anywhere and merged.
"""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs import frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_finite, check_problem, check_sample_weight
from fastgd.inputs.options import check_alpha, check_choice, check_flag, check_position
from fastgd.problem.moments import (
    LOST_DIGITS,
    METHODS,
    Moments,
    Summary,
    add_moments,
    finish,
    make_problem,
    pick_target,
    sum_blocks,
)


class Compressor:
    """Compress rows that come in parts, each of which is seen once.

    Parameters
    ----------
    fit_intercept : bool
        Whether column 0 of the problem stands for the intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "auto" is "qr" here: rows that are gone cannot be read again where "gram" proves to lose digits.

    Attributes
    ----------
    n_samples : int
        How many rows have been added, those of weight zero included.
    n_features, n_targets : int or None
        How many columns X and y have; None before the first row of positive weight.
    features, target : list of str, str, or None
        The names of the columns of X, and of y, if the first rows came in data frames.

    Examples
    --------
    >>> import numpy as np, fastgd
    >>> X, y = np.arange(20.0).reshape(10, 2) % 7, np.arange(10.0)
    >>> compressor = fastgd.Compressor()
    >>> compressor.add(X[:4], y[:4])
    >>> compressor.add(X[4:], y[4:])
    >>> compressor.n_samples
    10
    >>> fastgd.gradient_descent(*compressor.problem(), fit_intercept=False, epochs=5).weights.shape
    (3,)
    """

    def __init__(self, *, fit_intercept: bool = True, alpha: float = 0.0, method: str = "auto") -> None:
        self.fit_intercept = check_flag("fit_intercept", fit_intercept)
        self.alpha = check_alpha(alpha)
        self.method = "gram" if check_choice("method", method, METHODS) == "gram" else "qr"
        self.n_samples = 0
        self.features: list[str] | None = None
        self.target: str | None = None
        self._moments: Moments | None = None

    @property
    def n_features(self) -> int | None:
        """How many columns X has."""
        return None if self._moments is None else self._moments.n_features

    @property
    def n_targets(self) -> int | None:
        """How many columns y has."""
        return None if self._moments is None else self._moments.n_targets

    def add(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add rows.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The features; as many in every call.
        y : array_like of shape (n_samples,) or (n_samples, n_targets)
            The target, or several, as many in every call.
        sample_weight : array_like of shape (n_samples,) or None
            Weights of the rows, not negative; None is 1 for each.

        Raises
        ------
        ValueError, TypeError
            If an argument is not what is described above. Nothing has been added then.

        Examples
        --------
        >>> import fastgd
        >>> compressor = fastgd.Compressor()
        >>> compressor.add([[0.0], [1.0]], [1.0, 3.0])
        >>> compressor.add([[2.0]], [5.0], sample_weight=[10.0])
        >>> compressor.n_samples, compressor.n_features, compressor.n_targets
        (3, 1, 1)
        """
        names, name_of_y = frames.column_names(X), frames.series_name(y)
        frames.check_same_columns(X, self.features)
        X, y = check_problem(X, y, finite=False, targets=True)
        weights = check_sample_weight(sample_weight, len(y), zero_sum=True)
        for name, array, before in (("X", X, self.n_features), ("y", y, self.n_targets)):
            if before not in (None, array.shape[1]):
                raise ValueError(f"{name} must have {before} columns, as before; got {array.shape[1]}")
        if weights is not None and not weights.any():
            check_finite("X", X)
            check_finite("y", y)
            self.n_samples += len(y)  # rows that do not count
            return
        if self.features is None:
            self.features, self.target = names, name_of_y
        shift = None if self._moments is None else self._moments.shift
        self.include(sum_blocks(X, y, weights, self.method, shift), len(y))

    def include(self, moments: Moments, n_samples: int) -> None:
        """Add rows that were summed up already, by the same method.

        Parameters
        ----------
        moments : fastgd.problem.moments.Moments
            What `fastgd.problem.moments.sum_blocks` returned for them.
        n_samples : int
            How many rows they were.

        Examples
        --------
        >>> import numpy as np, fastgd
        >>> from fastgd.problem.moments import sum_blocks
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [5.0]])
        >>> compressor = fastgd.Compressor(method="gram")
        >>> compressor.include(sum_blocks(X, y, None, "gram"), 3)
        >>> compressor.n_samples
        3
        """
        self._moments = moments if self._moments is None else add_moments(self._moments, moments, self.method)
        self.n_samples += n_samples

    def merge(self, other: Compressor) -> None:
        """Add the rows that another compressor has seen.

        Parameters
        ----------
        other : Compressor
            What has seen them; it stays as it is.

        Raises
        ------
        TypeError, ValueError
            If it is not a compressor, or one of another number of features, intercept, alpha or method.

        Examples
        --------
        >>> import fastgd
        >>> first, second = fastgd.Compressor(), fastgd.Compressor()
        >>> first.add([[0.0], [1.0]], [1.0, 3.0])
        >>> second.add([[2.0]], [5.0])
        >>> first.merge(second)
        >>> fastgd.gradient_descent(first, learning_rate="eigenvalues", standardize=True).weights.round(6)
        array([1., 2.])
        """
        if not isinstance(other, Compressor):
            raise TypeError(f"other must be a Compressor; got {other!r}, a {type(other).__name__}")
        for name in ("fit_intercept", "alpha", "method"):
            mine, others = getattr(self, name), getattr(other, name)
            if mine != others:
                raise ValueError(f"other must have the same {name}, {mine!r}; got {others!r}")
        if None not in (self.features, other.features) and self.features != other.features:
            raise ValueError(f"other must have the same features, {self.features}; got {other.features}")
        if other._moments is None:
            pass  # nothing but rows that do not count
        elif self._moments is None:
            self._moments = other._moments  # nobody writes to it
        else:
            for name in ("n_features", "n_targets"):
                mine, others = getattr(self, name), getattr(other, name)
                if mine != others:
                    raise ValueError(f"other must have the same {name}, {mine}; got {others}")
            self._moments = add_moments(self._moments, other._moments, self.method)
        if self.features is None:
            self.features, self.target = other.features, other.target
        self.n_samples += other.n_samples

    @property
    def keeps_digits(self) -> bool:
        """Whether the rows have a problem that lost no digits: False where method "qr" would have to see them again."""
        return self.method == "qr" or self._moments is None or finish(self._moments, self.method) is not None

    def problem(self, target: int = 0) -> tuple[Array, Array]:
        """Return X_small and y_small, as `compress` does, for all rows added so far.

        They are to be fitted without another intercept, and not to be standardized: their rows are no samples.
        `fastgd.gradient_descent` takes the compressor itself.

        Parameters
        ----------
        target : int
            Which column of y, counted from 0.

        Returns
        -------
        X_small : ndarray of shape (m, n_features + 1) or (m, n_features), float64
            Its rows, at most n_features + 2; with an intercept, column 0 takes the place of the column of ones.
        y_small : ndarray of shape (m,), float64
            Their targets.

        Raises
        ------
        ValueError
            If no row of positive weight was added, or the Cholesky factor of method "gram" does not exist.

        Examples
        --------
        >>> import numpy as np, fastgd
        >>> X, y = np.arange(20.0).reshape(10, 2) % 7, np.arange(10.0)
        >>> compressor = fastgd.Compressor()
        >>> compressor.add(X, y)
        >>> X_small, y_small = compressor.problem()
        >>> X_small.shape, y_small.shape
        ((4, 3), (4,))
        """
        summary = self.summary(target)
        return make_problem(summary, self.fit_intercept, np.full(len(summary.means) - 1, self.alpha))

    def summary(self, target: int | None = 0) -> Summary:
        """Return the means and the triangular factor of the centred rows that a problem is made of.

        Parameters
        ----------
        target : int or None
            Which column of y, counted from 0; None keeps all targets in one summary.

        Returns
        -------
        fastgd.problem.moments.Summary
            The sum of the weights, the means of X and y, and the factor R.

        Raises
        ------
        ValueError
            As `problem` does.

        Examples
        --------
        >>> import fastgd
        >>> compressor = fastgd.Compressor()
        >>> compressor.add([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> compressor.summary().means
        array([1., 3.])
        """
        if self._moments is None:
            raise ValueError("a Compressor must have rows of positive weight before it has a problem; got none")
        summary = finish(self._moments, self.method)
        if summary is None:
            raise ValueError(LOST_DIGITS)
        return summary if target is None else pick_target(summary, check_position("target", target, summary.n_targets))
