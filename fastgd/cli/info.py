"""`fastgd info`: show a saved model."""

import argparse

from fastgd.cli.outcome import print_model
from fastgd.files import model
from fastgd.files.notes import check_fit


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
    else:
        target = document["target"]
        check_fit(options.model, document["fit"], len(target) if isinstance(target, list) else None)
        print_model(document)
    return 0
