"""What scikit-learn expects of an estimator's data: the names and the number of columns, and the words of its errors.

The checks are those of `fastgd.gradient_descent`. Where scikit-learn refuses the same values, its words stand behind
ours: its tests of estimators look for them, and so do its users.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array, is_sparse
from fastgd.inputs.data import check_matrix, check_sparse, check_targets
from fastgd.inputs.extras import explain_import
from fastgd.inputs.frames import check_different_names
from fastgd.inputs.tables import find_library
from fastgd.inputs.values import check_all_finite, check_finite
from fastgd.inputs.words import printable

try:
    from sklearn.utils.validation import check_array, check_X_y, validate_data
except Exception as error:
    raise explain_import("GradientDescentRegressor needs scikit-learn", error, "sklearn") from error

KINDS: dict[str, Any] = {"dtype": [np.float64, np.float32], "accept_sparse": "csr"}


def check_data(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
    """Return X and y as finite numbers, with y in its own dimensions; keep the names and the number of the columns.

    If `reset` is false, the columns must be those that the estimator knows.
    """
    try:
        rows = check_sparse(X) if is_sparse(X) else check_matrix(X)
        targets = check_targets(y, rows.shape[0])
        check_all_finite(rows, targets, X, y)
    except (TypeError, ValueError) as error:
        check = {"estimator": estimator, "multi_output": True, "y_numeric": True, **KINDS}
        raise add_words(error, lambda: check_X_y(X, y, **check), X, y) from error
    check_different_names("y", y)
    keep_columns(estimator, X, rows, reset=reset)
    return rows, targets


def check_new_data(estimator: Any, X: Any) -> Array:
    """Return rows to predict as finite numbers; their columns must be those that the estimator knows."""
    try:
        rows = check_sparse(X) if is_sparse(X) else check_matrix(X)
        if not is_sparse(X):
            check_finite("X", rows, X)
    except (TypeError, ValueError) as error:
        raise add_words(error, lambda: check_array(X, estimator=estimator, input_name="X", **KINDS), X) from error
    keep_columns(estimator, X, rows, reset=False)
    return rows


def keep_columns(estimator: Any, X: Any, rows: Array, *, reset: bool) -> None:
    """Keep the names and the number of the columns in the estimator, or refuse others than those it knows."""
    check_different_names("X", X)
    named = any(hasattr(X, name) for name in ("columns", "column_names", "__dataframe__"))
    try:
        validate_data(estimator, X if named else rows, reset=reset, skip_check_array=True)
    except TypeError as error:
        raise TypeError(f"X must have column names that are all text, or none that is; {pick_words(error)}") from error


def add_words(error: Exception, check: Callable[[], Any], *given: Any) -> Exception:
    """Return an error with the words of scikit-learn's check behind ours.

    It is a TypeError only if both are. The message about a data frame names the column, and stays as it is.
    """
    if any(find_library(values) is not None for values in given):
        return error
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check()
        except (TypeError, ValueError, ArithmeticError) as theirs:
            kind = TypeError if isinstance(error, TypeError) and isinstance(theirs, TypeError) else ValueError
            return kind(f"{error}; in scikit-learn's words: {pick_words(theirs)}")
    return error


def pick_words(error: Exception) -> str:
    """Return the first line of a message; the last one too if the first announces an array."""
    lines = str(error).splitlines() or [type(error).__name__]
    return printable(lines[0] if not lines[0].endswith(":") else f"{lines[0]} {lines[-1]}", None)
