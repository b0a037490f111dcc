"""A study's file: read, and checked before a page is made of it."""

import json
from pathlib import Path
from typing import Any

from fastgd.files.json_text import read_json
from fastgd.inputs.words import LONGEST_QUOTE, printable, quote
from fastgd.report.form import COUNT, FORM, NUMBER, PAIR, POSITIVE, REFERENCES, SECTIONS, SPREAD, TESTS, TEXT
from fastgd.report.sources import FORMULAS, LANGUAGES
from fastgd.report.upgrade import judge_again, upgrade

SCHEMA, SCHEMA_VERSION = "fastgd.study", 3
MOST_BYTES = 1 << 26  # of a file: a hundred times a whole study
EXPECTED = "expected a study (fastgd study --json)"
# A page computes products and ratios of a few numbers: within these bounds all of them are in the range of float64.
SMALLEST, LARGEST, LARGEST_WHOLE = 1e-30, 1e30, 10**15
MOST_LEVELS = 50  # of lists and objects in each other: few enough for every function that walks through them


def read_study(path: Path) -> dict[str, Any]:
    """Return the data of a study's file; a ValueError names the file, the place and the first fault."""
    try:
        data = read_json(path, MOST_BYTES)
        # Python reads NaN and infinity as if they were JSON, and halves of characters.
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(f"{printable(path)}: {EXPECTED}; no such file") from None
    except (ValueError, RecursionError) as error:  # not JSON, not text, or nested too deeply
        raise ValueError(f"{printable(path)}: {EXPECTED}; not JSON: {printable(error)}") from None
    found = upgrade(data)
    fault = find_fault(found)
    if fault:
        raise ValueError(f"{printable(path)}: {EXPECTED}; {fault}")
    return dict(found if found is data else judge_again(found))


def find_fault(data: Any) -> str:
    """Return the first fault of a study's data, with its place; "" if there is none."""
    if not isinstance(data, dict):
        return f"top level: expected an object; got {quote(data)}"
    schema, version = data.get("schema"), data.get("schema_version")
    if (schema, version) != (SCHEMA, SCHEMA_VERSION) or version is True:  # first: other files lack all else, too
        expected = f"expected {SCHEMA!r} and {SCHEMA_VERSION}"
        return f"schema and schema_version: {expected}; got {quote(schema)} and {quote(version)}"
    if is_deeper(data, MOST_LEVELS):
        return f"top level: expected at most {MOST_LEVELS} lists and objects in each other"
    wrong = find_wrong(data, FORM | {name: form for name, form in SECTIONS.items() if name in data})
    return wrong or find_unusable(data)


def is_deeper(value: Any, levels: int) -> bool:
    """Return True if lists and objects are nested in more levels."""
    held = [value]
    for _ in range(levels + 1):
        nested = [one for one in held if isinstance(one, list | dict)]
        held = [one for part in nested for one in (part.values() if isinstance(part, dict) else part)]
    return bool(held)


def find_unusable(data: dict[str, Any]) -> str:
    """Return the first fault of values that have the form, but do not fit together; "" if there is none."""
    for k, source in enumerate(data["sources"]):
        if source["language"] not in LANGUAGES.values():
            return f"sources[{k}].language: expected {', '.join(LANGUAGES.values())}; got {quote(source['language'])}"
        lines = [line.strip() for line in source["text"].splitlines()]
        for letter in FORMULAS:
            for beginning in source["marks"].get(letter, []):
                if not any(line.startswith(beginning) for line in lines):
                    return f"sources[{k}].marks.{letter}: no line of the text begins with {quote(beginning)}"
    rates = data["descents"]["rates"] if "descents" in data else {"X": [], "y": []}
    if len(rates["X"]) != len(rates["y"]):
        return f"descents.rates.y: expected a number for each of {len(rates['X'])} rows; got {len(rates['y'])}"
    return ""


def find_wrong(value: Any, form: Any, place: str = "") -> str:
    """Return the first fault of a value, with its place; "" if the value has the form."""
    where = place.removeprefix(".") or "top level"
    if isinstance(form, set | tuple):
        return "" if value is None else find_wrong(value, next(iter(form)), place)
    if isinstance(form, str):
        return find_unfit(value, form, where)
    if type(value) is not type(form) or value == []:
        expected = "an object" if isinstance(form, dict) else "a list with at least one entry"
        return f"{where}: expected {expected}; got {quote(value)}"
    if isinstance(form, list):
        faults = [find_wrong(one, form[0], f"{place}[{k}]") for k, one in enumerate(value)]
    else:
        named = {name: one for names, one in form.items() for name in names.split()}
        needed = [name for name in named if name != "*" and not name.endswith("?")]
        faults = [f"{where}: {quote(name)} is missing" for name in needed if name not in value]
        forms = {name.removesuffix("?"): one for name, one in named.items()}
        known = [name for name in value if name in forms or "*" in forms]
        places = {name: f"{place}.{printable(name, LONGEST_QUOTE)}" for name in known}
        faults += [find_wrong(value[name], forms.get(name, forms.get("*")), places[name]) for name in known]
    return next(filter(None, faults), "") or find_lost(value, form, where)


def find_unfit(value: Any, form: str, where: str) -> str:
    """Return the fault of a value that is not of a kind, or out of range; "" if there is none."""
    if not TESTS[form](value):
        return f"{where}: expected {form}; got {quote(value)}"
    for number in value if form in (PAIR, SPREAD) else [value] if form in (NUMBER, POSITIVE, COUNT) else []:
        if abs(number) > LARGEST or (abs(number) < SMALLEST and form in (POSITIVE, SPREAD)):
            return f"{where}: expected numbers from {SMALLEST:g} to {LARGEST:g}; got {quote(number)}"
        if isinstance(number, int) and abs(number) > LARGEST_WHOLE:  # NumPy's integers end at 2**63
            return f"{where}: expected whole numbers up to {LARGEST_WHOLE:g}; got {quote(number)}"
    return ""


def find_lost(value: Any, form: Any, where: str) -> str:
    """Return the first name in an object that has no entry where it should; "" if there is none."""
    for source, target in REFERENCES.items():
        if source in form and target in form:
            names = [value[name] for name in source.split()] if form[source] == TEXT else value[source]
            lost = [name for name in names if name not in value[target]]
            if lost:
                return f"{where}.{target}: {quote(lost[0])} is missing"
    return ""
