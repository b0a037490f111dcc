"""What the Numba kernel asks of the compiler: how to compile, and how threads of compiled code meet.

References
----------
LLVM Language Reference Manual, "Fast-Math Flags", "Atomic Memory Ordering Constraints", atomicrmw and load atomic.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import os
from collections.abc import Callable
from typing import Any

try:
    import numba
except ImportError as error:
    raise ImportError("backend 'numba' needs Numba: pip install numba") from error

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

# Sums may be reordered, so that they vectorize; NaN and infinities are still seen ("nnan" and "ninf" are left out).
REORDER_SUMS = {"reassoc", "contract", "nsz", "arcp"}


def compile_kernel(fastmath: set[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that compiles, with the machine code kept on disk where a folder for it is writable."""

    def compile_function(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(function, fastmath=fastmath, nogil=True, cache=True)
        except RuntimeError:  # numba: "cannot cache function: no locator available", raised at decoration
            return numba.njit(function, fastmath=fastmath, nogil=True)

    return compile_function


def address_of(context, builder, array_type, array, index):
    """Return the address of an entry of a one-dimensional array."""
    struct = context.make_array(array_type)(context, builder, array)
    return cgutils.get_item_pointer(context, builder, array_type, struct, [index], wraparound=False)


@intrinsic
def add_atomic(typing, array, index, value):
    """Add to an entry as one step that other threads see whole."""

    def generate(context, builder, signature, arguments):
        entries, position, amount = arguments
        address = address_of(context, builder, signature.args[0], entries, position)
        return builder.atomic_rmw("add", address, amount, "acq_rel")

    return types.int64(array, types.intp, types.int64), generate


@intrinsic
def load_atomic(typing, array, index):
    """Return an entry as other threads have last written it."""

    def generate(context, builder, signature, arguments):
        address = address_of(context, builder, signature.args[0], *arguments)
        return builder.load_atomic(address, "acquire", 8)

    return types.int64(array, types.intp), generate


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
