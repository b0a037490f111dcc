"""The outcome of `fastgd fit`: its exit code, its messages in the words of the command line, the model as text."""

import re
import sys
import warnings
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Context
from typing import Any

from fastgd.cli.option_names import name_options
from fastgd.descent.result import DescentResult, list_values
from fastgd.descent.warnings import ConvergenceWarning, DivergenceWarning
from fastgd.files.notes import as_list, is_done
from fastgd.inputs.words import LONGEST_MESSAGE, LONGEST_QUOTE, abbreviate, count, pad, printable, quote, width_of

CELL = 16  # the width of a number in a table
MOST_COLUMNS = 5  # targets whose weights are printed
DATE = re.compile(r"got '\d{4}-\d\d-\d\d|got '\d\d?[./]\d\d?[./]\d{4}|got the type (date|timestamp|time)")
ROUNDED_DOWN = Context(prec=3, rounding=ROUND_FLOOR)  # a limit must not be rounded up


def explain_divergence(warning: DivergenceWarning) -> str:
    """Return why there is no model, in the words of the command line."""
    limit = float(ROUNDED_DOWN.create_decimal_from_float(warning.stable_rate))
    return f"diverged after {count(warning.epochs, 'epoch')}; no model saved; use a rate below {limit:.3g}"


def explain_unconverged(caught: Sequence[warnings.WarningMessage]) -> str:
    """Return why a fit has not converged, and what would help, by the warning that it gave."""
    return name_options(next(str(one.message) for one in caught if issubclass(one.category, ConvergenceWarning)))


def explain_text(message: str, *, feature: bool, single: bool) -> str:
    """Return the end of the message about a column that holds text or dates; a target must be numbers in any case.

    A single text below numbers is a slip more often than the begin of a column of text.
    """
    if DATE.search(message):
        days = "; a date is no number: write the days since some day into the column"
        return f"{days}, or leave it out by --features" if feature else days
    if not feature:
        return ""
    advice = "--one-hot encodes the levels of the column, and --features leaves it out"
    return f"; no cell above it holds text: correct it; or {advice}" if single else f"; {advice}"


def print_notes(caught: Sequence[warnings.WarningMessage]) -> None:
    """Print the warnings about the files on standard error; those about the descent have a line of their own."""
    for one in caught:
        if not issubclass(one.category, ConvergenceWarning):
            print(f"fastgd: {printable(one.message, LONGEST_MESSAGE)}", file=sys.stderr)


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
        "converged": list_values(result.converged),
        **counts,
        "cost": list_values(result.cost),
        "r_squared": list_values(result.r_squared),
    }


def print_model(document: dict[str, Any]) -> None:
    """Print the model as text, with the notes that it has; the first line says so if the fit has not converged."""
    notes, targets = document["fit"], as_list(document["target"])
    if not is_done(notes):
        missed = f": {as_list(notes['converged']).count(False)} of {len(targets)} targets" if len(targets) > 1 else ""
        print(f"not converged{describe_length(notes)}{missed}")
    print(describe_data(document, targets))
    run = describe_run(notes)
    if run:
        print(", ".join(run))
    if len(targets) == 1:
        fit = describe_cost(notes)
        print(f"{', '.join(fit)}\n" if fit else "")
    else:
        print_costs(targets, notes)
    print_weights(document)


def describe_length(notes: dict[str, Any]) -> str:
    """Return how long a fit has run, in words."""
    return f" after {count(notes['epochs'], 'epoch')}" if "epochs" in notes else ""


def describe_data(document: dict[str, Any], targets: list[str]) -> str:
    """Return the numbers of rows and features, and the target or the number of targets."""
    notes, parts = document["fit"], []
    if "n_samples" in notes:
        left_out = f" ({notes['skipped']} more left out)" if notes.get("skipped") else ""
        parts.append(f"{count(notes['n_samples'], 'row')}{left_out}")
    parts.append(count(len(document["features"]), "feature"))
    parts.append(f"target {quote(targets[0])}" if len(targets) == 1 else count(len(targets), "target"))
    return ", ".join(parts)


