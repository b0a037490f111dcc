"""The update compiled by Numba."""

from fastgd.backends.numba.loops import descend

__all__ = ["descend"]

TAKES_SPARSE = True
MOST_SINGLY = 3  # targets that take less time one after the other than side by side, whatever the shape of X
