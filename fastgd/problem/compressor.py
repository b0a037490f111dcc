"""Compress rows that come in parts to a problem of at most n_features + 2 rows with the same function J.

`moments` computes sums over blocks of rows. Sums can be added up, so one pass over the data is enough, and parts of the
data can be compressed in different places and merged.
"""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs import frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_problem, check_sample_weight
from fastgd.inputs.options import check_alpha, check_choice, check_count, check_flag, check_position
from fastgd.inputs.values import check_all_finite, name_values
from fastgd.inputs.words import kind_of, quote
from fastgd.problem.moments import (
    LOST_DIGITS,
    METHODS,
    Moments,
    Summary,
    add_moments,
    are_sums_by,
    make_small_problem,
    pick_target,
    sum_blocks,
    summarize_moments,
)


class Kept(NamedTuple):
    """All that a compressor keeps of its rows. A call replaces it as its last step, so a refused call changes nothing.

    `moments` is None before the first row of positive weight.
    """

    moments: Moments | None = None
    n_samples: int = 0
    features: list[str] | None = None
    target: Any = None  # a name, or a list of names of several targets


class Compressor:
    """Compress rows that come in parts; each part is read once.

    Parameters
    ----------
    fit_intercept : bool
        True if column 0 of the compressed problem belongs to an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        The method of `fastgd.compress`. Here "auto" means "qr", because "gram" may lose digits, and the rows cannot be
        read a second time.

    Attributes
    ----------
    n_samples : int
        The number of rows added so far, with those of weight zero.
    n_features, n_targets : int or None
        The numbers of columns of X and y; None before the first row of positive weight.
    features : list of str or None
        The names of the columns of X, if the first rows came in a data frame.
    target : str, list of str, or None
        The name of y, or the names of its columns if there are several targets.

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
        self._kept = Kept()

    @property
    def n_samples(self) -> int:
        """The number of rows added so far."""
        return self._kept.n_samples

    @property
    def n_features(self) -> int | None:
        """The number of columns of X."""
        return None if self._kept.moments is None else self._kept.moments.n_features

    @property
    def n_targets(self) -> int | None:
        """The number of columns of y."""
        return None if self._kept.moments is None else self._kept.moments.n_targets

    @property
    def features(self) -> list[str] | None:
        """The names of the columns of X."""
        return self._kept.features

    @property
    def target(self) -> Any:
        """The name of y, or the list of the names of several targets."""
        return self._kept.target

    def add(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add rows.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The features; every call has the same number of them.
        y : array_like of shape (n_samples,) or (n_samples, n_targets)
            The target or targets; every call has the same number of them.
        sample_weight : array_like of shape (n_samples,), float or None
            The weights of the rows, 0 or more; None gives each row the weight 1.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit its description above, or is a data frame or series with other names than the
            rows before. The compressor then stays as it was.

        Examples
        --------
        >>> import fastgd
        >>> compressor = fastgd.Compressor()
        >>> compressor.add([[0.0], [1.0]], [1.0, 3.0])
        >>> compressor.add([[2.0]], [5.0], sample_weight=[10.0])
        >>> compressor.n_samples, compressor.n_features, compressor.n_targets
        (3, 1, 1)
        """
        names, names_of_y = frames.data_names(X, y)
        frames.check_same_columns(X, self.features)
        frames.check_same_targets(y, self.target)
        given = X, y
        X, y = check_problem(X, y, finite=False, targets=True)
        weights = check_sample_weight(sample_weight, len(y), zero_sum=True)
        for name, array, before in (("X", X, self.n_features), ("y", y, self.n_targets)):
            if before not in (None, array.shape[1]):
                raise ValueError(f"{name} must have {before} columns, as before; got {array.shape[1]}")
        if weights is not None and not weights.any():
            check_all_finite(X, y, *given)
            self._kept = self._kept._replace(n_samples=self.n_samples + len(y))
            return
        sums = name_values(lambda: sum_blocks(X, y, weights, self.method), X, y, given)
        self._kept = self._with_rows(Kept(sums, len(y), names, names_of_y))

    def include(self, moments: Moments, n_samples: int) -> None:
        """Add rows that were summed up before, by the same method.

        Parameters
        ----------
        moments : fastgd.problem.moments.Moments
            The sums over the rows, from `fastgd.problem.moments.sum_blocks`.
        n_samples : int
            The number of the rows.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit its description, or the sums have other columns than those before. The
            compressor then stays as it was.

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
        self._check_moments(moments)
        self._kept = self._with_rows(Kept(moments, check_count("n_samples", n_samples)))

    def merge(self, other: Compressor) -> None:
        """Add all rows that were added to another compressor.

        Parameters
        ----------
        other : Compressor
            The other compressor; it stays as it is.

        Raises
        ------
        TypeError, ValueError
            If `other` is no compressor, or differs in the columns of X and y, their names, intercept, alpha or method.
            The compressor then stays as it was.

        Examples
        --------
        >>> import fastgd
        >>> first, second = fastgd.Compressor(), fastgd.Compressor()
        >>> first.add([[0.0], [1.0]], [1.0, 3.0])
        >>> second.add([[2.0]], [5.0])
        >>> first.merge(second)
        >>> fastgd.gradient_descent(first).weights.round(6)
        array([1., 2.])
        """
        if not isinstance(other, Compressor):
            raise TypeError(f"other must be a Compressor; got {quote(other)}, {kind_of(other)}")
        for name in ("fit_intercept", "alpha", "method", "features", "target", "n_features", "n_targets"):
            mine, others = getattr(self, name), getattr(other, name)
            if None not in (mine, others) and mine != others:
                raise ValueError(f"other must have the same {name}, {quote(mine)}; got {quote(others)}")
        self._kept = self._with_rows(other._kept)  # moments are never changed in place, so they may be shared

    def _with_rows(self, rows: Kept) -> Kept:
        """Return what is kept after more rows; names come from the first rows that have them."""
        before = self._kept
        moments = before.moments or rows.moments
        if before.moments is not None and rows.moments is not None:
            moments = add_moments(before.moments, rows.moments, self.method)
        features = rows.features if before.features is None else before.features
        target = rows.target if before.target is None else before.target
        return Kept(moments, before.n_samples + rows.n_samples, features, target)

    def _check_moments(self, moments: Moments) -> None:
        """Refuse sums over rows with other columns, or by another method."""
        if not isinstance(moments, Moments):
            raise TypeError(f"moments must be fastgd.problem.moments.Moments; got {kind_of(moments)}")
        found, size = (moments.n_features, moments.n_targets), 2 + moments.n_features
        expected = found if self._kept.moments is None else (self.n_features, self.n_targets)
        if found != expected:
            raise ValueError(
                f"moments must have {expected[0]} columns of X and {expected[1]} of y; got {found[0]} and {found[1]}"
            )
        rows = len(moments.matrix)
        if not (rows == size if self.method == "gram" else rows <= size) or not are_sums_by(moments, self.method):
            raise ValueError(f"moments must be sums by the method {self.method!r}; got sums by another method")

    @property
    def keeps_digits(self) -> bool:
        """False if method "gram" has lost digits, so that the rows must be read again by method "qr"."""
        moments = self._kept.moments
        return self.method == "qr" or moments is None or summarize_moments(moments, self.method) is not None

    def problem(self, target: int | None = None) -> tuple[Array, Array]:
        """Return X_small and y_small, as `compress` does, for all rows added so far.

        Fit them without another intercept, and do not standardize them: their rows are no samples. In most cases, pass
        the compressor itself to `fastgd.gradient_descent`.

        Parameters
        ----------
        target : int or None
            The column of y, counted from 0; None takes all targets.

        Returns
        -------
        X_small : ndarray of shape (m, n_features + 1) or (m, n_features), float64
            The features of m rows, at most n_features + 2; with an intercept, column 0 replaces the column of ones.
        y_small : ndarray of shape (m,), or (m, n_targets) for several targets, float64
            The target or targets of these rows.

        Raises
        ------
        ValueError
            If no row of positive weight was added, or if method "gram" has lost digits.

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
        return make_small_problem(summary, self.fit_intercept, np.full(summary.n_features, self.alpha))

    def summary(self, target: int | None = None) -> Summary:
        """Return the quantities that determine J: total weight, means, and the triangular factor of the centred rows.

        Parameters
        ----------
        target : int or None
            The column of y, counted from 0; None keeps all targets in one summary.

        Returns
        -------
        fastgd.problem.moments.Summary
            The sum of the weights, the means of X and y, and the factor R.

        Raises
        ------
        ValueError
            If no row of positive weight was added, or if method "gram" has lost digits.

        Examples
        --------
        >>> import fastgd
        >>> compressor = fastgd.Compressor()
        >>> compressor.add([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> compressor.summary().means
        array([1., 3.])
        """
        if self._kept.moments is None:
            raise ValueError("a Compressor must have rows of positive weight before it has a problem; got none")
        summary = summarize_moments(self._kept.moments, self.method)
        if summary is None:
            raise ValueError(LOST_DIGITS)
        return summary if target is None else pick_target(summary, check_position("target", target, summary.n_targets))
