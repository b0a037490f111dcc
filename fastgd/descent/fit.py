"""Fit a linear regression by gradient descent: check the options, find the source of the rows, prepare, solve."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.descent.loop import Callback
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.descent.solve import solve
from fastgd.inputs.arrays import is_sparse
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.data import check_problem, check_sample_weight
from fastgd.inputs.frames import data_names
from fastgd.inputs.options import check_level
from fastgd.inputs.values import name_values
from fastgd.inputs.words import kind_of
from fastgd.problem.compressor import Compressor
from fastgd.problem.dask import find_blocks, is_dask
from fastgd.problem.prepared import Source
from fastgd.problem.rows import CompressedSource, DenseSource
from fastgd.problem.sparse import SparseSource
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
    precondition: str = "auto",
    threads: int | None = None,
    random_state: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    history: bool = False,
    stop_on_divergence: bool = True,
    target: int | None = None,
) -> DescentResult:
    """Fit a linear regression by gradient descent.

    Minimises J(w) = 1/(2n) Σ (xᵢ·w − yᵢ)², with x₀ = 1 for the intercept, by the update w ← w − rate·∇J(w), where
    ∇J(w) = 1/n Σ (xᵢ·w − yᵢ)·xᵢ. J is convex, so every local minimum is a global one. The start changes the path, but
    not the least cost. If columns of X (with the column of ones) are collinear, many weights have the least cost; with
    fewer rows than weights they always are. The start then decides which of these weights a descent finds, except in
    whitened coordinates, where a fit gives those of least norm. Without collinear columns the best weights are unique.

    Parameters
    ----------
    X : array_like or sparse array of shape (n_samples, n_features), or fastgd.Compressor
        The features (independent variables). float32 and float64 arrays in C or Fortran order are used without a copy;
        arithmetic is in float64 in any case. X is never changed. The result keeps the column names of a data frame.
        Sparse arrays and matrices of SciPy stay sparse: CSR is used without a copy, other forms are converted once.
        Dask arrays and data frames are compressed where their partitions are. A compressor represents all rows added
        to it; it is never changed, and its own intercept and ridge apply.
    y : array_like of shape (n_samples,) or (n_samples, n_targets), or None
        The target (dependent variable) or targets, never changed; None with a compressor. Several targets share rates
        and epochs: all are fitted at once, and the run ends when all have settled. The rows of Dask collections belong
        to those of X by position.
    learning_rate : float, array_like of shape (epochs,), callable or str
        The rate of each update: one number for all, one for each epoch, or a function
        ``f(epochs, smoothness, convexity)`` that returns either. Smoothness and convexity are the largest and the
        smallest non-zero eigenvalue of XᵀX/n (with the column of ones). The schedules of `fastgd.rates` have names:
        "constant", which is 1/smoothness, "eigenvalues", "chebyshev", "silver", "inverse_scaling", "step_decay",
        "exponential_decay". A constant rate above 2/smoothness diverges. "auto" is 1 in whitened coordinates, else
        "eigenvalues", and "inverse_scaling" for mini-batches.
    epochs : int or None
        The largest number of updates; with mini-batches, of passes over all rows. None is the number of rates if
        `learning_rate` is an array, else 1000. So ``learning_rate=result.rates`` repeats a run; set
        ``precondition=result.precondition`` and ``compress=result.compressed`` too, since "auto" chooses them by the
        rates and the number of epochs.
    weights : None, "random" or array_like of the gradient's shape
        The start: zeros, standard normal numbers from `random_state`, or the given values.
    fit_intercept : bool
        True if the weights begin with an intercept.
    tol : float
        The relative tolerance: the run ends if the cost hardly changes from check to check, or if the gradient is
        small, and the cost is near its least value, as far as that is known. 0 runs all epochs, and never warns that
        the run has not converged.
    check_every : int
        The number of epochs between two checks. A check applies the stopping rules, prints, calls back and keeps the
        weights. Inside a cycle of a schedule such as "chebyshev" a check leaves out the rules: they are applied at the
        ends of the cycles, and at no other epoch.
    backend : {"auto", "cython", "numba", "numpy", "python"} or str
        The module that computes the updates, and nothing else. "auto" is the first of these four that can be used, in
        this order; another name is that of a backend that was added by `fastgd.backends.register`.
    compress : {"auto", True, False}
        True descends on at most n_features + 2 rows with the same J (see `fastgd.compress`), which gives the same
        weights and costs in every epoch, up to rounding. "auto" compresses for whitened coordinates, and elsewhere if
        that is estimated to save time. False descends on the rows of X.
    sample_weight : array_like of shape (n_samples,), float or None
        The weights of the rows: a weight of k counts a row k times. J is divided by the sum of the weights, so one
        number, the same weight for all rows, changes nothing; it is taken because scikit-learn's estimators take it.
        Without compression, the weighted rows are a float64 copy of X.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J, in the units of the data; the intercept is not penalised. scikit-learn's
        ``Ridge(alpha=a)`` is ``a / n_samples`` here. Without compression, this copies X.
    batch_size : int or None
        The number of shuffled rows from which one update is made; None, or the number of all rows, makes each update
        from all rows. Rates that rise above 2/smoothness, as those of "chebyshev", "silver" and "eigenvalues" do, are
        refused. The cost of an epoch is then the mean of the costs of its batches. At a constant rate the weights keep
        fluctuating; they settle at decreasing rates, such as "inverse_scaling".
    precondition : {"auto", "none", "standardize", "whiten"}
        The coordinates of the descent; all weights, the start too, are in the data's units. "none": those of the data.
        "standardize": columns have mean 0 and, with the ridge, mean square 1; without compression, this copies X.
        "whiten": the Hessian of J is the identity, so one epoch at the rate 1 reaches the minimum from any start, and
        of several minima the one of least norm of coef; this needs the compressed problem. "auto" is "none" if rates
        are named, else "whiten", or "standardize" for mini-batches, compress=False, or more than 4096 rows and columns.
    threads : int or None
        The number of threads for the compiled backends. None is one for small data, else the number that
        OMP_NUM_THREADS, the processor or a container's CPU quota allows. The answer has the same bits for any number.
    random_state : int, numpy.random.Generator or None
        The source of random weights and of the order of mini-batches.
    callback : callable or None
        Called as ``callback(epoch, weights, cost)`` at epochs 0, check_every, 2·check_every, … and at the last one,
        with a copy of the weights after that many updates, and their cost. If it returns True, the run ends with
        exactly those weights.
    verbose : int
        1 prints ``epoch k: cost …`` on standard output at the same epochs.
    history : bool
        True keeps the weights of the same epochs in `path`, as `fastgd.plots.contour_path` draws them;
        ``check_every=1`` keeps those of each epoch.
    stop_on_divergence : bool
        False lets a run whose cost grows continue to its last epoch, as long as the numbers are finite, so that its
        zig-zag can be drawn. The result then holds the last weights, unless their cost is not finite.
    target : int or None
        The column of y to fit, counted from 0, if a compressor has several; None fits all of them. It must be None
        for other X.

    Returns
    -------
    DescentResult
        The weights, the cost history, the reason why the run ended, and more; for several targets, of each.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description above; the message names it. Nothing has been computed then.
    ImportError
        If the named backend is not installed.

    Warns
    -----
    DivergenceWarning
        If the cost grew or stopped being finite.
    ConvergenceWarning
        If the run ended, but not near the least cost: `converged` is then False. The message says how far it got and
        what would help. It is a ConditionWarning if the problem is too ill-conditioned for `tol` or `epochs`.

    References
    ----------
    Boyd, S. and L. Vandenberghe, Convex Optimization, Cambridge, 2004, section 9.3.

    Examples
    --------
    >>> import fastgd
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> result.weights.round(4)
    array([1., 2.])
    >>> result.converged, result.reason
    (True, 'gradient')

    The default needs one epoch; a named rate is the plain descent in the units of the data.

    >>> plain = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], learning_rate=0.3)
    >>> result.epochs, plain.epochs
    (1, 190)
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
        precondition=precondition,
        threads=threads,
        random_state=random_state,
        callback=callback,
        verbose=verbose,
        history=history,
        stop_on_divergence=stop_on_divergence,
    )
    if isinstance(X, Compressor):
        options = options.with_problem(X.fit_intercept, X.alpha)
    source = find_source(X, y, sample_weight, None if target is None else check_level("target", target))
    return fit_rows(source, options, (X, y))


