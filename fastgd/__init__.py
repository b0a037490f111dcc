"""Linear regression by gradient descent: one update in Python, NumPy, Numba and Cython."""

from typing import Any

from fastgd import backends, rates
from fastgd._version import __version__ as __version__
from fastgd.config import show_config
from fastgd.descent.cost import cost, gradient
from fastgd.descent.fit import gradient_descent
from fastgd.descent.group_result import GroupResult
from fastgd.descent.groups import fit_groups
from fastgd.descent.result import DescentResult
from fastgd.descent.warnings import ConditionWarning, ConvergenceWarning, DivergenceWarning
from fastgd.forks import import_safely
from fastgd.inputs.extras import is_installed
from fastgd.problem.compress import compress
from fastgd.problem.compressor import Compressor

__all__ = [  # GradientDescentRegressor is none of them: `from fastgd import *` must work without scikit-learn
    "Compressor",
    "ConditionWarning",
    "ConvergenceWarning",
    "DescentResult",
    "DivergenceWarning",
    "GroupResult",
    "backends",
    "compress",
    "cost",
    "fit_groups",
    "gradient",
    "gradient_descent",
    "rates",
    "show_config",
    "study",
]


def __dir__() -> list[str]:
    """Return all public names that can be had here, also those that are not loaded yet."""
    return sorted([*__all__, *(["GradientDescentRegressor"] if is_installed("sklearn") else [])])


def __getattr__(name: str) -> Any:
    """Import the parts that take long to load, or need extras, when they are first used."""
    if name in ("bench", "plots", "report", "streaming"):
        return import_safely(f"fastgd.{name}")
    if name == "model":
        return import_safely("fastgd.files.model")
    if name == "study":
        return import_safely("fastgd.report").study
    if name == "GradientDescentRegressor":
        return import_safely("fastgd.estimator").GradientDescentRegressor
    raise AttributeError(f"module 'fastgd' has no attribute {name!r}")
