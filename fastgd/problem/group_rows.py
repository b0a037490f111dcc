"""The rows of many groups: batches of groups of similar size, and the moments of each group.

Many small groups are summed up at once. The rows of a batch of groups are gathered into one block, which stays in
cache: a matrix for each group, features along its rows, samples along its columns, zeros behind the last sample. The
function `sum_groups` of a backend does the same group by group, in a fraction of the time; `cython` has one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from fastgd.backends.compiled import find_compiled
from fastgd.inputs.arrays import Array
from fastgd.inputs.labels import order_by_group
from fastgd.inputs.values import SMALLEST_SQUARE

MOST_COMPILED = 100  # columns; with more, the products by BLAS take less time
PIECE_ROWS = 512  # of a group that are summed up at once: with a few columns they fit in L1
BLOCK_ELEMENTS = 1 << 16  # of a block: 512 KB, so that it stays in cache from the first step to the last
SIMILAR = 1.25  # the most rows of a group in a batch, relative to the fewest


@dataclass(frozen=True, slots=True, eq=False)
class GroupRows:
    """Rows in memory that belong to groups.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        The features, float32 or float64.
    Y : ndarray of shape (n_samples, n_targets), float64
        The targets.
    sample_weight : ndarray of shape (n_samples,) or None
        The weights of the rows.
    order : ndarray of shape (n_samples,) or None
        The order that puts the rows of each group next to each other; None if they are.
    starts, counts, totals : ndarray of shape (n_groups,)
        Where the rows of each group begin in this order, their number, and the sum of their weights.
    """

    X: Array
    Y: Array
    sample_weight: Array | None
    order: Array | None
    starts: Array
    counts: Array
    totals: Array

    def place(self, start: int, count: int) -> Array | slice:
        """Return the index of `count` rows from `start` on in the order of the groups."""
        rows = slice(int(start), int(start + count))
        return rows if self.order is None else self.order[rows]

    def pick(self, group: int) -> tuple[Array, Array, Array | None]:
        """Return the rows of one group: X, Y and the weights."""
        rows = self.place(self.starts[group], self.counts[group])
        return self.X[rows], self.Y[rows], None if self.sample_weight is None else self.sample_weight[rows]


@dataclass(frozen=True, slots=True, eq=False)
class GroupMoments:
    """The moments of a batch of groups, about the means of each group.

    Attributes
    ----------
    means : ndarray of shape (n_groups, n_features + n_targets)
        The means of [x y].
    products : ndarray of shape (n_groups, n_features, n_features + n_targets)
        The mean products of the centred features with each other and with the centred targets.
    squares : ndarray of shape (n_groups, n_targets)
        The mean squares of the centred targets; NaN for groups with a column whose squares vanish.
    """

    means: Array
    products: Array
    squares: Array


def sort_rows(X: Array, Y: Array, sample_weight: Array | None, codes: Array, n_groups: int) -> GroupRows:
    """Return the rows by groups; `codes` has the number of each row's group."""
    counts = np.bincount(codes, minlength=n_groups)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    totals = counts if sample_weight is None else np.bincount(codes, weights=sample_weight, minlength=n_groups)
    Y = np.ascontiguousarray(Y)  # the columns of a data frame are not
    return GroupRows(X, Y, sample_weight, order_by_group(codes, n_groups), starts, counts, totals.astype(np.float64))


