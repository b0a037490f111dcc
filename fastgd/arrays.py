"""The type of an array in annotations; shapes and dtypes stand in the docstrings."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
