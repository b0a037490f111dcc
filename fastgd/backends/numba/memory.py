"""Instructions about memory that Numba lacks: prefetching, and the shared counters of src_ext/atomics.h.

References
----------
LLVM Language Reference Manual, "Atomic Memory Ordering Constraints", atomicrmw, cmpxchg, load atomic, store
atomic and llvm.prefetch.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, import-untyped"

import os

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

LINE = 64  # bytes of a cache line


def generate_fetch(builder, place, bytes, distances):
    """Prefetch `bytes` bytes into L2, line by line, at some distances in bytes from a place."""
    place = builder.bitcast(place, ir.IntType(8).as_pointer())
    flag = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, flag, flag, flag])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
    for line in range(0, bytes, LINE):
        for distance in distances:
            address = builder.gep(place, [builder.add(distance, distance.type(line))])
            builder.call(prefetch, [address, flag(0), flag(2), flag(1)])  # to read, into L2, data


@intrinsic(prefer_literal=True)
def fetch(typing, pointer, index, distance, count):
    """Prefetch `count` numbers into L2 at a distance in bytes from an index."""

    def generate(context, builder, signature, arguments):
        start, index, distance, _ = arguments
        bytes = count.literal_value * pointer.dtype.bitwidth // 8
        generate_fetch(builder, builder.gep(start, [index]), bytes, [distance])
        return context.get_dummy_value()

    return types.void(pointer, types.intp, types.intp, count), generate


@intrinsic(prefer_literal=True)
def fetch_twice(typing, pointer, index, far, near, count):
    """Prefetch `count` numbers into L2 at `far` bytes from an index and again at `near`.

    Processors drop requests while too many are under way; the second request brings the lines that the first missed.
    """

    def generate(context, builder, signature, arguments):
        start, index, *distances, _ = arguments
        bytes = count.literal_value * pointer.dtype.bitwidth // 8
        generate_fetch(builder, builder.gep(start, [index]), bytes, distances)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, types.intp, types.intp, count), generate


# The counters are the entries of an int64 array, `sync`, which is given by its address.


def entry_pointer(builder, sync, entry):
    """Return the address of an entry, as LLVM needs it."""
    return builder.gep(builder.inttoptr(sync, ir.IntType(64).as_pointer()), [entry])


@intrinsic
def read_entry(typing, sync, entry):
    """Return an entry. The thread then sees all that another thread had written before it wrote this value."""

    def generate(context, builder, signature, arguments):
        pointer = entry_pointer(builder, *arguments)
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(types.intp, types.intp), generate


@intrinsic
def write_entry(typing, sync, entry, value):
    """Write an entry, after all that this thread has written before."""

    def generate(context, builder, signature, arguments):
        *place, new = arguments
        pointer = entry_pointer(builder, *place)
        builder.store_atomic(new, pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.int64), generate


@intrinsic
def add_to_entry(typing, sync, entry, amount):
    """Add to an entry in one step that no other thread can come between; return the sum."""

    def generate(context, builder, signature, arguments):
        *place, amount = arguments
        pointer = entry_pointer(builder, *place)
        return builder.add(builder.atomic_rmw("add", pointer, amount, "acq_rel"), amount)

    return types.int64(types.intp, types.intp, types.int64), generate


@intrinsic
def replace_entry(typing, sync, entry, expected, value):
    """Write an entry if it still holds `expected`, in one step; return True if it did. Orders no other memory."""

    def generate(context, builder, signature, arguments):
        *place, old, new = arguments
        pointer = entry_pointer(builder, *place)
        return builder.extract_value(builder.cmpxchg(pointer, old, new, "monotonic", "monotonic"), 1)

    return types.boolean(types.intp, types.intp, types.int64, types.int64), generate


def give_way() -> None:
    """Offer this thread's core to other threads."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()


sched_yield = types.ExternalFunction("sched_yield", types.int32())


@overload(give_way)
def give_way_compiled():
    """Call the C library's function without the interpreter; do nothing if it has no such function."""
    if hasattr(os, "sched_yield"):
        return lambda: sched_yield()  # noqa: PLW0108 - it must be a Python function
    return lambda: None
