"""One update, four backends, one dispatch function.

A backend is a module that exports::

    descend(X, y, weights, rates, costs, gradient, threads=1) -> int

- X: (n_samples, n_features) float64 or float32, C- or Fortran-contiguous, with at least one row and one column; or
  sparse rows, as `fastgd.backends.sparse.CSR`; never written to.
- y: (n_samples,) float64; never written to.
- weights: (n_features + 1,) with an intercept in front, or (n_features,) without; float64, updated in place.
- rates: (epochs,) float64, one learning rate for each epoch.
- costs: (epochs,) float64; ``costs[k]`` receives J of the weights that update k starts from.
- gradient: float64, the shape of the weights; receives the gradient of the last epoch that was computed.

Several targets share X and the rates: then y is (n_samples, k), C-contiguous, weights and gradient are (n_weights, k),
and costs are (epochs, k). Each target gets the numbers that it would get alone, up to rounding.

All arrays are aligned and in this machine's byte order; all but X are contiguous; outputs share no memory with another
array. `fastgd.backends.descend` checks this once, and every backend checks again what keeps its memory accesses inside
the arrays.

A module that takes sparse rows says so: ``TAKES_SPARSE = True``.

It applies ``len(rates)`` updates and returns how many it applied. It stops before an update if the cost or a new weight
of any target would not be finite, so weights stay finite. Arithmetic is in float64 for either type of X.

A backend may also export ``gram``, ``triangle`` and ``measure``, with the arguments of the functions here but the last:
what compression needs. ``MOST_TILED`` and ``MOST_REFLECTED`` say up to how many columns the first two are the fastest,
and ``MOST_MEASURED`` up to how many vectors the third is; elsewhere NumPy computes. ``MOST_SINGLY``
says how many targets take less time one after the other than in one call of ``descend``.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from types import ModuleType

from fastgd.backends.contract import check_contract, count_applied
from fastgd.backends.lacks import KERNEL, BackendWarning
from fastgd.backends.sparse import CSR, check_sparse_contract, is_sparse_rows
from fastgd.backends.threads import run_each
from fastgd.forks import import_safely
from fastgd.inputs.arrays import Array
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.extras import is_installed
from fastgd.inputs.words import kind_of, printable, quote

__all__ = [
    "MODULES",
    "REQUIRES",
    "BackendWarning",
    "available",
    "descend",
    "gram",
    "load",
    "measure",
    "register",
    "resolve",
    "triangle",
]
# The registry, in order of preference; `register` adds to both.
MODULES = {
    "cython": "fastgd.backends.cython",
    "numba": "fastgd.backends.numba",
    "numpy": "fastgd.backends.numpy",
    "python": "fastgd.backends.python",
}
# The modules that a backend needs beyond NumPy. They are not imported to find them: importing Numba takes 0.3 s.
REQUIRES: dict[str, tuple[str, ...]] = {"cython": (KERNEL,), "numba": ("numba",)}
# Other contestants of the bench and of a study: the times of a backend with one of these names would be lost in theirs.
CONTESTANTS = ("arrays", "compress", "compressed", "in_place", "jax", "read", "sgd", "twin", "whiten", "whitened")


def register(name: str, module: str, requires: str | Sequence[str] = ()) -> None:
    """Add a backend, which everything that takes or lists backends then knows: fits, the bench, the study, the tests.

    It comes last in the order of preference, so "auto" does not choose it.

    Parameters
    ----------
    name : str
        The name of the backend.
    module : str
        The path of a module with the function ``descend``, as ``import`` takes it. Its first use imports it.
    requires : str or sequence of str
        The modules that it needs beyond NumPy. Without them, the backend is not `available`. To register a backend
        again replaces them.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description, or another backend, or another contestant of the bench, has this
        name.

    Examples
    --------
    >>> import sys, types
    >>> from fastgd import backends
    >>> mine = sys.modules["mine"] = types.ModuleType("mine")
    >>> mine.descend = backends.load("numpy").descend
    >>> backends.register("mine", "mine")
    >>> backends.available()[-1]
    'mine'
    >>> del backends.MODULES["mine"], sys.modules["mine"]
    """
    needed = (requires,) if isinstance(requires, str) else tuple(requires)
    for argument, value in (("name", name), ("module", module), *(("requires", value) for value in needed)):
        if not isinstance(value, str):
            raise TypeError(f"{argument} must be text; got {quote(value)}, {kind_of(value)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == "auto":
        raise ValueError(f"name must be lower-case letters, digits and underscores, and not 'auto'; got {quote(name)}")
    if name in CONTESTANTS:
        raise ValueError(f"name must differ from those of the bench, {', '.join(CONTESTANTS)}; got {quote(name)}")
    for path in (module, *needed):
        if not all(part.isidentifier() for part in path.split(".")):
            raise ValueError(
                f"module and requires must be paths of modules, such as 'package.module'; got {quote(path)}"
            )
    if MODULES.get(name, module) != module:
        raise ValueError(f"name must differ from those of other backends, {', '.join(MODULES)}; got {quote(name)}")
    MODULES[name] = module
    REQUIRES.pop(name, None)  # of an earlier registration
    if needed:
        REQUIRES[name] = needed


def available() -> list[str]:
    """Return the names of the backends that can be used here, the preferred one first.

    Returns
    -------
    list of str
        A part of "cython", "numba", "numpy", "python"; the last two are always available.

    Examples
    --------
    >>> from fastgd import backends
    >>> backends.available()[-2:]
    ['numpy', 'python']
    """
    return list(find_usable())


def find_usable() -> Iterator[str]:
    """Yield the names of the backends that can be used here; each search of the disk takes longer than a small fit.

    A part of fastgd itself is loaded, because it may refuse to run here. Other packages take long to load: they count
    as usable if they are installed.
    """
    for name in list_installed():
        if KERNEL not in REQUIRES.get(name, ()) or not find_fault(name):
            yield name


def list_installed() -> Iterator[str]:
    """Yield the names of the backends whose requirements are installed, without loading any."""
    return filter(has_requirements, MODULES)


def has_requirements(name: str) -> bool:
    """Return True if the modules that a backend needs beyond NumPy are installed."""
    return all(map(is_installed, REQUIRES.get(name, ())))


def is_loadable(name: str) -> bool:
    """Return True if a backend can be loaded here; this loads it."""
    if MODULES[name] in sys.modules:
        return True
    return has_requirements(name) and not find_fault(name)


def list_loadable() -> list[str]:
    """Return the names of the backends that can be loaded here, the preferred one first; this loads them all."""
    return [name for name in available() if not find_fault(name)]


def find_fault(name: str) -> str:
    """Return the reason why a backend cannot be loaded, or "" if it can."""
    if callable(getattr(sys.modules.get(MODULES[name]), "descend", None)):  # found in less time than by an import
        return ""
    try:
        load(name)
    except ImportError as error:
        return str(error)
    return ""


@cache
def warn_of_numpy() -> None:
    """Warn once in a process that NumPy computes, since no compiled backend can be loaded, and why."""
    others = () if sys.implementation.name == "cpython" else ("numba",)  # Numba runs on CPython alone
    preferred = list(MODULES)[: list(MODULES).index("numpy")]
    faults = "; ".join(find_fault(name) for name in preferred if name not in others)
    warn_caller(BackendWarning(f"fastgd computes with NumPy, which is slower than compiled code: {faults}"))


def resolve(backend: object) -> str:
    """Return the name of the backend that runs for `backend`: "auto" becomes a real name.

    Parameters
    ----------
    backend : str
        "auto", or a key of `MODULES`.

    Returns
    -------
    str
        A key of `MODULES`; for "auto", the first one that can be loaded here. The first time that this is "numpy", a
        `BackendWarning` says why.

    Raises
    ------
    ValueError
        If there is no backend of that name.

    Examples
    --------
    >>> from fastgd import backends
    >>> backends.resolve("numpy")
    'numpy'
    >>> backends.resolve("auto") == backends.available()[0]
    True
    """
    if isinstance(backend, str) and backend == "auto":
        for name in MODULES:  # NumPy always can
            if is_loadable(name):
                break
        if name == "numpy":
            warn_of_numpy()
        return name
    if not isinstance(backend, str) or backend not in MODULES:
        names = ", ".join(repr(name) for name in ["auto", *MODULES])
        raise ValueError(f"backend must be one of {names}; got {quote(backend)}")
    return backend


def load(backend: str) -> ModuleType:
    """Import and return the module of a backend.

    Parameters
    ----------
    backend : str
        "auto", or a key of `MODULES`.

    Returns
    -------
    module
        The module with the function ``descend``.

    Raises
    ------
    ValueError
        If there is no backend of that name.
    ImportError
        If the backend cannot be used here; the message says why.

    Examples
    --------
    >>> from fastgd import backends
    >>> backends.load("python").__name__
    'fastgd.backends.python'
    """
    name = backend if type(backend) is str and backend in MODULES else resolve(backend)
    try:
        module = import_safely(MODULES[name])
    except ImportError as error:
        if error.name != MODULES[name]:  # the module is there, and says what it lacks
            raise
        raise ImportError(f"backend {name!r} cannot be loaded: {printable(error)}") from error
    except Exception as error:  # a compiler that is installed may fail in any way while it is imported
        cause = printable(f"{type(error).__name__}: {error}")
        raise ImportError(f"backend {name!r} cannot be loaded: {cause}") from error
    if not callable(getattr(module, "descend", None)):
        raise ImportError(f"backend {name!r} cannot be loaded: the module {MODULES[name]!r} has no function descend")
    return module


def takes_sparse(backend: str) -> bool:
    """Return True if a backend computes on sparse rows: its module says so by a variable TAKES_SPARSE.

    Parameters
    ----------
    backend : str
        "auto", or a key of `MODULES`.

    Returns
    -------
    bool
        True for the four backends of fastgd.

    Examples
    --------
    >>> from fastgd import backends
    >>> backends.takes_sparse("python")
    True
    """
    return bool(getattr(load(backend), "TAKES_SPARSE", False))


def check_takes_sparse(backend: str) -> None:
    """Refuse sparse rows for a backend that does not compute on them."""
    if not takes_sparse(backend):
        raise TypeError(f"X must be dense for backend {quote(backend)}, which does not take sparse rows")


def find_descend(backend: str, targets: int, *, sparse: bool) -> Callable[..., int]:
    """Return the function of a backend that updates so many targets in the least time; its arguments are not checked.

    A few targets of dense rows take less time one after the other: ``MOST_SINGLY`` of the backend's module says how
    many. The numbers of a target are then those that it gets alone, to the last bit.
    """
    module = load(backend)
    singly = not sparse and 1 < targets <= getattr(module, "MOST_SINGLY", 0)
    update: Callable[..., int] = partial(run_each, module.descend) if singly else module.descend
    return update


def load_fastest(backend: str, limit: str, columns: int) -> ModuleType:
    """Return the module of a backend, or that of NumPy for more columns than the named limit of the backend."""
    module = load(backend)
    return module if columns <= getattr(module, limit, 0) else load("numpy")


def descend(
    X: Array | CSR,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
    backend: str = "auto",
) -> int:
    """Apply ``len(rates)`` updates of gradient descent in place, with the given backend.

    The docstring of this module describes the arrays. All but their values are checked before the backend gets them;
    `fastgd.gradient_descent` checks values, and converts types.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n_samples, n_features), float64 or float32
        The features: C- or Fortran-contiguous, or a sparse array or matrix of SciPy, or its `CSR` record. Other sparse
        forms than CSR are converted.
    y : ndarray of shape (n_samples,) or (n_samples, k), float64
        The target, or k targets.
    weights : ndarray of shape (n_weights,) or (n_weights, k), float64
        The weights to start from, with an intercept in front (n_weights = n_features + 1) or without one; updated in
        place.
    rates : ndarray of shape (epochs,), float64
        One learning rate for each epoch, for all targets.
    costs : ndarray of shape (epochs,) or (epochs, k), float64
        Receives J of the weights that each update starts from.
    gradient : ndarray of the shape of the weights, float64
        Receives the gradient of the last epoch that was computed.
    threads : int
        How many threads a compiled backend may use.
    backend : {"auto", "cython", "numba", "numpy", "python"} or str
        The backend that computes the updates.

    Returns
    -------
    int
        The number of updates applied: fewer than there are rates only if the next one would not have been finite.

    Raises
    ------
    TypeError
        If an array is no `numpy.ndarray`, or `threads` is no integer.
    ValueError
        If the dtype, shape, order, byte order or alignment of an array is another one, an output is read-only or shares
        memory with another array, X has no row or no column, `threads` is below 1, or there is no backend of that
        name. Nothing is written then.
    ImportError
        If the backend cannot be used here.

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
    if is_sparse_rows(X):
        check_takes_sparse(backend)
        X = check_sparse_contract(X, y, weights, rates, costs, gradient, threads)
    else:
        check_contract(X, y, weights, rates, costs, gradient, threads)  # type: ignore[arg-type]
    return count_applied(load(backend).descend(X, y, weights, rates, costs, gradient, threads), len(rates))


