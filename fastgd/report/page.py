"""The page: a study's numbers, pictures and tables and the package's own sources in one file."""

import base64
import csv
import io
from typing import Any

from fastgd.bench.conditions import describe_conditions, describe_threads_drift
from fastgd.bench.text import ONCE, find_prices, shape_of
from fastgd.report import tables
from fastgd.report.drawings import PICTURES
from fastgd.report.filling import check_data, fill_template
from fastgd.report.first import make_first
from fastgd.report.headline import find_largest
from fastgd.report.settings import SECTIONS, shapes_of
from fastgd.report.sources import FORMULAS, Source, highlight
from fastgd.report.summary import summarize_rungs, summarize_study
from fastgd.report.variants import variants_pictures

# The words of the menu by section.
TOPICS = {
    "try": "Try it", "ladder": "Steps", "variants": "Targets and sparse rows", "map": "Backends",
    "roofline": "Limits", "price": "Compilers", "descents": "Learning rate", "schedules": "Schedules",
    "mathematics": "Mathematics and code", "machine": "Machine and data",
}  # fmt: skip
ALWAYS = ("try", "mathematics", "machine")
CSV_COLUMNS = (
    "section", "n_samples", "n_features", "contestant", "threads", "seconds", "lower", "upper", "spread", "rounds"
)  # fmt: skip


def render(data: dict[str, Any]) -> str:
    """Return the page of a study's data, as HTML."""
    check_data(data)
    sections = [name for name in SECTIONS if name in data]
    differences = [one for entry in shapes_of(data, "ladder") for one in entry["differences"].items()]
    sources = [Source(*map(one.get, Source._fields)) for one in data["sources"]]  # a file may have more keys
    largest = find_largest(data)
    variants = variants_pictures(largest) if largest else []
    shown = {*ALWAYS, *sections, "variants" * bool(variants), "schedules" * ("descents" in data)}
    return fill_template(
        "study.html",
        data=data,
        first=make_first(data),
        badge=describe_conditions(data["conditions"]),
        gain=describe_threads_drift(data["conditions"]),
        topics={name: words for name, words in TOPICS.items() if name in shown},
        shape=shape_of(largest) if largest else None,
        variants=variants,
        rungs=summarize_rungs(largest, data["conditions"]) if largest else [],
        letters=FORMULAS,
        summary=summarize_study(data),
        pictures={name: PICTURES[name](data) for name in sections},
        tables={name: TABLES[name](data) for name in sections},
        sources=[(source, highlight(source)) for source in sources],
        largest_difference=max((one for name, one in differences if name != "whitened"), default=0.0),
        whitened_difference=max((one for name, one in differences if name == "whitened"), default=None),
        command=data["command"].partition(" --sections")[0],
        csv=to_uri("text/csv", to_csv(data)),
    )


def to_csv(data: dict[str, Any]) -> str:
    """Return every time of a study as a line of CSV; "spread" is the kind of its lower and upper end."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(CSV_COLUMNS)
    for section in ("ladder", "map"):
        for entry in shapes_of(data, section):
            once = {ONCE[name]: one for name, one in find_prices(entry).items()}
            for name, one in {**entry["contestants"], **once}.items():
                times = one["threads"], one["seconds"], *one["quartiles"], "quartiles", one["rounds"]
                lines.writerow([section, *shape_of(entry), name, *times])
    price = data.get("price", {"starts": {}})
    for name, one in price["starts"].items():
        for stage, seconds in one["seconds"].items():
            times = 1, seconds, *one["extremes"][stage], "extremes", price["rounds"]
            lines.writerow(["price", *price["shape"], f"{name}: {stage}", *times])
    return text.getvalue()


def to_uri(kind: str, text: str) -> str:
    """Return a link that holds a text."""
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


TABLES = {
    "ladder": lambda data: [tables.ladder_table(entry, data["conditions"]) for entry in data["ladder"]["shapes"]],
    "map": lambda data: [tables.map_table(data["map"])],
    "roofline": lambda data: [tables.roofline_table(data)] if "ladder" in data else [],
    "price": lambda data: [tables.price_table(data)] + ([tables.paid_table(data)] if "ladder" in data else []),
    "descents": lambda data: [tables.rates_table(data["descents"])],
}
