"""The scikit-learn estimator: scikit-learn's conventions on top of the descent and the compressor."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.conventions import check_data, check_new_data
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult, list_notes
from fastgd.descent.solve import solve
from fastgd.descent.warnings import DivergenceWarning
from fastgd.files.model import Model, load, name_features, name_targets, save
from fastgd.inputs.arrays import FLOAT32, FLOAT64, Array, is_sparse
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.data import as_kernel_array, check_sample_weight, check_targets, predict_rows
from fastgd.inputs.extras import explain_import
from fastgd.inputs.frames import check_different_names, check_same_columns
from fastgd.inputs.options import MOST_EPOCHS, check_count, check_flag
from fastgd.inputs.values import check_finite
from fastgd.inputs.words import count, quote
from fastgd.problem.compressor import Compressor
from fastgd.problem.dask import find_blocks, is_dask, predict_lazily, reduce_blocks
from fastgd.problem.dask_score import sum_squares
from fastgd.problem.prepared import Source
from fastgd.problem.rows import CompressedSource, DenseSource
from fastgd.problem.sparse import SparseSource, add_sparse

try:
    from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
    from sklearn.utils.validation import check_is_fitted, validate_data
except Exception as error:
    raise explain_import("GradientDescentRegressor needs scikit-learn", error, "sklearn") from error


class GradientDescentRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear regression by gradient descent, with or without a ridge.

    Minimises 1/(2n) Σ (xᵢ·w − yᵢ)² + alpha·½‖coef‖², by updates against the gradient at the rates of a schedule.

    Parameters
    ----------
    learning_rate : float, array_like of shape (max_iter,), callable or str
        The rates: see `fastgd.gradient_descent`. "auto" needs one epoch for most data; mini-batches take rates without
        long steps only, such as "inverse_scaling".
    max_iter : int
        The largest number of epochs.
    tol : float
        The relative tolerance: the fit ends if the cost hardly changes, or if the gradient is small. 0 runs all epochs.
    alpha : float
        The ridge, in the units of the data: ``Ridge(alpha=a)`` of scikit-learn is ``a / n_samples`` here.
    fit_intercept : bool
        True to fit an intercept.
    precondition : {"auto", "none", "standardize", "whiten"}
        The coordinates of the descent: see `fastgd.gradient_descent`. Named rates run in the units of the data, unless
        coordinates are named too. Coefficients are in the data's units.
    backend : {"auto", "cython", "numba", "numpy", "python"} or str
        The module that computes the updates.
    compress : {"auto", True, False}
        True descends on at most n_features + 2 rows with the same cost: see `fastgd.gradient_descent`.
    batch_size : int or None
        The number of rows of a mini-batch; None makes each update from all rows.
    warm_start : bool
        True starts `fit` from the weights of the last fit, if they have the right shape.
    threads : int or None
        The number of threads of the compiled backends.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None
        The source of the order of mini-batches.
    verbose : int
        1 prints the cost during the fit.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features), float64
        The coefficients. As in LinearRegression, a y of shape (n_samples, 1) gives coefficients of shape
        (1, n_features), an intercept of shape (1,) and predictions of shape (n_samples, 1).
    intercept_ : float64 or ndarray of shape (n_targets,), float64
        The intercept; 0.0 if none was fitted.
    n_iter_ : int
        The number of epochs, which all targets share.
    cost_history_ : ndarray of shape (`n_iter_`,) or list of ndarray
        The cost before each epoch; for several targets, a list with one array each.
    stop_reason_ : str or list of str
        The reason why the fit ended: see `fastgd.DescentResult`. There is no attribute `converged`: a fit that has not
        converged warns with scikit-learn's ConvergenceWarning, unless `tol` is 0.
    backend_ : str
        The backend that ran.
    n_features_in_ : int
        The number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,), object
        The names of the features, if all names are strings.

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
    _fitted: DescentResult | dict[str, Any]  # the result of the last fit; of a loaded model, the notes in its file

    def __init__(
        self,
        learning_rate: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-8,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        precondition: str = "auto",
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
        self.precondition = precondition
        self.backend = backend
        self.compress = compress
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None = None
    ) -> GradientDescentRegressor:
        """Fit to these rows, and forget the rows of earlier calls of `fit` or `partial_fit`.

        Parameters
        ----------
        X : array_like, sparse array or Dask collection of shape (n_samples, n_features)
            The features.
        y : array_like or Dask collection of shape (n_samples,) or (n_samples, n_targets)
            The target or targets. One descent fits all targets, which share the rates; it ends when all have settled.
            A y of shape (n_samples, 1) gives attributes and predictions with an axis of targets, of length 1.
        sample_weight : array_like or Dask collection of shape (n_samples,), float or None
            The weights of the rows, 0 or more, and above 0 in at least one row. One number is the weight of every row.

        Returns
        -------
        GradientDescentRegressor
            The estimator itself.

        Raises
        ------
        ValueError, TypeError
            If an argument, or a parameter of the estimator, does not fit its description. Masked arrays are refused if
            a value is masked.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If the fit ended, but not near the least cost, such as after `max_iter` epochs of a slow rate.
        DivergenceWarning
            If the cost grew or stopped being finite.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> GradientDescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).coef_.round(6)
        array([2.])
        """
        options = self._check_parameters()
        source, y_ndim = self._find_source(X, y, sample_weight)
        warm = self.warm_start
        start = self._find_start(source, options) if warm else options.make_start(source.n_features, source.n_targets)
        try:
            found = solve(source.prepare(options), start, options)
        except ValueError:
            if are_plain(X, y):
                check_data(self, X, y, reset=True)  # names the place of a value that is not finite
            raise
        self._set_results(*found, y_ndim)
        self._compressor = None
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None = None
    ) -> GradientDescentRegressor:
        """Add rows, and fit to all rows added by this method so far, starting from the weights of the last fit.

        The fit is that of all rows together, however they were divided. `fit` starts again without rows, and does not
        keep its own rows for later calls of `partial_fit`. As long as all rows have the weight 0, there is nothing to
        fit: the weights of the last fit, if any, stay.

        Parameters
        ----------
        X : array_like, sparse array or Dask collection of shape (n_samples, n_features)
            The features.
        y : array_like or Dask collection of shape (n_samples,) or (n_samples, n_targets)
            The target or targets; see `fit`.
        sample_weight : array_like or Dask collection of shape (n_samples,), float or None
            The weights of the rows, 0 or more. One number is the weight of every row of this call.

        Returns
        -------
        GradientDescentRegressor
            The estimator itself.

        Raises
        ------
        ValueError, TypeError
            If an argument, or a parameter of the estimator, does not fit its description, or if `batch_size` is set. No
            rows have been added then.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning, DivergenceWarning
            See `fit`.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> model = GradientDescentRegressor().partial_fit([[0.0], [1.0]], [1.0, 3.0])
        >>> model.partial_fit([[2.0]], [5.0]).coef_.round(6)
        array([2.])
        """
        if self.batch_size is not None:
            raise ValueError(
                f"batch_size must be None for partial_fit, which keeps no rows; got {quote(self.batch_size)}"
            )
        options = self._check_parameters()
        before: Compressor | None = getattr(self, "_compressor", None)
        # A shallow copy: if the descent is refused or interrupted, the estimator keeps its compressor.
        compressor = Compressor(method="qr") if before is None else copy(before)
        if is_dask(X, y, sample_weight):
            self._add_blocks(compressor, X, y, sample_weight)
        else:
            X, y, sample_weight = self._check_arrays(X, y, sample_weight, reset=before is None)
            add = add_sparse if is_sparse(X) else Compressor.add
            add(compressor, X, y.reshape(len(y), -1), sample_weight)
        if compressor.n_features is None:
            self._wait_for_rows(compressor)
            return self
        source = CompressedSource(compressor.summary(), "partial_fit has summed up the rows")
        options = replace(options, compress="auto")  # the rows themselves are gone
        start = self._find_start(source, options)
        self._set_results(*solve(source.prepare(options), start, options), np.ndim(y))
        self._compressor = compressor
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions for the rows of X.

        Parameters
        ----------
        X : array_like, sparse array or Dask collection of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            The predictions; for an X of Dask, a Dask array that is not computed yet.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            If the estimator is not fitted, or X has other columns than in the fit.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> model = GradientDescentRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> model.predict([[3.0], [4.0]]).round(6)
        array([7., 9.])
        """
        check_is_fitted(self, "coef_")
        if is_dask(X):
            self._check_dask_names(X)
            return predict_lazily(X, self.coef_.T, self.intercept_)
        return predict_rows(check_new_data(self, X), self.coef_.T, self.intercept_)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R² = 1 − Σ s·(y − prediction)² / Σ s·(y − mean)², the mean of it for several targets.

        Parameters
        ----------
        X : array_like, sparse array or Dask collection of shape (n_samples, n_features)
            The features.
        y : array_like or Dask collection of shape (n_samples,) or (n_samples, n_targets)
            The target or targets.
        sample_weight : array_like or Dask collection of shape (n_samples,), float or None
            The weights s of the rows; one number is the weight of every row, None the weight 1.

        Returns
        -------
        float
            R², 1 at best. The score of Dask collections is computed at once, where their partitions are.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            If the estimator is not fitted, or an argument does not fit its description.

        Warns
        -----
        sklearn.exceptions.UndefinedMetricWarning
            If there are less than two rows: R² is NaN then.

        Examples
        --------
        >>> from fastgd import GradientDescentRegressor
        >>> X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
        >>> round(GradientDescentRegressor().fit(X, y).score(X, y), 6)
        1.0
        """
        check_is_fitted(self, "coef_")
        if is_dask(X):
            self._check_dask_names(X)
            squares = sum_squares(find_blocks(X, y, sample_weight), self.coef_.T, self.intercept_)
            if squares.n_samples > 1:
                return squares.r_squared
            warn_caller(UndefinedMetricWarning("R² is not defined for less than two samples"))
            return float("nan")
        if is_dask(y, sample_weight):
            import dask  # installed, since y or the weights are Dask's

            y, sample_weight = dask.compute(y, sample_weight)
        from sklearn.metrics import r2_score  # imported here, as scikit-learn does: it takes long to load

        predictions = self.predict(X)
        targets = check_targets(y, len(predictions))
        check_finite("y", targets, y)
        if targets.shape[1:] not in (predictions.shape[1:], (1,) * (predictions.ndim == 1)):
            expected = count(np.size(self.intercept_), "column")
            raise ValueError(f"y must have {expected}, as in the fit; got shape {targets.shape}")
        weights = check_sample_weight(sample_weight, len(targets), zero_sum=True)
        return float(r2_score(targets, predictions, sample_weight=weights))

    def save(self, path: str | Path, *, target: str | list[str] | None = None) -> None:
        """Write the fitted model with its history as JSON, which `fastgd predict` and `load` read.

        Parameters
        ----------
        path : str or pathlib.Path
            The file to write.
        target : str, list of str, or None
            The name of the target, or one for each of several; None means "y", or "y0", "y1" and so on.

        Raises
        ------
        ValueError
            If two of the names of features and targets are equal, or their number is another one.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
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
        features = name_features(getattr(self, "feature_names_in_", None), self.n_features_in_)
        fitted = getattr(self, "_fitted", {})  # a pickle of an older version has none
        notes = list_notes(fitted) if isinstance(fitted, DescentResult) else fitted
        coef, intercept = self.coef_.T, self.intercept_
        if np.size(intercept) == 1:
            coef, intercept = np.ravel(coef), np.ravel(intercept)[0]
        names = name_targets(target, np.size(intercept))
        save(Model(names, features, intercept.tolist(), coef.tolist(), notes), path)

    @classmethod
    def load(cls, path: str | Path) -> GradientDescentRegressor:
        """Return a fitted estimator with default parameters from the JSON of `save` or `fastgd fit`.

        The file has the weights, but neither the parameters of the fit nor the rows of `partial_fit` (a pickle has
        both). So `partial_fit` starts without rows, from these weights.

        Parameters
        ----------
        path : str or pathlib.Path
            The file to read.

        Returns
        -------
        GradientDescentRegressor
            A new estimator.

        Raises
        ------
        fastgd.files.model.ModelError
            If the file is no saved model. ModelError is a ValueError.
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
        coef, intercept = np.array(model.coef, dtype=np.float64), np.array(model.intercept, dtype=np.float64)
        estimator.coef_ = np.ascontiguousarray(coef.T)
        estimator.intercept_ = intercept if intercept.ndim else np.float64(intercept)
        estimator.n_features_in_, estimator._fitted = len(model.features), model.fit
        if model.features != name_features(None, len(model.features)):
            estimator.feature_names_in_ = np.array(model.features, dtype=object)
        return estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_arrays(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Array, Array, Array | None]:
        """Return the arguments as arrays."""
        rows, targets = check_data(self, X, y, reset=reset)
        return rows, targets, check_sample_weight(sample_weight, len(targets), zero_sum=True)

    def _find_source(self, X: Any, y: Any, sample_weight: Any) -> tuple[Source, int]:
        """Return the source of the rows (arrays, sparse arrays or Dask collections) and the dimensions of y."""
        if is_dask(X, y, sample_weight):
            blocks = find_blocks(X, y, sample_weight)
            self._set_columns(X)
            return blocks, np.ndim(y)
        if are_plain(X, y):
            validate_data(self, X, reset=True, skip_check_array=True)
        else:
            X, y, sample_weight = self._check_arrays(X, y, sample_weight, reset=True)
        sample_weight = check_sample_weight(sample_weight, len(y))
        targets = as_kernel_array(y.reshape(len(y), -1))
        if targets.dtype != np.float32:  # also integers, which scikit-learn leaves as they are
            targets = targets.astype(np.float64, copy=False)
        if is_sparse(X):
            return SparseSource(X, targets.astype(np.float64, copy=False), sample_weight), y.ndim
        return DenseSource(as_kernel_array(X), targets, sample_weight), y.ndim

    def _add_blocks(self, compressor: Compressor, X: Any, y: Any, sample_weight: Any) -> None:
        """Let Dask compress a part of the rows, and add it to the compressor, even if none of them counts."""
        blocks = find_blocks(X, y, sample_weight)
        if compressor.n_samples and blocks.n_features != self.n_features_in_:
            raise ValueError(f"X must have {self.n_features_in_} columns, as before; got {blocks.n_features}")
        part = reduce_blocks(blocks, Compressor(method="qr"))
        if not part.n_samples:
            raise ValueError("X must have at least one row; got none")
        compressor.merge(part)
        self._set_columns(X)

    def _wait_for_rows(self, compressor: Compressor) -> None:
        """Keep a compressor that has no row of positive weight so far, and weights that fit to its columns."""
        self._compressor = compressor
        if hasattr(self, "coef_") and self.coef_.shape[-1] != self.n_features_in_:
            del self.coef_  # of a fit to other columns: the estimator is not fitted any more

    def _check_dask_names(self, X: Any) -> None:
        """Refuse a Dask collection whose columns have other names than those of the fit."""
        names = getattr(self, "feature_names_in_", None)
        check_same_columns(X, None if names is None else list(names))

    def _set_columns(self, X: Any) -> None:
        """Set the number and the names of the columns of a Dask collection, as scikit-learn does for arrays."""
        self.n_features_in_ = int(X.shape[1])
        names = check_different_names("X", X)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_parameters(self) -> DescentOptions:
        """Return the parameters as options of a descent; refuse parameters that are wrong for all data."""
        check_flag("warm_start", self.warm_start)
        check_count("max_iter", self.max_iter, most=MOST_EPOCHS)  # so that the message says max_iter, not epochs
        return DescentOptions.checked(
            learning_rate=self.learning_rate,
            epochs=self.max_iter,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            backend=self.backend,
            compress=self.compress,
            alpha=self.alpha,
            batch_size=self.batch_size,
            precondition=self.precondition,
            threads=self.threads,
            random_state=self._make_seed(),
            verbose=self.verbose,
        )

    def _make_seed(self) -> Any:
        """Return the random state; from a RandomState, scikit-learn's older kind, draw a seed."""
        if not isinstance(self.random_state, np.random.RandomState):
            return self.random_state
        # Others may share the state, so draw only if the fit needs random numbers.
        return None if self.batch_size is None else self.random_state.randint(1 << 31)

    def _find_start(self, source: Source, options: DescentOptions) -> Array:
        """Return the starting weights: those of the last fit if their shape is right, else those of the options."""
        coef = np.atleast_2d(getattr(self, "coef_", np.empty((0, 0))))
        if coef.shape != (source.n_targets, source.n_features):
            return options.make_start(source.n_features, source.n_targets)
        rows = [np.broadcast_to(self.intercept_, (1, source.n_targets)), coef.T] if self.fit_intercept else [coef.T]
        start = np.ascontiguousarray(np.concatenate(rows))
        return start[:, 0] if source.n_targets == 1 else start

    def _set_results(self, result: DescentResult, warning: Warning | None, y_ndim: int) -> None:
        """Set the fitted attributes; raise KeyboardInterrupt if Ctrl-C ended the descent, so that a search ends too."""
        reasons = [result.reason] if isinstance(result.reason, str) else list(result.reason)
        if "interrupted" in reasons:
            raise KeyboardInterrupt
        if warning is not None:
            diverged = isinstance(warning, DivergenceWarning)
            warn_caller(
                warning if diverged else ConvergenceWarning(str(warning).replace("more epochs", "a larger max_iter"))
            )
        self._fitted, self.n_iter_, self.backend_ = result, result.epochs, result.backend
        if y_ndim == 1:
            self.coef_, self.intercept_ = result.coef, np.float64(result.intercept)
            self.cost_history_, self.stop_reason_ = result.cost_history, result.reason
        else:
            coef, costs = np.atleast_2d(result.coef.T), np.atleast_2d(result.cost_history.T)
            self.coef_, self.intercept_ = np.ascontiguousarray(coef), np.ravel(result.intercept)
            self.cost_history_, self.stop_reason_ = list(np.ascontiguousarray(costs)), reasons


def are_plain(X: Any, y: Any) -> bool:
    """Return True for arrays of floats that fit together: only their values are left to check, which the sums do."""
    return (
        type(X) is type(y) is np.ndarray
        and X.dtype in (FLOAT64, FLOAT32)
        and y.dtype in (FLOAT64, FLOAT32)
        and X.ndim == 2
        and y.ndim in (1, 2)
        and len(X) == len(y)
        and X.size > 0
        and y.size > 0
    )
