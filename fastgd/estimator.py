"""The scikit-learn estimator: its conventions on top of the driver and the compressor."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd import distributed, validation
from fastgd.arrays import Array
from fastgd.choice import choose_compression
from fastgd.compression import Compressor
from fastgd.descent import fit_compressor, gradient_descent
from fastgd.driver import check_settings, descend
from fastgd.frames import check_same_columns, column_names
from fastgd.model import Model, load, name_features, save
from fastgd.result import DescentResult
from fastgd.sparse import MOST_COMPRESSED, add_rows, is_sparse, prepare_sparse

try:
    from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("GradientDescentRegressor needs scikit-learn: pip install 'fastgd[sklearn]'") from error


class GradientDescentRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear regression by gradient descent, with or without a ridge.

    Minimises 1/(2n) Σ (xᵢ·w − yᵢ)² + alpha·½‖coef‖², by updates along the gradient at the rates of a schedule.

    Parameters
    ----------
    learning_rate : float, array_like of shape (max_iter,), callable or str
        The rates: see `fastgd.gradient_descent`. "eigenvalues" needs the fewest epochs where features are few.
    max_iter : int
        How many epochs at most.
    tol : float
        How small a relative change of the cost, or a relative gradient, ends the fit; 0 runs all epochs.
    alpha : float
        The ridge, in the units of the data: ``Ridge(alpha=a)`` of scikit-learn is ``a / n_samples`` here.
    fit_intercept : bool
        Whether there is an intercept.
    standardize : bool
        Descend in coordinates where columns have mean 0 and mean square 1; coefficients are in the data's units.
    backend : {"auto", "cython", "numba", "numpy", "python"}
        What computes the updates.
    compress : {"auto", True, False}
        Whether to descend on at most n_features + 2 rows with the same cost: see `fastgd.gradient_descent`.
    batch_size : int or None
        Rows of a mini-batch; None updates from all rows.
    warm_start : bool
        Whether `fit` starts from the weights of the last fit, if they have the right shape.
    threads : int or None
        Threads of the compiled backends.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None
        Where the order of mini-batches comes from.
    verbose : int
        1 prints the cost as the fit goes on.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features), float64
        The coefficients.
    intercept_ : float64 or ndarray of shape (n_targets,), float64
        The intercept, 0.0 without one.
    n_iter_ : int
        Epochs made; of several targets, the most.
    cost_history_ : ndarray of shape (n_iter_,) or list of ndarray
        The cost before each epoch; one array for each of several targets.
    stop_reason_ : str or list of str
        Why the fit ended: see `fastgd.DescentResult`.
    backend_ : str
        The backend that ran.
    n_features_in_ : int
        How many features the fit had.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names, if all are texts.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import GradientDescentRegressor
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> model = GradientDescentRegressor().fit(X, [1.0, 3.0, 5.0])
    >>> model.predict([[3.0]]).round(6)
    array([7.])
    """

    coef_: Any
    intercept_: Any
    cost_history_: Any
    stop_reason_: Any
    _compressor: Compressor | None

    def __init__(
        self,
        learning_rate: Any = "chebyshev",
        max_iter: int = 1000,
        tol: float = 1e-8,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        standardize: bool = True,
        backend: str = "auto",
        compress: bool | str = "auto",
        batch_size: int | None = None,
        warm_start: bool = False,
        threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.backend = backend
        self.compress = compress
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> GradientDescentRegressor:
        """Fit to all rows; what an earlier `fit` or `partial_fit` has seen is forgotten.

        Parameters
        ----------
        X : array_like or sparse array of shape (n_samples, n_features), or of Dask
            The features.
        y : array_like of shape (n_samples,) or (n_samples, n_targets), or of Dask
            The target, or several: one compression, and one descent for each.
        sample_weight : array_like of shape (n_samples,) or None
            Weights of the rows.

        Returns
        -------
        GradientDescentRegressor
            Itself.
        """
        self._compressor = None
        if distributed.is_dask(X, y, sample_weight):
            return self._fit_dask(X, y, sample_weight)
        X, y, sample_weight = self._check(X, y, sample_weight, reset=True)
        targets = y.reshape(len(y), -1).T
        starts = self._starts(len(targets), X.shape[1]) if self.warm_start else [None] * len(targets)
        if is_sparse(X):
            return self._keep(self._fit_sparse(X, targets, sample_weight, starts), y.ndim)
        if len(targets) > 1 and self._compresses(X.shape):
            return self._keep(self._descend(self._compress(X, y, sample_weight), starts), y.ndim)
        options = self._options() | {"alpha": self.alpha, "fit_intercept": self.fit_intercept}
        options |= {"batch_size": self.batch_size, "compress": self.compress, "sample_weight": sample_weight}
        if self.batch_size is not None:  # else nothing is random, and nothing may be drawn from a shared state
            options["random_state"] = make_seed(self.random_state)
        return self._keep(
            [
                gradient_descent(X, target, weights=start, **options)
                for target, start in zip(targets, starts, strict=True)
            ],
            y.ndim,
        )

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> GradientDescentRegressor:
        """Add rows, and fit to all that have been added by this method, from the weights there are.

        The answer is that for all rows together, in whatever parts they came. `fit` begins anew, and its own rows are
        not among those that are added to.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The features.
        y : array_like of shape (n_samples,) or (n_samples, n_targets)
            The target, or several.
        sample_weight : array_like of shape (n_samples,) or None
            Weights of the rows.

        Returns
        -------
        GradientDescentRegressor
            Itself.
        """
        if self.batch_size is not None:
            raise ValueError(f"batch_size must be None for partial_fit, which keeps no rows; got {self.batch_size!r}")
        before = getattr(self, "_compressor", None)
        X, y, sample_weight = self._check(X, y, sample_weight, reset=before is None)
        compressor = self._new_compressor("qr") if before is None else before
        add = add_rows if is_sparse(X) else Compressor.add
        add(compressor, X, y.reshape(len(y), -1), sample_weight)
        self._compressor = compressor
        starts = self._starts(y.size // len(y), X.shape[1])
        return self._keep(self._descend(compressor, starts), y.ndim)

    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions, float64 of shape (n_samples,) or (n_samples, n_targets); for Dask's X, lazily."""
        check_is_fitted(self)
        if distributed.is_dask(X):
            names = getattr(self, "feature_names_in_", None)
            check_same_columns(X, None if names is None else list(names))
            if self.coef_.ndim == 1:
                return distributed.predict(X, self.coef_, self.intercept_)
            targets = zip(self.coef_, self.intercept_, strict=True)
            return np.stack([distributed.predict(X, coef, intercept) for coef, intercept in targets], axis=1)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        return X @ self.coef_.T + self.intercept_

    def save(self, path: str | Path, *, target: str = "y") -> None:
        """Write the fitted model as the JSON that `fastgd predict` and `load` read; of one target only.

        Raises
        ------
        ValueError
            If there are several targets, or names that are the same.
        """
        check_is_fitted(self)
        if np.size(self.intercept_) != 1:
            raise ValueError(f"a saved model must have one target; got {np.size(self.intercept_)}")
        features = name_features(getattr(self, "feature_names_in_", None), self.n_features_in_)
        notes = {"backend": self.backend_, "epochs": self.n_iter_, "reason": str(np.ravel(self.stop_reason_)[0])}
        coef = np.ravel(self.coef_).tolist()
        save(Model(target, features, float(np.ravel(self.intercept_)[0]), coef, notes), path)

    @classmethod
    def load(cls, path: str | Path) -> GradientDescentRegressor:
        """Return a fitted estimator, its parameters those of a new one, from the JSON of `save` or `fastgd fit`.

        Raises
        ------
        fastgd.model.ModelError
            If the file is no such model; it is a ValueError.
        """
        model, estimator = load(path), cls()
        estimator.coef_, estimator.intercept_ = np.array(model.coef, dtype=np.float64), np.float64(model.intercept)
        estimator.n_features_in_ = len(model.features)
        if model.features != name_features(None, len(model.features)):
            estimator.feature_names_in_ = np.array(model.features, dtype=object)
        return estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Array, Array, Array | None]:
        """Return what was handed in as arrays, after scikit-learn's checks."""
        kinds: dict[str, Any] = {
            "accept_sparse": "csr",
            "dtype": [np.float64, np.float32],
            "multi_output": True,
            "y_numeric": True,
        }
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then is refused
                X, y = validate_data(self, X, y, reset=reset, **kinds)
        except ArithmeticError as error:  # of whole numbers, or decimals, that no float64 can be
            raise ValueError(f"X and y must hold numbers in the range of float64; {error}") from error
        if sample_weight is not None:
            sample_weight = validation.check_numbers("sample_weight", sample_weight)
            validation.check_finite("sample_weight", sample_weight)
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        return X, y, sample_weight

    def _fit_dask(self, X: Any, y: Any, sample_weight: Any) -> GradientDescentRegressor:
        """Fit to rows that stay where they are."""
        distributed.check_compressible(self.compress, self.batch_size)
        compressor = distributed.collect(
            X, y, sample_weight=sample_weight, fit_intercept=self.fit_intercept, alpha=self.alpha, targets=True
        )
        self.n_features_in_ = int(X.shape[1])
        names = column_names(X)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        n_targets = compressor.n_targets or 0
        starts = self._starts(n_targets, self.n_features_in_) if self.warm_start else [None] * n_targets
        return self._keep(self._descend(compressor, starts), y.ndim)

    def _fit_sparse(
        self, X: Any, targets: Array, sample_weight: Array | None, starts: list[Any]
    ) -> list[DescentResult]:
        """Return the results for sparse features: on a small problem, or where that would be large, on the rows."""
        if self.batch_size is not None:
            raise ValueError(f"batch_size must be None for sparse X; got {self.batch_size!r}")
        if self.compress is True or (self.compress == "auto" and X.shape[1] <= MOST_COMPRESSED):
            return self._descend(self._compress(X, targets.T, sample_weight), starts)
        if self.backend not in ("auto", "numpy"):
            raise ValueError(
                f"backend must be 'auto' or 'numpy' for sparse X that is not compressed; got {self.backend!r}"
            )
        options = self._options()
        standardize = options.pop("standardize")
        settings = check_settings(check_every=10, callback=None, **options | {"backend": "numpy"})
        prepare = partial(prepare_sparse, X, fit_intercept=self.fit_intercept, sample_weight=sample_weight)
        why = f"sparse X of {X.shape[1]} columns has fewer entries than a compressed problem"
        results = []
        for target, start in zip(targets, starts, strict=True):
            prepared = prepare(y=target, alpha=self.alpha, standardized=standardize)
            begin = np.zeros(X.shape[1] + self.fit_intercept) if start is None else start
            results.append(descend(prepared, begin, settings, why))
        return results

    def _compresses(self, shape: tuple[int, ...]) -> bool:
        """Tell whether a fit of several targets goes by one compression."""
        epochs = validation.check_count("max_iter", self.max_iter)
        batches, named = self.batch_size is not None, self.backend != "auto"
        return choose_compression(self.compress, shape, epochs, named=named, batches=batches)[0]

    def _new_compressor(self, method: str) -> Compressor:
        """Return a compressor without rows."""
        return Compressor(fit_intercept=self.fit_intercept, alpha=self.alpha, method=method)

    def _compress(self, X: Array, y: Array, sample_weight: Array | None) -> Compressor:
        """Return a compressor that has seen all rows."""
        add = add_rows if is_sparse(X) else Compressor.add
        compressor = self._new_compressor("gram")
        add(compressor, X, y, sample_weight)
        if not compressor.keeps_digits:
            compressor = self._new_compressor("qr")
            add(compressor, X, y, sample_weight)
        return compressor

    def _options(self) -> dict[str, Any]:
        """Return the arguments that all descents have in common, by the names they have there."""
        return {
            "learning_rate": self.learning_rate,
            "epochs": self.max_iter,
            "tol": self.tol,
            "backend": self.backend,
            "standardize": self.standardize,
            "threads": self.threads,
            "verbose": self.verbose,
        }

    def _starts(self, n_targets: int, n_features: int) -> list[Any]:
        """Return the weights that the targets' descents start from; None where there are none of this shape."""
        coef = np.atleast_2d(getattr(self, "coef_", np.empty((0, 0))))
        if coef.shape != (n_targets, n_features):
            return [None] * n_targets
        if not self.fit_intercept:
            return list(coef)
        return list(np.column_stack([np.broadcast_to(self.intercept_, n_targets), coef]))

    def _descend(self, compressor: Compressor, starts: list[Any]) -> list[DescentResult]:
        """Return the results of one descent for each target of a compressor."""
        options = self._options()
        return [fit_compressor(compressor, target=k, weights=start, **options) for k, start in enumerate(starts)]

    def _keep(self, results: list[DescentResult], y_ndim: int) -> GradientDescentRegressor:
        """Set the attributes of a fit."""
        if any(result.reason == "epochs" for result in results) and self.tol > 0:
            warnings.warn(
                f"not converged after max_iter={self.max_iter} epochs: try more, or learning_rate='eigenvalues'",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.n_iter_ = max(result.epochs for result in results)
        self.backend_ = results[0].backend
        if y_ndim == 1:
            result = results[0]
            self.coef_, self.intercept_ = result.coef, np.float64(result.intercept)
            self.cost_history_, self.stop_reason_ = result.cost_history, result.reason
        else:
            self.coef_ = np.array([result.coef for result in results])
            self.intercept_ = np.array([result.intercept for result in results])
            self.cost_history_ = [result.cost_history for result in results]
            self.stop_reason_ = [result.reason for result in results]
        return self


def make_seed(random_state: Any) -> Any:
    """Return what fastgd takes for a random state: of scikit-learn's older kind, a number drawn from it."""
    return random_state.randint(1 << 31) if isinstance(random_state, np.random.RandomState) else random_state