def gram(
    X: Array, y: Array, sample_weight: Array | None, shift: Array, threads: int = 1, backend: str = "auto"
) -> Array:
    """Return the products of columns that determine J, from one pass over the rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64 or float32
        The features, in C or Fortran order, or some rows of an array in Fortran order.
    y : ndarray of shape (n_samples, n_targets), float64 or float32
        The targets.
    sample_weight : ndarray of shape (n_samples,), float64, or None
        The weights s of the rows, 0 or more.
    shift : ndarray of shape (n_features + n_targets,), float64
        The numbers c that are subtracted from each column of X and y: near their means, so that products keep digits.
    threads : int
        How many threads a compiled backend may use; the answer has the same bits for any number.
    backend : {"auto", "cython", "numba", "numpy", "python"} or str
        The backend. Where it has no such function, or BLAS is faster, NumPy computes.

    Returns
    -------
    ndarray of shape (n_features + 2, 1 + n_features + n_targets), float64
        Σ s·[1 x−c]ᵀ[1 x−c y−c]; the last row has Σ s·(y−c)² in the columns of y, and zeros. Values that are not finite
        stay so, and can be found there.

    Raises
    ------
    ValueError
        If shapes, types or orders are others; compiled backends check them.
    ImportError
        If the backend cannot be used here.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import backends
    >>> backends.gram(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]]), None, np.array([1.0, 2.0]))
    array([[2., 0., 0.],
           [0., 2., 2.],
           [0., 0., 2.]])
    """
    module = load_fastest(backend, "MOST_TILED", X.shape[1])
    products: Array = module.gram(X, y, sample_weight, shift, threads)
    return products


