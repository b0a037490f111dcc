"""Fit a linear regression by gradient descent: check the options, find the source of the rows, prepare, solve."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.descent.loop import Callback
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import solve
from fastgd.inputs.data import check_problem, check_sample_weight
from fastgd.inputs.frames import column_names, series_name
from fastgd.inputs.options import check_position
from fastgd.problem.compressor import Compressor
from fastgd.problem.dask import find_blocks, is_dask
from fastgd.problem.prepared import Source
from fastgd.problem.rows import ArraySource, CompressedSource
from fastgd.rates.schedules import Schedule


def gradient_descent(
    X: ArrayLike | Compressor,
    y: ArrayLike | None = None,
    *,
    learning_rate: float | ArrayLike | Schedule | str = "auto",
    epochs: int | None = None,
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
    target: int = 0,
) -> DescentResult:
    """Fit a linear regression by gradient descent.

    Minimises J(w) = 1/(2n) Σ (xᵢ·w − yᵢ)², with x₀ = 1 for the intercept, by the update w ← w − rate·∇J(w), where
    ∇J(w) = 1/n Σ (xᵢ·w − yᵢ)·xᵢ. J is convex, so every local minimum is a global one: the start changes the path
    but not the cost that is reached, and not the weights either unless columns of X (that of ones included) are
    collinear, as they are wherever there are fewer rows than weights.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features), or fastgd.Compressor
        The features (independent variables). float32 and float64 in C or Fortran order are used without a copy;
        arithmetic is in float64 either way. Never written to. The result keeps the column names of a data frame.
        Dask's arrays and data frames are compressed where their partitions live. A compressor stands for all rows that
        it has seen; it stays as it is, and its own intercept and ridge hold.
    y : array_like of shape (n_samples,) or (n_samples, 1), or None
        The target (dependent variable). Never written to. Dask's go with X by their order. None with a compressor.
    learning_rate : float, array_like of shape (epochs,), callable or str
        The rate of each update: one for all, one for each, or ``f(epochs, smoothness, convexity)`` returning either,
        where smoothness and convexity are the largest and the smallest non-zero eigenvalue of XᵀX/n (with the
        column of ones). "auto" is 1/smoothness; a constant rate above 2/smoothness diverges. The schedules of
        `fastgd.rates` go by their names: "eigenvalues", "chebyshev", "silver", "constant", "inverse_scaling",
        "step_decay", "exponential_decay".
    epochs : int or None
        The most updates; with mini-batches, the most passes over all rows. None is 1000, or the number of the rates
        where `learning_rate` is an array: ``learning_rate=result.rates`` repeats a run.
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
    target : int
        Which column of y to fit, counted from 0, where a compressor has seen several.

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
    options = DescentOptions.checked(
        learning_rate=learning_rate,
        epochs=epochs,
        weights=weights,
        fit_intercept=fit_intercept,
        tol=tol,
        check_every=check_every,
        backend=backend,
        compress=compress,
        alpha=alpha,
        batch_size=batch_size,
        standardize=standardize,
        threads=threads,
        random_state=random_state,
        callback=callback,
        verbose=verbose,
    )
    if isinstance(X, Compressor):
        options = options.with_problem(X.fit_intercept, X.alpha)
    source = find_source(X, y, sample_weight)
    target = check_position("target", target, source.n_targets)
    options.check_features(source.n_features)
    start = options.make_start(source.n_features)
    prepared = next(islice(source.prepare(options), target, None))
    result = solve(prepared, start, options)
    name = source.target if source.n_targets == 1 else None
    named = source.features is not None or name is not None
    return replace(result, features=source.features, target=name) if named else result


def find_source(X: Any, y: Any, sample_weight: Any) -> Source:
    """Return the source of the rows: arrays, Dask collections or a compressor."""
    if isinstance(X, Compressor):
        if y is not None or sample_weight is not None:
            raise TypeError("y and sample_weight must be left out where X is a Compressor, which has seen them")
        if X.n_features is None:
            raise ValueError("X must be a Compressor that has seen rows of positive weight; got one that has seen none")
        return CompressedSource(X.summary(None), "a compressor has seen the rows", X.features, X.target)
    if y is None:
        raise TypeError(f"y must be given unless X is a Compressor; got None with X, a {type(X).__name__}")
    if is_dask(X, y, sample_weight):
        return find_blocks(X, y, sample_weight)
    features, target = column_names(X), series_name(y)
    X, y = check_problem(X, y, finite=False)
    return ArraySource(X, y[:, np.newaxis], check_sample_weight(sample_weight, len(y)), features, target)
