"""The epochs of the Numba backend: the functions of src_ext/_kernel.pyx under the same names.

The design, and the reasons for each order of memory, are written there.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated"

from collections import namedtuple

import numba

from fastgd.backends.numba.compiling import call_loop, compile_kernel, compile_part
from fastgd.backends.numba.memory import add_to_entry, give_way, read_entry, replace_entry, write_entry
from fastgd.backends.threads import ENDED, PER_LINE, SUMS

DOUBLE = 8  # bytes of a number
APPLIED, FINISHED, CLAIMED = ENDED + PER_LINE, ENDED + 2 * PER_LINE, ENDED + 3 * PER_LINE  # entries of sync
PATIENCE = 4096  # how often a waiting member reads a counter before it offers its core to other threads


# X and y, divided into blocks of rows, and the sums of each block. X, y and sums are addresses: row i of X begins
# i · step bytes after X, and the sums of block b begin b · width doubles after sums. _kernel.pyx explains the rest.
Blocks = namedtuple("Blocks", "add_block X step stride far near shift y n p n_blocks block_rows intercepts sums width")
Team = namedtuple("Team", "sync member members")


@compile_kernel
def fold(partials, gradient, intercepts, n):
    """Add up the blocks' sums in their order: gradient = Xᵀr / n. Return the cost J = rᵀr / 2n."""
    squares = 0.0
    gradient[:] = 0.0
    for b in range(len(partials)):
        squares += partials[b, SUMS]
        if intercepts:
            gradient[0] += partials[b, SUMS + 1]
        for j in range(intercepts, len(gradient)):
            gradient[j] += partials[b, SUMS + 2 + j - intercepts]
    gradient /= n
    return squares / (2 * n)


@compile_kernel
def update(weights, gradient, rate, cost):
    """Apply w ← w − rate·gradient. Return False, and leave w as it is, if the cost or a new weight is not finite."""
    zero = 0.0 * cost  # 0 · inf and 0 · NaN are NaN
    for j in range(len(weights)):
        zero += 0.0 * (weights[j] - rate * gradient[j])
    if zero != 0.0:
        return False
    for j in range(len(weights)):
        weights[j] -= rate * gradient[j]
    return True


@compile_part
def address_of(array, index):
    """Return the address of an entry of a contiguous array of float64 or int64."""
    return array.ctypes.data + DOUBLE * index


@compile_part
def first_row(blocks, b):
    """Return the row where block b begins; for the block after the last, the number of rows."""
    if b == 0:
        return 0
    return b * blocks.block_rows - blocks.shift if b < blocks.n_blocks else blocks.n


@compile_part
def compute(blocks, weights, b):
    """Compute the sums of block b."""
    first = first_row(blocks, b)
    rows = first_row(blocks, b + 1) - first
    intercept = weights[0] if blocks.intercepts else 0.0
    X, y = blocks.X + first * blocks.step, blocks.y + first * DOUBLE
    w, out = address_of(weights, blocks.intercepts), blocks.sums + b * blocks.width * DOUBLE
    call_loop(blocks.add_block, (X, y, rows, blocks.p, blocks.stride, blocks.far, blocks.near, w, intercept, out))


@compile_part
def claim(team, epoch, n_blocks, member):
    """Take the next block of a member's range in an epoch; return -1 if all are taken."""
    first = n_blocks * member // team.members
    size = n_blocks * (member + 1) // team.members - first
    entry = CLAIMED + member * PER_LINE
    claimed = read_entry(team.sync, entry)
    while claimed < (epoch + 1) * size:
        if replace_entry(team.sync, entry, claimed, claimed + 1):
            return first + claimed - epoch * size
        claimed = read_entry(team.sync, entry)
    return -1


@numba.njit(inline="always")  # calls of it take 8% longer in a small epoch
def take_part(compute, blocks, team, weights, epoch):
    """Compute blocks of an epoch until all are taken, own blocks first; return True if this member ended the epoch."""
    finished = 0
    if team.members == 1:  # no claims needed
        for b in range(blocks.n_blocks):
            compute(blocks, weights, b)
        return True
    for member in range(team.member, team.member + team.members):
        b = claim(team, epoch, blocks.n_blocks, member % team.members)
        while b >= 0:
            compute(blocks, weights, b)
            finished += 1
            b = claim(team, epoch, blocks.n_blocks, member % team.members)
    return finished > 0 and add_to_entry(team.sync, FINISHED, finished) == (epoch + 1) * blocks.n_blocks


@compile_part
def wait_for_end(team, epoch):
    """Wait until an epoch, or the run, is over."""
    reads = 0
    while read_entry(team.sync, APPLIED) == epoch and not read_entry(team.sync, ENDED):
        reads += 1
        if reads > PATIENCE:
            give_way()


@compile_kernel
def run_epochs(rows, y, weights, rates, costs, gradient, intercepts, block_rows, partials, sync, member, members):
    """Run the epochs as one member of a team; return how many updates the team has applied.

    `rows` are the first seven fields of `Blocks`.
    """
    add_block, X, step, stride, far, near, shift = rows
    blocks = Blocks(
        add_block, X, step, stride, far, near, shift, address_of(y, 0), len(y), len(weights) - intercepts,
        len(partials), block_rows, intercepts, address_of(partials, SUMS), partials.shape[1],
    )  # fmt: skip
    team = Team(address_of(sync, 0), member, members)
    epoch = read_entry(team.sync, APPLIED)
    while epoch < len(rates) and not read_entry(team.sync, ENDED):
        if take_part(compute, blocks, team, weights, epoch):
            costs[epoch] = fold(partials, gradient, intercepts, len(y))
            if update(weights, gradient, rates[epoch], costs[epoch]):
                write_entry(team.sync, APPLIED, epoch + 1)
            else:
                write_entry(team.sync, ENDED, 1)
        else:
            wait_for_end(team, epoch)
        epoch = read_entry(team.sync, APPLIED)
    return read_entry(team.sync, APPLIED)  # read again: other members may have gone on before the run ended
