"""Dask collections, whose partitions may be on many machines: each partition is compressed where it is.

Design:
(a) One task compresses each partition, and further tasks merge two neighbouring results each. The shape of this tree
    depends only on the number of partitions. So the answer has the same bits whichever workers run the tasks, in any
    order, and also if tasks run again because a worker died.
(b) Only square matrices of n_features + 2 columns are sent between machines. The descent runs in the caller's process.
(c) If the Gram matrix loses digits, Dask computes the partitions a second time, for a QR.
(d) Declared shapes and types are checked before anything is computed, and each block against them where it is computed
    (`dask_blocks`). Functions import Dask when they need it: a caller with Dask collections has imported it already.
"""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from fastgd.inputs import frames
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_new_rows, check_numbers, check_sample_weight, predict_rows
from fastgd.inputs.options import check_choice
from fastgd.inputs.values import check_finite
from fastgd.inputs.words import kind_of, quote
from fastgd.problem.compressor import Compressor
from fastgd.problem.dask_blocks import Layout, arrange_columns, count_rows, list_columns, naming_block, take_rows
from fastgd.problem.dask_compute import compute
from fastgd.problem.moments import METHODS
from fastgd.problem.prepared import Prepared, PrepareOptions
from fastgd.problem.rows import CompressedSource, check_needs_no_rows, choose_method_for

MESSAGE = "Dask compressed the partitions where they are"


@dataclass(frozen=True, slots=True, eq=False)
class DaskSource:
    """Blocks of rows that are not computed yet.

    Attributes
    ----------
    parts : list of tuple
        The X and y of each block, and its sample weights if there are any.
    n_samples : float
        The number of rows, NaN if it is unknown.
    layout : Layout
        The declared columns, which every block must have.
    features : list of str or None
        The names of the columns of X.
    target : str, list of str, or None
        The name of y, or of its columns.
    """

    parts: list[tuple[Any, ...]]
    n_samples: float
    layout: Layout
    features: list[str] | None
    target: Any

    @property
    def n_features(self) -> int:
        """Return the number of columns of X."""
        return self.layout.n_features

    @property
    def n_targets(self) -> int:
        """Return the number of columns of y."""
        return self.layout.n_targets

    def prepare(self, options: PrepareOptions) -> Prepared:
        """Let Dask compress the blocks, and return the compressed problem of all targets."""
        check_needs_no_rows(options, "Dask's data")
        method = "auto"
        if not np.isnan(self.n_samples):
            method = choose_method_for(options, (int(self.n_samples), self.n_features), self.n_targets)
        compressor = self.compress(options.fit_intercept, options.alpha, method)
        source = CompressedSource(compressor.summary(), MESSAGE, self.features, self.target)
        return source.prepare(options)

    def compress(self, fit_intercept: bool = True, alpha: float = 0.0, method: str = "auto") -> Compressor:
        """Return a compressor with all rows; Dask's scheduler decides where each block is compressed.

        Parameters
        ----------
        fit_intercept, alpha, method
            As in `fastgd.compress`; "auto" computes the blocks a second time if "gram" loses digits.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit its description, or no row counts; an error in the values names the block.
        ConnectionError
            If a cluster computes the blocks, and fails.

        Examples
        --------
        >>> import dask.array as da, fastgd
        >>> from fastgd.problem.dask import find_blocks
        >>> X = da.arange(20.0, chunks=6).reshape(-1, 1)
        >>> compressor = find_blocks(X, 1 + 2 * X).compress()
        >>> fastgd.gradient_descent(compressor).weights.round(6)
        array([1., 2.])
        """
        check_choice("method", method, METHODS)
        first = "gram" if method == "auto" else method
        compressor = reduce_blocks(self, Compressor(fit_intercept=fit_intercept, alpha=alpha, method=first))
        if compressor.n_features is None:
            expected = "sample_weight must be above 0 in" if compressor.n_samples else "X must have"
            raise ValueError(f"{expected} at least one row; got {compressor.n_samples} rows, none that counts")
        if method == "auto" and not compressor.keeps_digits:
            return self.compress(fit_intercept, alpha, "qr")
        return compressor


def is_dask(*values: Any) -> bool:
    """Return True if any of the values is a Dask object, without importing Dask.

    Examples
    --------
    >>> from fastgd.problem.dask import is_dask
    >>> is_dask([[1.0], [2.0]])
    False
    """
    for value in values:  # noqa: SIM110 - a generator takes longer than all else here
        if type(value).__module__.partition(".")[0] in {"dask", "dask_expr"}:
            return True
    return False


