"""Results as Markdown, and the markers in a file between which they stand."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastgd.bench.conditions import describe_conditions
from fastgd.bench.results import Results
from fastgd.bench.text import (
    TITLES,
    base_of,
    format_bytes,
    format_number,
    format_ratio,
    format_shape,
    shape_of,
    threads_of,
    with_threads,
)
from fastgd.files.opening import read_text
from fastgd.files.writing import write_text
from fastgd.inputs.words import printable

SHOWN_VERSIONS = {
    "python": "Python", "numpy": "NumPy", "numba": "Numba", "jax": "JAX", "scikit-learn": "scikit-learn"
}  # fmt: skip
LEGEND = (
    "µs per epoch, medians of {rounds} interleaved rounds; **spread** is the widest distance between quartiles in a "
    "row, as a share of the median. **Cython over numpy**: the time of NumPy, at its best number of BLAS threads, over "
    "that of Cython (below 1, NumPy wins)."
)
READ_LEGEND = (
    "**Cython against reading**: the time of Cython over that of a tuned loop, with as many threads, that only reads X "
    "once (no kernel comes below 1 on data out of cache)."
)
SGD_LEGEND = "SGD is scikit-learn's SGDRegressor: another algorithm, an update for each row, so only its time compares."

MOST_BYTES = 1 << 26  # of a document

Column = tuple[str, Callable[[dict[str, Any]], str]]


def format_table(results: Results) -> str:
    """Return results as Markdown: the machine, a table of times, one of ratios, their meaning, and who was left out.

    Parameters
    ----------
    results : dict
        The results of `fastgd.bench.measure`.

    Returns
    -------
    str
        The text, without a date or a path: the same results give the same text.

    Examples
    --------
    >>> from fastgd import bench
    >>> table = bench.format_table(bench.measure([(100, 5)], rounds=3))
    >>> [line[:11] for line in table.splitlines() if line.startswith("| 100")]
    ['| 100 × 5 |', '| 100 × 5 |']
    """
    threads = results["threads"]["backends"]
    parts = [describe_setting(results), *format_tables(results, single_times(results), single_ratios())]
    if threads > 1:
        parts += [f"With {threads} threads:"]
        parts += format_tables(results, threaded_times(threads), threaded_ratios(threads))
    parts.append(LEGEND.format(rounds=results["settings"]["rounds"]))
    for name, legend in (("read", READ_LEGEND), ("sgd", SGD_LEGEND)):
        if any(name in entry["contestants"] for entry in results["shapes"]):
            parts[-1] += f" {legend}"
    if "conditions" in results:  # earlier versions kept none
        parts[-1] += f" The machine was {describe_conditions(results['conditions'])}."
    if results["absent"]:
        parts.append("Left out: " + "; ".join(f"{name} ({why})" for name, why in results["absent"].items()) + ".")
    return "\n\n".join(parts)


def describe_setting(results: Results) -> str:
    """Return a line about the machine, the versions and the data."""
    machine, settings = results["machine"], results["settings"]
    caches = [f"{level} {format_bytes(size)}" for level, size in machine["caches"].items()]
    hardware = [f"{machine['cores']} cores", *caches, *filter(None, [machine["cpu_level"]])]
    found = {shown: results["versions"].get(name) for name, shown in SHOWN_VERSIONS.items()}
    versions = [f"{shown} {version}" for shown, version in found.items() if version]
    data = f"{settings['dtype']} in {'Fortran' if settings['order'] == 'F' else 'C'} order"
    if settings.get("density") is not None:
        data = f"sparse rows of {settings['dtype']}, {100 * settings['density']:.3g} % of the entries stored"
    hardware_text, versions_text = ", ".join(hardware), ", ".join(versions)
    return (
        f"{printable(machine['cpu'])} ({hardware_text}); {versions_text}; {data}; one thread unless stated otherwise."
    )


def format_tables(results: Results, times: Sequence[Column], ratios: Sequence[Column]) -> list[str]:
    """Return a table of times and one of ratios, each narrow enough for a page; the second only if it has columns."""
    tables = [format_rows(results, times), format_rows(results, ratios)]
    return tables if "---:" in tables[1] else tables[:1]


def single_times(results: Results) -> list[Column]:
    """Return the columns of times for one thread."""
    present = {name for entry in results["shapes"] for name in entry["contestants"]}
    others = sorted(name for name in present if base_of(name) == "numpy" != name)
    columns: list[Column] = [("python", microseconds("python")), ("numpy", microseconds("numpy"))]
    columns += [(f"numpy, {name.partition('-')[2]} threads", microseconds(name)) for name in others]
    columns += [(name, microseconds(name)) for name in ("numba", "cython", *list_own(results))]
    columns += [("read X once", microseconds("read"))]
    return columns + [(name, microseconds(name)) for name in ("jax", "sgd")]


def single_ratios() -> list[Column]:
    """Return the columns of ratios for one thread."""
    return [*ratio_columns("cython", "read"), ("spread", widest_spread)]


def list_own(results: Results) -> list[str]:
    """Return the backends that somebody registered, with one thread."""
    names = dict.fromkeys(name for entry in results["shapes"] for name in entry["contestants"])
    return [name for name in names if threads_of(name) == 1 and base_of(name) not in TITLES]


def threaded_times(threads: int) -> list[Column]:
    """Return the columns of times for several threads."""
    numba, cython, read = (with_threads(name, threads) for name in ("numba", "cython", "read"))
    return [
        ("numpy, at its best", lambda entry: microseconds(entry["numpy_best"])(entry)),
        ("numba", microseconds(numba)),
        ("cython", microseconds(cython)),
        ("read X once", microseconds(read)),
    ]


def threaded_ratios(threads: int) -> list[Column]:
    """Return the columns of ratios for several threads."""
    return ratio_columns(with_threads("cython", threads), with_threads("read", threads))


def ratio_columns(cython: str, read: str) -> list[Column]:
    """Return the columns that compare Cython with NumPy and with the limit."""

    def against_reading(entry: dict[str, Any]) -> str:
        found = entry["contestants"]
        both = cython in found and read in found
        return format_ratio(found[cython]["seconds"] / found[read]["seconds"] if both else None)

    return [
        ("cython over numpy", lambda entry: format_ratio(entry["contestants"].get(cython, {}).get("times_numpy"))),
        ("cython against reading", against_reading),
    ]


def microseconds(name: str) -> Callable[[dict[str, Any]], str]:
    """Return a function that writes the time of one contestant."""

    def cell(entry: dict[str, Any]) -> str:
        found = entry["contestants"].get(name)
        return format_number(found["seconds"] * 1e6) if found else "–"

    return cell


def widest_spread(entry: dict[str, Any]) -> str:
    """Return the widest distance between quartiles at a shape, as a share of the median."""
    found = entry["contestants"].values()
    return f"{max((one['quartiles'][1] - one['quartiles'][0]) / one['seconds'] for one in found):.0%}"


def format_rows(results: Results, columns: Sequence[Column]) -> str:
    """Return a Markdown table, without columns that are empty."""
    cells = [[write(entry) for entry in results["shapes"]] for _, write in columns]
    kept = [k for k, column in enumerate(cells) if set(column) != {"–"}]
    lines = ["| samples × features | " + " | ".join(columns[k][0] for k in kept) + " |", "|---|" + "---:|" * len(kept)]
    for row, entry in enumerate(results["shapes"]):
        lines.append(f"| {format_shape(*shape_of(entry))} | " + " | ".join(cells[k][row] for k in kept) + " |")
    return "\n".join(lines)


def replace_between_markers(text: str, replacement: str, source: str = "the text", name: str = "bench") -> str:
    r"""Replace the text between two markers.

    Parameters
    ----------
    text : str
        Markdown with a line ``<!-- NAME:begin -->`` and below it a line ``<!-- NAME:end -->``.
    replacement : str
        The new text between the markers.
    source : str
        The name of the text in an error message, such as its path.
    name : str
        The name of the markers.

    Returns
    -------
    str
        The text with the replacement between empty lines.

    Raises
    ------
    ValueError
        If `text` has not exactly one pair of markers, each on a line of its own; the message names `source`.

    Examples
    --------
    >>> from fastgd.bench import replace_between_markers
    >>> print(replace_between_markers("a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nb", "new"))
    a
    <!-- bench:begin -->
    <BLANKLINE>
    new
    <BLANKLINE>
    <!-- bench:end -->
    b
    """
    lines = text.split("\n")
    markers = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    places = [[k for k, line in enumerate(lines) if line.strip() == marker] for marker in markers]
    if [len(place) for place in places] != [1, 1] or places[0] >= places[1]:
        raise ValueError(f"{source}: expected one line {markers[0]} and, below it, one line {markers[1]}")
    begin, end = places[0][0], places[1][0]
    return "\n".join([*lines[: begin + 1], "", replacement, "", *lines[end:]])


def check_markers(option: str, path: str | Path) -> Path:
    """Return the path of a file that has markers; refuse other files before any work is done."""
    try:
        text = read_text(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        raise ValueError(f"{option} {printable(path)}: cannot be read: {printable(error)}") from None
    replace_between_markers(text, "", f"{option} {printable(path)}")
    return Path(path)


def write_table(path: Path, results: Results) -> None:
    """Put the table between the markers of a file."""
    text = replace_between_markers(path.read_text(encoding="utf-8"), format_table(results), str(path))
    write_text(path, text)
