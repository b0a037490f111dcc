"""`fastgd study`: options, what is printed, and what is saved."""

import argparse
from pathlib import Path

from fastgd.outputs import check_output
from fastgd.report.compare import compare
from fastgd.report.page import check_extras
from fastgd.report.record import Study, format_json
from fastgd.report.run import study
from fastgd.report.settings import SECTIONS, Sizes, check_sections, check_sizes

PAGE, COMPARISON = "fastgd-study.html", "fastgd-comparison.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd study`."""
    parser.add_argument("--out", metavar="FILE.html", help=f"where to save the page ({PAGE}, {COMPARISON})")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds: under a minute instead of ten")
    parser.add_argument(
        "--sizes",
        metavar="N,…xP,…",
        type=parse_sizes,
        help="numbers of samples x numbers of features, as in 100,1000,10000x1,10,100",
    )
    parser.add_argument(
        "--sections", metavar="LIST", type=parse_sections, help=f"some of {','.join(SECTIONS)} (all of them)"
    )
    parser.add_argument("--json", metavar="FILE", help="save the data as JSON too, for --compare; - prints it alone")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument(
        "--compare", metavar="FILE.json", nargs=2, help="measure nothing: put two saved studies on one page"
    )


def parse_sizes(text: str) -> Sizes | None:
    """Return sizes such as 100,1000x1,10."""
    parts = [[number.strip() for number in part.split(",")] for part in text.replace("×", "x").split("x")]
    if len(parts) != 2 or not all(number.isdecimal() for part in parts for number in part):
        raise argparse.ArgumentTypeError(f"expected samples x features, such as 100,1000x1,10; got {text!r}")
    try:
        return check_sizes(tuple(tuple(map(int, part)) for part in parts))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def parse_sections(text: str) -> tuple[str, ...]:
    """Return sections such as ladder,map."""
    try:
        return check_sections([part.strip() for part in text.split(",")])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    """Measure or compare, then save and print what was asked for; refuse bad paths before measuring."""
    only_json = options.json == "-" and options.out is None
    out = (COMPARISON if options.compare else PAGE) if options.out is None else options.out
    page = Path(out)
    data = None if options.json in (None, "-") else Path(options.json)
    if not only_json:
        check_output("--out", out, options.compare or ())
    if data:
        check_output("--json", options.json)
    if data and data.resolve() == page.resolve():
        raise ValueError(f"--json must be another file than the page; got {options.json!r} for both")
    if not only_json:
        check_extras()
    if options.compare:
        return run_compare(options, page)
    found = study(quick=options.quick, sizes=options.sizes, sections=options.sections, quiet=options.quiet)
    if data:
        data.write_text(format_json(found.data) + "\n", encoding="utf-8")
    if not only_json:
        page.write_text(found.to_html(), encoding="utf-8")
    print(format_json(found.data) if options.json == "-" else found)
    if options.json != "-":
        print(f"\nThe page: {page}" + (f"; its data: {data}" if data else ""))
    return 0


def run_compare(options: argparse.Namespace, page: Path) -> int:
    """Put two studies on one page."""
    given = {"--quick": options.quick, "--sizes": options.sizes, "--sections": options.sections, "--json": options.json}
    unused = [name for name, value in given.items() if value]
    if unused:
        raise ValueError(f"--compare measures nothing, so it goes without {', '.join(unused)}")
    try:
        first, second = (Study.load(path) for path in options.compare)
    except (ValueError, OSError) as error:
        raise ValueError(f"--compare: {error}") from error
    html, sentences = compare(first.data, second.data, *options.compare)
    page.write_text(html, encoding="utf-8")
    print("\n".join([*sentences, "", f"The page: {page}"]))
    return 0
