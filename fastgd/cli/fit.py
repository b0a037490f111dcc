"""`fastgd fit`: fit columns of CSV or Parquet files by the others; print and save the model."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

from fastgd import plots
from fastgd.cli.codes import CONVERGED, DIVERGED, INTERRUPTED, UNCONVERGED
from fastgd.cli.data_arguments import split_names, take_files
from fastgd.cli.fit_arguments import DESCRIPTION, EPILOG, add_data, add_descent, add_output
from fastgd.cli.fitting import check_descent, fit_stream, fit_table, is_pipe, needs_batches, read_columns
from fastgd.cli.outcome import (
    explain_divergence,
    explain_text,
    explain_unconverged,
    make_notes,
    print_model,
    print_notes,
)
from fastgd.descent.result import DescentResult, list_values
from fastgd.descent.warnings import DivergenceWarning
from fastgd.files import model
from fastgd.files.lines import TextError
from fastgd.files.notes import is_done
from fastgd.files.paths import check_different, check_output
from fastgd.inputs.words import count, printable
from fastgd.plots.figures import check_picture, save_figure
from fastgd.streaming.finding import find_files

MOST_CURVES = 10  # of several targets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastgd fit`, in three groups."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    add_data(parser.add_argument_group("the data").add_argument)
    add_descent(parser.add_argument_group("the descent").add_argument)
    add_output(parser.add_argument_group("the output").add_argument)


def run(options: argparse.Namespace) -> int:
    """Fit the targets by the other columns; print and save the model, and draw its cost curves."""
    options.files = take_files(options, options.features, options.target, options.one_hot)
    stream = needs_batches(options)
    take_columns(options, stream)
    check_descent(options, stream)
    again = stream and not is_pipe(options.files[0])
    picture = check_outputs(options, find_files(options.files) if again else options.files)
    with warnings.catch_warnings(record=True) as caught:
        for category in (UserWarning, RuntimeWarning):  # of files, checkpoints, convergence
            warnings.simplefilter("always", category)
        warnings.simplefilter("error", DivergenceWarning)
        try:
            result, counts = fit_stream(options) if stream else fit_table(options)
        except TextError as error:
            roles = {*options.target, options.weight}
            advice = explain_text(str(error), feature=error.column not in roles, single=error.single)
            raise TextError(f"{error}{advice}") from error
        except DivergenceWarning as diverged:
            print(f"fastgd: {explain_divergence(diverged)}", file=sys.stderr)
            return DIVERGED
    print_notes(caught)
    if "interrupted" in result.reason:  # a text, or a list of the reasons of several targets
        print(f"fastgd: interrupted after {count(result.epochs, 'epoch')}; no model saved", file=sys.stderr)
        return INTERRUPTED
    notes = make_notes(result, options.learning_rate, options.tol, options.fit_intercept, counts)
    done = is_done(notes)
    if not done:
        tell_unconverged(options, explain_unconverged(caught))  # before any other output
    target = options.target if len(options.target) > 1 else options.target[0]
    weights = list_values(result.intercept), result.coef.tolist()
    fitted = model.Model(target, result.features or [], *weights, notes, result.levels)
    write_outputs(options, fitted, result, picture)
    return CONVERGED if done else UNCONVERGED


def take_columns(options: argparse.Namespace, stream: bool) -> None:
    """Split the lists of columns at commas; a name with a comma is found among the columns of the first file."""
    lists = {name: getattr(options, name) for name in ("target", "features", "one_hot")}
    commas = any("," in text for texts in lists.values() for text in texts or [])
    columns = read_columns(options, stream) if commas else []
    for name, texts in lists.items():
        setattr(options, name, None if texts is None else split_names(texts, columns))


def tell_unconverged(options: argparse.Namespace, reason: str) -> None:
    """Print on standard error why the fit has not converged, and that no model was saved."""
    print(f"fastgd: {reason}", file=sys.stderr)
    if options.out and not options.keep_unconverged:
        hint = "--keep-unconverged saves the model all the same"
        print(f"fastgd: nothing was written to {printable(options.out)}; {hint}", file=sys.stderr)


def write_outputs(
    options: argparse.Namespace, fitted: model.Model, result: DescentResult, picture: Path | None
) -> None:
    """Save the model, if it is to be kept, and the picture of its cost curve, and print the model."""
    document = model.make_document(fitted)
    if options.out and (is_done(fitted.fit) or options.keep_unconverged):
        model.save(fitted, options.out)
    if picture:
        save_figure(draw_costs(result, fitted.target), picture)
    if options.json:
        print(model.encode_json(document))
    else:
        print_model(document)


def draw_costs(result: DescentResult, target: Any) -> Any:
    """Return a figure of the cost curve; of several targets, of the first ones, with their names in the legend."""
    figure = plots.new_figure()
    axes = figure.add_subplot()
    if isinstance(target, str):
        plots.cost_history(result, ax=axes)
        return figure
    for k, name in enumerate(target[:MOST_CURVES]):
        plots.cost_history(result, ax=axes, target=k, label=name)
    axes.legend(title=f"the first {MOST_CURVES} of {len(target)} targets" if len(target) > MOST_CURVES else None)
    return figure


def check_outputs(options: argparse.Namespace, sources: list[str]) -> Path | None:
    """Return the path of the picture, or None; refuse outputs that cannot be written, before any work is done."""
    outputs = {"--out": options.out, "--plot": options.plot, "--checkpoint": options.checkpoint}
    outputs = {option: path for option, path in outputs.items() if path is not None}
    for option, path in outputs.items():
        check_output(option, path, sources)
    check_different(outputs)
    return None if options.plot is None else check_picture("--plot", options.plot)
