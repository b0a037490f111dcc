"""Checks of the data that a user passes: X, y, the weights of the model and the weights of rows.

The checks run before any work and never write to their arguments. Each message names the argument, the expected value
and the value received.
"""

import os
from math import isfinite
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import FLOAT32, FLOAT64, Array, is_sparse
from fastgd.inputs.masks import check_masked
from fastgd.inputs.objects import read_objects
from fastgd.inputs.tables import advise_table, read_frame
from fastgd.inputs.values import SMALLEST_SQUARE, check_all_finite, check_finite, check_predictions
from fastgd.inputs.words import describe_position, kind_of, printable, quote


def check_problem(
    X: ArrayLike,
    y: ArrayLike,
    *,
    finite: bool = True,
    targets: bool = False,
    sparse: bool = False,
    widen: bool = True,
) -> tuple[Array, Array]:
    """Return X and y as the kernels take them, copied only if necessary.

    X is float32 or float64, and C- or Fortran-contiguous. y is float64 and has shape (n_samples,), or
    (n_samples, n_targets) if `targets` is true. If `finite` is false, the caller must check that all values are finite,
    but for those of sparse rows. If `sparse` is true, X may be a sparse array or matrix of SciPy, and becomes CSR. If
    `widen` is false, the y of dense rows may also be float32.
    """
    given = X, y
    X = check_sparse(X) if sparse and is_sparse(X) else check_matrix(X)
    y = check_targets(y, X.shape[0], several=targets)
    y = y.reshape(len(y), -1) if targets else y.reshape(-1)
    y = as_kernel_array(y)
    if widen or is_sparse(X):
        y = y.astype(np.float64, copy=False)
    if finite:
        check_all_finite(X, y, *given)
    return X, y


def check_targets(y: ArrayLike, n_samples: int, *, several: bool = True) -> Array:
    """Return y as an array of numbers, one for each row of X, or one row for each if there may be several targets."""
    array = check_numbers("y", y)
    if array.ndim != 1 and (array.ndim != 2 or (array.shape[1] < 1 if several else array.shape[1] != 1)):
        shape = f"(n_samples, {'n_targets' if several else 1})"
        raise ValueError(f"y must have shape (n_samples,) or {shape}; got shape {array.shape}")
    if len(array) != n_samples:
        raise ValueError(f"X and y must have the same number of rows; got {n_samples} in X and {len(array)} in y")
    return array


def check_new_rows(X: ArrayLike, n_features: int) -> Array:
    """Return rows to predict as the kernels take them; they must have the `n_features` columns of the fit."""
    sparse = is_sparse(X)
    rows = check_sparse(X) if sparse else check_matrix(X)
    if rows.shape[1] != n_features:
        raise ValueError(f"X must have {n_features} columns, as in the fit; got {rows.shape[1]}")
    if not sparse:
        check_finite("X", rows, X)
    return rows


def check_sparse(X: Any) -> Array:
    """Return a sparse array or matrix as CSR of finite float64 or float32 numbers; copied only if necessary.

    It has the shape and the dtype of an array, and is annotated as one.
    """
    check_dimensions(X.shape, X)
    if X.dtype.kind not in "biuf":
        raise TypeError(f"X must hold real numbers; got {kind_of(X)} of dtype {X.dtype}")
    rows = X.tocsr()
    if rows.dtype != np.float32:
        with np.errstate(over="ignore"):  # a longdouble out of range becomes inf, which is refused
            rows = rows.astype(np.float64, copy=False)
    entries = rows.data[: rows.indptr[-1]]
    with np.errstate(over="ignore", invalid="ignore"):
        sure = np.isfinite(entries.sum(dtype=np.float64))
    bad = np.flatnonzero(~np.isfinite(entries[:0] if sure else entries))
    if len(bad):
        row = int(np.searchsorted(rows.indptr, bad[0], side="right")) - 1
        position = describe_position((row, int(rows.indices[bad[0]])))
        raise ValueError(f"X must be finite; got {rows.data[bad[0]]} at {position} (counted from 0)")
    return rows


def check_matrix(X: ArrayLike) -> Array:
    """Return X as the kernels take it, without a check that its values are finite."""
    array = check_numbers("X", X)
    check_dimensions(array.shape, X)
    return as_kernel_array(array)


def check_dimensions(shape: tuple[int, ...], given: Any) -> None:
    """Refuse an X that has not two dimensions, or no row or column; the advice is about the X that was given."""
    if len(shape) != 2:
        hint = f"; {advise_table(given)} makes it one feature" if len(shape) == 1 else ""
        raise ValueError(f"X must be two-dimensional, (n_samples, n_features); got shape {shape}{hint}")
    if 0 in shape:
        raise ValueError(f"X must have at least one row and one column; got shape {shape}")


