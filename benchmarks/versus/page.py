"""The results as Markdown: a summary in words, a table of all cells, and a table of all contestants."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from versus.cells import KINDS
from versus.judging import Record, find_best, find_ours, find_outcome, find_ratio, has_reached

from fastgd.bench.text import format_ratio, format_time

ESTIMATOR = "GradientDescentRegressor"
SUMMARY = ["threads", "cell", "X", "fastgd", "its error", "best peer", "best peer / fastgd", "best peer / estimator"]
OTHERS = (
    "LinearRegression",
    "oneDAL LinearRegression",
    "loop of LinearRegression",
)  # their ratios are in the summary, accurate or not


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_threads(count: int) -> str:
    """Return "1 thread" or "2 threads"."""
    return f"{count} thread{'s' if count > 1 else ''}"


def describe_cell(cell: Record) -> str:
    """Return the words for a cell."""
    return f"{cell['label']}, {cell['column']}, {format_threads(cell['threads'])}"


def format_entry(cell: Record, name: str | None, best: bool = False) -> str:
    """Return a time; in parentheses and with the error if the accuracy was not reached."""
    entry = cell["found"].get(name)
    if entry is None:
        return "–"
    if "failed" in entry:
        return "failed"
    if not has_reached(cell, name):
        error = "not finite" if entry["error"] is None else f"{entry['error']:.0e}"
        return f"({format_time(entry['seconds'])}, {error})"
    text = format_time(entry["seconds"]) + (" (once)" if entry["rounds"] == 1 else "")
    return f"**{text}**" if best else text


def format_named(cell: Record, name: str | None) -> str:
    """Return a contestant and its time."""
    return f"{name}: {format_time(cell['found'][name]['seconds'])}" if name else "none"


def list_others(cells: list[Record]) -> list[str]:
    """Return the contestants whose ratios the summary of some cells has beside that of the best peer."""
    return [name for name in OTHERS if any(name in cell["found"] for cell in cells)]


def compare_any(cell: Record, name: str | None, ours: str | None) -> str:
    """Return a contestant's time over fastgd's; in parentheses if the contestant did not reach the accuracy."""
    if has_reached(cell, name) or not has_reached(cell, ours):
        return format_ratio(find_ratio(cell, name, ours))
    seconds = cell["found"].get(name, {}).get("seconds")
    return f"({format_ratio(seconds / cell['found'][ours]['seconds'])})" if seconds else "–"


def make_row(cell: Record, others: Sequence[str]) -> list[str]:
    """Return a cell's row of the summary."""
    ours, best, bare = find_ours(cell), find_best(cell), find_best(cell, bare=True)
    error = f"{cell['found'][ours]['error']:.0e}" if ours else "–"
    row = [str(cell["threads"]), cell["label"], cell["column"], format_named(cell, ours), error]
    row += [format_named(cell, best), *(format_ratio(find_ratio(cell, best, name)) for name in (ours, ESTIMATOR))]
    return [*row, *(compare_any(cell, name, ours) for name in others), compare_any(cell, bare, ours)]


def make_summary(cells: list[Record]) -> str:
    """Return the table with a row for each cell; columns without any entry are left out."""
    others = list_others(cells)
    header = [*SUMMARY, *(f"{name} / fastgd" for name in others), "best bare solver / fastgd"]
    rows = [make_row(cell, others) for cell in cells]
    kept = [k for k in range(len(header)) if k < len(SUMMARY) - 1 or any(row[k] != "–" for row in rows)]
    header, *rows = [[line[k] for k in kept] for line in (header, *rows)]
    return format_table(header, rows)


def make_details(cells: list[Record]) -> str:
    """Return a table with a row for each contestant and a column for each cell's label."""
    names = dict.fromkeys(name for cell in cells for name in cell["found"])
    rows = [[name, *(format_entry(cell, name, is_fastest(cell, name)) for cell in cells)] for name in names]
    spreads = []
    for cell in cells:
        timed = [entry for entry in cell["found"].values() if entry["rounds"] > 2]
        widths = [(entry["quartiles"][1] - entry["quartiles"][0]) / entry["seconds"] for entry in timed]
        spreads.append(f"{max(widths):.0%}" if widths else "–")
    return format_table(["", *(cell["label"] for cell in cells)], [*rows, ["*widest spread*", *spreads]])


def is_fastest(cell: Record, name: str) -> bool:
    """Return True if no other contestant that reached the accuracy is faster."""
    reached = [one for one in cell["found"] if has_reached(cell, one)]
    return name in reached and all(cell["found"][name]["seconds"] <= cell["found"][one]["seconds"] for one in reached)


