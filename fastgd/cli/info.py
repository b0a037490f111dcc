"""`fastgd info`: show a saved model."""

import argparse
from typing import Any

from fastgd.cli.outcome import as_list, print_model, print_weights
from fastgd.files import model
from fastgd.inputs.words import count, printable, quote, quote_names

# The notes that `fastgd fit` saves; other models, such as those of the estimator, have some of them.
OF_A_FIT = ("n_samples", "backend", "learning_rate", "precondition", "fit_intercept", "tol", "epochs", "r_squared")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastgd info`."""
    parser.description = "Show a saved model: its target, its features, their coefficients, and the notes on its fit."
    parser.add_argument("model", metavar="MODEL.json", help="a file that fit --out, a result or the estimator saved")
    parser.add_argument("--json", action="store_true", help="print the file as JSON, checked")


def run(options: argparse.Namespace) -> int:
    """Print the model."""
    document = model.make_document(model.load(options.model))
    if options.json:
        print(model.encode_json(document))
    elif all(name in document["fit"] for name in OF_A_FIT):
        print_model(document)
    else:
        print_simple(document)
    return 0


def print_simple(document: dict[str, Any]) -> None:
    """Print a model that `fastgd fit` did not save: its names, the notes that are short, and its weights."""
    targets, notes = as_list(document["target"]), document["fit"]
    target = f"target {quote(targets[0])}" if len(targets) == 1 else f"targets {quote_names(targets)}"
    print(f"{count(len(document['features']), 'feature')}, {target}")
    short = {name: value for name, value in notes.items() if isinstance(value, str | int | float)}
    if short:
        print(", ".join(f"{printable(name)} {printable(value)}" for name, value in short.items()))
    print()
    print_weights(document | {"fit": {"fit_intercept": any(as_list(document["intercept"]))}})
