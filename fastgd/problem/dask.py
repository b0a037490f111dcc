"""Rows in partitions on many machines, as Dask keeps them: each is compressed where it lives, and only that travels.

Design:
(a) A task compresses a partition, others merge two results each, neighbours first: a tree whose shape depends on the
    number of partitions alone. So the answer has the same bits whatever computes the tasks, in whatever order, and if
    some are computed again because a worker died.
(b) What travels are square matrices of n_features + 2 columns; the descent itself is here, on at most as many rows.
(c) Where the Gram matrix loses digits, Dask computes the partitions once more, for a QR.
(d) What shapes and types tell is checked before anything is computed. Dask is imported where it is needed: who hands
    in its collections has done so.
"""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd.inputs import data, frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_finite, check_numbers, check_predictions, check_sample_weight
from fastgd.inputs.options import check_choice
from fastgd.problem.compressor import Compressor
from fastgd.problem.moments import METHODS
from fastgd.problem.prepared import Prepared, PrepareOptions
from fastgd.problem.rows import check_compressible, prepare_targets

MESSAGE = "the partitions were compressed where they live"


@dataclass(frozen=True, slots=True)
class DaskSource:
    """Blocks of rows, none of them computed yet.

    Attributes
    ----------
    parts : list of tuple
        The X and y of each block, and its weights if there are weights.
    n_features, n_targets : int
        The numbers of columns of X and y.
    features, target : list of str, str, or None
        The names of the columns of X, and of y.
    """

    parts: list[tuple[Any, ...]]
    n_features: int
    n_targets: int
    features: list[str] | None
    target: str | None

    def prepare(self, options: PrepareOptions) -> Iterator[Prepared]:
        """Yield the compressed problem of each target; Dask computes the blocks before the first."""
        check_compressible(options, "Dask's data")
        compressor = compress_blocks(self, options.fit_intercept, options.alpha, "auto")
        yield from prepare_targets(compressor.summary(None), options, MESSAGE)


def is_dask(*values: Any) -> bool:
    """Tell whether any of the values is something of Dask's, without importing Dask.

    Examples
    --------
    >>> from fastgd.problem.dask import is_dask
    >>> is_dask([[1.0], [2.0]])
    False
    """
    return any(type(value).__module__.partition(".")[0] in {"dask", "dask_expr"} for value in values)


def collect(
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    method: str = "auto",
    targets: bool = False,
) -> Compressor:
    """Return a compressor that has seen all rows of Dask collections, each partition where it lives.

    Dask computes it as it is set to: in threads, in processes or on a cluster.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame of shape (n_samples, n_features)
        The features. An array must be chunked along its rows only.
    y : dask.array.Array, dask.dataframe.Series or DataFrame, or array_like, of shape (n_samples,) or (n_samples, 1)
        The target. Its rows go with those of X by position, whatever the index of a frame says. If Dask does not hold
        it, it is cut as X is, the lengths of whose blocks must be known then, and sent to the workers.
    sample_weight : as y, of shape (n_samples,), or None
        Weights of the rows, not negative; None is 1 for each.
    fit_intercept : bool
        Whether column 0 of the problem stands for the intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        As in `fastgd.compress`; "auto" computes the partitions a second time where "gram" would lose digits.
    targets : bool
        Whether y may have several columns.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above. If shapes and types tell, nothing has been computed then; else
        the message names the block.

    Examples
    --------
    >>> import dask.array as da, fastgd
    >>> from fastgd.problem.dask import collect
    >>> X = da.arange(20.0, chunks=6).reshape(-1, 1)
    >>> fastgd.gradient_descent(collect(X, 1 + 2 * X), learning_rate="eigenvalues").weights.round(6)
    array([1., 2.])
    """
    blocks = find_blocks(X, y, sample_weight, targets=targets)
    return compress_blocks(blocks, fit_intercept, alpha, method)


