"""The form of a study's data: the keys that must be there, and the kind of each value.

A form is a kind of value, a list with the form of all entries, or a dict of forms by key. Data may have more keys.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from fastgd.files.model import is_finite, is_list_of
from fastgd.report.descents import SCHEDULES
from fastgd.report.sources import FORMULAS
from fastgd.report.starts import WAIT

SCHEMA = "fastgd.study"
SCHEMA_VERSION = 1
ANY = "*"  # the key of the form of all names that a dict of forms does not list


class Kind(NamedTuple):
    """A kind of value: its words in a message, and a test that such values pass."""

    words: str
    test: Callable[[Any], bool]


def is_positive(value: Any) -> bool:
    """Return True if a value is a finite number above 0."""
    return is_finite(value) and value > 0


def is_text(value: Any) -> bool:
    """Return True if a value is a text."""
    return isinstance(value, str)


def is_marks(value: Any) -> bool:
    """Return True if a value has lists of texts by the letters of formulas."""
    return isinstance(value, dict) and value.keys() <= FORMULAS.keys() and all(map(TEXTS.test, value.values()))


def or_null(kind: Kind) -> Kind:
    """Return the kind of values that may also be null."""
    return Kind(f"{kind.words}, or null", lambda value: value is None or kind.test(value))


NUMBER, POSITIVE, TEXT = Kind("a number", is_finite), Kind("a number above 0", is_positive), Kind("a text", is_text)
COUNT = Kind("a whole number from 1 up", lambda value: type(value) is int and is_positive(value))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
PAIR = Kind("two numbers", lambda value: is_list_of(value, is_finite) and len(value) == 2)
SPREAD = Kind("two numbers above 0", lambda value: is_list_of(value, is_positive) and len(value) == 2)
SHAPE = Kind("two whole numbers from 1 up", lambda value: is_list_of(value, COUNT.test) and len(value) == 2)
TEXTS = Kind("a list of texts", lambda value: is_list_of(value, is_text) and len(value) > 0)
MARKS = Kind(f"lists of texts by {', '.join(FORMULAS)}", is_marks)

TIMED = {
    "seconds": POSITIVE, "quartiles": SPREAD, "rounds": COUNT, "epochs_per_call": COUNT, "threads": COUNT,
    "variant": TEXT,
}  # fmt: skip
CONTESTANT = {**TIMED, "bytes_per_epoch": COUNT, "operations_per_epoch": COUNT}
ENTRY = {"n_samples": COUNT, "n_features": COUNT, "bytes": COUNT}
STEPS = {"contestants": {"numpy": CONTESTANT, "compressed": CONTESTANT, ANY: CONTESTANT}, "order": TEXTS}
CHOICE = {"contestants": {"numpy": CONTESTANT, ANY: CONTESTANT}, "fastest": TEXT, "best": TEXT, "auto": TEXT}
LIMIT = {
    "threads": COUNT, "operations_per_second": or_null(POSITIVE), "bytes_per_second": {ANY: POSITIVE},
    "quartiles": {"operations": or_null(SPREAD), "bytes": {ANY: SPREAD}},
}  # fmt: skip
STAGES = ("import_numpy", "import_fastgd", "load", "first_call", "second_call", WAIT, ANY)
START = {"seconds": dict.fromkeys(STAGES, POSITIVE), "extremes": dict.fromkeys(STAGES, SPREAD)}
RUN = {"multiple": POSITIVE, "rate": POSITIVE, "costs": [NUMBER], "path": [PAIR]}
RATES = {"X": [PAIR], "y": [NUMBER], "smoothness": POSITIVE, "least_cost": NUMBER, "runs": [RUN]}
CURVES = {"costs": {key: [NUMBER] for key in (*SCHEDULES, ANY)}, "condition": POSITIVE, "least_cost": POSITIVE}

STUDY: dict[str, Any] = {
    "command": TEXT,
    "date": TEXT,
    "seconds": NUMBER,
    "machine": {
        "cpu": TEXT, "cores": COUNT, "cpu_level": or_null(TEXT), "caches": {ANY: COUNT}, "cache_instances": {ANY: COUNT}
    },
    "versions": {"fastgd": TEXT, "python": TEXT, "numpy": TEXT, ANY: or_null(TEXT)},
    "threads": {"backends": COUNT, "blas": TEXT, "environment": {ANY: or_null(TEXT)}},
    "settings": {"quick": FLAG, "rounds": COUNT, "order": TEXT, "dtype": TEXT, "most_epochs_per_call": COUNT},
    "sources": [{"backend": TEXT, "place": TEXT, "note": TEXT, "language": TEXT, "text": TEXT, "marks": MARKS}],
}  # fmt: skip
SECTIONS: dict[str, Any] = {  # each may lack
    "ladder": {"shapes": [{**ENTRY, **STEPS, "differences": {ANY: NUMBER}, "compress": TIMED}]},
    "map": {"shapes": [{**ENTRY, **CHOICE, "regret": POSITIVE}], "largest_regret": POSITIVE},
    "roofline": {"limits": [LIMIT]},
    "price": {"shape": SHAPE, "rounds": COUNT, "starts": {"python": START, "numpy": START, ANY: START}},
    "descents": {"rates": RATES, "schedules": {**CURVES, "n_features": COUNT, "epochs": COUNT}},
}
