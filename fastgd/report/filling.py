"""Templates filled with values: a page is one file, with its styles and scripts in it."""

import json
from importlib.resources import files
from typing import Any

from fastgd.bench.conditions import format_percent, is_contended
from fastgd.bench.text import format_bytes, format_number, format_ratio, format_time, title
from fastgd.inputs.extras import explain_lack, is_installed
from fastgd.inputs.words import count, printable
from fastgd.report.reading import find_fault

EXTRAS = {"matplotlib": "matplotlib", "jinja2": "Jinja2", "pygments": "Pygments"}
TEMPLATES = files("fastgd.report") / "templates"


def check_data(data: dict[str, Any]) -> None:
    """Refuse data that a page cannot be made of; before that, refuse to begin without the page's extras."""
    check_extras()
    fault = find_fault(data)
    if fault:
        raise ValueError(f"the data of the study: {fault}")


def check_extras() -> None:
    """Refuse to make a page, before any work is done, if one of its extras is not installed."""
    missing = [module for module in EXTRAS if not is_installed(module)]
    if missing:
        names = " and ".join(EXTRAS[module] for module in missing)
        raise ImportError(explain_lack(f"the study's page needs {names}", *missing))


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
        "bytes": format_bytes,
        "time": format_time,
        "percent": format_percent,
        "is_contended": is_contended,
    }
    return environment.get_template(template).render(values)


def show_controls(value: Any) -> Any:
    """Return a text from outside with escapes for controls, which HTML lacks; parts of the page stay as they are."""
    return printable(value, None) if type(value) is str and not value.isprintable() else value


def embed_json(data: object) -> str:
    """Return JSON that cannot end the script element around it."""
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c")
