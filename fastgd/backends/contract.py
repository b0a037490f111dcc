"""What a kernel must be able to trust about its arrays.

Kernels read and write memory by address, so each of them begins with `check_arrays`. The dispatch function calls
`check_contract`, which also demands that no output shares memory with another array: kernels that compute in different
orders would then give different answers.
"""

from itertools import combinations
from typing import Any

import numpy as np

from fastgd.inputs.arrays import FLOAT32, FLOAT64, Array
from fastgd.inputs.options import check_count
from fastgd.inputs.words import kind_of, quote

NAMES = ("X", "y", "weights", "rates", "costs", "gradient")
OUTPUTS = ("weights", "costs", "gradient")
DIMENSIONS = {name: {"X": (2,), "rates": (1,)}.get(name, (1, 2)) for name in NAMES}
# Bits of ndarray.flags.num, defined by NumPy's C API: reading the number takes half the time of reading two flags.
C_ORDER, EITHER_ORDER, ALIGNED, WRITEABLE = 0x1, 0x3, 0x100, 0x400
OUTPUT = C_ORDER | ALIGNED | WRITEABLE


def check_contract(
    X: Array, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array, threads: int
) -> None:
    """Refuse arrays and a number of threads that `fastgd.backends` does not allow.

    Raises
    ------
    TypeError, ValueError
        As `check_arrays`; also if an output shares memory with another array.
    """
    check_arrays(X, y, weights, rates, costs, gradient, threads)
    # Two different arrays that own their memory cannot overlap. Asking NumPy about each pair takes 3 µs.
    if not (
        X.base is y.base is weights.base is rates.base is costs.base is gradient.base is None
        and y is not weights is not rates is not costs is not gradient is not y
        and y is not costs is not weights is not gradient is not rates
    ):
        check_overlap(X, y, weights, rates, costs, gradient)


def check_arrays(X: Array, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array, threads: int) -> int:
    """Return 1 if `weights` hold an intercept in front of the coefficients, 0 if not.

    The gradient always has the shape of the weights. The weights have one entry for each column of X, and may have one
    more in front, for the implied column of ones. Where y has columns, so have weights, costs and gradient.

    Parameters
    ----------
    X, y, weights, rates, costs, gradient : ndarray
        The arrays of a kernel, as the docstring of `fastgd.backends` describes them.
    threads : int
        The number of threads.

    Returns
    -------
    int
        1 or 0: the number of weights in front of the coefficients.

    Raises
    ------
    TypeError
        If an array is no `numpy.ndarray`, or `threads` is no integer.
    ValueError
        If a type, shape, order or alignment is not that of `fastgd.backends`, an output is read-only, or `threads` is
        below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.backends.contract import check_arrays
    >>> X, y, weights, rates = np.ones((3, 2)), np.ones(3), np.zeros(3), np.full(5, 0.1)
    >>> check_arrays(X, y, weights, rates, np.empty(5), np.empty(3), 1)
    1
    """
    # One expression for one target, because a small fit takes a few microseconds; bad arrays are named afterwards.
    if (
        type(X) is type(y) is type(weights) is type(rates) is type(costs) is type(gradient) is np.ndarray
        and (X.dtype is FLOAT64 or X.dtype is FLOAT32)
        and y.dtype is weights.dtype is rates.dtype is costs.dtype is gradient.dtype is FLOAT64
        and X.flags.num & EITHER_ORDER
        and X.flags.num & y.flags.num & rates.flags.num & ALIGNED
        and y.flags.num & rates.flags.num & C_ORDER
        and weights.flags.num & costs.flags.num & gradient.flags.num & OUTPUT == OUTPUT
        and type(threads) is int
        and threads > 0
        and X.ndim == 2
        and X.size
        and weights.ndim == rates.ndim == 1
        and y.shape == X.shape[:1]
        and costs.shape == rates.shape
        and gradient.shape == weights.shape
        and weights.size - X.shape[1] in (0, 1)
    ):
        return int(weights.size - X.shape[1])
    arrays = (X, y, weights, rates, costs, gradient)
    for name, array in zip(NAMES, arrays, strict=True):
        check_memory(name, array)
    check_shapes(*arrays)
    check_count("threads", threads)
    return len(weights) - X.shape[1]


