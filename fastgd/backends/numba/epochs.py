"""The epochs of the Numba backend, as in src_ext/descend.h, and what they and its loops ask of the compiler.

References
----------
LLVM Language Reference Manual, "Atomic Memory Ordering Constraints", atomicrmw, cmpxchg, load atomic, store
atomic and llvm.prefetch.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, import-untyped, var-annotated"

import os
from collections.abc import Callable
from typing import Any

try:
    import numba
except ImportError as error:
    raise ImportError("backend 'numba' needs Numba: pip install numba") from error

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from fastgd.backends import threads as team

LINE, DOUBLE = 64, 8  # bytes of a line of cache, and of a number
SUMS = team.SUMS
ENTRY, ENDED = team.LINE, team.ENDED  # entries of sync are lines of cache apart
APPLIED, FINISHED, CLAIMED = ENDED + ENTRY, ENDED + 2 * ENTRY, ENDED + 3 * ENTRY
PATIENCE = 4096  # looks at a counter before a waiting thread offers its core to others


def compile_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call, with the machine code kept on disk where a folder for it is writable."""
    try:
        return numba.njit(function, nogil=True, cache=True)
    except RuntimeError:  # numba: "cannot cache function: no locator available", raised at decoration
        return numba.njit(function, nogil=True)


compile_part = numba.njit  # for what other functions are made of: it is compiled and kept as a part of those


def compile_loop(function: Callable[..., Any], char: str) -> Any:
    """Compile a loop over a block of rows at once, for X of "d" (float64) or "f"; the machine code is kept likewise."""
    doubles = types.CPointer(types.float64)
    X = doubles if char == "d" else types.CPointer(types.float32)
    signature = types.void(X, doubles, *[types.intp] * 5, doubles, types.float64, doubles)
    try:
        return numba.cfunc(signature, cache=True)(function)
    except RuntimeError:
        return numba.cfunc(signature)(function)


@intrinsic
def call_loop(typing, address, arguments):
    """Call a compiled loop by its address; pointers among its arguments are given as addresses as well."""

    def generate(context, builder, signature, values):
        passed = cgutils.unpack_tuple(builder, values[1])
        function = ir.FunctionType(ir.VoidType(), [value.type for value in passed])
        builder.call(builder.inttoptr(values[0], function.as_pointer()), passed)
        return context.get_dummy_value()

    return types.void(address, arguments), generate


