"""Linear regression by gradient descent: one update in Python, NumPy, Numba and Cython.

Each name is imported when it is first used: so the command line loads the modules that a command needs, and no others.
"""

from fastgd._version import __version__ as __version__

TYPE_CHECKING = False  # of `typing`, which takes longer to import than this module
if TYPE_CHECKING:
    from typing import Any

    from fastgd import backends as backends
    from fastgd import rates as rates
    from fastgd.config import show_config as show_config
    from fastgd.descent.cost import cost as cost
    from fastgd.descent.cost import gradient as gradient
    from fastgd.descent.fit import gradient_descent as gradient_descent
    from fastgd.descent.group_result import GroupResult as GroupResult
    from fastgd.descent.groups import fit_groups as fit_groups
    from fastgd.descent.result import DescentResult as DescentResult
    from fastgd.descent.warnings import ConditionWarning as ConditionWarning
    from fastgd.descent.warnings import ConvergenceWarning as ConvergenceWarning
    from fastgd.descent.warnings import DivergenceWarning as DivergenceWarning
    from fastgd.problem.compress import compress as compress
    from fastgd.problem.compressor import Compressor as Compressor
    from fastgd.report import study as study

HOMES = {  # the modules of the public names
    "Compressor": "problem.compressor",
    "ConditionWarning": "descent.warnings",
    "ConvergenceWarning": "descent.warnings",
    "DescentResult": "descent.result",
    "DivergenceWarning": "descent.warnings",
    "GradientDescentRegressor": "estimator",
    "GroupResult": "descent.group_result",
    "compress": "problem.compress",
    "cost": "descent.cost",
    "fit_groups": "descent.groups",
    "gradient": "descent.cost",
    "gradient_descent": "descent.fit",
    "show_config": "config",
    "study": "report",
}
PARTS = {  # the modules that are public themselves
    "backends": "backends",
    "bench": "bench",
    "model": "files.model",
    "plots": "plots",
    "rates": "rates",
    "report": "report",
    "streaming": "streaming",
}
# GradientDescentRegressor is none of them: `from fastgd import *` must work without scikit-learn
__all__ = [
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
    from fastgd.inputs.extras import is_installed

    return sorted([*__all__, *(["GradientDescentRegressor"] if is_installed("sklearn") else [])])


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first used."""
    if name not in HOMES and name not in PARTS:
        raise AttributeError(f"module 'fastgd' has no attribute {name!r}")
    from fastgd.forks import import_safely

    if name in PARTS:
        return import_safely(f"fastgd.{PARTS[name]}")
    value = getattr(import_safely(f"fastgd.{HOMES[name]}"), name)
    globals()[name] = value  # found here the next time
    return value