def describe_run(notes: dict[str, Any]) -> list[str]:
    """Return the backend, the rates, the coordinates and the epochs of a fit, each in words."""
    parts = []
    if "backend" in notes:
        parts.append(f"backend {printable(notes['backend'])}")
    if "learning_rate" in notes:
        rate = notes["learning_rate"]
        parts.append(f"rate {printable(rate) if isinstance(rate, str) else f'{rate:.6g}'}")
    if "precondition" in notes:
        parts.append(f"precondition {printable(notes['precondition'])}")
    return parts + describe_epochs(notes)


def describe_cost(notes: dict[str, Any]) -> list[str]:
    """Return the cost and R² of the only target."""
    cost = [f"cost {notes['cost']:.8g}"] if "cost" in notes else []
    return cost + ([f"R² {show_r_squared(notes['r_squared'])}"] if "r_squared" in notes else [])


def show_r_squared(value: float | None) -> str:
    """Return R² in words: a constant target has none."""
    return "undefined" if value is None else f"{value:.6f}"


def print_costs(targets: list[str], notes: dict[str, Any]) -> None:
    """Print a line for each of several targets: its cost, its R², and whether it has not converged."""
    shown = [kind for name, kind in (("cost", "cost"), ("r_squared", "R²")) if name in notes]
    rows, done = [("target", shown)], is_done(notes)
    for k, name in enumerate(targets):
        cells = [f"{notes['cost'][k]:.8g}"] if "cost" in notes else []
        cells += [show_r_squared(notes["r_squared"][k])] if "r_squared" in notes else []
        rows.append((printable(name), cells if done or notes["converged"][k] else [*cells, "not converged"]))
    print()
    print_rows(rows)
    print()


def print_weights(document: dict[str, Any]) -> None:
    """Print a line for each weight; several targets have a column each, of which only the first ones are printed."""
    targets = as_list(document["target"])
    rows = [("", [abbreviate(printable(name), CELL - 1) for name in targets[:MOST_COLUMNS]])][: len(targets) > 1]
    names, values = document["features"], document["coef"]
    if document["fit"].get("fit_intercept", any(as_list(document["intercept"]))):
        rows.append(("intercept", [f"{value:.8g}" for value in as_list(document["intercept"])[:MOST_COLUMNS]]))
    for name, weights in zip(names, values, strict=True):
        rows.append((printable(name), [f"{value:.8g}" for value in as_list(weights)[:MOST_COLUMNS]]))
    print_rows(rows)
    if len(targets) > MOST_COLUMNS:
        more = count(len(targets) - MOST_COLUMNS, "more target")
        print(f"and {more}: --json prints all weights, and --out saves them")


def print_rows(rows: list[tuple[str, list[str]]]) -> None:
    """Print the rows of a table, each a name and its cells, which stand below each other."""
    width = min(LONGEST_QUOTE, max(width_of(name) for name, _ in rows))  # a longer name moves its own numbers alone
    for name, cells in rows:
        print("  ".join([pad(name, width), *(" " * (CELL - width_of(cell)) + cell for cell in cells)]))


def describe_epochs(notes: dict[str, Any]) -> list[str]:
    """Return how many epochs ran and why no more; of an unconverged fit the first line has said that."""
    if "epochs" not in notes:
        return []
    epochs = count(notes["epochs"], "epoch")
    if "converged" in notes and all(as_list(notes["converged"])):
        reasons = sorted(set(as_list(notes["reason"]))) if "reason" in notes else []
        return [epochs, f"converged ({printable(', '.join(reasons))})" if reasons else "converged"]
    return [epochs, "all run as --tol 0 asks"] if notes.get("tol") == 0 else [epochs]
