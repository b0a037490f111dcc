"""Sparse rows in the Numba backend: the functions of src_ext/sparse.pxi under the same names."""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated"

import numpy as np

from fastgd.backends.numba.compiling import compile_kernel, compile_part
from fastgd.backends.numba.epochs import (
    APPLIED,
    FINISHED,
    Team,
    address_of,
    claim,
    wait_for_end,
)
from fastgd.backends.numba.memory import add_to_entry, read_entry, write_entry
from fastgd.backends.threads import ENDED


@compile_part
def add_one_target(data, indices, indptr, means, factors, order, y, weights, intercepts, first, last, out):
    """Compute the sums of a block of rows for one target."""
    squares = total = moved = shift = 0.0
    intercept = weights[0, 0] if intercepts else 0.0
    w, g, targets = weights.ravel()[intercepts:], out[3:], y.ravel()
    for j in range(len(means)):
        shift += means[j] * w[j]
    for row in range(first, last):
        i = order[row] if len(order) else row
        r = 0.0
        for t in range(np.uintp(indptr[i]), np.uintp(indptr[i + 1])):
            r += data[t] * w[np.uintp(indices[t])]  # unsigned: Numba then asks nothing about negative ones
        f = factors[i] if len(factors) else 1.0
        r += intercept - f * shift - targets[i]
        squares += r * r
        total += r
        moved += f * r
        for t in range(np.uintp(indptr[i]), np.uintp(indptr[i + 1])):
            g[np.uintp(indices[t])] += r * data[t]
    out[0], out[1], out[2] = squares, total, moved


@compile_part
def add_targets(data, indices, indptr, means, factors, order, y, weights, intercepts, first, last, out):
    """Compute the sums of a block of rows for k targets, whose numbers lie side by side."""
    k = y.shape[1]
    size = (len(weights) - intercepts + 3) * k
    residual, shift = out[size : size + k], out[size + k : size + 2 * k]
    for j in range(len(means)):
        for c in range(k):
            shift[c] += means[j] * weights[j + intercepts, c]
    for row in range(first, last):
        i = order[row] if len(order) else row
        residual[:] = 0.0
        for t in range(np.uintp(indptr[i]), np.uintp(indptr[i + 1])):
            place = indices[t] + intercepts
            for c in range(k):
                residual[c] += data[t] * weights[place, c]
        f = factors[i] if len(factors) else 1.0
        for c in range(k):
            residual[c] += (weights[0, c] if intercepts else 0.0) - f * shift[c] - y[i, c]
            out[c] += residual[c] * residual[c]
            out[k + c] += residual[c]
            out[2 * k + c] += f * residual[c]
        for t in range(np.uintp(indptr[i]), np.uintp(indptr[i + 1])):
            begin = (3 + indices[t]) * k
            for c in range(k):
                out[begin + c] += data[t] * residual[c]


@compile_part
def compute_sparse(rows, y, weights, intercepts, starts, partials, b):
    """Compute the sums of block b."""
    data, indices, indptr, means, factors, order = rows
    first, last, out = starts[b], starts[b + 1], partials[b]
    out[:] = 0.0
    if y.shape[1] > 1:
        add_targets(data, indices, indptr, means, factors, order, y, weights, intercepts, first, last, out)
    else:
        add_one_target(data, indices, indptr, means, factors, order, y, weights, intercepts, first, last, out)


@compile_part
def take_sparse_part(rows, y, weights, intercepts, starts, partials, team, epoch):
    """Compute blocks of an epoch until all are taken, as `take_part` does; return True if this member ended it."""
    finished = 0
    if team.members == 1:  # no claims needed
        for b in range(len(partials)):
            compute_sparse(rows, y, weights, intercepts, starts, partials, b)
        return True
    for member in range(team.member, team.member + team.members):
        b = claim(team, epoch, len(partials), member % team.members)
        while b >= 0:
            compute_sparse(rows, y, weights, intercepts, starts, partials, b)
            finished += 1
            b = claim(team, epoch, len(partials), member % team.members)
    return finished > 0 and add_to_entry(team.sync, FINISHED, finished) == (epoch + 1) * len(partials)


@compile_part
def fold_sparse(means, partials, gradient, costs, intercepts, n):
    """Add up the blocks' sums in their order: gradient = Xᵀr / n, costs = rᵀr / 2n of each target."""
    k, p = gradient.shape[1], len(gradient) - intercepts
    first = partials[0]
    for b in range(1, len(partials)):  # into the first block's, which the next epoch makes anew
        for j in range((p + 3) * k):
            first[j] += partials[b, j]
    for c in range(k):
        costs[c] = first[c] / (2 * n)
        if intercepts:
            gradient[0, c] = first[k + c] / n
    for j in range(p):
        for c in range(k):
            g = first[(3 + j) * k + c]
            if len(means):
                g -= means[j] * first[2 * k + c]
            gradient[j + intercepts, c] = g / n


@compile_part
def update_all(weights, gradient, rate, costs):
    """Apply w ← w − rate·gradient. Return False, and leave w as it is, if a cost or a new weight is not finite."""
    zero = 0.0
    for c in range(len(costs)):
        zero += 0.0 * costs[c]  # 0 · inf and 0 · NaN are NaN
    for j in range(len(weights)):
        for c in range(len(costs)):
            zero += 0.0 * (weights[j, c] - rate * gradient[j, c])
    if zero != 0.0:
        return False
    for j in range(len(weights)):
        for c in range(len(costs)):
            weights[j, c] -= rate * gradient[j, c]
    return True


@compile_kernel
def run_sparse_member(
    data, indices, indptr, means, factors, y, weights, rates, costs, gradient, intercepts, order, starts, partials,
    sync, member, members,
):  # fmt: skip
    """Run one member of a team (sparse_team.py); return how many updates the team has applied."""
    team = Team(address_of(sync, 0), member, members)
    rows = data, indices, indptr, means, factors, order
    epoch = read_entry(team.sync, APPLIED)
    while epoch < len(rates) and not read_entry(team.sync, ENDED):
        if take_sparse_part(rows, y, weights, intercepts, starts, partials, team, epoch):
            fold_sparse(means, partials, gradient, costs[epoch], intercepts, len(y))
            if update_all(weights, gradient, rates[epoch], costs[epoch]):
                write_entry(team.sync, APPLIED, epoch + 1)
            else:
                write_entry(team.sync, ENDED, 1)
        else:
            wait_for_end(team, epoch)
        epoch = read_entry(team.sync, APPLIED)
    return read_entry(team.sync, APPLIED)
