"""`fastgd bench`: its options, its output and its files."""

import argparse
import itertools
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fastgd import plots
from fastgd.backends.cores import count_cores
from fastgd.bench.conditions import describe_conditions
from fastgd.bench.markdown import check_markers, format_table, write_table
from fastgd.bench.results import SHAPES, Results, measure
from fastgd.bench.timing import ROUNDS
from fastgd.files.paths import check_different, check_output
from fastgd.files.writing import write_text
from fastgd.inputs.words import printable, quote
from fastgd.plots.figures import import_matplotlib, save_figure
from fastgd.progress import Progress

DENSITY = 0.01  # of --sparse
PICTURES: dict[str, Callable[..., object]] = {"epoch_times": plots.epoch_times, "roofline": plots.roofline}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd bench`."""
    add_measurement(parser)
    add_outputs(parser)


def add_measurement(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is timed, and how often."""
    parser.add_argument(
        "--shapes",
        metavar="LIST",
        type=parse_shapes,
        default=SHAPES,
        help=f"samples x features (default: {','.join('x'.join(map(str, shape)) for shape in SHAPES)})",
    )
    parser.add_argument(
        "--rounds",
        metavar="N",
        type=parse_rounds,
        default=ROUNDS,
        help=f"samples for each median, at least 3 (default: {ROUNDS})",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=parse_threads,
        default=1,
        help="time the kernels with N threads too (default: 1, one thread alone)",
    )
    parser.add_argument("--order", choices=["C", "F"], default="C", help="the memory order of X (default: C)")
    parser.add_argument(
        "--sparse", metavar="DENSITY", nargs="?", const=DENSITY, type=parse_density,
        help="time the kernels on sparse rows that store this share of their entries, above 0 and at most 1 "
        f"(default: dense rows; without a number: {DENSITY})",
    )  # fmt: skip
    parser.add_argument(
        "--dtype", choices=["float64", "float32"], default="float64", help="the type of X (default: float64)"
    )


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the results go."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="where to save everything as JSON; - prints it instead of the table (default: nowhere)",
    )
    parser.add_argument(
        "--plot",
        metavar="FOLDER",
        help="where to save a picture of each shape, such as ladder-1000x10.png, epoch_times.png and roofline.png "
        "(default: nowhere)",
    )
    parser.add_argument(
        "--plot-shape",
        metavar="SHAPE",
        type=parse_shape,
        help="the one of the shapes that gets a picture, such as 1000x10 (default: each of them)",
    )
    parser.add_argument(
        "--write", metavar="FILE.md", help="a file to put the table into, between its bench markers (default: none)"
    )


def parse_shapes(text: str) -> list[tuple[int, int]]:
    """Return shapes such as 100x5,1000x10."""
    return list(dict.fromkeys(map(parse_shape, text.split(","))))


def parse_shape(text: str) -> tuple[int, int]:
    """Return a shape such as 1000x10."""
    sides = text.strip().replace("×", "x").split("x")
    if len(sides) != 2 or not all(side.strip().isdecimal() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(f"expected samples x features, such as 100x5,1000x10; got {quote(text)}")
    return int(sides[0]), int(sides[1])


def parse_density(text: str) -> float:
    """Return the share of entries that are stored."""
    try:
        density = float(text)
    except ValueError:
        density = 0.0
    if not 0 < density <= 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, at most 1; got {quote(text)}")
    return density


def parse_rounds(text: str) -> int:
    """Return a number of rounds that is large enough for a median."""
    if not text.isdecimal() or int(text) < 3:
        raise argparse.ArgumentTypeError(f"expected 3 or more, for a median and its spread; got {quote(text)}")
    return int(text)


def parse_threads(text: str) -> int:
    """Return a number of threads, each of which has a core."""
    if not text.isdecimal() or not 1 <= int(text) <= count_cores():
        raise argparse.ArgumentTypeError(
            f"expected 1 to {count_cores()}, the cores that this process may use; got {quote(text)}"
        )
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Check all paths, measure, then print and save the results."""
    document = check_markers("--write", options.write) if options.write else None
    folder = check_folder("--plot must be", options.plot) if options.plot else None
    shapes = choose_pictures(options)
    outputs = {"--write": document, "--json": None if options.json == "-" else options.json}
    if folder:
        import_matplotlib()
        outputs |= {f"--plot ({name})": folder / f"{name}.png" for name in (*map(name_ladder, shapes), *PICTURES)}
    files = {option: path for option, path in outputs.items() if path}
    for option, path in files.items():
        check_output(option, path)
    check_different(files)
    results = measure_shapes(options)
    text = json.dumps(results, indent=2)
    print(text if options.json == "-" else f"{format_threads(results)}\n\n{format_table(results)}")
    if options.json and options.json != "-":
        write_text(options.json, f"{text}\n")
    if folder:
        save_pictures(results, shapes, folder)
    if document:
        write_table(document, results)
    return 0


def measure_shapes(options: argparse.Namespace) -> Results:
    """Measure all shapes and the limits, with a bar on a terminal."""
    if options.sparse and options.order != "C":
        raise ValueError("--order must be left out with --sparse: the rows are stored one after the other")
    settings = options.rounds, options.threads, options.order, options.dtype, options.sparse
    steps = itertools.count()
    with Progress(len(options.shapes) + 1, quiet=not sys.stderr.isatty()) as shown:
        return measure(options.shapes, *settings, progress=lambda title: shown.show(next(steps), title))


def check_folder(demand: str, path: str | Path) -> Path:
    """Return the path of a folder that exists."""
    if not Path(path).is_dir():
        raise ValueError(f"{demand} a folder that exists; got '{printable(path)}'")
    return Path(path)


def format_threads(results: Results) -> str:
    """Return a line about the threads of backends and BLAS."""
    threads = results["threads"]
    variables = ", ".join(f"{name}={value or 'not set'}" for name, value in threads["environment"].items())
    return f"Threads: backends {threads['backends']}; BLAS {threads['blas']}; environment {variables}"


def choose_pictures(options: argparse.Namespace) -> list[tuple[int, int]]:
    """Return the shapes that get a picture of their own."""
    if options.plot_shape is None:
        return list(options.shapes)
    if not options.plot:
        raise ValueError("--plot-shape must go with --plot FOLDER")
    if options.plot_shape not in options.shapes:
        shapes = ", ".join("x".join(map(str, shape)) for shape in options.shapes)
        raise ValueError(f"--plot-shape must be one of {shapes}; got {'x'.join(map(str, options.plot_shape))}")
    return [options.plot_shape]


def name_ladder(shape: tuple[int, int]) -> str:
    """Return the name of the picture of a shape, without its ending."""
    return f"ladder-{shape[0]}x{shape[1]}"


def save_pictures(results: Results, shapes: list[tuple[int, int]], folder: Path) -> None:
    """Save the ladders of shapes, all times, and the roofline."""
    ladders: dict[str, Callable[..., object]] = {
        name_ladder(shape): partial(plots.ladder, shape=shape) for shape in shapes
    }
    for name, draw in {**ladders, **PICTURES}.items():
        figure = plots.new_figure(9, 5.5)
        draw(results, ax=figure.add_subplot())
        if "conditions" in results:
            figure.supxlabel(describe_conditions(results["conditions"]), fontsize="small", x=0.01, ha="left")
        save_figure(figure, folder / f"{name}.png", dpi=150)
