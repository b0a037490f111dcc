"""What a run of gradient descent leaves behind."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fastgd.files import model
from fastgd.inputs import frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_features, check_predictions
from fastgd.problem import dask as distributed

# What a saved result has beside the model: plain values and their types, and arrays of numbers.
NOTES = {"epochs": int, "reason": str, "converged": bool, "backend": str, "compressed": bool, "why": str}
HISTORY = ("cost_history", "rates")


class DivergenceWarning(RuntimeWarning):
    """The cost grew, or was no longer finite: the learning rate is too large for the data.

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
    """The problem is too ill-conditioned for the digits, or the epochs, that were asked for.

    Examples
    --------
    >>> import warnings, numpy as np, fastgd
    >>> X = 1e6 + np.arange(5.0).reshape(5, 1)  # far from zero
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.ConditionWarning)
    ...     result = fastgd.gradient_descent(X, [1.0, 3.0, 2.0, 5.0, 4.0], learning_rate="chebyshev")
    >>> result.converged, "standardize=True" in str(caught[0].message)
    (False, True)
    """


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DescentResult:
    """What a run of gradient descent leaves behind.

    Attributes
    ----------
    weights : ndarray of shape (n_features + 1,) or (n_features,), float64
        ``[intercept, coef…]`` when an intercept was fitted, else just ``coef``. After a divergence, the weights of
        the look with the lowest cost.
    coef : ndarray of shape (n_features,), float64
        One coefficient for each column of X.
    intercept : float
        The constant term, 0.0 when none was fitted.
    cost_history : ndarray of shape (epochs,), float64
        ``cost_history[k]`` is J of the weights that update k starts from.
    epochs : int
        How many updates were made.
    reason : {"cost", "gradient", "epochs", "diverged", "callback", "interrupted"}
        Why the run ended.
    converged : bool
        True if the run ended because cost or gradient settled, and the problem is not known to be too ill-conditioned
        for the tolerance.
    backend : str
        The backend that ran.
    compressed : bool
        Whether it ran on a compressed problem.
    why : str
        Why it was compressed, or not.
    rates : ndarray of shape (epochs,), float64
        The learning rate of each update.
    features : list of str or None
        The names of the columns of X, if it was a data frame.
    target : str or None
        The name of y, if it had one.

    Examples
    --------
    >>> import fastgd
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> round(result.intercept, 4), result.coef.round(4)
    (1.0, array([2.]))
    >>> len(result.cost_history) == len(result.rates) == result.epochs
    True
    >>> result.predict([[3.0], [4.0]]).round(3)
    array([7., 9.])
    """

    weights: Array
    coef: Array
    intercept: float
    cost_history: Array
    epochs: int
    reason: str
    converged: bool
    backend: str
    compressed: bool
    why: str
    rates: Array
    features: list[str] | None = None
    target: str | None = None

    def __repr__(self) -> str:
        cost = f"{self.cost_history[-1]:.6g}" if len(self.cost_history) else "none"
        return (
            f"<DescentResult: {'' if self.converged else 'not '}converged ({self.reason}) after {self.epochs} epochs, "
            f"cost {cost} before the last update, backend {self.backend!r}, "
            f"{'' if self.compressed else 'not '}compressed>"
        )

    def save(self, path: str | Path, *, target: str | None = None) -> None:
        """Write the result, its history included, as the JSON that `load`, the estimator and `fastgd predict` read.

        Parameters
        ----------
        path : str or pathlib.Path
            Where to.
        target : str or None
            The name of what is predicted; None is that of y in the fit, or "y".

        Raises
        ------
        ValueError
            If the names of target and features are not all different.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile, fastgd
        >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result.save(f"{folder}/model.json", target="price")
        ...     again = fastgd.DescentResult.load(f"{folder}/model.json")
        >>> again.target, bool((again.weights == result.weights).all())
        ('price', True)
        """
        notes = {
            "fit_intercept": len(self.weights) > len(self.coef),
            **{name: getattr(self, name) for name in NOTES},
            **{name: getattr(self, name).tolist() for name in HISTORY},
        }
        features = model.name_features(self.features, len(self.coef))
        named = self.target or "y" if target is None else target
        model.save(model.Model(named, features, self.intercept, self.coef.tolist(), notes), path)

    @classmethod
    def load(cls, path: str | Path) -> DescentResult:
        """Read a result that `save` has written.

        A model that something else has written, like `fastgd fit`, has no history: `fastgd.files.model.load` reads it.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.

        Returns
        -------
        DescentResult
            The same numbers, bit by bit.

        Raises
        ------
        fastgd.files.model.ModelError
            If the file is no such model, or has no history; it is a ValueError.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import tempfile, fastgd
        >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result.save(f"{folder}/model.json")
        ...     fastgd.DescentResult.load(f"{folder}/model.json").reason == result.reason
        True
        """
        saved = model.load(path)
        notes = model.check_notes(path, saved.fit, {**NOTES, "fit_intercept": bool}, HISTORY)
        coef = np.array(saved.coef, dtype=np.float64)
        weights = np.append(float(saved.intercept), coef) if notes.pop("fit_intercept") else coef.copy()
        unnamed = saved.features == model.name_features(None, len(coef))
        features, target = None if unnamed else saved.features, saved.target
        return cls(
            weights=weights, coef=coef, intercept=float(saved.intercept), features=features, target=target, **notes
        )

    def predict(self, X: ArrayLike) -> Array:
        """Return ``X @ coef + intercept``.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The features, in the order of the fit.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            The predictions; for Dask's X, a Dask array, not yet computed.

        Raises
        ------
        ValueError, TypeError
            If X is not a finite two-dimensional array of numbers with one column for each coefficient, or a data frame
            whose columns have other names than in the fit.

        Examples
        --------
        >>> import fastgd
        >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> result.predict([[3.0], [4.0]]).round(3)
        array([7., 9.])
        """
        frames.check_same_columns(X, self.features)
        if distributed.is_dask(X):
            return distributed.predict(X, self.coef, self.intercept)
        X = check_features(X, len(self.coef))
        with np.errstate(over="ignore", invalid="ignore"):
            return check_predictions(X @ self.coef + self.intercept)
