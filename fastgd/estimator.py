"""The scikit-learn estimator: its conventions on top of the driver and the compressor."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import solve
from fastgd.descent.warnings import warn_caller
from fastgd.files.model import Model, load, name_features, save
from fastgd.inputs.arrays import Array, is_sparse
from fastgd.inputs.data import (
    check_finite,
    check_matrix,
    check_numbers,
    check_predictions,
    check_sample_weight,
)
from fastgd.inputs.frames import check_same_columns, column_names
from fastgd.inputs.options import MOST_EPOCHS, check_count, check_flag
from fastgd.problem.compressor import Compressor
from fastgd.problem.dask import collect, find_blocks, is_dask, predict_lazily
from fastgd.problem.prepared import Source
from fastgd.problem.rows import ArraySource, CompressedSource
from fastgd.problem.sparse import SparseSource, add_rows

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
        options = self._check_parameters()
        source, y_ndim = self._find_source(X, y, sample_weight)
        starts = self._list_starts(source) if self.warm_start else [None] * source.n_targets
        self._keep(descend_targets(source, options, starts), y_ndim)
        self._compressor = None
        return self

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
        options = self._check_parameters()
        before: Compressor | None = getattr(self, "_compressor", None)
        # A copy, since a descent may still be refused or interrupted; what it holds is never written to.
        compressor = Compressor(method="qr") if before is None else copy(before)
        if is_dask(X, y, sample_weight):
            compressor.merge(collect(X, y, sample_weight=sample_weight, method="qr", targets=True))
            self._set_columns(X)
        else:
            X, y, sample_weight = self._check(X, y, sample_weight, reset=before is None)
            add = add_rows if is_sparse(X) else Compressor.add
            add(compressor, X, y.reshape(len(y), -1), sample_weight)
        source = CompressedSource(compressor.summary(None), "partial_fit has seen the rows")
        options = replace(options, compress="auto")  # no rows are kept that a descent could read
        self._keep(descend_targets(source, options, self._list_starts(source)), np.ndim(y))
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
        if is_dask(X):
            names = getattr(self, "feature_names_in_", None)
            check_same_columns(X, None if names is None else list(names))
            if self.coef_.ndim == 1:
                return predict_lazily(X, self.coef_, self.intercept_)
            targets = zip(self.coef_, self.intercept_, strict=True)
            return np.stack([predict_lazily(X, coef, intercept) for coef, intercept in targets], axis=1)
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

    def _find_source(self, X: Any, y: Any, sample_weight: Any) -> tuple[Source, int]:
        """Return the source of the rows, arrays, sparse arrays or Dask collections, and the dimensions of y."""
        if is_dask(X, y, sample_weight):
            blocks = find_blocks(X, y, sample_weight, targets=True)
            self._set_columns(X)
            return blocks, np.ndim(y)
        X, y, sample_weight = self._check(X, y, sample_weight, reset=True)
        check_sample_weight(sample_weight, len(y))
        targets = y.reshape(len(y), -1).astype(np.float64, copy=False)
        make_source = SparseSource if is_sparse(X) else ArraySource
        return make_source(X, targets, sample_weight), y.ndim

    def _set_columns(self, X: Any) -> None:
        """Set the number and the names of the columns of Dask's data, as scikit-learn does for arrays."""
        self.n_features_in_ = int(X.shape[1])
        names = column_names(X)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_parameters(self) -> DescentOptions:
        """Return the options of a descent; refuse parameters that no fit can have."""
        check_flag("warm_start", self.warm_start)
        check_count("max_iter", self.max_iter, most=MOST_EPOCHS)  # by the name it has here
        return DescentOptions.checked(
            learning_rate=self.learning_rate,
            epochs=self.max_iter,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            backend=self.backend,
            compress=self.compress,
            alpha=self.alpha,
            batch_size=self.batch_size,
            standardize=self.standardize,
            threads=self.threads,
            random_state=self._make_seed(),
            verbose=self.verbose,
        )

    def _make_seed(self) -> Any:
        """Return the random state as fastgd takes it: of scikit-learn's older kind, a number drawn from it."""
        if not isinstance(self.random_state, np.random.RandomState):
            return self.random_state
        # Nothing may be drawn from a state that others share unless the fit needs it.
        return None if self.batch_size is None else self.random_state.randint(1 << 31)

    def _list_starts(self, source: Source) -> list[Any]:
        """Return the weights that the targets' descents start from; None where there are none of this shape."""
        coef = np.atleast_2d(getattr(self, "coef_", np.empty((0, 0))))
        if coef.shape != (source.n_targets, source.n_features):
            return [None] * source.n_targets
        if not self.fit_intercept:
            return list(coef)
        return list(np.column_stack([np.broadcast_to(self.intercept_, source.n_targets), coef]))

    def _keep(self, found: Iterable[DescentResult], y_ndim: int) -> None:
        """Set the attributes of a fit, unless Ctrl-C ends it: a search must not go on with an interrupted fit."""
        results = []
        for result in found:
            if result.reason == "interrupted":
                raise KeyboardInterrupt
            results.append(result)
        if any(result.reason == "epochs" for result in results) and self.tol > 0:
            remedy = "try more, or learning_rate='eigenvalues'"
            if self.batch_size is not None:
                remedy = "mini-batches seldom settle by tol; tol=0 takes max_iter as it is"
            warn_caller(f"not converged after max_iter={self.max_iter} epochs: {remedy}", ConvergenceWarning)
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


def descend_targets(source: Source, options: DescentOptions, starts: list[Any]) -> Iterator[DescentResult]:
    """Yield the result of one descent for each target; a start of None is that of the options."""
    for prepared, start in zip(source.prepare(options), starts, strict=True):
        yield solve(prepared, options.make_start(source.n_features) if start is None else start, options)
