"""The update compiled ahead of time by Cython and a C compiler, for several CPU levels: src_ext/_kernel.pyx."""

import os
from typing import Any

from fastgd.backends.lacks import explain_kernel
from fastgd.backends.sparse import CSR
from fastgd.backends.sparse_team import run_sparse_team
from fastgd.backends.threads import run_team
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import quote

try:
    from fastgd.backends import _kernel

    LEVELS = _kernel.levels()
except (ImportError, AttributeError) as error:  # AttributeError: a kernel of another version of fastgd
    raise ImportError(explain_kernel(error)) from error

LEVEL_VARIABLE = "FASTGD_CPU_LEVEL"


def choose_level() -> str:
    """Return the highest CPU level of this machine, or the lower one that FASTGD_CPU_LEVEL names."""
    asked = os.environ.get(LEVEL_VARIABLE) or LEVELS[-1]
    if asked not in LEVELS:
        raise ImportError(
            f"backend 'cython' cannot be loaded: {LEVEL_VARIABLE} must be one of {', '.join(LEVELS)} on this machine; "
            f"got {quote(asked)}"
        )
    return asked


def descend(
    X: Array | CSR,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
) -> int:
    """Apply ``len(rates)`` updates in place and return how many were applied.

    r = Xw − y;  costs[k] = rᵀr / 2n;  gradient = Xᵀr / n;  w ← w − rates[k]·gradient
    """
    if isinstance(X, CSR):
        return run_sparse_team(_kernel.run_sparse_member, X, y, weights, rates, costs, gradient, threads)
    return run_team(run_member, X, y, weights, rates, costs, gradient, threads)


def run_member(*arguments: Any) -> int:
    """Run one member of a team at the CPU level in use; y of two dimensions are several targets."""
    run = _kernel.run_member if arguments[1].ndim == 1 else _kernel.run_target_member
    return run(*arguments, LEVEL)


sum_sparse_products, describe_columns = _kernel.sum_sparse_products, _kernel.describe_columns
LEVEL = LEVELS.index(choose_level())
