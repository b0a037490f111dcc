"""A study's file: read, and checked before a page is made of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastgd.report.form import ANY, SCHEMA, SCHEMA_VERSION, SECTIONS, STUDY, Kind
from fastgd.report.settings import shapes_of

EXPECTED = "expected a study (fastgd study --json)"
LONGEST = 200  # letters of the description of a fault


def read_study(path: Path) -> dict[str, Any]:
    """Return the data of a study's file.

    Raises
    ------
    ValueError
        If the file is not one that `Study.save` writes.
    OSError
        If the file cannot be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(data, allow_nan=False)  # Python reads NaN and infinity as if they were JSON
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: {EXPECTED}; no such file") from None
    except (ValueError, RecursionError) as error:  # not JSON, not text, or nested too deeply
        raise ValueError(f"{path}: {EXPECTED}; not JSON: {error}") from None
    fault = find_fault(data)
    if fault:
        raise ValueError(f"{path}: {EXPECTED}; {fault}")
    return dict(data)


def find_fault(data: Any) -> str:
    """Return the first fault of a study's data, with its place; "" if there is none.

    Examples
    --------
    >>> from fastgd.report.reading import find_fault
    >>> find_fault({"schema": "fastgd.bench", "schema_version": 1})
    "schema and schema_version: expected 'fastgd.study' and 1; got 'fastgd.bench' and 1"
    """
    if not isinstance(data, dict):
        return shorten(f"top level: expected an object; got {data!r}")
    named = data.get("schema"), data.get("schema_version")
    if named != (SCHEMA, SCHEMA_VERSION) or named[1] is True:  # first: other files lack all else, too
        return shorten(
            f"schema and schema_version: expected {SCHEMA!r} and {SCHEMA_VERSION}; got {named[0]!r} and {named[1]!r}"
        )
    form = STUDY | {name: part for name, part in SECTIONS.items() if name in data}
    return shorten(compare_with_form(data, form) or min(list_missing(data), default=""))


def compare_with_form(value: Any, form: Any, place: str = "") -> str:
    """Return the first fault of a value, with its place; "" if the value has the form."""
    where = place.removeprefix(".") or "top level"
    if isinstance(form, Kind):
        return "" if form.test(value) else f"{where}: expected {form.words}; got {value!r}"
    if isinstance(form, list):
        if not isinstance(value, list) or not value:
            return f"{where}: expected a list with at least one entry; got {value!r}"
        parts = [(one, form[0], f"{place}[{k}]") for k, one in enumerate(value)]
    else:
        if not isinstance(value, dict):
            return f"{where}: expected an object; got {value!r}"
        missing = [key for key in form if key not in value and key != ANY]
        if missing:
            return f"{where}: {missing[0]!r} is missing"
        forms = {key: form.get(key, form.get(ANY)) for key in value}
        parts = [(value[key], forms[key], f"{place}.{key}") for key in value if forms[key]]
    return next(filter(None, (compare_with_form(*part) for part in parts)), "")


def list_missing(data: dict[str, Any]) -> Iterator[str]:
    """Yield the names that a part of the data refers to and another part lacks, with that part's place."""
    for place, names, found in list_names(data):
        yield from (f"{place}: {name!r} is missing" for name in names - found)


def list_names(data: dict[str, Any]) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield places, the names that must have entries there, and the names that have entries."""
    machine = data["machine"]
    yield "machine.cache_instances", set(machine["caches"]), set(machine["cache_instances"])
    for k, entry in enumerate(shapes_of(data, "ladder")):
        yield f"ladder.shapes[{k}].contestants", set(entry["order"]), set(entry["contestants"])
    for k, entry in enumerate(shapes_of(data, "map")):
        named = {entry[key] for key in ("fastest", "best", "auto")}
        yield f"map.shapes[{k}].contestants", named, set(entry["contestants"])
    for k, limit in enumerate(data.get("roofline", {"limits": []})["limits"]):
        place, levels, quartiles = f"roofline.limits[{k}]", set(limit["bytes_per_second"]), limit["quartiles"]
        yield f"{place}.bytes_per_second", {"memory"} if levels else set(), levels
        yield f"{place}.quartiles.bytes", levels, set(quartiles["bytes"])
        known = {"operations"} if limit["operations_per_second"] else set()
        yield f"{place}.quartiles", known, {name for name in known if quartiles[name]}
    for name, start in data.get("price", {"starts": {}})["starts"].items():
        yield f"price.starts.{name}.extremes", set(start["seconds"]), set(start["extremes"])


def shorten(text: str) -> str:
    """Return a text in one line, without its middle where it is long."""
    line = " ".join(text.split())
    half = LONGEST // 2
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"