@intrinsic(prefer_literal=True)
def fetch_twice(typing, pointer, index, far, near, count):
    """Fetch `count` numbers into L2 that lie `far` bytes behind an index, and others at `near`, line by line.

    Processors drop what they are asked for while too much is under way: the second time most lines are there already.
    """

    def generate(context, builder, signature, arguments):
        start, index, *distances, _ = arguments
        place = builder.bitcast(builder.gep(start, [index]), ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, flag, flag, flag])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        for line in range(0, count.literal_value * pointer.dtype.bitwidth // 8, LINE):
            for distance in distances:
                address = builder.gep(place, [builder.add(distance, distance.type(line))])
                builder.call(prefetch, [address, flag(0), flag(2), flag(1)])  # to read, into L2, data
        return context.get_dummy_value()

    return types.void(pointer, types.intp, types.intp, types.intp, count), generate


def address_of(context, builder, array_type, array, index):
    """Return the address of an entry of a one-dimensional array."""
    struct = context.make_array(array_type)(context, builder, array)
    return cgutils.get_item_pointer(context, builder, array_type, struct, [index], wraparound=False)


# Entries of sync are read and written as src_ext/descend.h does; the order of memory is reasoned out there.


@intrinsic
def add_atomic(typing, array, index, value):
    """Add to an entry as one step that other threads see whole; return the sum."""

    def generate(context, builder, signature, arguments):
        entries, position, amount = arguments
        address = address_of(context, builder, signature.args[0], entries, position)
        return builder.add(builder.atomic_rmw("add", address, amount, "acq_rel"), amount)

    return types.int64(array, types.intp, types.int64), generate


@intrinsic
def replace_atomic(typing, array, index, expected, value):
    """Write an entry if it is what is expected, as one step; tell whether it was."""

    def generate(context, builder, signature, arguments):
        entries, position, old, new = arguments
        address = address_of(context, builder, signature.args[0], entries, position)
        return builder.extract_value(builder.cmpxchg(address, old, new, "monotonic", "monotonic"), 1)

    return types.boolean(array, types.intp, types.int64, types.int64), generate


@intrinsic
def look(typing, array, index):
    """Return an entry as other threads have last written it, and see all that they wrote before."""

    def generate(context, builder, signature, arguments):
        address = address_of(context, builder, signature.args[0], *arguments)
        return builder.load_atomic(address, "acquire", 8)

    return types.int64(array, types.intp), generate


@intrinsic
def tell(typing, array, index, value):
    """Write an entry for threads that look at it, and let them see all that was written before."""

    def generate(context, builder, signature, arguments):
        entries, position, new = arguments
        address = address_of(context, builder, signature.args[0], entries, position)
        builder.store_atomic(new, address, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), generate


def give_way() -> None:
    """Offer this thread's core to others."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()


if hasattr(os, "sched_yield"):
    sched_yield = types.ExternalFunction("sched_yield", types.int32())

    @overload(give_way)
    def give_way_compiled():
        """Call the C library's function, without the interpreter."""
        return lambda: sched_yield()  # noqa: PLW0108 - it must be a Python function

else:

    @overload(give_way)
    def give_way_compiled():
        """Go on looking: this system's C library has no such function."""
        return lambda: None


@compile_kernel
def update(weights, gradient, rate, cost):
    """Apply w ← w − rate·gradient; False, and no update, if the cost or a weight is not finite."""
    nothing = 0.0 * cost  # 0 · inf and 0 · NaN are NaN
    for j in range(len(weights)):
        nothing += 0.0 * (weights[j] - rate * gradient[j])
    if nothing != 0.0:
        return False
    for j in range(len(weights)):
        weights[j] -= rate * gradient[j]
    return True


@compile_kernel
def fold(partials, gradient, intercepts, n):
    """Add up the blocks' sums in their order: gradient = Xᵀr / n; return J = rᵀr / 2n."""
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


@compile_part
def address(array, index):
    """Return the address of an entry of a contiguous array of float64."""
    return array.ctypes.data + DOUBLE * index


@compile_part
def compute(data, place, intercept, b):
    """Compute the sums of a block."""
    loop, X, step, stride, far, near, up = data
    y, w, out, width, n, p, block_rows, blocks = place
    row = b * block_rows - up if b else 0
    rows = ((b + 1) * block_rows - up if b + 1 < blocks else n) - row
    y, out = y + row * DOUBLE, out + b * width * DOUBLE
    call_loop(loop, (X + step * row, y, rows, p, stride, far, near, w, intercept, out))


@compile_part
def claim(sync, epoch, blocks, member, members):
    """Take the next block of a member's range in an epoch; -1 if all are taken."""
    first = blocks * member // members
    size = blocks * (member + 1) // members - first
    entry = CLAIMED + member * ENTRY
    count = look(sync, entry)
    while count < (epoch + 1) * size:
        if replace_atomic(sync, entry, count, count + 1):
            return first + count - epoch * size
        count = look(sync, entry)
    return -1


@compile_part
def wait_for_end(sync, epoch):
    """Wait until an epoch is over, or all of them are."""
    looks = 0
    while look(sync, APPLIED) == epoch and not look(sync, ENDED):
        looks += 1
        if looks > PATIENCE:
            give_way()


@numba.njit(inline="always")
def take_part(data, place, intercept, sync, epoch, member, members):
    """Compute what can be claimed of an epoch, own blocks first; tell whether its last block was finished here."""
    blocks, taken = place[-1], 0
    if members == 1:  # who is alone needs no claims
        for b in range(blocks):
            compute(data, place, intercept, b)
        return True
    for k in range(member, member + members):
        b = claim(sync, epoch, blocks, k % members, members)
        while b >= 0:
            compute(data, place, intercept, b)
            taken += 1
            b = claim(sync, epoch, blocks, k % members, members)
    return taken > 0 and add_atomic(sync, FINISHED, taken) == (epoch + 1) * blocks


@compile_kernel
def run_descent(data, y, weights, rates, costs, gradient, intercepts, block_rows, partials, sync, member, members):
    """Run the epochs, as one of so many members; whoever finishes the last block of an epoch makes the update."""
    n, p, blocks = len(y), len(weights) - intercepts, len(partials)
    w, out = address(weights, intercepts), address(partials, SUMS)
    place = address(y, 0), w, out, partials.shape[1], n, p, block_rows, blocks
    epoch = look(sync, APPLIED)
    while epoch < len(rates) and not look(sync, ENDED):
        intercept = weights[0] if intercepts else 0.0
        if take_part(data, place, intercept, sync, epoch, member, members):
            costs[epoch] = fold(partials, gradient, intercepts, n)
            if update(weights, gradient, rates[epoch], costs[epoch]):
                tell(sync, APPLIED, epoch + 1)
            else:
                tell(sync, ENDED, 1)
        else:
            wait_for_end(sync, epoch)
        epoch = look(sync, APPLIED)
    return look(sync, APPLIED)