def triangle(
    X: Array, y: Array, sample_weight: Array | None, shift: Array, threads: int = 1, backend: str = "auto"
) -> Array:
    """Return the R of a QR of the rows, which determines J and keeps the digits that products lose.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64 or float32
        The features, in C or Fortran order, or some rows of an array in Fortran order.
    y : ndarray of shape (n_samples, n_targets), float64 or float32
        The targets.
    sample_weight : ndarray of shape (n_samples,), float64, or None
        The weights s of the rows, 0 or more.
    shift : ndarray of shape (n_features + n_targets,), float64
        The numbers c that are subtracted from each column of X and y.
    threads : int
        How many threads a compiled backend may use; the answer has the same bits for any number.
    backend : {"auto", "cython", "numba", "numpy", "python"} or str
        The backend. Where it has no such function, or LAPACK is faster, or for few rows, NumPy computes.

    Returns
    -------
    ndarray of shape (m, 1 + n_features + n_targets), float64
        R, upper triangular, for the rows √s·[1 x−c y−c]; m is at most n_features + 2. Row n_features + 2 has, in the
        column of each target, the norm of the part that the features do not explain. So the R for the features and one
        target consists of the columns of the features, the column of that target, and that norm as its last entry.

    Raises
    ------
    ValueError
        If shapes, types or orders are others; compiled backends check them.
    ImportError
        If the backend cannot be used here.

    References
    ----------
    Golub, G. H. and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.2 and 6.5.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import backends
    >>> X, y = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    >>> R = backends.triangle(X, y, None, np.array([1.0, 2.0]))
    >>> (R.T @ R).round(12) + 0.0
    array([[2., 0., 0.],
           [0., 2., 2.],
           [0., 2., 2.]])
    """
    # Of few rows, NumPy returns as few; compiled code has a row for each column.
    few = X.shape[0] < X.shape[1] + 2
    module = load_fastest("numpy" if few else backend, "MOST_REFLECTED", X.shape[1])
    R: Array = module.triangle(X, y, sample_weight, shift, threads)
    return R