def make_batches(counts: Array, columns: int, elements: int = BLOCK_ELEMENTS) -> Iterator[Array]:
    """Yield batches of positions in `counts`, of groups of similar size; a block has about `elements` numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.problem.group_rows import make_batches
    >>> [batch.tolist() for batch in make_batches(np.array([50, 3, 52, 3]), columns=2)]
    [[1, 3], [0, 2]]
    """
    order = np.argsort(counts, kind="stable")
    sizes, first = counts[order], 0
    while first < len(order):
        most = int(SIMILAR * sizes[first])
        last = min(first + max(elements // (most * columns), 1), int(np.searchsorted(sizes, most, side="right")))
        yield order[first:last]
        first = last


def gather(rows: GroupRows, groups: Array) -> tuple[Array, Array, Array]:
    """Return a block of the rows of these groups about their means, the means, and the roots that multiply the rows.

    The block has the shape (len(groups), n_features + n_targets, most rows of a group). Each of its columns, a row of
    the data, is multiplied by the root of its share of the group's weight.
    """
    p, counts = rows.X.shape[1], rows.counts[groups]
    length = int(counts.max())
    positions = np.arange(length)
    inside = positions < counts[:, np.newaxis]
    picked = rows.starts[groups][:, np.newaxis] + np.minimum(positions, counts[:, np.newaxis] - 1)
    if rows.order is not None:
        picked = rows.order[picked]
    block = np.empty((len(groups), p + rows.Y.shape[1], length))
    block[:, :p] = np.moveaxis(rows.X[picked], 2, 1)
    block[:, p:] = np.moveaxis(rows.Y[picked], 2, 1)
    weights = inside.astype(np.float64) if rows.sample_weight is None else rows.sample_weight[picked] * inside
    shares = weights / rows.totals[groups][:, np.newaxis]
    means = np.zeros(block.shape[:2])
    for _ in range(2):  # the second time takes off the rounding error of the first means
        rest = np.matmul(block, shares[:, :, np.newaxis])[:, :, 0]
        means += rest
        block -= rest[:, :, np.newaxis]
    roots = np.sqrt(shares)
    block *= roots[:, np.newaxis]
    return block, means, roots


def lose_squares(block: Array) -> Array:
    """Return True for each column of each group that varies, but whose squares vanish in float64."""
    small = np.abs(block[:, :, 0]) < sqrt(SMALLEST_SQUARE)  # a single number of ordinary size clears a column
    for group, column in np.argwhere(small & (np.abs(block[:, :, -1]) < sqrt(SMALLEST_SQUARE))).tolist():
        small[group, column] = 0 < np.abs(block[group, column]).max() < sqrt(SMALLEST_SQUARE)
    return small


def sum_groups(rows: GroupRows, groups: Array) -> GroupMoments:
    """Return the moments of these groups; large groups are summed up in pieces, which stay in cache."""
    starts, counts, totals = rows.starts[groups], rows.counts[groups], rows.totals[groups]
    if counts.max() <= PIECE_ROWS:
        return sum_pieces(rows, starts, counts, totals)
    numbers = -(-counts // PIECE_ROWS)
    first = np.cumsum(numbers) - numbers
    owners = np.repeat(np.arange(len(groups)), numbers)
    places = (np.arange(len(owners)) - first[owners]) * PIECE_ROWS
    starts, counts = starts[owners] + places, np.minimum(counts[owners] - places, PIECE_ROWS)
    parts = counts.astype(np.float64)
    if rows.sample_weight is not None:
        parts = totals[owners]
        for piece in np.flatnonzero(numbers[owners] > 1).tolist():
            parts[piece] = rows.sample_weight[rows.place(starts[piece], counts[piece])].sum()
    pieces = sum_pieces(rows, starts, counts, np.where(parts == 0, 1.0, parts))
    return merge_pieces(pieces, parts / totals[owners], first, owners)


def merge_pieces(pieces: GroupMoments, shares: Array, first: Array, owners: Array) -> GroupMoments:
    """Return the moments of groups from those of their pieces.

    Parameters
    ----------
    pieces : GroupMoments
        The moments of all pieces, those of a group next to each other.
    shares : ndarray of shape (n_pieces,)
        The share of each piece in the weight of its group.
    first : ndarray of shape (n_groups,)
        The first piece of each group.
    owners : ndarray of shape (n_pieces,)
        The group of each piece.
    """
    p = pieces.products.shape[1]
    means = np.add.reduceat(shares[:, np.newaxis] * pieces.means, first)
    moved = pieces.means - means[owners]
    products = pieces.products + moved[:, :p, np.newaxis] * moved[:, np.newaxis]
    squares = pieces.squares + moved[:, p:] ** 2
    products = np.add.reduceat(shares[:, np.newaxis, np.newaxis] * products, first)
    return GroupMoments(means, products, np.add.reduceat(shares[:, np.newaxis] * squares, first))


def sum_pieces(rows: GroupRows, starts: Array, counts: Array, totals: Array) -> GroupMoments:
    """Return the moments of runs of rows: from compiled code, if there is some, for few columns."""
    columns = rows.X.shape[1] + rows.Y.shape[1]
    kernel = find_compiled("sum_groups") if columns <= MOST_COMPILED else None
    if kernel is None:
        pieces = replace(rows, starts=starts, counts=counts, totals=totals)
        return sum_groups_by_blocks(pieces, np.arange(len(starts)))
    return GroupMoments(*kernel(rows.X, rows.Y, rows.sample_weight, rows.order, starts, counts, totals))


def sum_groups_by_blocks(rows: GroupRows, groups: Array) -> GroupMoments:
    """Return the moments of these groups, by NumPy."""
    p, columns = rows.X.shape[1], rows.X.shape[1] + rows.Y.shape[1]
    means, squares = np.empty((len(groups), columns)), np.empty((len(groups), columns - p))
    products = np.empty((len(groups), p, columns))
    for batch in make_batches(rows.counts[groups], columns):
        block, means[batch], _ = gather(rows, groups[batch])
        products[batch] = np.matmul(block[:, :p], np.moveaxis(block, 1, 2))
        squares[batch] = np.einsum("gkm,gkm->gk", block[:, p:], block[:, p:])
        lost = lose_squares(block)
        if lost.any():
            squares[batch[lost.any(axis=1)]] = np.nan
    return GroupMoments(means, products, squares)
