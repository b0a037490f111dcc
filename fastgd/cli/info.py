"""`fastgd info`: show a saved model."""

import argparse
from typing import Any

from fastgd.cli.outcome import as_list, print_model, print_weights
from fastgd.files import model
from fastgd.files.notes import check_fit, is_of_a_fit
from fastgd.inputs.words import count, printable, quote, quote_names


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
    elif is_of_a_fit(document["fit"]):
        target = document["target"]
        check_fit(options.model, document["fit"], len(target) if isinstance(target, list) else None)
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
