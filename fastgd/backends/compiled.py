"""Functions of the compiled kernel beside its updates, for whoever has an answer by NumPy where they are missing."""

from typing import Any

from fastgd import backends


def find_kernel() -> str:
    """Return the backend that computes sums and products of sparse rows: the compiled one, or NumPy without it.

    Numba would compile for seconds. Nothing is said where the compiled one is missing: it is not the user's backend.
    """
    return "cython" if backends.is_loadable("cython") else "numpy"


def find_compiled(name: str) -> Any:
    """Return a function of the compiled kernel; None if it cannot be loaded."""
    return getattr(backends.load(find_kernel()), name, None)