def measure(
    X: Array,
    y: Array | None,
    sample_weight: Array | None,
    means: Array,
    vectors: Array,
    threads: int = 1,
    backend: str = "auto",
) -> tuple[Array, Array]:
    """Return the squares and the gradients of residuals r = (x−c)·v − (y−d), from one pass over the rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64 or float32
        The features, in C or Fortran order, or some rows of an array in Fortran order.
    y : ndarray of shape (n_samples, m), float64, or None
        A target for each vector, in C order; None for zeros.
    sample_weight : ndarray of shape (n_samples,), float64, or None
        The weights s of the rows, 0 or more.
    means : ndarray of shape (n_features + m,) or (n_features,), float64
        The numbers c and d that are subtracted from the columns of X and y, before any product.
    vectors : ndarray of shape (n_features, m), float64
        The weights v, one column for each target.
    threads : int
        How many threads a compiled backend may use; the answer has the same bits for any number.
    backend : {"auto", "cython", "numba", "numpy", "python"} or str
        The backend. Where it has no such function, or BLAS is faster, NumPy computes.

    Returns
    -------
    tuple of ndarray
        Σ s·r² of each vector, shape (m,), and Σ s·r·(x−c), shape (n_features, m).

    Raises
    ------
    ValueError
        If shapes, types or orders are others; compiled backends check them.
    ImportError
        If the backend cannot be used here.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import backends
    >>> X, y = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    >>> backends.measure(X, y, None, np.array([1.0, 2.0]), np.array([[3.0]]))
    (array([8.]), array([[4.]]))
    """
    module = load_fastest(backend, "MOST_MEASURED", vectors.shape[1])
    found: tuple[Array, Array] = module.measure(X, y, sample_weight, means, vectors, threads)
    return found
