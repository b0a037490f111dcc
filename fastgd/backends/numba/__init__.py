"""The update compiled by Numba."""

from fastgd.backends.numba.loops import descend

__all__ = ["descend"]

TAKES_SPARSE = True
