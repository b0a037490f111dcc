"""The page: a study's numbers, pictures and tables and the package's own sources in one file."""

import base64
import csv
import io
import json
from importlib.resources import files
from typing import Any

from fastgd.bench.text import ONCE, find_prices, format_number, format_ratio, shape_of, title
from fastgd.inputs.extras import explain_lack, is_installed
from fastgd.inputs.words import count, printable
from fastgd.report import tables
from fastgd.report.drawings import PICTURES
from fastgd.report.reading import find_fault
from fastgd.report.settings import SECTIONS, shapes_of
from fastgd.report.sources import Source, highlight
from fastgd.report.summary import summarize_study

EXTRAS = {"matplotlib": "matplotlib", "jinja2": "Jinja2", "pygments": "Pygments"}
TEMPLATES = files("fastgd.report") / "templates"
CSV_COLUMNS = (
    "section", "n_samples", "n_features", "contestant", "threads", "seconds", "lower", "upper", "spread", "rounds"
)  # fmt: skip


def render(data: dict[str, Any]) -> str:
    """Return the page of a study's data, as HTML."""
    check_extras()
    fault = find_fault(data)
    if fault:
        raise ValueError(f"the data of the study: {fault}")
    sections = [name for name in SECTIONS if name in data]
    differences = [one for entry in shapes_of(data, "ladder") for one in entry["differences"].items()]
    sources = [Source(*map(one.get, Source._fields)) for one in data["sources"]]  # a file may have more keys
    return fill_template(
        "study.html",
        data=data,
        summary=summarize_study(data),
        pictures={name: PICTURES[name](data) for name in sections},
        tables={name: TABLES[name](data) for name in sections},
        sources=[(source, highlight(source)) for source in sources],
        largest_difference=max((one for name, one in differences if name != "whitened"), default=0.0),
        whitened_difference=max((one for name, one in differences if name == "whitened"), default=None),
        command=data["command"].partition(" --sections")[0],
        csv=to_uri("text/csv", to_csv(data)),
    )


def fill_template(template: str, **values: Any) -> str:
    """Return a template filled with values, and with its styles and scripts."""
    import jinja2

    loader = jinja2.FunctionLoader(lambda name: (TEMPLATES / name).read_text(encoding="utf-8"))
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        finalize=show_controls,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": format_number,
        "times": format_ratio,
        "step": title,
        "json": embed_json,
        "count": count,
    }
    return environment.get_template(template).render(values)


def show_controls(value: Any) -> Any:
    """Return a text from outside with escapes for controls, which HTML lacks; parts of the page stay as they are."""
    return printable(value, None) if type(value) is str and not value.isprintable() else value


def check_extras() -> None:
    """Refuse to make a page, before any work is done, if one of its extras is not installed."""
    missing = [module for module in EXTRAS if not is_installed(module)]
    if missing:
        names = " and ".join(EXTRAS[module] for module in missing)
        raise ImportError(explain_lack(f"the study's page needs {names}", *missing))


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


def embed_json(data: object) -> str:
    """Return JSON that cannot end the script element around it."""
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c")


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
