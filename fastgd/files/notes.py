"""The notes on a fit that a model file holds: checks of those that a result needs, and of those that are shown."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fastgd.files.model import ModelError, is_finite, is_list_of, is_string
from fastgd.inputs.words import printable, quote

Test = tuple[str, Callable[[Any], bool]]  # what a note must be, in words, and the function that tells if it is
TEXT: Test = ("a string", is_string)
NUMBER: Test = ("a finite number", is_finite)
COUNT: Test = ("a whole number", lambda value: type(value) is int and value >= 0)
FLAG: Test = ("true or false", lambda value: isinstance(value, bool))
RATE: Test = ("a string or a finite number", lambda value: is_string(value) or is_finite(value))
SHARE: Test = ("a finite number or null", lambda value: value is None or is_finite(value))
# The notes that are shown: one of the fit, and one of each target, which several targets have a list of. `fastgd fit`
# saves all but the rows left out; results and the estimator have neither a learning rate nor a tolerance.
OF_A_FIT = {
    "n_samples": COUNT,
    "skipped": COUNT,
    "backend": TEXT,
    "learning_rate": RATE,
    "precondition": TEXT,
    "fit_intercept": FLAG,
    "tol": NUMBER,
    "epochs": COUNT,
}
OF_A_TARGET = {"reason": TEXT, "converged": FLAG, "cost": NUMBER, "r_squared": SHARE}


def check_fit(path: str | Path, fit: dict[str, Any], targets: int | None) -> None:
    """Refuse notes to be shown that are of other types; of several targets, their number is given."""
    tests = dict(OF_A_FIT)
    for name, (kind, test) in OF_A_TARGET.items():
        tests[name] = (kind, test) if targets is None else make_list_test(kind, test, targets)
    for name, (kind, test) in tests.items():
        if name in fit and not test(fit[name]):
            raise ModelError(f"{printable(path)}: fit.{name} must be {kind}; got {quote(fit[name])}")


def make_list_test(kind: str, test: Callable[[Any], bool], targets: int) -> Test:
    """Return the test of a list with one value for each target."""
    words = f"a list of {targets} values, one for each target, each {kind}"
    return words, lambda value: is_list_of(value, test) and len(value) == targets


def is_done(notes: dict[str, Any]) -> bool:
    """Return True if a fit has done what it was asked for: to converge, or to run all epochs if `tol` is 0.

    Of several targets, all must have converged. A model without a note of that counts as done.
    """
    return False not in as_list(notes.get("converged")) or notes.get("tol") == 0


def as_list(values: Any) -> list[Any]:
    """Return a list as it is, and the value of a single target as a list of it."""
    return values if isinstance(values, list) else [values]


def check_history(path: str | Path, fit: dict[str, Any], arrays: Iterable[str]) -> None:
    """Refuse a model without any of the arrays of a history, and name the functions that read it."""
    if not fit.keys() & {*arrays}:
        raise ModelError(
            f"{printable(path)}: expected a result with its history, as save writes it; got a model without a history, "
            "as fastgd fit saves it: fastgd.files.model.load and GradientDescentRegressor.load read it"
        )


def check_notes(path: str | Path, fit: dict[str, Any], kinds: dict[str, tuple[type, ...]]) -> dict[str, Any]:
    """Return the notes that a result needs: values of these types."""
    where = printable(path)
    for name, allowed in kinds.items():
        if type(fit.get(name)) not in allowed:
            expected = " or ".join(kind.__name__ for kind in allowed)
            raise ModelError(f"{where}: fit.{name} must be of type {expected}; got {quote(fit.get(name))}")
    return {name: fit[name] for name in kinds}


def check_each(
    path: str | Path, fit: dict[str, Any], kinds: dict[str, tuple[type, ...]], targets: int | None = None
) -> dict[str, Any]:
    """Return the notes that a result needs of each target: a value, or of several targets a list, made an array.

    The reasons stay a list. None among numbers becomes NaN.
    """
    if targets is None:
        return check_notes(path, fit, kinds)
    found: dict[str, Any] = {}
    for name, allowed in kinds.items():
        values = fit.get(name)
        if not isinstance(values, list) or len(values) != targets or any(type(one) not in allowed for one in values):
            expected = " or ".join(kind.__name__ for kind in allowed)
            raise ModelError(
                f"{printable(path)}: fit.{name} must be a list of {targets} values of type {expected}, one for each "
                f"target; got {quote(values)}"
            )
        found[name] = values if str in allowed else np.array(values, dtype=None if bool in allowed else np.float64)
    return found


def check_arrays(
    path: str | Path, fit: dict[str, Any], counts: dict[str, tuple[int, str]], targets: int | None = None
) -> dict[str, Any]:
    """Return the arrays that a result needs, each with one number for each epoch, or for each weight.

    Of several targets, all but the rates have a list of numbers in place of each.
    """
    where = printable(path)

    def has_one_for_each(value: Any) -> bool:
        return is_list_of(value, is_finite) and len(value) == targets

    for name, (count, noun) in counts.items():
        several = targets is not None and name != "rates"
        if not is_list_of(fit.get(name), has_one_for_each if several else is_finite) or len(fit[name]) != count:
            kind = f"lists of {targets} finite numbers" if several else "finite numbers"
            raise ModelError(
                f"{where}: fit.{name} must be a list of {kind}, one for each of {count} {noun}; got "
                f"{quote(fit.get(name))}"
            )
    return {name: np.array(fit[name], dtype=np.float64) for name in counts}