def find_blocks(X: Any, y: Any, sample_weight: Any = None) -> DaskSource:
    """Return the blocks of rows of X, y and the weights, after checks of all shapes and types.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame of shape (n_samples, n_features)
        The features. An array must be chunked along its rows only.
    y : dask.array.Array, dask.dataframe.Series or DataFrame, or array_like, of shape (n_samples,) or (n_samples, k)
        The target or targets. The rows belong to those of X by position; the index of a frame is ignored. A y in memory
        is cut at the blocks of X, whose lengths must be known, and sent to the workers.
    sample_weight : as y, of shape (n_samples,), number or None
        The weights of the rows, 0 or more; one number is the weight of every row, None the weight 1.
    """
    features, target = frames.data_names(X, y)
    lengths = check_dask_features(X)
    y = align_rows("y", y, lengths)
    if y.ndim != 1 and (y.ndim != 2 or y.shape[1] < 1):
        got = f"{y.shape[1]} columns" if y.ndim == 2 else f"{y.ndim} dimensions"
        raise ValueError(f"y must have shape (n_samples,) or (n_samples, n_targets); got {got}")
    columns, weighs_all = [X, y], isinstance(sample_weight, Number)
    if weighs_all:
        check_sample_weight(sample_weight, 1, zero_sum=True)
    elif sample_weight is not None:
        columns.append(align_rows("sample_weight", sample_weight, lengths))
        if columns[-1].ndim != 1:
            raise ValueError(f"sample_weight must have shape (n_samples,); got {columns[-1].ndim} dimensions")
        if not is_dask(sample_weight):
            columns[-1] = check_sample_weight(sample_weight, len(columns[-1]))
    n_targets = 1 if y.ndim == 1 else int(y.shape[1])
    labels = list_columns(X), list_columns(y)
    layout = Layout(int(X.shape[1]), n_targets, *labels, weight=sample_weight if weighs_all else None)
    parts = list(zip(*split_blocks(columns, lengths), strict=True))
    return DaskSource(parts, sum(lengths), layout, features, target)


