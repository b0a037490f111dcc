"""Fit arrays that are larger than memory: memory maps, read by blocks of rows."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

import mmap
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers
from fastgd.inputs.frames import column_names, series_name
from fastgd.streaming.options import check_options
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import Batch, Seen, make_stamp

BLOCK_BYTES = 1 << 24  # of a block of rows
ROWS_PER_COLUMN = 4  # of a block, at least, so that a sum of products is small beside its rows


def fit_array(
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    method: str = "auto",
    missing: str = "error",
    checkpoint: str | os.PathLike[str] | None = None,
    quiet: bool = True,
    **descent: Any,
) -> StreamResult:
    """Fit a linear regression to arrays that need not fit into memory.

    The fit is that of `fastgd.gradient_descent`, compressed. Rows are read by blocks of 16 MB, and the pages of a
    memory map are given back after each, so that no more than some blocks are resident.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features: a memory map (``numpy.load(path, mmap_mode="r")``, `numpy.memmap`) of numbers in C or Fortran
        order; anything with a shape, a dtype and slices of rows, such as a data set of h5py, will do.
    y : array_like of shape (n_samples,) or (n_samples, 1)
        The target; it too may be a memory map.
    sample_weight : array_like of shape (n_samples,) or None
        Weights of the rows: a weight of k counts as k equal rows.
    fit_intercept : bool
        Whether weights begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "auto" is "gram", and a second pass by "qr" where that would have lost digits.
    missing : {"error", "skip"}
        What to do with a row that holds a NaN: refuse it, with row and column, or leave it out and count it.
        Infinities are refused.
    checkpoint : path or None
        A file that keeps what was summed up, every few seconds; see `fit_batches`. Blocks that were read are not read
        again, but for a few rows that must be the same.
    quiet : bool
        False shows on standard error how many rows were read, and how fast: see `fit_batches`.
    **descent
        Arguments of the descent: see `fit_batches`.

    Returns
    -------
    StreamResult
        A `fastgd.DescentResult`, with n_samples, skipped, method, cost and r_squared.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described above; that values are finite is seen when they are read. If the
        checkpoint is damaged, or one of another fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.streaming import fit_array
    >>> X = np.arange(20.0).reshape(10, 2) % 7
    >>> result = fit_array(X, 1 + X @ [2.0, 3.0], learning_rate="eigenvalues", standardize=True)
    >>> result.weights.round(6), result.n_samples
    (array([1., 2., 3.]), 10)
    """
    options = check_options(
        "fit_array",
        descent,
        fit_intercept=fit_intercept,
        alpha=alpha,
        method=method,
        missing=missing,
        checkpoint=checkpoint,
        quiet=quiet,
    )
    return fit_source(ArraySource(X, y, sample_weight), options)


class ArraySource:
    """Blocks of rows of arrays."""

    lasting = True

    def __init__(self, X: Any, y: Any, weights: Any) -> None:
        self.features, self.target = column_names(X), series_name(y)
        self.X, self.y = check_array("X", X), check_array("y", y)
        self.weights = None if weights is None else check_array("sample_weight", weights)
        self.total, self.n_features = check_shapes(self.X, self.y, self.weights)
        self.rows = max(BLOCK_BYTES // (self.n_features * self.X.dtype.itemsize), ROWS_PER_COLUMN * self.n_features)
        arrays = {"X": self.X, "y": self.y, "sample_weight": self.weights}
        self.identity: dict[str, Any] = {name: identify(array) for name, array in arrays.items()}
        self.identity |= {"source": "array", "rows of a block": self.rows}

    def batches(self, seen: Sequence[Seen]) -> Iterator[Batch]:
        """Yield the blocks after those seen; a few rows of these are read again, to see that they are the same."""
        for number, start in enumerate(range(0, self.total, self.rows)):
            rows = slice(start, min(start + self.rows, self.total))
            if number < len(seen):
                self.check_again(rows, seen[number])
                continue
            X, y = take(self.X, rows), take(self.y, rows)
            weights = None if self.weights is None else take(self.weights, rows)
            where = f"rows {rows.start} to {rows.stop - 1} (counted from 0)"
            yield Batch(X, y, weights, 0, where, partial(locate, start))
            for array in (self.X, self.y, self.weights):
                drop_pages(array)

    def stamp(self, rows: slice) -> int:
        """Return what a block is remembered by."""
        weights = None if self.weights is None else self.weights[rows]
        return make_stamp(self.X[rows], self.y[rows].reshape(-1), weights, False)

    def check_again(self, rows: slice, seen: Seen) -> None:
        """Refuse rows that are not those that an earlier run has seen in their place."""
        if rows.stop - rows.start != seen.rows or self.stamp(rows) != seen.stamp:
            raise ValueError(
                f"X and y must be those of the checkpoint; got other values in rows {rows.start} to {rows.stop - 1} "
                "(counted from 0); delete the checkpoint to begin anew"
            )


def locate(start: int, row: int) -> str:
    """Return where a row of the block that begins at `start` is."""
    return f"row {start + row} (counted from 0)"


def check_array(name: str, values: Any) -> Any:
    """Return values that can be sliced: an array as it is, whatever it is a view of."""
    array = values if hasattr(values, "shape") and hasattr(values, "dtype") else check_numbers(name, values)
    if not isinstance(array.dtype, np.dtype) or array.dtype.kind not in "biufO":
        raise TypeError(f"{name} must hold real numbers; got an array of dtype {array.dtype}")
    return array


def check_shapes(X: Any, y: Any, weights: Any) -> tuple[int, int]:
    """Return the shape of X; refuse arrays whose shapes do not fit together."""
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(f"X must have shape (n_samples, n_features), with one row and column at least; got {X.shape}")
    if y.shape not in ((X.shape[0],), (X.shape[0], 1)):
        raise ValueError(f"y must have shape ({X.shape[0]},), one number for each row of X; got shape {y.shape}")
    if weights is not None and weights.shape != (X.shape[0],):
        raise ValueError(f"sample_weight must have shape ({X.shape[0]},), one for each row; got shape {weights.shape}")
    return X.shape


def take(array: Any, rows: slice) -> Array:
    """Return some rows, in the order in memory that is the faster one to read; their values are looked at later."""
    part = np.asarray(array[rows])
    return part if part.flags.c_contiguous else np.asfortranarray(part)


def identify(array: Any) -> dict[str, Any] | None:
    """Return what a checkpoint knows of an array: shape and type, and the file of a memory map."""
    if array is None:
        return None
    known = {"shape": list(array.shape), "dtype": str(array.dtype)}
    name = getattr(array, "filename", None)
    return known | (identify_file(name) if isinstance(array, np.memmap) and name else {})


def identify_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a checkpoint knows of a file."""
    status = Path(path).stat()
    return {"file": str(Path(path).absolute()), "size": status.st_size, "changed": status.st_mtime_ns}


def drop_pages(array: Any) -> None:
    """Give back the pages of a memory map; what reads them again finds them where they came from.

    Only where that is sure to hold: the pages of a copy-on-write map may hold the only copy of what was written, and of
    a map that NumPy did not make, nobody knows.
    """
    mode = None
    while isinstance(array, np.ndarray):
        mode = getattr(array, "mode", mode)
        array = array.base
    if isinstance(array, mmap.mmap) and mode in ("r", "r+", "w+") and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)
