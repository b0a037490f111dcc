"""The outcome of `fastgd fit`: its exit code, its messages in the words of the command line, the model as text."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

from fastgd.descent.result import DescentResult
from fastgd.descent.warnings import ConvergenceWarning

CONVERGED, DIVERGED, UNCONVERGED = 0, 1, 3  # exit codes
INTERRUPTED = 130  # the exit code of Ctrl-C in shells: 128 + SIGINT
# The words of the Python functions' messages, and those of the command line.
WORDS = (
    (r"; the result holds the last good weights$", ""),  # the command line prints none
    (r"\bcompress='(\w+)'", r"--compress \1"),
    (r"\bprecondition='(\w+)'", r"--precondition \1"),
    (r"\blearning_rate='(\w+)'", r"--learning-rate \1"),
    (r"\blearning_rate\b", "--learning-rate"),
    (r"\bmore epochs\b", "more --epochs"),
    (r"(?<!-)\b(alpha|tol)\b", r"--\1"),
)


def name_options(message: str) -> str:
    """Return a message of the Python functions with the options of the command line in place of arguments.

    Examples
    --------
    >>> from fastgd.cli.outcome import name_options
    >>> name_options("all 5 epochs ran; try learning_rate='auto' with precondition='auto' or more epochs")
    'all 5 epochs ran; try --learning-rate auto with --precondition auto or more --epochs'
    """
    for pattern, words in WORDS:
        message = re.sub(pattern, words, message)
    return message


def explain_unconverged(result: DescentResult, caught: Sequence[warnings.WarningMessage]) -> str:
    """Return why a fit has not converged, and what would help, by its warning; it has none if `tol` is 0."""
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            return name_options(str(warning.message))
    return f"not converged: all {result.epochs} epochs ran, since --tol 0 checks none; try --tol 1e-8"


def make_notes(
    result: DescentResult, learning_rate: float | str, fit_intercept: bool, counts: dict[str, int]
) -> dict[str, Any]:
    """Return the notes on a fit that are saved with its model, as plain values for JSON."""
    return {
        "n_samples": counts["n_samples"],
        "backend": result.backend,
        "learning_rate": float(result.rates[0]) if learning_rate == "constant" else learning_rate,
        "precondition": result.precondition,
        "fit_intercept": fit_intercept,
        "epochs": result.epochs,
        "reason": result.reason,
        "converged": result.converged,
        **counts,
        "cost": result.cost,
        "r_squared": result.r_squared,
    }


def print_model(document: dict[str, Any]) -> None:
    """Print the model as text; the first line says so if the fit has not converged."""
    notes = document["fit"]
    if not notes["converged"]:
        print(f"not converged after {count(notes['epochs'], 'epoch')}: other weights may have a far lower cost")
    r_squared = "undefined" if notes["r_squared"] is None else f"{notes['r_squared']:.6f}"
    left_out = f" ({notes['skipped']} more left out)" if notes.get("skipped") else ""
    features = count(len(document["features"]), "feature")
    print(f"{count(notes['n_samples'], 'row')}{left_out}, {features}, target {document['target']!r}")
    state = f"converged ({notes['reason']})" if notes["converged"] else "not converged"
    print(f"backend {notes['backend']}, {describe_rates(notes)}, {count(notes['epochs'], 'epoch')}, {state}")
    print(f"cost {notes['cost']:.8g}, R² {r_squared}\n")
    values = {"intercept": document["intercept"]} if notes["fit_intercept"] else {}
    named = [*values.items(), *zip(document["features"], document["coef"], strict=True)]
    width = max(len(name) for name, _ in named)
    for name, value in named:
        print(f"{name:{width}}  {value:>16.8g}")


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> from fastgd.cli.outcome import count
    >>> count(1, "epoch"), count(2, "epoch")
    ('1 epoch', '2 epochs')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def describe_rates(notes: dict[str, Any]) -> str:
    """Return the rates and the coordinates of a fit in words."""
    rate = notes["learning_rate"]
    return f"rate {rate if isinstance(rate, str) else f'{rate:.6g}'}, precondition {notes['precondition']}"