def check_dask_features(X: Any) -> tuple[float, ...]:
    """Return the number of rows of each block of X, NaN if unknown; refuse an X that is no matrix of numbers."""
    if not is_dask(X):
        raise TypeError(
            f"X must be a Dask array or data frame if y or sample_weight is; got {kind_of(X)}: "
            "compute these, or pass dask.array.from_array(X)"
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
    """Refuse objects other than Dask arrays, frames and series, values other than numbers, and chunked columns."""
    from dask.array import Array as DaskArray
    from dask.utils import is_dataframe_like, is_series_like

    frame, array = is_dataframe_like(values), isinstance(values, DaskArray)
    if not (frame or is_series_like(values) or array):
        raise TypeError(f"{name} must be a Dask array, data frame or series; got {kind_of(values)}")
    for column, dtype in values.dtypes.items() if frame else [("", values.dtype)]:
        # Objects may be numbers: computing a block shows it. Text in an extension type has the kind "O" too: refuse it.
        if dtype.kind not in "biuf" and dtype != np.dtype(object):
            where = f" in column {quote(column)}: encode that column as numbers, or leave it out" if frame else ""
            raise TypeError(f"{name} must hold real numbers; got {dtype}{where}")
    if array and values.ndim == 2 and values.numblocks[1] > 1:
        raise ValueError(
            f"{name} must not be chunked between columns; got {values.numblocks[1]} blocks of them: "
            f"{name}.rechunk({{1: -1}}) joins them"
        )


def block_lengths(values: Any) -> tuple[float, ...]:
    """Return the number of rows of each block, NaN if unknown, as in all frames."""
    return values.chunks[0] if hasattr(values, "chunks") else (np.nan,) * values.npartitions


def align_rows(name: str, values: Any, lengths: tuple[float, ...]) -> Any:
    """Return y or the weights, checked; a Dask array gets the blocks of X."""
    total = sum(lengths)
    if is_dask(values):
        check_collection(name, values)
        others = block_lengths(values)
        got = sum(others)
        if np.isnan(total + got) and len(lengths) != len(others):
            raise ValueError(
                f"X and {name} must have the same number of partitions, unless all their lengths are known; got "
                f"{len(lengths)} in X and {len(others)} in {name}"
            )
    elif np.isnan(total):
        raise ValueError(
            f"{name} must be a Dask collection if the lengths of X's partitions are unknown; got a "
            f"{type(values).__name__}: X.to_dask_array(lengths=True) finds them, or X.compute_chunk_sizes() of an array"
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


def split_blocks(columns: list[Any], lengths: tuple[float, ...]) -> list[list[Any]]:
    """Return the blocks of each column: delayed objects, or slices of an array in memory."""
    gathered = take_partitions([column for column in columns if is_dask(column) and not hasattr(column, "chunks")])
    parts = []
    for column in columns:
        if not is_dask(column):
            parts.append(np.split(column, np.cumsum(lengths)[:-1].astype(int)))
        elif hasattr(column, "chunks"):
            # Not optimized one by one: blocks that X and y share would be computed twice.
            parts.append(column.to_delayed(optimize_graph=False).ravel().tolist())
        else:
            parts.append(next(gathered))
    return parts


def take_partitions(collections: list[Any]) -> Iterator[list[Any]]:
    """Yield the delayed partitions of each frame or series; data that several of them share are read once."""
    if collections:
        import dask.dataframe

        settings = {"align_dataframes": False, "enforce_metadata": False, "meta": ("partitions", object)}
        together = dask.dataframe.map_partitions(make_tuple, *collections, **settings).to_delayed()
        for k in range(len(collections)):
            yield [partitions[k] for partitions in together]


def make_tuple(*partitions: Any) -> tuple[Any, ...]:
    """Return the partitions."""
    return partitions


def reduce_blocks(source: DaskSource, empty: Compressor) -> Compressor:
    """Return a copy of the empty compressor with all blocks added; neighbouring results are merged in rounds."""
    import dask

    compress, merge = dask.delayed(compress_block), dask.delayed(merge_compressors)
    results = [compress(empty, source.layout, number, *part) for number, part in enumerate(source.parts)]
    while len(results) > 1:
        pairs = [merge(*results[k : k + 2]) for k in range(0, len(results) - 1, 2)]
        results = pairs + results[2 * len(pairs) :]
    (compressor,) = compute(results[0])
    return compressor


def compress_block(empty: Compressor, layout: Layout, number: int, *part: Any) -> Compressor:
    """Return a copy of the empty compressor with one block added: its X, its y and, if there are any, its weights."""
    compressor = copy(empty)
    with naming_block(number):
        rows = take_rows(layout, *part)
        if rows is not None:
            compressor.add(*rows)
    return compressor


def merge_compressors(first: Compressor, second: Compressor) -> Compressor:
    """Return a compressor with the rows of both; neither is changed."""
    merged = copy(first)
    merged.merge(second)
    return merged


def predict_lazily(X: Any, coef: Array, intercept: Any) -> Any:
    """Return ``X @ coef + intercept`` as a Dask array with the row chunks of X; nothing is computed."""
    check_dask_features(X)
    if X.shape[1] != len(coef):
        raise ValueError(f"X must have {len(coef)} columns, as in the fit; got {X.shape[1]}")
    rows = check_blocks_lazily(X)
    settings = {"coef": coef, "intercept": intercept}  # by keyword: Dask would cut a positional array into blocks
    if coef.ndim == 1:
        return rows.map_blocks(predict_block, **settings, drop_axis=1, dtype=np.float64, meta=np.empty(0))
    chunks, meta = (rows.chunks[0], (coef.shape[1],)), np.empty((0, coef.shape[1]))
    return rows.map_blocks(predict_block, **settings, chunks=chunks, dtype=np.float64, meta=meta)


def check_blocks_lazily(X: Any) -> Any:
    """Return X as a Dask array whose blocks are checked when they are computed."""
    settings = {"n_features": int(X.shape[1]), "meta": np.empty((0, X.shape[1]))}
    if hasattr(X, "chunks"):
        return X.map_blocks(check_block, **settings, dtype=np.float64)
    return X.map_partitions(check_partition, **settings, columns=list_columns(X), enforce_metadata=False)


def check_partition(X: Any, n_features: int, columns: Any, partition_info: Any = None) -> Array:
    """Return the rows of one partition of a data frame."""
    return check_block(X, n_features, columns, (partition_info["number"],))


def check_block(X: Any, n_features: int, columns: Any = None, block_id: Any = (0,)) -> Array:
    """Return the rows of one block, whose number is the first of `block_id`, in the order of the columns declared."""
    with naming_block(block_id[0]):
        if not count_rows("X", X):
            return np.empty((0, n_features))
        return check_new_rows(arrange_columns("X", X, columns), n_features)


def predict_block(X: Array, coef: Array, intercept: Any, block_id: Any = (0,)) -> Array:
    """Return the predictions for the rows of one block."""
    with naming_block(block_id[0]):
        return predict_rows(X, coef, intercept)