def find_blocks(X: Any, y: Any, sample_weight: Any = None, *, targets: bool = False) -> DaskSource:
    """Return the blocks of X, y and the weights that belong together, checked as far as shapes and types tell."""
    features, target = frames.column_names(X), frames.series_name(y)
    lengths = check_features(X)
    y = align("y", y, lengths)
    if y.ndim != 1 and (y.ndim != 2 or (y.shape[1] < 1 if targets else y.shape[1] != 1)):
        got = f"{y.shape[1]} columns" if y.ndim == 2 else f"{y.ndim} dimensions"
        raise ValueError(f"y must have shape (n_samples,) or (n_samples, {'n_targets' if targets else 1}); got {got}")
    columns = [X, y]
    if sample_weight is not None:
        columns.append(align("sample_weight", sample_weight, lengths))
        if columns[-1].ndim != 1:
            raise ValueError(f"sample_weight must have shape (n_samples,); got {columns[-1].ndim} dimensions")
        if not is_dask(sample_weight):
            columns[-1] = check_sample_weight(sample_weight, len(columns[-1]))
    n_targets = 1 if y.ndim == 1 else int(y.shape[1])
    parts = list(zip(*split(columns, lengths), strict=True))
    return DaskSource(parts, int(X.shape[1]), n_targets, features, target)


def check_features(X: Any) -> tuple[float, ...]:
    """Return how many rows each block of X has, NaN where that is unknown; refuse what is not a matrix of numbers."""
    if not is_dask(X):
        raise TypeError(
            f"X must be a Dask array or data frame where y or sample_weight is; got a {type(X).__name__}: "
            "compute these, or hand in dask.array.from_array(X)"
        )
    check_collection("X", X)
    if X.ndim != 2:
        hint = "; X.reshape(-1, 1) makes it one feature" if hasattr(X, "reshape") else "; X.to_frame() makes it one"
        raise ValueError(f"X must be two-dimensional, (n_samples, n_features); got {X.ndim} dimensions{hint}")
    lengths = block_lengths(X)
    if not X.shape[1] or not sum(lengths):
        raise ValueError(f"X must have at least one row and one column; got {sum(lengths)} rows, {X.shape[1]} columns")
    return lengths


def check_collection(name: str, values: Any) -> None:
    """Refuse what is no array or frame of Dask's, holds something else than numbers, or is cut between columns."""
    from dask.array import Array as DaskArray
    from dask.utils import is_dataframe_like, is_series_like

    frame, array = is_dataframe_like(values), isinstance(values, DaskArray)
    if not (frame or is_series_like(values) or array):
        raise TypeError(f"{name} must be a Dask array, data frame or series; got a {type(values).__name__}")
    for column, dtype in values.dtypes.items() if frame else [("", values.dtype)]:
        # Objects may be numbers: the block will tell. Extension types call their kind "O" unless they are numbers.
        if dtype.kind not in "biuf" and dtype != np.dtype(object):
            where = f" in column {column!r}: encode that column as numbers, or leave it out" if frame else ""
            raise TypeError(f"{name} must hold real numbers; got {dtype}{where}")
    if array and values.ndim == 2 and values.numblocks[1] > 1:
        raise ValueError(
            f"{name} must not be chunked between columns; got {values.numblocks[1]} blocks of them: "
            f"{name}.rechunk({{1: -1}}) joins them"
        )


def block_lengths(values: Any) -> tuple[float, ...]:
    """Return how many rows each block has, NaN where that is unknown, as it is in all frames."""
    return values.chunks[0] if hasattr(values, "chunks") else (np.nan,) * values.npartitions


def align(name: str, values: Any, lengths: tuple[float, ...]) -> Any:
    """Return y or the weights, those of Dask in blocks like those of X."""
    total = sum(lengths)
    if is_dask(values):
        check_collection(name, values)
        others = block_lengths(values)
        got = sum(others)
        if np.isnan(total + got) and len(lengths) != len(others):
            raise ValueError(
                f"X and {name} must have the same number of partitions, where not all lengths of these are known; got "
                f"{len(lengths)} in X and {len(others)} in {name}"
            )
    elif np.isnan(total):
        raise ValueError(
            f"{name} must be Dask's where the lengths of X's partitions are unknown; got a {type(values).__name__}: "
            "X.to_dask_array(lengths=True), or X.compute_chunk_sizes() of an array, finds them out"
        )
    else:
        values = check_numbers(name, values)
        check_finite(name, values)
        got = len(values) if values.ndim else 1
    if not np.isnan(total + got) and got != total:
        raise ValueError(f"X and {name} must have the same number of rows; got {total} in X and {got} in {name}")
    if is_dask(values) and not np.isnan(total + got) and others != lengths:
        return values.rechunk({0: lengths})
    return values


