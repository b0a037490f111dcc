"""Time to fit linear regressions to the same accuracy: fastgd and other libraries.

    python benchmarks/versus                                    all cells, the race of epochs, and memory
    python benchmarks/versus --cells dense --shapes 100x5,1000x10
    python benchmarks/versus --threads 1,2 --json RUN.json --write docs/versus.md --plot docs/versus.svg
    python benchmarks/versus --from RUN.json --plot versus.png  no measuring
    python benchmarks/versus --quick                            small data: does it run?

One process for each number of threads, interleaved rounds in random order, medians. docs/versus.md has the method.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder with the package versus

from versus import extras, measure
from versus.cells import KINDS, list_cells
from versus.heat_map import draw
from versus.page import describe_cell, format_entry, format_results

from fastgd.bench.markdown import check_markers, replace_between_markers
from fastgd.cli.bench import parse_rounds, parse_shapes, parse_threads
from fastgd.files.paths import check_output
from fastgd.files.writing import write_text
from fastgd.plots.figures import check_picture

EXTRAS = {"epochs": extras.measure_epochs, "memory": extras.measure_memories}


def parse_cells(text: str) -> list[str]:
    """Return kinds of cells, such as dense,groups."""
    kinds = text.split(",")
    if not set(kinds) <= {*KINDS, *EXTRAS}:
        raise argparse.ArgumentTypeError(f"expected some of {','.join([*KINDS, *EXTRAS])}; got {text!r}")
    return kinds


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="versus", description=__doc__.splitlines()[0])
    some = ",".join([*KINDS, *EXTRAS])
    parser.add_argument("--cells", metavar="LIST", type=parse_cells, default=[*KINDS, *EXTRAS], help=f"some of {some}")
    parser.add_argument("--shapes", metavar="LIST", type=parse_shapes, help="of dense cells, as in 100x5,1000x10")
    parser.add_argument("--quick", action="store_true", help="small data: no time means anything")
    parser.add_argument(
        "--threads",
        metavar="LIST",
        type=lambda text: [parse_threads(one) for one in text.split(",")],
        default=[1],
        help="numbers of threads, as in 1,2",
    )
    parser.add_argument(
        "--rounds", metavar="N", type=parse_rounds, help="for each median; 7 for large data, 11 for small"
    )
    parser.add_argument("--json", metavar="FILE", help="save everything as JSON")
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="measure nothing, read the JSON of an earlier run"
    )
    parser.add_argument("--write", metavar="FILE.md", help="put the tables between the bench markers of a file")
    parser.add_argument("--plot", metavar="FILE.png", help="save the picture")
    return parser.parse_args()


@contextmanager
def new_process(threads: int) -> Iterator[Any]:
    """Yield a function that calls others in a new process, whose libraries have this number of threads."""
    measure.set_threads(threads)  # the new process inherits it, and imports NumPy after that
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Return the measurements as plain values."""
    kinds = [kind for kind in options.cells if kind in KINDS]
    results: dict[str, Any] = {"cells": [], "lines": [], "threads": {}}
    for threads in options.threads:
        with new_process(threads) as call:
            found = call(measure.describe, kinds)
            results["threads"] |= found.pop("threads")
            results |= found
            for place in range(len(list_cells(kinds, options.shapes, options.quick))):
                began = perf_counter()
                cell = call(measure.measure_cell, kinds, options.shapes, options.quick, place, options.rounds)
                results["cells"].append(cell)
                times = "; ".join(f"{name} {format_entry(cell, name)}" for name in cell["found"])
                print(
                    f"{describe_cell(cell)}, {perf_counter() - began:.0f} s in all: {times}",
                    file=sys.stderr,
                    flush=True,
                )
                save(results, options.json)  # for a run that is interrupted
            if threads == options.threads[0]:
                for kind in filter(EXTRAS.__contains__, options.cells):
                    results["lines"] += call(EXTRAS[kind], options.quick)
    return results


def save(results: dict[str, Any], path: str | None) -> None:
    """Write the JSON if a path is given."""
    if path:
        write_text(path, json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Measure, or read an earlier run; then print and save the results."""
    options = parse_options()
    page = check_markers("--write", options.write) if options.write else None
    picture = check_picture("--plot", options.plot) if options.plot else None
    if options.json:
        check_output("--json", options.json)
    results = json.loads(Path(options.source).read_text(encoding="utf-8")) if options.source else measure_all(options)
    save(results, options.json)
    text = format_results(results)
    print(text)
    if page:
        write_text(page, replace_between_markers(page.read_text(encoding="utf-8"), text, str(page)))
    if picture:
        draw(results["cells"], picture)


if __name__ == "__main__":
    main()