def fit_rows(source: Source, options: DescentOptions, given: tuple[Any, Any] = (None, None)) -> DescentResult:
    """Return the result of the descent on the rows of a source, and warn if it has not converged.

    X and y as the user gave them name the column of a value that is not finite.
    """
    start = options.make_start(source.n_features, source.n_targets)
    names = source.target if isinstance(source.target, list) else None

    def work() -> tuple[DescentResult, Warning | None]:
        return solve(source.prepare(options), start, options, names)

    result, warning = name_values(work, source.X, source.y, given) if isinstance(source, DenseSource) else work()
    if warning is not None:
        warn_caller(warning)
    named = source.features is not None or source.target is not None
    return replace(result, features=source.features, target=source.target) if named else result


def find_source(X: Any, y: Any, sample_weight: Any, target: int | None) -> Source:
    """Return the source of the rows: arrays, Dask collections, or a compressor and one or all of its targets."""
    if isinstance(X, Compressor):
        if y is not None or sample_weight is not None:
            raise TypeError("y and sample_weight must be left out if X is a Compressor, which has summed them up")
        if X.n_features is None:
            raise ValueError("X must be a Compressor with rows of positive weight; got one without such rows")
        summary = X.summary(target)  # refuses a target that the compressor does not have
        name = X.target[target] if isinstance(X.target, list) and target is not None else X.target
        return CompressedSource(summary, "a compressor has summed up the rows", X.features, name)
    if target is not None:
        raise ValueError(f"target must be None unless X is a Compressor; got {target}: pass the column of y alone")
    if y is None:
        raise TypeError(f"y must be given unless X is a Compressor; got None with X, {kind_of(X)}")
    if is_dask(X, y, sample_weight):
        return find_blocks(X, y, sample_weight)
    features, name = data_names(X, y)
    X, y = check_problem(X, y, finite=False, targets=True, sparse=True, widen=False)
    kind = SparseSource if is_sparse(X) else DenseSource
    return kind(X, y, check_sample_weight(sample_weight, len(y)), features, name)