def count_applied(applied: Any, epochs: int) -> int:
    """Return how many updates a kernel says that it applied; refuse a number that no call of `epochs` updates has."""
    if not isinstance(applied, int | np.integer) or not 0 <= applied <= epochs:
        told = f"a backend must return how many updates it applied, from 0 to {epochs}"
        raise ValueError(f"{told}; got {quote(applied)}")
    return int(applied)


def check_memory(name: str, array: Any) -> None:
    """Refuse an object that is no array, and an array whose memory a kernel would misread."""
    if type(array) not in (np.ndarray, np.memmap):
        raise TypeError(f"{name} must be a numpy.ndarray; got {kind_of(array)}")
    if array.dtype not in ((FLOAT64, FLOAT32) if name == "X" else (FLOAT64,)):
        expected = "float64 or float32" if name == "X" else "float64"
        order = "" if array.dtype.isnative else f" of the other byte order ({array.dtype.str})"
        raise ValueError(f"{name} must have dtype {expected}; got {array.dtype.name}{order}")
    if array.ndim not in DIMENSIONS[name]:
        kinds = {"X": "shape (n_samples, n_features)", "rates": "one dimension"}
        expected = kinds.get(name, "one or two dimensions")
        raise ValueError(f"{name} must have {expected}; got shape {array.shape}")
    if not array.flags.num & (EITHER_ORDER if name == "X" else C_ORDER):
        expected = "C- or Fortran-contiguous" if name == "X" else "contiguous"
        raise ValueError(
            f"{name} must be {expected}; got strides {array.strides} (numpy.ascontiguousarray({name}) copies it)"
        )
    if not array.flags.aligned:
        raise ValueError(f"{name} must be aligned; got numbers between the addresses of {array.dtype.name}")
    if name in OUTPUTS and not array.flags.writeable:
        raise ValueError(f"{name} must be writeable; got a read-only array")


def check_shapes(X: Array, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array) -> None:
    """Refuse arrays whose shapes do not fit together."""
    n_samples, n_features = X.shape
    if not X.size:
        raise ValueError(f"X must have at least one row and one column; got shape {X.shape}")
    targets = y.shape[1:]  # none for y of one dimension
    if y.shape[:1] != (n_samples,) or not y.size:
        shape = f"({n_samples}, k)" if targets else f"({n_samples},)"
        raise ValueError(f"y must have shape {shape}, to fit X of shape {X.shape}; got {y.shape}")
    if weights.shape[1:] != targets or len(weights) - n_features not in (0, 1):
        without, with_intercept = (n_features, *targets), (n_features + 1, *targets)
        raise ValueError(
            f"weights must have shape {without}, or {with_intercept} with an intercept, to fit X of shape {X.shape}"
            f"{f' and y of shape {y.shape}' * bool(targets)}; got {weights.shape}"
        )
    if gradient.shape != weights.shape:
        raise ValueError(f"gradient must have the shape of the weights, {weights.shape}; got {gradient.shape}")
    if costs.shape != rates.shape + targets:
        expected = f"the shape of the rates and one column for each target, {rates.shape + targets}"
        expected = expected if targets else f"the shape of the rates, {rates.shape}"
        raise ValueError(f"costs must have {expected}; got {costs.shape}")


def check_overlap(X: Array, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array) -> None:
    """Refuse an output that shares memory with another array."""
    # The base of a view is the array that owns its memory, or a foreign object, of which nothing is known.
    a, b = X if X.base is None else X.base, y if y.base is None else y.base
    c, d = weights if weights.base is None else weights.base, rates if rates.base is None else rates.base
    e, f = costs if costs.base is None else costs.base, gradient if gradient.base is None else gradient.base
    if (
        type(a) is type(b) is type(c) is type(d) is type(e) is type(f) is np.ndarray
        and a.base is b.base is c.base is d.base is e.base is f.base is None
        and len({id(a), id(b), id(c), id(d), id(e), id(f)}) == 6
    ):
        return
    for (name, array), (other, another) in combinations(
        zip(NAMES, (X, y, weights, rates, costs, gradient), strict=True), 2
    ):
        if (name in OUTPUTS or other in OUTPUTS) and np.may_share_memory(array, another):
            raise ValueError(f"{name} and {other} must not share memory; got arrays that overlap")
