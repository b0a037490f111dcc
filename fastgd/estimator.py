"""The scikit-learn estimator: its conventions on top of the driver and the compressor."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

import warnings
from collections.abc import Iterable, Iterator
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.descent.auto import choose_compression
from fastgd.descent.fit import check_batch_size, fit_compressor, gradient_descent
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import check_settings, descend
from fastgd.files.model import Model, load, name_features, save
from fastgd.inputs.arrays import Array, is_sparse
from fastgd.inputs.data import check_finite, check_matrix, check_numbers, check_predictions, check_sample_weight
from fastgd.inputs.frames import check_same_columns, column_names
from fastgd.inputs.options import MOST_EPOCHS, check_alpha, check_choice, check_count, check_flag, check_random_state
from fastgd.problem import dask as distributed
from fastgd.problem.compressor import Compressor
from fastgd.problem.sparse import MOST_COMPRESSED, add_rows, prepare_sparse

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
        The rates: see `fastgd.gradient_descent`. "eigenvalues" needs the fewest epochs where features are few;
        mini-batches need "inverse_scaling", or others without long steps.
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
    cost_history_ : ndarray of shape (`n_iter_`,) or list of ndarray
        The cost before each epoch; one array for each of several targets.
    stop_reason_ : str or list of str
        Why the fit ended: see `fastgd.DescentResult`.
    backend_ : str
        The backend that ran.
    n_features_in_ : int
        How many features the fit had.
    feature_names_in_ : ndarray of shape (`n_features_in_`,), object
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

        Raises
        ------
        ValueError, TypeError
            If a parameter, or what is handed in, is not what is described.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` epochs were not enough for `tol`.
        DivergenceWarning, ConditionWarning
            As `fastgd.gradient_descent` does.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> GradientDescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).coef_.round(6)
        array([2.])
        """
        if distributed.is_dask(X, y, sample_weight):
            self._check_parameters()
            distributed.check_compressible(self.compress, self.batch_size)
            compressor = self._collect(X, y, sample_weight, "auto")
            starts = self._choose_starts(compressor.n_targets or 0, compressor.n_features or 0)
            return self._keep(self._descend(compressor, starts), np.ndim(y))
        X, y, sample_weight = self._check(X, y, sample_weight, reset=True)
        targets = y.reshape(len(y), -1).T
        if is_sparse(X) or len(targets) > 1:  # else gradient_descent does all that first thing
            self._check_parameters()
            check_batch_size(self.batch_size, len(y), self.compress)
        starts = self._choose_starts(len(targets), X.shape[1])
        if is_sparse(X):
            return self._keep(self._fit_sparse(X, targets, sample_weight, starts), y.ndim)
        if len(targets) > 1 and self._compresses(X.shape):
            return self._keep(self._descend(self._compress(X, y, sample_weight), starts), y.ndim)
        options = self._options() | {"alpha": self.alpha, "fit_intercept": self.fit_intercept}
        options |= {"batch_size": self.batch_size, "compress": self.compress, "sample_weight": sample_weight}
        if self.batch_size is not None:  # else nothing is random, and nothing may be drawn from a shared state
            options["random_state"] = make_seed(self.random_state)
        return self._keep(
            (
                gradient_descent(X, target, weights=start, **options)
                for target, start in zip(targets, starts, strict=True)
            ),
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

        Raises
        ------
        ValueError, TypeError
            As `fit` does, and with a `batch_size`. Nothing has been added then.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning, DivergenceWarning, ConditionWarning
            As `fit` does.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> model = GradientDescentRegressor().partial_fit([[0.0], [1.0]], [1.0, 3.0])
        >>> model.partial_fit([[2.0]], [5.0]).coef_.round(6)
        array([2.])
        """
        if self.batch_size is not None:
            raise ValueError(f"batch_size must be None for partial_fit, which keeps no rows; got {self.batch_size!r}")
        self._check_parameters()
        before: Compressor | None = getattr(self, "_compressor", None)
        # A copy, since a descent may still be refused or interrupted; what it holds is never written to.
        compressor = self._new_compressor("qr") if before is None else copy(before)
        compressor.alpha, compressor.fit_intercept = self.alpha, self.fit_intercept  # the sums have neither in them
        if distributed.is_dask(X, y, sample_weight):
            compressor.merge(self._collect(X, y, sample_weight, "qr"))
        else:
            X, y, sample_weight = self._check(X, y, sample_weight, reset=before is None)
            add = add_rows if is_sparse(X) else Compressor.add
            add(compressor, X, y.reshape(len(y), -1), sample_weight)
        starts = self._starts(compressor.n_targets or 0, compressor.n_features or 0)
        self._keep(self._descend(compressor, starts), np.ndim(y))
        self._compressor = compressor
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions for some rows.

        Parameters
        ----------
        X : array_like or sparse array of shape (n_samples, n_features), or of Dask
            The features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            The predictions; for Dask's X, a Dask array, not yet computed.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            If there was no fit, or X is not as in the fit.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> model = GradientDescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> model.predict([[3.0], [4.0]]).round(6)
        array([7., 9.])
        """
        check_is_fitted(self, "coef_")
        if distributed.is_dask(X):
            names = getattr(self, "feature_names_in_", None)
            check_same_columns(X, None if names is None else list(names))
            if self.coef_.ndim == 1:
                return distributed.predict(X, self.coef_, self.intercept_)
            targets = zip(self.coef_, self.intercept_, strict=True)
            return np.stack([distributed.predict(X, coef, intercept) for coef, intercept in targets], axis=1)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            return check_predictions(X @ self.coef_.T + self.intercept_)

    def save(self, path: str | Path, *, target: str = "y") -> None:
        """Write the fitted model as the JSON that `fastgd predict` and `load` read; of one target only.

        Parameters
        ----------
        path : str or pathlib.Path
            Where to.
        target : str
            The name of what is predicted.

        Raises
        ------
        ValueError
            If there are several targets, or names that are the same.
        sklearn.exceptions.NotFittedError
            If there was no fit.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from fastgd import GradientDescentRegressor
        >>> model = GradientDescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.json", target="price")
        ...     GradientDescentRegressor.load(f"{folder}/model.json").predict([[3.0]]).round(6)
        array([7.])
        """
        check_is_fitted(self, "coef_")
        if np.size(self.intercept_) != 1:
            raise ValueError(f"a saved model must have one target; got {np.size(self.intercept_)}")
        features = name_features(getattr(self, "feature_names_in_", None), self.n_features_in_)
        known = {"backend": "backend_", "epochs": "n_iter_", "reason": "stop_reason_"}  # but of a model from elsewhere
        notes = {name: np.ravel(getattr(self, key)).tolist()[0] for name, key in known.items() if hasattr(self, key)}
        coef = np.ravel(self.coef_).tolist()
        save(Model(target, features, float(np.ravel(self.intercept_)[0]), coef, notes), path)

    @classmethod
    def load(cls, path: str | Path) -> GradientDescentRegressor:
        """Return a fitted estimator, its parameters those of a new one, from the JSON of `save` or `fastgd fit`.

        It predicts. How it was fitted, and the rows that `partial_fit` has seen, are not in such a file (a pickle has
        them): `partial_fit` begins anew, from its weights.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.

        Returns
        -------
        GradientDescentRegressor
            A new estimator.

        Raises
        ------
        fastgd.files.model.ModelError
            If the file is no such model; it is a ValueError.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import tempfile, fastgd
        >>> from fastgd import GradientDescentRegressor
        >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result.save(f"{folder}/model.json")
        ...     GradientDescentRegressor.load(f"{folder}/model.json").predict([[3.0]]).round(3)
        array([7.])
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
        if column_names(X) is not None:
            check_matrix(X)  # names the column that holds something else than numbers
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
            sample_weight = check_numbers("sample_weight", sample_weight)
            check_finite("sample_weight", sample_weight)
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            check_sample_weight(sample_weight, len(y), zero_sum=True)
        return X, y, sample_weight

    def _collect(self, X: Any, y: Any, sample_weight: Any, method: str) -> Compressor:
        """Return a compressor that has seen the rows of Dask, where they are."""
        compressor = distributed.collect(
            X,
            y,
            sample_weight=sample_weight,
            fit_intercept=self.fit_intercept,
            alpha=self.alpha,
            method=method,
            targets=True,
        )
        self.n_features_in_ = int(X.shape[1])
        names = column_names(X)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return compressor

    def _fit_sparse(
        self, X: Any, targets: Array, sample_weight: Array | None, starts: list[Any]
    ) -> Iterator[DescentResult]:
        """Yield the results for sparse features: on a small problem, or where that would be large, on the rows."""
        if self.batch_size is not None:
            raise ValueError(f"batch_size must be None for sparse X; got {self.batch_size!r}")
        if self.compress is True or (self.compress == "auto" and X.shape[1] <= MOST_COMPRESSED):
            yield from self._descend(self._compress(X, targets.T, sample_weight), starts)
            return
        if self.backend not in ("auto", "numpy"):
            raise ValueError(
                f"backend must be 'auto' or 'numpy' for sparse X that is not compressed; got {self.backend!r}"
            )
        options = self._options()
        standardize = options.pop("standardize")
        settings = check_settings(check_every=10, callback=None, **options | {"backend": "numpy"})
        prepare = partial(prepare_sparse, X, fit_intercept=self.fit_intercept, sample_weight=sample_weight)
        why = f"sparse X of {X.shape[1]} columns has fewer entries than a compressed problem"
        for target, start in zip(targets, starts, strict=True):
            prepared = prepare(y=target, alpha=self.alpha, standardized=standardize)
            begin = np.zeros(X.shape[1] + self.fit_intercept) if start is None else start
            yield descend(prepared, begin, settings, why)

    def _check_parameters(self) -> None:
        """Refuse parameters that no fit can have, before any work; the rest is seen when rows are there."""
        check_count("max_iter", self.max_iter, most=MOST_EPOCHS)
        options = self._options()
        check_flag("standardize", options.pop("standardize"))
        check_settings(check_every=10, callback=None, **options)
        check_alpha(self.alpha)
        check_flag("fit_intercept", self.fit_intercept)
        check_flag("warm_start", self.warm_start)
        check_choice("compress", self.compress, ("auto", True, False))
        if not isinstance(self.random_state, np.random.RandomState):
            check_random_state(self.random_state)

    def _compresses(self, shape: tuple[int, ...]) -> bool:
        """Tell whether a fit of several targets goes by one compression."""
        batches, named = self.batch_size is not None, self.backend != "auto"
        return choose_compression(self.compress, shape, self.max_iter, named=named, batches=batches)[0]

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

    def _choose_starts(self, n_targets: int, n_features: int) -> list[Any]:
        """Return the weights that a fit starts from: those of the last one if `warm_start` says so."""
        return self._starts(n_targets, n_features) if self.warm_start else [None] * n_targets

    def _starts(self, n_targets: int, n_features: int) -> list[Any]:
        """Return the weights that the targets' descents start from; None where there are none of this shape."""
        coef = np.atleast_2d(getattr(self, "coef_", np.empty((0, 0))))
        if coef.shape != (n_targets, n_features):
            return [None] * n_targets
        if not self.fit_intercept:
            return list(coef)
        return list(np.column_stack([np.broadcast_to(self.intercept_, n_targets), coef]))

    def _descend(self, compressor: Compressor, starts: list[Any]) -> Iterator[DescentResult]:
        """Yield the results of one descent for each target of a compressor."""
        options = self._options()
        return (fit_compressor(compressor, target=k, weights=start, **options) for k, start in enumerate(starts))

    def _keep(self, found: Iterable[DescentResult], y_ndim: int) -> GradientDescentRegressor:
        """Set the attributes of a fit, unless Ctrl-C ends it: a search must not go on with what was interrupted."""
        results = []
        for result in found:
            if result.reason == "interrupted":
                raise KeyboardInterrupt
            results.append(result)
        self._compressor = None
        if any(result.reason == "epochs" for result in results) and self.tol > 0:
            remedy = "try more, or learning_rate='eigenvalues'"
            if self.batch_size is not None:
                remedy = "mini-batches seldom settle by tol; tol=0 takes max_iter as it is"
            warnings.warn(
                f"not converged after max_iter={self.max_iter} epochs: {remedy}",
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
    if isinstance(random_state, np.random.RandomState):
        return random_state.randint(1 << 31)
    return random_state
