"""One update, four backends, one dispatch function.

A backend is a module that exports::

    descend(X, y, weights, rates, costs, gradient, threads=1) -> int

X : (n_samples, n_features) float64 or float32, C- or Fortran-contiguous; never written to.
y : (n_samples,) float64; never written to.
weights : (n_features + 1,) with an intercept in front, or (n_features,) without; float64, updated in place.
rates : (epochs,) float64, one learning rate for each epoch.
costs : (epochs,) float64; ``costs[k]`` receives J of the weights that update k starts from.
gradient : float64, the shape of the weights; receives the gradient of the last epoch looked at.

It applies ``len(rates)`` updates and returns how many it applied: fewer than asked only because the cost, or a
weight that the update would have led to, was not finite. That update is not applied, so weights stay finite.
Arithmetic is in float64 whatever X is stored in.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from fastgd.arrays import Array

# In order of preference. Adding a backend is one module and one line here (CONTRIBUTING.md).
MODULES = {
    "cython": "fastgd.backends.cython",
    "numba": "fastgd.backends.numba",
    "numpy": "fastgd.backends.numpy",
    "python": "fastgd.backends.python",
}
# What a backend needs beyond NumPy; looked for without being imported, since Numba alone takes 0.3 s.
REQUIRES = {"cython": "fastgd.backends._kernel", "numba": "numba"}


def available() -> list[str]:
    """Return the names of the backends that can be used here, the preferred one first.

    Examples
    --------
    >>> from fastgd import backends
    >>> backends.available()[-2:]
    ['numpy', 'python']
    """
    return [name for name in MODULES if name not in REQUIRES or is_installed(REQUIRES[name])]


def is_installed(module: str) -> bool:
    """Tell whether a module can be imported, without importing it; a look at the disk takes longer than a small fit."""
    return sys.modules.get(module) is not None or find_spec(module) is not None


def resolve(backend: object) -> str:
    """Return the name of the backend that runs when `backend` is asked for: "auto" becomes a real name.

    Raises
    ------
    ValueError
        If there is no backend of that name.
    """
    if isinstance(backend, str) and backend == "auto":
        return next(name for name in MODULES if name not in REQUIRES or is_installed(REQUIRES[name]))
    if not isinstance(backend, str) or backend not in MODULES:
        names = ", ".join(repr(name) for name in ["auto", *MODULES])
        raise ValueError(f"backend must be one of {names}; got {backend!r}")
    return backend


def load(backend: str) -> ModuleType:
    """Import and return the module of a backend.

    Raises
    ------
    ValueError
        If there is no backend of that name.
    ImportError
        If the backend cannot be used here; the message says what to install.
    """
    return import_module(MODULES[resolve(backend)])


def descend(
    X: Array,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
    backend: str = "auto",
) -> int:
    """Apply ``len(rates)`` updates of gradient descent in place, by the backend asked for.

    The arrays are those of the contract on top of this module. They are taken as they are: checks of their
    values, and conversions, are the business of `fastgd.gradient_descent`.

    Returns
    -------
    int
        How many updates were applied.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import backends
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> weights, rates, costs, gradient = np.zeros(2), np.full(200, 0.4), np.empty(200), np.empty(2)
    >>> backends.descend(X, y, weights, rates, costs, gradient)
    200
    >>> weights.round(3)
    array([1., 2.])
    """
    return load(backend).descend(X, y, weights, rates, costs, gradient, threads)
