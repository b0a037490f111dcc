"""The result of a run of gradient descent."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.forks import import_safely
from fastgd.inputs import frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_new_rows, predict_rows
from fastgd.inputs.words import count, printable, quote
from fastgd.problem.dask import is_dask, predict_lazily

if TYPE_CHECKING:
    from pathlib import Path

# The notes that a saved result has beside the model, with their types, and its arrays of numbers.
NOTES: dict[str, tuple[type, ...]] = {
    "epochs": (int,),
    "message": (str,),
    "backend": (str,),
    "compressed": (bool,),
    "precondition": (str,),
    "n_samples": (int, type(None)),
}
EACH: dict[str, tuple[type, ...]] = {  # one value, or a list with one for each of several targets
    "reason": (str,),
    "converged": (bool,),
    "cost": (float,),
    "r_squared": (float, type(None)),
}
MODEL, CHECKS = "fastgd.files.model", "fastgd.files.notes"  # imported where they are used, to keep the import fast
ARRAYS = ("gradient", "cost_history", "rates")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DescentResult:
    """The result of a run of gradient descent.

    Several targets add an axis of length k at the end: weights, gradient, coef and cost_history have k columns, and
    intercept, cost, r_squared and converged are arrays (k,); reason and target are lists.

    Attributes
    ----------
    weights : ndarray of shape (n_features + 1,) or (n_features,), float64
        ``[intercept, coef…]`` if an intercept was fitted, else ``coef`` alone. After a divergence, the weights with the
        lowest cost at a check, or the last ones with ``stop_on_divergence=False`` if their
        cost is finite.
    coef : ndarray of shape (n_features,), float64
        One coefficient for each column of X.
    intercept : float
        The constant term; 0.0 if no intercept was fitted.
    cost : float
        J of the weights without the ridge, as `fastgd.cost` computes it.
    gradient : ndarray of the shape of the weights, float64
        The gradient of J at the weights without the ridge, as `fastgd.gradient` computes it.
    r_squared : float or None
        The share of the variance of y that the weights explain; None if y is constant, NaN for one of several targets.
    cost_history : ndarray of shape (epochs,), float64
        ``cost_history[k]`` is J, with the ridge, of the weights that update k starts from.
    epochs : int
        The number of updates.
    reason : {"cost", "gradient", "epochs", "diverged", "callback", "interrupted"}
        The rule or event that ended the run.
    converged : bool
        True if the reason is "cost" or "gradient", and the cost is near its least value, within `tol`. On a compressed
        problem the least value is always known; elsewhere it may be a bound. With ``tol=0`` it is False.
    backend : str
        The backend that ran.
    compressed : bool
        True if the backend ran on a compressed problem.
    precondition : {"none", "standardize", "whiten"}
        The coordinates of the descent. ``learning_rate=result.rates`` repeats the run with the same `precondition`
        and `compress`.
    message : str
        The reasons, in words, why the run ended and why the problem was compressed or not.
    rates : ndarray of shape (epochs,), float64
        The learning rate of each update.
    features : list of str or None
        The names of the columns of X, if it was a data frame. Columns of which no name is text, such as the numbers
        that pandas gives to an array's columns, have no names: `predict` then takes columns by their position.
    target : str, list of str, or None
        The name of y, or of its columns, if it had one.
    path : ndarray of shape (n_checks, n_weights) or (n_checks, n_weights, k), or None
        With ``history=True``, the weights at the start, at every check and at the end. It is not saved.
    levels : dict of list of str
        The levels of the columns of text that `fastgd.streaming.fit_files` has encoded, each a feature; else empty.
    n_samples : int or None
        The number of rows of X; None for a result that an older version of fastgd saved.

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
    intercept: Any
    cost: Any
    gradient: Array
    r_squared: Any
    cost_history: Array
    epochs: int
    reason: Any
    converged: Any
    backend: str
    compressed: bool
    precondition: str
    message: str
    rates: Array
    features: list[str] | None = None
    target: str | list[str] | None = None
    path: Array | None = None
    levels: dict[str, list[str]] = field(default_factory=dict)
    n_samples: int | None = None

    def __repr__(self) -> str:
        if self.weights.ndim == 1:
            ending = f"{'' if self.converged else 'not '}converged ({printable(self.reason)})"
            cost = f"cost {self.cost:.6g}"
        else:
            k, cost = len(self.cost), f"costs {self.cost.min():.6g} to {self.cost.max():.6g}"
            ending = f"{np.count_nonzero(self.converged)} of {k} targets converged"
        return (
            f"<DescentResult: {ending} after {count(self.epochs, 'epoch')}, {cost}, "
            f"backend {quote(self.backend)}, {'' if self.compressed else 'not '}compressed>"
        )

    def save(self, path: str | Path, *, target: str | list[str] | None = None) -> None:
        """Write the result with its history as JSON, which `load`, the estimator and `fastgd predict` read.

        Parameters
        ----------
        path : str or pathlib.Path
            The file to write.
        target : str, list of str, or None
            The name of the target, or one for each of several; None means the names of y in the fit, or "y", or "y0",
            "y1" and so on.

        Raises
        ------
        ValueError
            If two of the names of features and targets are equal, or their number is another one.
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
        model: Any = import_safely(MODEL)
        features = model.name_features(self.features, len(self.coef))
        named = model.name_targets(self.target if target is None else target, self.weights[0].size)
        parts = named, features, list_values(self.intercept), self.coef.tolist(), list_notes(self), self.levels
        model.save(model.Model(*parts), path)

    @classmethod
    def load(cls, path: str | Path) -> DescentResult:
        """Read a result that `save` has written.

        The estimator saves a result too. `fastgd fit` saves a model without a history, which `fastgd.files.model.load`
        and `fastgd.GradientDescentRegressor.load` read.

        Parameters
        ----------
        path : str or pathlib.Path
            The file to read.

        Returns
        -------
        DescentResult
            The result with the same numbers, bit by bit.

        Raises
        ------
        fastgd.files.model.ModelError
            If the file is no saved result. ModelError is a ValueError.
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
        model: Any = import_safely(MODEL)
        checks: Any = import_safely(CHECKS)
        saved = model.load(path)
        checks.check_history(path, saved.fit, ARRAYS)
        targets = (len(saved.target),) if isinstance(saved.target, list) else ()
        notes = checks.check_notes(path, saved.fit, NOTES | {"fit_intercept": (bool,)})
        notes |= checks.check_each(path, saved.fit, EACH, *targets)
        epochs, n_weights = (notes["epochs"], "epochs"), (len(saved.coef) + notes["fit_intercept"], "weights")
        counts = {name: n_weights if name == "gradient" else epochs for name in ARRAYS}
        notes |= checks.check_arrays(path, saved.fit, counts, *targets)
        coef, intercept = np.array(saved.coef, dtype=np.float64), np.array(saved.intercept, dtype=np.float64)
        weights = np.concatenate([intercept[np.newaxis], coef]) if notes.pop("fit_intercept") else coef.copy()
        unnamed = saved.features == model.name_features(None, len(coef))
        features, target = None if unnamed else saved.features, saved.target
        return DescentResult(
            weights=weights,
            coef=coef,
            intercept=intercept if targets else intercept.item(),
            features=features,
            target=target,
            levels=saved.levels,
            **notes,
        )

    def predict(self, X: ArrayLike) -> Array:
        """Return ``X @ coef + intercept``.

        Parameters
        ----------
        X : array_like or sparse array of shape (n_samples, n_features)
            The features; columns in the order of the fit.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, k), float64
            The predictions; for an X of Dask, a Dask array that is not computed yet.

        Raises
        ------
        ValueError, TypeError
            If X is no finite two-dimensional array of numbers with one column for each coefficient, or if it is a data
            frame whose columns have other names than in the fit.

        Examples
        --------
        >>> import fastgd
        >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> result.predict([[3.0], [4.0]]).round(3)
        array([7., 9.])
        """
        frames.check_same_columns(X, self.features)
        if is_dask(X):
            return predict_lazily(X, self.coef, self.intercept)
        return predict_rows(check_new_rows(X, len(self.coef)), self.coef, self.intercept)


def list_notes(result: DescentResult) -> dict[str, Any]:
    """Return what a saved result has beside the model, its history included, as plain values for JSON."""
    return {
        "fit_intercept": len(result.weights) > len(result.coef),
        **{name: value for name in NOTES if (value := getattr(result, name)) is not None},
        **{name: list_values(getattr(result, name)) for name in EACH},
        **{name: getattr(result, name).tolist() for name in ARRAYS},
    }


def list_values(values: Any) -> Any:
    """Return the value of one target, or a list of those of several; NaN, which JSON lacks, becomes None."""
    if not isinstance(values, np.ndarray):
        return values
    return [None if isnan(value) else value for value in values.tolist()]
