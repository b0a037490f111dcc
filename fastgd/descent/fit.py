"""Fit a linear regression by gradient descent: validate once, prepare the problem, hand it to the driver."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.descent.auto import choose_compression
from fastgd.descent.loop import Callback
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import check_settings, descend
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_problem, check_sample_weight, check_start
from fastgd.inputs.frames import column_names, series_name
from fastgd.inputs.options import check_alpha, check_choice, check_count, check_flag, check_random_state
from fastgd.problem import dask as distributed
from fastgd.problem.compressor import Compressor
from fastgd.problem.rows import prepare_compressed, prepare_rows, prepare_summary
from fastgd.rates.schedules import LONG_STEPS, Schedule, without_options


def gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    *,
    learning_rate: float | ArrayLike | Schedule | str = "auto",
    epochs: int = 1000,
    weights: ArrayLike | str | None = None,
    fit_intercept: bool = True,
    tol: float = 1e-8,
    check_every: int = 10,
    backend: str = "auto",
    compress: bool | str = "auto",
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    batch_size: int | None = None,
    standardize: bool = False,
    threads: int | None = None,
    random_state: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> DescentResult:
    """Fit a linear regression by gradient descent.

    Minimises J(w) = 1/(2n) Σ (xᵢ·w − yᵢ)², with x₀ = 1 for the intercept, by the update w ← w − rate·∇J(w), where
    ∇J(w) = 1/n Σ (xᵢ·w − yᵢ)·xᵢ. J is convex, so every local minimum is a global one: the start changes the path
    but not the cost that is reached, and not the weights either unless columns of X (that of ones included) are
    collinear, as they are wherever there are fewer rows than weights.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features (independent variables). float32 and float64 in C or Fortran order are used without a copy;
        arithmetic is in float64 either way. Never written to. The result keeps the column names of a data frame.
        Dask's arrays and data frames are compressed where their partitions live.
    y : array_like of shape (n_samples,) or (n_samples, 1)
        The target (dependent variable). Never written to. Dask's go with X by their order.
    learning_rate : float, array_like of shape (epochs,), callable or str
        The rate of each update: one for all, one for each, or ``f(epochs, smoothness, convexity)`` returning either,
        where smoothness and convexity are the largest and the smallest non-zero eigenvalue of XᵀX/n (with the
        column of ones). "auto" is 1/smoothness; a constant rate above 2/smoothness diverges. The schedules of
        `fastgd.rates` go by their names: "eigenvalues", "chebyshev", "silver", "constant", "inverse_scaling",
        "step_decay", "exponential_decay".
    epochs : int
        How many updates at most; of mini-batches, how often all rows are gone through.
    weights : None, "random" or array_like of the gradient's shape
        The start: zeros, standard normal numbers from `random_state`, or the values given.
    fit_intercept : bool
        Whether weights begin with an intercept.
    tol : float
        How small a relative change of the cost between two looks, or a relative gradient, ends the run.
        0 runs all epochs.
    check_every : int
        Epochs between two looks at the run: stopping rules, callback, printing, Ctrl-C. A schedule with cycles is
        judged at their ends instead.
    backend : {"auto", "cython", "numba", "numpy", "python"}
        What computes the updates. "auto" is the first that is available, in this order.
    compress : {"auto", True, False}
        Whether to descend on at most n_features + 2 rows with the same J (see `fastgd.compress`): the same weights and
        costs in every epoch, to rounding. "auto" does where that takes less time than the epochs asked for would, but
        not where a backend is named: who names one wants to see it at work on the data.
    sample_weight : array_like of shape (n_samples,) or None
        Weights of the rows: a weight of k counts as k equal rows. J is divided by their sum. Without compression, the
        weighted rows are a float64 copy of X.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J, in the data's units; the intercept is not penalised. scikit-learn's
        ``Ridge(alpha=a)`` is ``a / n_samples`` here. Without compression, this copies X.
    batch_size : int or None
        Update from batches of so many shuffled rows instead of from all; as many as X has make no batches. Rates with
        long steps ("chebyshev", "silver", "eigenvalues") are refused.
        The cost of an epoch is then the mean of its batches' costs. At a constant rate the weights keep jumping about;
        they settle at rates that shrink, as those of "inverse_scaling" do.
    standardize : bool
        Descend in coordinates where columns have mean 0 and mean square 1; all weights, those to start from too, are in
        the data's units. Without compression, this copies X.
    threads : int or None
        Threads for the compiled backends. None takes one for small data, else as many as OMP_NUM_THREADS or the
        processor allows. The answer has the same bits for any number.
    random_state : int, numpy.random.Generator or None
        Where random weights and the order of mini-batches come from.
    callback : callable or None
        Called as ``callback(epoch, weights, cost)`` at epochs 0, check_every, 2·check_every, …, with a copy of the
        weights after that many updates and their cost. Returning True ends the run with exactly those weights.
    verbose : int
        1 prints ``epoch k: cost …`` at the same epochs.

    Returns
    -------
    DescentResult
        Weights, cost history and why the run ended.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above; the message names it. Nothing has been computed then.
    ImportError
        If the backend asked for is not installed.

    Warns
    -----
    DivergenceWarning
        If the cost grew or stopped being finite.
    ConditionWarning
        If the problem is known to be too ill-conditioned for the digits or the epochs asked for: `converged` is False.

    References
    ----------
    S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge, 2004, section 9.3.

    Examples
    --------
    >>> import fastgd
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> result.weights.round(4)
    array([1., 2.])
    >>> result.converged, result.reason
    (True, 'gradient')
    """
    features, target = column_names(X), series_name(y)
    blocks = None
    if distributed.is_dask(X, y, sample_weight):
        blocks = distributed.find_blocks(X, y, sample_weight)
        distributed.check_compressible(compress, batch_size)
        X, y, sample_weight = np.empty((0, blocks.n_features)), np.empty(0), None  # no rows are here
    else:
        X, y = check_problem(X, y, finite=False)
    fit_intercept = check_flag("fit_intercept", fit_intercept)
    settings = check_settings(
        learning_rate=learning_rate,
        epochs=epochs,
        tol=tol,
        check_every=check_every,
        backend=backend,
        threads=threads,
        callback=callback,
        verbose=verbose,
    )
    sample_weight = check_sample_weight(sample_weight, len(y))
    alpha = check_alpha(alpha)
    compress = check_choice("compress", compress, ("auto", True, False))
    batch_size = check_batch_size(batch_size, len(y), compress)
    standardize = check_flag("standardize", standardize)
    generator = None
    if random_state is not None or batch_size is not None or isinstance(weights, str):
        generator = check_random_state(random_state)  # takes longer than the epochs of a small fit
    start = make_start(weights, X.shape[1] + fit_intercept, fit_intercept, generator)
    if blocks is not None:
        summary = distributed.compress_blocks(blocks, fit_intercept, alpha, "auto").summary()
        prepared = prepare_summary(summary, fit_intercept, alpha, standardize)
        result = descend(prepared, start, settings, distributed.WHY)
        return replace(result, features=features, target=target)
    if batch_size is not None and generator is not None:
        if without_options(settings.schedule) in LONG_STEPS:
            raise ValueError(
                f"learning_rate must have no long steps, as those of {learning_rate!r}, with batch_size={batch_size}: "
                "batches have other eigenvalues than all rows; 'inverse_scaling' lets them settle"
            )
        settings = replace(settings, batches=(batch_size, generator))
    named, batches = backend != "auto", batch_size is not None
    compressed, why = choose_compression(compress, X.shape, settings.epochs, named=named, batches=batches)
    prepare = prepare_compressed if compressed else prepare_rows
    prepared = prepare(X, y, fit_intercept, sample_weight, alpha, standardize)
    result = descend(prepared, start, settings, why)
    return result if features is None and target is None else replace(result, features=features, target=target)


def fit_compressor(
    compressor: Compressor,
    *,
    target: int = 0,
    learning_rate: float | ArrayLike | Schedule | str = "auto",
    epochs: int = 1000,
    weights: ArrayLike | str | None = None,
    tol: float = 1e-8,
    check_every: int = 10,
    backend: str = "auto",
    standardize: bool = False,
    threads: int | None = None,
    random_state: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> DescentResult:
    """Fit a linear regression to all rows that a compressor has seen.

    The fit is that of `gradient_descent` on these rows, with ``compress=True``, and with the compressor's intercept and
    alpha.

    Parameters
    ----------
    compressor : Compressor
        What has seen the rows; it stays as it is, and may be given more of them later.
    target : int
        Which column of y to fit, counted from 0.
    learning_rate : float, array_like of shape (epochs,), callable or str
        The rate of each update, as in `gradient_descent`.
    epochs : int
        How many updates at most.
    weights : None, "random" or array_like of the gradient's shape
        The start, in the units of the data.
    tol : float
        How small a relative change of the cost, or a relative gradient, ends the run; 0 runs all epochs.
    check_every : int
        Epochs between two looks at the run.
    backend : {"auto", "cython", "numba", "numpy", "python"}
        What computes the updates.
    standardize : bool
        Descend in coordinates where columns have mean 0 and mean square 1; all weights are in the data's units.
    threads : int or None
        Threads for the compiled backends, which a problem as small as this seldom needs.
    random_state : int, numpy.random.Generator or None
        Where random weights come from.
    callback : callable or None
        Called as ``callback(epoch, weights, cost)``, as in `gradient_descent`.
    verbose : int
        1 prints ``epoch k: cost …`` at the same epochs.

    Returns
    -------
    DescentResult
        Weights in the units of the data, intercept first if the compressor has one.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described, or the compressor has seen no row of positive weight.
    ImportError
        If the backend asked for is not installed.

    Warns
    -----
    DivergenceWarning, ConditionWarning
        As `gradient_descent` does.

    Examples
    --------
    >>> import numpy as np, fastgd
    >>> X = np.arange(20.0).reshape(10, 2) % 7
    >>> compressor = fastgd.Compressor()
    >>> for rows in (slice(0, 4), slice(4, 10)):
    ...     compressor.add(X[rows], 1 + X[rows] @ [2.0, 3.0])
    >>> result = fastgd.fit_compressor(compressor, learning_rate="eigenvalues", standardize=True)
    >>> result.weights.round(6)
    array([1., 2., 3.])
    """
    if not isinstance(compressor, Compressor):
        raise TypeError(f"compressor must be a Compressor; got {compressor!r}, a {type(compressor).__name__}")
    settings = check_settings(
        learning_rate=learning_rate,
        epochs=epochs,
        tol=tol,
        check_every=check_every,
        backend=backend,
        threads=threads,
        callback=callback,
        verbose=verbose,
    )
    standardize = check_flag("standardize", standardize)
    summary, fit_intercept = compressor.summary(target), compressor.fit_intercept
    generator = None
    if random_state is not None or isinstance(weights, str):
        generator = check_random_state(random_state)
    start = make_start(weights, len(summary.means) - 1 + fit_intercept, fit_intercept, generator)
    prepared = prepare_summary(summary, fit_intercept, compressor.alpha, standardize)
    result = descend(prepared, start, settings, "a compressor has seen the rows")
    several = compressor.n_targets != 1
    return replace(result, features=compressor.features, target=None if several else compressor.target)


def check_batch_size(batch_size: Any, n_samples: int, compress: Any) -> int | None:
    """Return the rows of a mini-batch, None for all of them at once."""
    if batch_size is None:
        return None
    batch_size = check_count("batch_size", batch_size, most=n_samples)
    if compress is True:
        raise ValueError(
            f"compress must not be True with batch_size={batch_size}: a compressed problem has no rows of the data to "
            "take batches from; leave out one of them"
        )
    return batch_size if batch_size < n_samples else None


def make_start(weights: Any, n_weights: int, fit_intercept: bool, generator: np.random.Generator | None) -> Array:
    """Return the weights of epoch 0."""
    if weights is None:
        return np.zeros(n_weights)
    if isinstance(weights, str):
        if weights != "random" or generator is None:
            raise ValueError(f"weights must be None, 'random' or an array; got {weights!r}")
        return generator.standard_normal(n_weights)
    return check_start(weights, n_weights, fit_intercept)
