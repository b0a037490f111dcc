"""Linear regression by gradient descent: one update in Python, NumPy, Numba and Cython."""

from fastgd import backends, rates
from fastgd.compression import Compressor, compress
from fastgd.config import show_config
from fastgd.descent import fit_compressor, gradient_descent
from fastgd.objective import cost, gradient
from fastgd.result import ConditionWarning, DescentResult, DivergenceWarning

__version__ = "0.1.0"
__all__ = [
    "Compressor",
    "ConditionWarning",
    "DescentResult",
    "DivergenceWarning",
    "backends",
    "compress",
    "cost",
    "fit_compressor",
    "gradient",
    "gradient_descent",
    "rates",
    "show_config",
]