def compare(cell: Record, name: str, ours: str) -> str:
    """Return the two times of a cell, and their ratio, as a line of a list."""
    times = [format_time(cell["found"][one]["seconds"]) for one in (name, ours)]
    ratio = format_ratio(find_ratio(cell, name, ours))
    return f"- {describe_cell(cell)}: {name} takes {times[0]}, {ours} {times[1]} ({ratio})"


def list_lines(title: str, lines: Sequence[str]) -> list[str]:
    """Return a list under its title; nothing if the list is empty."""
    return ["\n".join([title, "", *lines])] if lines else []


def describe_outcomes(cells: list[Record]) -> str:
    """Return how many cells fastgd wins, and each cell that it does not win."""
    outcomes = [(find_outcome(cell), cell) for cell in cells]
    counts = Counter(outcome for outcome, _ in outcomes)
    parts = [f"fastgd is faster than every peer in {counts['wins']} of {len(cells)} cells" + list_counts(counts) + "."]
    for kind, title in (("loses", "Slower than the best peer:"), ("level", "Level with the best peer:")):
        lines = [compare(cell, find_best(cell), find_ours(cell)) for outcome, cell in outcomes if outcome == kind]
        parts += list_lines(title, lines)
    failed = [f"- {describe_cell(cell)}" for outcome, cell in outcomes if outcome == "fails"]
    parts += list_lines("fastgd did not reach the accuracy:", failed)
    slow = [(cell, find_best(cell), ESTIMATOR) for outcome, cell in outcomes if outcome in ("wins", "level")]
    parts += list_lines("The function is as fast as the best peer, the estimator is slower:", describe_slower(slow))
    bare = [(cell, find_best(cell, bare=True), find_ours(cell)) for cell in cells]
    parts += list_lines("A bare solver, which adds no intercept and checks less, is faster:", describe_slower(bare))
    return "\n\n".join(parts)


def list_counts(counts: Counter[str]) -> str:
    """Return the numbers of cells of the other outcomes that occur."""
    words = {
        "level": "level with the best in {} (the quartiles overlap)",
        "loses": "slower in {}",
        "alone": "the only one that reached the accuracy in {}",
        "fails": "not accurate enough in {}",
    }
    return "".join(f", {text.format(counts[kind])}" for kind, text in words.items() if counts[kind])


def describe_slower(pairs: Sequence[tuple[Record, str | None, str | None]]) -> list[str]:
    """Return a line for each row of cells and pair of contestants, where the first is faster: the range of ratios."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for cell, name, ours in pairs:
        ratio = find_ratio(cell, name, ours)
        if name and ours and ratio is not None and ratio < 1:
            found.setdefault((cell["label"], name, ours), []).append(ratio)
    lines = []
    for (label, name, ours), ratios in found.items():
        ends = " to ".join(
            dict.fromkeys(format_ratio(end, 2 if end < 0.99 else 3) for end in (min(ratios), max(ratios)))
        )
        cells = f"{len(ratios)} cell{'s' if len(ratios) > 1 else ''}"
        lines.append(f"- {label}: {name} takes {ends} the time of {ours} ({cells})")
    return lines


def format_kind(kind: str, cells: list[Record]) -> list[str]:
    """Return the sections of one kind of cells: the summary and the details."""
    parts = [f"### {KINDS[kind]}", make_summary(cells)]
    for key in dict.fromkeys((cell["threads"], cell["column"]) for cell in cells):
        chosen = [cell for cell in cells if (cell["threads"], cell["column"]) == key]
        parts += [f"#### {KINDS[kind]}: {key[1]}, {format_threads(key[0])}", make_details(chosen)]
    return parts


def format_results(results: dict[str, Any]) -> str:
    """Return everything as Markdown, without dates and paths."""
    cells, machine = results["cells"], results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    parts = [f"{machine['cpu']} ({machine['cores']} cores, {machine['cpu_level']}); {versions}."]
    for threads, counts in results["threads"].items():
        pools = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "cores")
        parts.append(f"Threads of the libraries in the process with {format_threads(int(threads))}: {pools}.")
    parts += ["### The outcome in words", describe_outcomes(cells)] if cells else []
    for kind in KINDS:
        chosen = [cell for cell in cells if cell["kind"] == kind]
        parts += format_kind(kind, chosen) if chosen else []
    largest = max((cell["correction"] for cell in cells), default=0.0)
    parts += [f"The last corrections of the references were at most {largest:.0e} of the predictions."] if cells else []
    parts += ["\n".join(f"- {line}" for line in results["lines"])] if results["lines"] else []
    return "\n\n".join(parts + [f"Left out: {name} ({why})." for name, why in results["absent"].items()])