def check_numbers(name: str, values: ArrayLike) -> Array:
    """Return `values` as an array of real numbers (float32 or float64) of any shape."""
    if type(values) is np.ndarray and values.dtype in (FLOAT64, FLOAT32):  # the usual case, in little time
        return values
    if is_sparse(values):
        takers = (
            "; gradient_descent, cost, gradient, compress and GradientDescentRegressor take it" if name == "X" else ""
        )
        raise TypeError(f"{name} must be dense here; got {kind_of(values)}{takers}")
    if name in ("X", "y") and isinstance(values, str | os.PathLike):
        got = f"{quote(values)}, {kind_of(values)}"
        hint = "fastgd.streaming.fit_files takes files and the names of their columns"
        raise TypeError(f"{name} must hold real numbers; got {got}: {hint}")
    array = read_frame(name, values)
    if array is None:
        check_masked(name, values)
        try:
            array = np.asanyarray(values)
        except ValueError as error:  # rows of different lengths
            raise ValueError(f"{name} must be a rectangular array of numbers; {printable(error)}") from error
        check_masked(name, array)  # the values may have been no array, but convert to a masked one
        array = np.asarray(array)
    if array.dtype.kind == "O":
        return read_objects(name, array, gaps=array.ndim > 0)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers; got an array of dtype {array.dtype}")
    if array.dtype.kind == "f" and array.dtype.itemsize == FLOAT32.itemsize:
        return array
    with np.errstate(over="ignore"):  # a longdouble out of range becomes inf, which check_finite refuses
        return array.astype(np.float64, copy=False, order="K")


def as_kernel_array(array: Array) -> Array:
    """Return the array in native byte order, aligned and C- or Fortran-contiguous; copied only if necessary."""
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="), order="K")
    flags = array.flags
    if flags.aligned and (flags.c_contiguous or flags.f_contiguous):
        return array
    return array.copy(order="C")


@halt_for_forks
def predict_rows(X: Any, coef: Array, intercept: float | Array) -> Array:
    """Return ``X @ coef + intercept``, for an array or a sparse array; refuse predictions unless all are finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        predictions: Array = X @ coef + intercept
    return check_predictions(predictions)


def check_weights(name: str, weights: ArrayLike, n_features: int, targets: tuple[int, ...] = ()) -> Array:
    """Return a float64 copy of weights for `n_features` columns, which may begin with an intercept.

    `targets` is (k,) for k targets: each has a column of weights.
    """
    array = check_numbers(name, weights)
    without, with_intercept = (n_features, *targets), (n_features + 1, *targets)
    if array.shape not in (without, with_intercept):
        several = f" and {targets[0]} targets" if targets else ""
        raise ValueError(
            f"{name} must have shape {without}, or {with_intercept} with an intercept in front, for X with "
            f"{n_features} columns{several}; got shape {array.shape}"
        )
    check_finite(name, array)
    return np.array(array, dtype=np.float64, order="C")


def check_start(weights: ArrayLike, shape: tuple[int, ...], fit_intercept: bool) -> Array:
    """Return a float64 copy of the weights to start from, which must have the shape of the gradient."""
    array = check_numbers("weights", weights)
    if array.shape != shape:
        parts = "intercept first, then one for each feature" if fit_intercept else "one for each feature"
        parts += ", with a column for each target" * (len(shape) - 1)
        raise ValueError(f"weights must have the shape of the gradient, {shape}: {parts}; got shape {array.shape}")
    check_finite("weights", array)
    return np.array(array, dtype=np.float64, order="C")


def check_sample_weight(weights: ArrayLike | None, n_samples: int, *, zero_sum: bool = False) -> Array | None:
    """Return the weights of the rows as float64, or None; refuse negative ones and, unless `zero_sum`, only zeros.

    One number is the weight of every row.
    """
    if weights is None:
        return None
    array = check_numbers("sample_weight", weights).astype(np.float64, copy=False)
    if isinstance(weights, Number):
        array = np.full(n_samples, array)
    if array.shape != (n_samples,):
        raise ValueError(f"sample_weight must have shape ({n_samples},), one for each row; got shape {array.shape}")
    check_finite("sample_weight", array, weights)
    if (array < 0).any():
        row = int(np.flatnonzero(array < 0)[0])
        raise ValueError(f"sample_weight must not be negative; got {array[row]} at row {row} (counted from 0)")
    with np.errstate(over="ignore"):
        total = float(array.sum())
    if not isfinite(total) or 0 < total < SMALLEST_SQUARE:
        raise ValueError(f"sample_weight must have a sum in the range of float64, with all its digits; got {total}")
    if not zero_sum and not array.any():
        raise ValueError("sample_weight must be above 0 in at least one row; got only zeros")
    return np.ascontiguousarray(array)  # compiled code reads them in order
