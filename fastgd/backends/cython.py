"""The compiled kernel of src_ext/, ahead of time by Cython and a C compiler."""

from fastgd.arrays import Array
from fastgd.backends.contract import count_intercepts

try:
    from fastgd.backends import _kernel
except ImportError as error:
    raise ImportError(
        "backend 'cython' needs the compiled extension, which was not built with this installation: "
        "install a C compiler and run: pip install --force-reinstall --no-binary fastgd fastgd"
    ) from error


def descend(
    X: Array,
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
    intercepts = count_intercepts(X, y, weights, rates, costs, gradient)
    if X.flags.c_contiguous:
        return _kernel.descend_rows(X, y, weights, rates, costs, gradient, intercepts)
    return _kernel.descend_columns(X, y, weights, rates, costs, gradient, intercepts)
