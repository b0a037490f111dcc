"""The outcome of `fastgd fit`: its exit code, its messages in the words of the command line, the model as text."""

import re
import warnings
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Context
from typing import Any

from fastgd.descent.result import DescentResult
from fastgd.descent.warnings import ConvergenceWarning, DivergenceWarning
from fastgd.inputs.words import LONGEST_QUOTE, count, pad, printable, quote, width_of

CONVERGED, DIVERGED, UNCONVERGED = 0, 1, 3  # exit codes
INTERRUPTED = 130  # the exit code of Ctrl-C in shells: 128 + SIGINT
ROUNDED_DOWN = Context(prec=3, rounding=ROUND_FLOOR)  # a limit must not be rounded up


def explain_divergence(warning: DivergenceWarning) -> str:
    """Return why there is no model, in the words of the command line."""
    limit = float(ROUNDED_DOWN.create_decimal_from_float(warning.stable_rate))
    return f"diverged after {count(warning.epochs, 'epoch')}; no model saved; use a rate below {limit:.3g}"


def explain_unconverged(caught: Sequence[warnings.WarningMessage]) -> str:
    """Return why a fit has not converged, and what would help, by the warning that it gave."""
    return name_options(next(str(one.message) for one in caught if issubclass(one.category, ConvergenceWarning)))


def name_options(message: str) -> str:
    """Return a message of the Python functions whose advice names the options of the command line, not arguments.

    Examples
    --------
    >>> from fastgd.cli.outcome import name_options
    >>> name_options("all 5 epochs ran; try learning_rate='auto' and precondition='auto', or more epochs")
    'all 5 epochs ran; try --learning-rate auto and --precondition auto, or more --epochs'
    """
    problem, begin, advice = message.partition("; try ")
    advice = re.sub(r"(\w+)='(\w+)'", r"--\1 \2", advice).replace("learning_rate", "learning-rate")
    return problem + begin + re.sub(r"\b(epochs|tol)\b", r"--\1", advice)


def make_notes(
    result: DescentResult, learning_rate: float | str, tol: float, fit_intercept: bool, counts: dict[str, int]
) -> dict[str, Any]:
    """Return the notes on a fit that are saved with its model, as plain values for JSON."""
    return {
        "n_samples": counts["n_samples"],
        "backend": result.backend,
        "learning_rate": float(result.rates[0]) if learning_rate == "constant" else learning_rate,
        "precondition": result.precondition,
        "fit_intercept": fit_intercept,
        "tol": tol,
        "epochs": result.epochs,
        "reason": result.reason,
        "converged": result.converged,
        **counts,
        "cost": result.cost,
        "r_squared": result.r_squared,
    }


def is_done(notes: dict[str, Any]) -> bool:
    """Return True if a fit has done what it was asked for: to converge, or to run all epochs if `tol` is 0."""
    return notes["converged"] or notes["tol"] == 0


def print_model(document: dict[str, Any]) -> None:
    """Print the model as text; the first line says so if the fit has not converged."""
    notes = document["fit"]
    if not is_done(notes):
        print(f"not converged after {count(notes['epochs'], 'epoch')}")
    r_squared = "undefined" if notes["r_squared"] is None else f"{notes['r_squared']:.6f}"
    left_out = f" ({notes['skipped']} more left out)" if notes.get("skipped") else ""
    features = count(len(document["features"]), "feature")
    print(f"{count(notes['n_samples'], 'row')}{left_out}, {features}, target {quote(document['target'])}")
    print(f"backend {notes['backend']}, {describe_rates(notes)}, {describe_epochs(notes)}")
    print(f"cost {notes['cost']:.8g}, R² {r_squared}\n")
    values = {"intercept": document["intercept"]} if notes["fit_intercept"] else {}
    coef = zip(map(printable, document["features"]), document["coef"], strict=True)
    named = [*values.items(), *coef]
    width = min(LONGEST_QUOTE, max(width_of(name) for name, _ in named))  # a longer name moves its own number alone
    for name, value in named:
        print(f"{pad(name, width)}  {value:>16.8g}")


def describe_rates(notes: dict[str, Any]) -> str:
    """Return the rates and the coordinates of a fit in words."""
    rate = notes["learning_rate"]
    return f"rate {rate if isinstance(rate, str) else f'{rate:.6g}'}, precondition {notes['precondition']}"


def describe_epochs(notes: dict[str, Any]) -> str:
    """Return how many epochs ran and why no more; of an unconverged fit the first line has said that."""
    epochs = count(notes["epochs"], "epoch")
    if notes["converged"]:
        return f"{epochs}, converged ({notes['reason']})"
    return f"{epochs}, all run as --tol 0 asks" if notes["tol"] == 0 else epochs
