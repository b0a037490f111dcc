"""A study's file: read, and checked before anything is made of it."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastgd.report.settings import shapes_of

SCHEMA = "fastgd.study"
SCHEMA_VERSION = 1
SCHEMA_FILE = files("fastgd.report") / "study.schema.json"  # what every key holds; it says where others may be
LONGEST = 200  # letters of what is wrong with a file


def read_study(path: Path) -> dict[str, Any]:
    """Return the data of a study's file.

    Raises
    ------
    ValueError
        If it is not what `Study.save` writes.
    OSError
        If it cannot be read.
    ImportError
        If jsonschema is not installed.
    """
    data = read_json(path)
    fault = find_fault(data)
    if fault:
        raise ValueError(f"{path}: expected a study (fastgd study --json); {fault}")
    return dict(data)


def read_json(path: Path) -> Any:
    """Return what a file of JSON holds."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(data, allow_nan=False)  # Python reads NaN and infinity as if they were JSON
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: expected a study (fastgd study --json); no such file") from None
    except ValueError as error:  # of JSON, and of UTF-8
        raise ValueError(f"{path}: expected a study (fastgd study --json); not JSON: {error}") from None
    return data


def find_fault(data: Any) -> str:
    """Return where data are not those of a study, and what is wrong there; "" if they are.

    Raises
    ------
    ImportError
        If jsonschema is not installed.

    Examples
    --------
    >>> from fastgd.report.reading import find_fault
    >>> find_fault({"schema": "fastgd.bench", "schema_version": 1})
    "schema and schema_version: expected 'fastgd.study' and 1; got 'fastgd.bench' and 1"
    """
    if not isinstance(data, dict):
        return shorten(f"top level: expected an object; got {data!r}")
    named = data.get("schema"), data.get("schema_version")
    if named != (SCHEMA, SCHEMA_VERSION):  # first: another kind of file lacks everything else as well
        return shorten(
            f"schema and schema_version: expected {SCHEMA!r} and {SCHEMA_VERSION}; got {named[0]!r} and {named[1]!r}"
        )
    jsonschema = import_validator()
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(data))
    if error is not None:
        return f"{error.json_path.removeprefix('$').lstrip('.') or 'top level'}: {shorten(error.message)}"
    missing = (f"{where}: {name!r} is missing" for where, names, found in list_names(data) for name in names - found)
    return shorten(min(missing, default=""))


def list_names(data: dict[str, Any]) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield what a schema cannot say: a place, the names that must have entries there, and those that have."""
    machine = data["machine"]
    yield "machine.cache_instances", set(machine["caches"]), set(machine["cache_instances"])
    for k, entry in enumerate(shapes_of(data, "ladder")):
        yield f"ladder.shapes[{k}].contestants", set(entry["order"]), set(entry["contestants"])
    for k, entry in enumerate(shapes_of(data, "map")):
        named = {entry[key] for key in ("fastest", "best", "auto")}
        yield f"map.shapes[{k}].contestants", named, set(entry["contestants"])
    for k, limit in enumerate(data.get("roofline", {"limits": []})["limits"]):
        yield f"roofline.limits[{k}].quartiles.bytes", set(limit["bytes_per_second"]), set(limit["quartiles"]["bytes"])
    for name, start in data.get("price", {"starts": {}})["starts"].items():
        yield f"price.starts.{name}.extremes", set(start["seconds"]), set(start["extremes"])


def shorten(text: str) -> str:
    """Return a text in one line, without its middle where it is long: it begins with data and ends with a demand."""
    line = " ".join(text.split())
    half = LONGEST // 2
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"


def import_validator() -> Any:
    """Return jsonschema, or say what to install."""
    try:
        import jsonschema
    except ImportError as error:
        raise ImportError("to read a study needs jsonschema: pip install 'fastgd[study]'") from error
    return jsonschema
