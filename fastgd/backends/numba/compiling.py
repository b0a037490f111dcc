"""The compilation of the Numba backend's functions, and the call of a compiled loop by its address."""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, attr-defined, import-untyped"

from collections.abc import Callable
from typing import Any

from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import explain_import

try:
    import numba
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.core.ccallback import CFunc
    from numba.core.compiler_lock import global_compiler_lock
    from numba.extending import intrinsic
except Exception as error:
    raise explain_import("backend 'numba' needs Numba", error, "numba") from error

if numba.config.DISABLE_JIT:
    raise ImportError("backend 'numba' cannot be loaded: NUMBA_DISABLE_JIT turns the compiler off")

from fastgd.backends.numba.keeping import keep_code
from fastgd.forks import wait_before_forks

DOUBLES, INTEGER = types.CPointer(types.float64), types.intp
ONE_TARGET = (DOUBLES, *[INTEGER] * 5, DOUBLES, types.float64, DOUBLES)  # the types of a loop's arguments after X
compile_part = numba.njit  # for parts of other functions: Numba compiles and caches them as a part of those


def compile_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call, and keep the machine code on disk if a folder for it is writable."""
    compiled = numba.njit(function, nogil=True)
    keep_code(compiled, function)
    return compiled


def compile_loop(function: Callable[..., Any], char: str, rest: tuple[Any, ...] = ONE_TARGET) -> Any:
    """Compile a loop over a block of rows at once, for X of "d" (float64) or "f"; keep the machine code likewise.

    `rest` are the types of its arguments after X.
    """
    X = DOUBLES if char == "d" else types.CPointer(types.float32)
    compiled = CFunc(function, ((X, *rest), types.void), locals={}, options={})
    keep_code(compiled, function)
    compiled.compile()
    return compiled


LOOPS: dict[tuple[Any, ...], Any] = {}  # the loops compiled so far, by the function that makes them
# Numba and LLVM are halfway through a change of state while a thread compiles: a fork waits for it, since the forked
# process could never compile again.
COMPILING = global_compiler_lock
wait_before_forks(COMPILING)


def get_loop(
    make: Callable[..., Any], constants: tuple[int, ...], char: str, rest: tuple[Any, ...] = ONE_TARGET
) -> Any:
    """Return the loop ``make(*constants)``, as `compile_loop` does; only the first call compiles it."""
    key = make, constants, char
    if key not in LOOPS:
        with COMPILING:  # otherwise threads that arrive together would each compile the loop
            if key not in LOOPS:
                LOOPS[key] = compile_loop(make(*constants), char, rest)
    return LOOPS[key]


def read_only(array: Array) -> Array:
    """Return a view that cannot be written to: Numba would compile again for arrays that can."""
    view = array.view()
    view.flags.writeable = False
    return view


@intrinsic
def call_loop(typing, address, arguments):
    """Call a compiled loop by its address. The pointers among its arguments are passed as addresses too."""

    def generate(context, builder, signature, values):
        passed = cgutils.unpack_tuple(builder, values[1])
        function = ir.FunctionType(ir.VoidType(), [value.type for value in passed])
        builder.call(builder.inttoptr(values[0], function.as_pointer()), passed)
        return context.get_dummy_value()

    return types.void(address, arguments), generate
