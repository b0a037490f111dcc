"""Fit arrays larger than memory, such as memory maps, block by block."""

from __future__ import annotations  # help() shows ArrayLike, not its definition

import mmap
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import as_kernel_array, check_dimensions, check_numbers
from fastgd.inputs.frames import data_names
from fastgd.inputs.masks import check_masked, has_masked
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import STAMP_ROWS, START_OVER, Batch, SeenBatch, identify_file, list_names, make_stamp
from fastgd.streaming.sums import flatten_single

BLOCK_BYTES = 1 << 24  # the size of a block of rows
ROWS_PER_COLUMN = 4  # at least, in a block, so that its sums take less memory than its rows


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

    The fit is the one of `fastgd.gradient_descent` with ``compress=True``. It reads blocks of 16 MB and releases the
    pages of a memory map after each block, so that memory holds only a few blocks at a time.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features: a memory map (``numpy.load(path, mmap_mode="r")``, `numpy.memmap`) of numbers in C or Fortran
        order, or any object with a shape, a dtype and slices of rows, such as a data set of h5py.
    y : array_like of shape (n_samples,) or (n_samples, n_targets)
        The target or targets, which may be a memory map too.
    sample_weight : array_like of shape (n_samples,) or None
        Weights of the rows: a weight of k counts a row k times.
    fit_intercept : bool
        True if the weights begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "auto" is "gram", followed by a second pass with "qr" if "gram" loses digits.
    missing : {"error", "skip"}
        "error" refuses a row that holds a NaN, and names row and column; "skip" leaves the row out and counts it.
        Infinities are always refused.
    checkpoint : path or None
        A file that keeps the sums, saved every few seconds; see `fit_batches`. A memory map that is opened read-only
        must be of the same file, of the same size and time of the last change, and is not read again; all other arrays
        must have the same values in the blocks already summed, which a resumed fit compares by a checksum.
    quiet : bool
        False shows progress on standard error; see `fit_batches`.
    **descent
        Arguments of the descent: see `fit_batches`.

    Returns
    -------
    StreamResult
        A `fastgd.DescentResult` with n_samples, skipped and method.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described above, or the checkpoint is damaged or belongs to another fit. Values that
        are not finite are found as they are read.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.streaming import fit_array
    >>> X = np.arange(20.0).reshape(10, 2) % 7
    >>> result = fit_array(X, 1 + X @ [2.0, 3.0])
    >>> result.weights.round(6), result.n_samples
    (array([1., 2., 3.]), 10)
    """
    descent |= {"fit_intercept": fit_intercept, "alpha": alpha}
    options = StreamOptions.checked(
        "fit_array", descent, method=method, missing=missing, checkpoint=checkpoint, quiet=quiet
    )
    return fit_source(ArrayBatchSource(X, y, sample_weight), options)


class ArrayBatchSource:
    """Arrays as a source of batches: blocks of rows."""

    rereadable = True
    bytes_read = None
    weight = None
    place = ""

    def __init__(self, X: Any, y: Any, weights: Any) -> None:
        self.features, self.target = data_names(X, y)
        self.X, self.y = check_array("X", X), check_array("y", y)
        self.weights = None if weights is None else check_array("sample_weight", weights)
        check_dimensions(self.X.shape, X)
        self.total, self.n_features = self.X.shape
        check_shapes(self.total, self.y, self.weights)
        self.n_targets = 1 if len(self.y.shape) == 1 else int(self.y.shape[1])
        self.rows = max(BLOCK_BYTES // (self.n_features * self.X.dtype.itemsize), ROWS_PER_COLUMN * self.n_features)
        self.arrays = (self.X, self.y, self.weights)
        self.whole = (find_map(self.X) is None, find_map(self.y) is None, find_map(self.weights) is None)
        names = ("X", "y", "sample_weight")
        self.identity: dict[str, Any] = dict(zip(names, map(identify_array, self.arrays), strict=True))
        self.identity |= {"source": "array", "rows of a block": self.rows}

    def batches_after(self, seen: Sequence[SeenBatch]) -> Iterator[Batch]:
        """Yield the blocks after those seen, which must have the stamps of those of the earlier run."""
        for number, start in enumerate(range(0, self.total, self.rows)):
            rows = slice(start, min(start + self.rows, self.total))
            if number < len(seen):
                self.check_same_rows(rows, seen[number])
                self.release()
                continue
            X, y = read_rows(self.X, rows), read_rows(self.y, rows)
            weights = None if self.weights is None else read_rows(self.weights, rows)
            where = f"rows {rows.start} to {rows.stop - 1} (counted from 0)"
            locate = partial(describe_array_row, start)
            yield Batch(X, y, weights, 0, where, locate, list_names(self.features, self.target, X), self.whole)
            self.release()

    def release(self) -> None:
        """Release the pages of memory maps."""
        for array in self.arrays:
            drop_pages(array)

    def stamp(self, rows: slice) -> int:
        """Return the stamp of a block: read the rows that it covers, in the form in which they are summed."""
        X, y = (read_stamped(array, rows, self.whole[k]) for k, array in enumerate((self.X, self.y)))
        weights = None if self.weights is None else read_stamped(self.weights, rows, self.whole[2])
        y = as_kernel_array(y.reshape(len(y), -1)).astype(np.float64, copy=False)
        return make_stamp((as_kernel_array(X), flatten_single(y), weights), self.whole)

    def check_same_rows(self, rows: slice, seen: SeenBatch) -> None:
        """Refuse a block that differs from the one that an earlier run read."""
        if rows.stop - rows.start != seen.rows or self.stamp(rows) != seen.stamp:
            raise ValueError(
                f"X and y must be those of the checkpoint; got other values in rows {rows.start} to {rows.stop - 1} "
                f"(counted from 0); {START_OVER}"
            )


def describe_array_row(start: int, row: int) -> str:
    """Return the place of a row of the block that begins at row `start`, in words."""
    return f"row {start + row} (counted from 0)"


def check_array(name: str, values: Any) -> Any:
    """Return an object with shape, dtype and slices: the values themselves if they have these, else an array."""
    check_masked(name, values)
    plain = isinstance(getattr(values, "dtype", None), np.dtype) and hasattr(values, "shape")
    array = values if plain and not hasattr(values, "to_numpy") else check_numbers(name, values)
    if not isinstance(array.dtype, np.dtype) or array.dtype.kind not in "biufO":
        raise TypeError(f"{name} must hold real numbers; got an array of dtype {array.dtype}")
    return array


def check_shapes(n: int, y: Any, weights: Any) -> None:
    """Refuse a y or weights that have no number, or row, for each of the n rows of X."""
    if len(y.shape) not in (1, 2) or y.shape[0] != n or 0 in y.shape:
        raise ValueError(
            f"y must have shape ({n},) or ({n}, n_targets), one number or row for each row of X; got shape {y.shape}"
        )
    if weights is not None and weights.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), one for each row; got shape {weights.shape}")


def read_rows(array: Any, rows: slice) -> Array:
    """Return a block of rows, C- or Fortran-contiguous; its values are not checked yet."""
    part = np.asanyarray(array[rows])
    if part.flags.c_contiguous or has_masked(part):  # a masked block is refused as such, with its place
        return part
    return np.asfortranarray(part)


def read_stamped(array: Any, rows: slice, whole: bool) -> Array:
    """Return the rows of a block that its stamp covers, as numbers."""
    return check_numbers("X, y and sample_weight", (read_rows if whole else read_ends)(array, rows))


def read_ends(array: Any, rows: slice) -> Array:
    """Return the first and last rows of a block: all that the stamp of a memory map covers."""
    if rows.stop - rows.start <= 2 * STAMP_ROWS:
        return read_rows(array, rows)
    ends = slice(rows.start, rows.start + STAMP_ROWS), slice(rows.stop - STAMP_ROWS, rows.stop)
    return np.concatenate([read_rows(array, end) for end in ends])


def find_map(array: Any) -> Any:
    """Return the memory map whose file tells whether the values of an array are the same; None if no file does.

    Only maps that are opened read-only have the values of their file for certain.
    """
    found: Any = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.filename:
            found = array
        array = array.base
    return found if getattr(found, "mode", None) == "r" else None


def identify_array(array: Any) -> dict[str, Any] | None:
    """Return the identity of an array, for a checkpoint: its shape, its type, and its place in the file of a map."""
    if array is None:
        return None
    known = {"shape": list(array.shape), "dtype": str(array.dtype)}
    source = find_map(array)
    if source is None:
        return known
    start = source.offset + (find_address(array) - find_address(source))
    return known | identify_file(source.filename) | {"start": start, "strides": list(array.strides)}


def find_address(array: Array) -> int:
    """Return the address of the first number of an array."""
    return int(array.__array_interface__["data"][0])


def drop_pages(array: Any) -> None:
    """Release the pages of a memory map; the next read loads them from the file again.

    Copy-on-write maps keep their pages, which may be the only copy of written values; so do maps that NumPy did not
    make, whose mode is unknown.
    """
    mode = None
    while isinstance(array, np.ndarray):
        mode = getattr(array, "mode", mode)
        array = array.base
    if isinstance(array, mmap.mmap) and mode in ("r", "r+", "w+") and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)
