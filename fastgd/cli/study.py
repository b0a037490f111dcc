"""`fastgd study`: its options, its output and its files."""

import argparse
from collections.abc import Callable
from pathlib import Path

from fastgd.files.paths import check_different, check_output
from fastgd.files.writing import write_file
from fastgd.inputs.words import printable, quote
from fastgd.report.compare import compare_studies
from fastgd.report.filling import check_extras
from fastgd.report.record import Study, format_json
from fastgd.report.run import study
from fastgd.report.settings import FULL_SIZES, MOST_ELEMENTS, SECTIONS, Sizes, check_sections, check_sizes

PAGE, COMPARISON = "fastgd-study.html", "fastgd-comparison.html"
PAGES = ("--out", "--slides")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd study`."""
    parser.add_argument("--out", metavar="FILE.html", help=f"where to save the page (default: {PAGE}, or {COMPARISON})")
    parser.add_argument(
        "--slides", metavar="FILE.html", help="where to save slides for a lecture too (default: nowhere)"
    )
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds: under a minute instead of ten")
    parser.add_argument(
        "--sizes",
        metavar="N,…xP,…",
        type=parse_sizes,
        help="numbers of samples x numbers of features, as in 100,1000,10000x1,10,100, of shapes with at most "
        f"{MOST_ELEMENTS:,} elements (default: {'x'.join(','.join(map(str, side)) for side in FULL_SIZES)})",
    )
    parser.add_argument(
        "--sections",
        metavar="LIST",
        type=parse_sections,
        help=f"one or more of {','.join(SECTIONS)} (default: all of them)",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="where to save the data as JSON too, for --compare; - prints them alone (default: nowhere)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument(
        "--from",
        dest="saved",
        metavar="FILE.json",
        help="measure nothing: make page and slides of a saved study (default: measure)",
    )
    parser.add_argument(
        "--compare",
        metavar="FILE.json",
        nargs=2,
        help="measure nothing: put two saved studies on one page (default: measure)",
    )


def parse_sizes(text: str) -> Sizes | None:
    """Return sizes such as 100,1000x1,10."""
    parts = [[number.strip() for number in part.split(",")] for part in text.replace("×", "x").split("x")]
    expected = f"expected samples x features, such as 100,1000x1,10; got {quote(text)}"
    if len(parts) != 2 or not all(number.isdecimal() for part in parts for number in part):
        raise argparse.ArgumentTypeError(expected)
    try:
        return check_sizes(tuple(tuple(map(int, part)) for part in parts))
    except ValueError:
        limits = f"{expected}: whole numbers from 1 up, with a shape of at most {MOST_ELEMENTS:,} elements"
        raise argparse.ArgumentTypeError(limits) from None


def parse_sections(text: str) -> tuple[str, ...]:
    """Return sections such as ladder,map."""
    try:
        return check_sections([part.strip() for part in text.split(",")])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    """Check all paths, measure or compare, then save and print the results."""
    check_alone(options)
    outputs = list_outputs(options)
    for option, path in outputs.items():
        check_output(option, path, options.compare or [path for path in [options.saved] if path])
    check_different(outputs)
    for option in (option for option in PAGES if option in outputs):
        check_page(option, outputs[option])
        check_extras()
    return run_compare(options, outputs["--out"]) if options.compare else run_study(options, outputs)


def list_outputs(options: argparse.Namespace) -> dict[str, str]:
    """Return the files to write by their options: a page, unless only data are printed, and data if asked for."""
    outputs = {"--out": options.out, "--slides": options.slides, "--json": options.json}
    if options.out is None and options.json != "-":
        outputs["--out"] = COMPARISON if options.compare else PAGE
    if options.json == "-":
        outputs["--json"] = None
    return {option: path for option, path in outputs.items() if path is not None}


def check_alone(options: argparse.Namespace) -> None:
    """Refuse the options of a measurement together with --compare or --from, and slides of a comparison."""
    given = {"--quick": options.quick, "--sizes": options.sizes, "--sections": options.sections, "--json": options.json}
    given |= {"--from": options.saved, "--slides": options.slides} if options.compare else {}
    unused = [name for name, value in given.items() if value]
    option = "--compare" if options.compare else "--from" if options.saved else ""
    if option and unused:
        raise ValueError(f"{option} measures nothing, so it goes without {', '.join(unused)}")


def check_page(option: str, path: str) -> None:
    """Refuse a name for a page that ends in .json: `Study.save` would write data there."""
    if Path(path).suffix.lower() == ".json":
        raise ValueError(f"{option} must be a page; got '{printable(path)}': data are saved by --json")


def run_study(options: argparse.Namespace, outputs: dict[str, str]) -> int:
    """Measure or read a study, and save the page, the slides and the data."""
    found = read_study(options.saved) if options.saved else measure(options)
    texts = {"--json": lambda: f"{format_json(found.data)}\n", "--out": found.to_html, "--slides": found.to_slides}
    faults = write_files({option: (outputs[option], make) for option, make in texts.items() if option in outputs})
    if options.json == "-":
        print(format_json(found.data))
    else:
        print(found)
        print_files({option: path for option, path in outputs.items() if option not in faults})
    return end(faults)


def measure(options: argparse.Namespace) -> Study:
    """Return a new study."""
    return study(quick=options.quick, sizes=options.sizes, sections=options.sections, quiet=options.quiet)


def read_study(path: str) -> Study:
    """Return a saved study."""
    try:
        return Study.load(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"--from: {error}") from error


def run_compare(options: argparse.Namespace, page: str) -> int:
    """Compare two studies on one page."""
    try:
        first, second = (Study.load(path) for path in options.compare)
        html, sentences = compare_studies(first.data, second.data, *options.compare)
    except (ValueError, OSError) as error:
        raise ValueError(f"--compare: {error}") from error
    faults = write_files({"--out": (page, lambda: html)})
    print("\n".join(sentences))
    print_files({} if faults else {"--out": page})
    return end(faults)


def write_files(texts: dict[str, tuple[str, Callable[[], str]]]) -> dict[str, str]:
    """Write every file, even if another one fails; return the faults by option.

    Each option has a path, and the function that returns the text of the file.
    """
    faults = {}
    for option, (path, make) in texts.items():
        try:
            write_file(option, path, make)
        except ValueError as error:
            faults[option] = str(error)
    return faults


def print_files(written: dict[str, str]) -> None:
    """Print the files that were written."""
    words = {"--out": "The page", "--slides": "The slides", "--json": "The data"}
    if written:
        print("", *(f"{words[option]}: {printable(path)}" for option, path in written.items()), sep="\n")


def end(faults: dict[str, str]) -> int:
    """Return exit code 0, or raise the faults."""
    if faults:
        raise ValueError("; ".join(faults.values()))
    return 0
