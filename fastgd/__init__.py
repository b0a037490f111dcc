"""Linear regression by gradient descent: one update in Python, NumPy, Numba and Cython."""

from fastgd import backends
from fastgd.config import show_config
from fastgd.descent import gradient_descent
from fastgd.objective import cost, gradient
from fastgd.result import DescentResult, DivergenceWarning

__version__ = "0.1.0"
__all__ = [
    "DescentResult",
    "DivergenceWarning",
    "backends",
    "cost",
    "gradient",
    "gradient_descent",
    "show_config",
]