def split(columns: list[Any], lengths: tuple[float, ...]) -> list[list[Any]]:
    """Return the blocks of each: delayed ones, or slices of what is in memory."""
    gathered = gather([column for column in columns if is_dask(column) and not hasattr(column, "chunks")])
    parts = []
    for column in columns:
        if not is_dask(column):
            parts.append(np.split(column, np.cumsum(lengths)[:-1].astype(int)))
        elif hasattr(column, "chunks"):
            # As they stand: optimized one by one, blocks that X and y are both cut from would be made twice.
            parts.append(column.to_delayed(optimize_graph=False).ravel().tolist())
        else:
            parts.append(next(gathered))
    return parts


def gather(frames: list[Any]) -> Iterator[list[Any]]:
    """Yield the delayed partitions of each frame, taken of all at once: what these have in common is read once."""
    if frames:
        import dask.dataframe

        settings = {"align_dataframes": False, "enforce_metadata": False, "meta": ("partitions", object)}
        together = dask.dataframe.map_partitions(make_tuple, *frames, **settings).to_delayed()
        for k in range(len(frames)):
            yield [partitions[k] for partitions in together]


def make_tuple(*partitions: Any) -> tuple[Any, ...]:
    """Return the partitions."""
    return partitions


def compress_blocks(blocks: DaskSource, fit_intercept: bool, alpha: float, method: str) -> Compressor:
    """Return a compressor that has seen all blocks, by "gram" or "qr": what "auto" stands for, it has found out."""
    method = check_choice("method", method, METHODS)
    first = "gram" if method == "auto" else method
    compressor = reduce_blocks(blocks, Compressor(fit_intercept=fit_intercept, alpha=alpha, method=first))
    if compressor.n_features is None:
        name = "sample_weight must be above 0 in" if compressor.n_samples else "X must have"
        raise ValueError(f"{name} at least one row; got {compressor.n_samples} rows, none that counts")
    if method == "auto" and not compressor.keeps_digits:
        return compress_blocks(blocks, fit_intercept, alpha, "qr")
    return compressor


def reduce_blocks(blocks: DaskSource, empty: Compressor) -> Compressor:
    """Return a compressor like the empty one that has seen all blocks; neighbours are merged, then those results."""
    import dask

    compress, merge = dask.delayed(compress_block), dask.delayed(merge_two)
    results = [compress(empty, number, *part) for number, part in enumerate(blocks.parts)]
    while len(results) > 1:
        pairs = [merge(*results[k : k + 2]) for k in range(0, len(results) - 1, 2)]
        results = pairs + results[2 * len(pairs) :]
    return dask.compute(results[0])[0]


def compress_block(empty: Compressor, number: int, X: Any, y: Any, weights: Any = None) -> Compressor:
    """Return a compressor like the empty one that has seen a block."""
    compressor = copy(empty)
    if len(X) == len(y) == 0:
        return compressor
    try:
        compressor.add(X, y, weights)
    except (TypeError, ValueError) as error:
        raise type(error)(f"in block {number} (counted from 0), {error}") from error
    return compressor


def merge_two(first: Compressor, second: Compressor) -> Compressor:
    """Return a compressor that has seen the rows of both, which stay as they are."""
    merged = copy(first)
    merged.merge(second)
    return merged


def predict_lazily(X: Any, coef: Array, intercept: float) -> Any:
    """Return ``X @ coef + intercept`` as a Dask array with the row chunks of X; nothing is computed."""
    check_features(X)
    if X.shape[1] != len(coef):
        raise ValueError(f"X must have {len(coef)} columns, as in the fit; got {X.shape[1]}")
    rows = X if hasattr(X, "chunks") else X.to_dask_array()
    settings = {"coef": coef, "intercept": intercept}  # by name: an array by position would be cut into blocks
    return rows.map_blocks(predict_block, **settings, drop_axis=1, dtype=np.float64, meta=np.empty(0))


def predict_block(X: Any, coef: Array, intercept: float) -> Array:
    """Return the predictions for a block."""
    if not len(X):
        return np.empty(0)
    with np.errstate(over="ignore", invalid="ignore"):
        return check_predictions(data.check_new_rows(X, len(coef)) @ coef + intercept)
