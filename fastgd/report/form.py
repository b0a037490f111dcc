"""The form of a study's data: the names of its entries, and the kinds of their values.

The form of a value is a kind, {a kind, or null}, [the form of one or more entries], (the form of an object, or null),
or a dict of forms by the names of entries, "*" for all other names. A name that ends in "?" may be missing. Objects may
have more entries.
"""

from collections.abc import Callable
from typing import Any

from fastgd.files.model import is_finite, is_list_of

TEXT, FLAG, NUMBER, POSITIVE = "a text", "true or false", "a number", "a number above 0"
COUNT, PAIR, SPREAD = "a whole number from 1 up", "two numbers", "two numbers above 0"
TEXTS = "a list of texts"
TESTS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    FLAG: lambda value: isinstance(value, bool),
    NUMBER: is_finite,
    POSITIVE: lambda value: is_finite(value) and value > 0,
    COUNT: lambda value: type(value) is int and TESTS[POSITIVE](value),
    PAIR: lambda value: is_list_of(value, is_finite) and len(value) == 2,
    SPREAD: lambda value: is_list_of(value, TESTS[POSITIVE]) and len(value) == 2,
    TEXTS: lambda value: is_list_of(value, TESTS[TEXT]),
}
TIMED = {"seconds": POSITIVE, "quartiles extremes": SPREAD, "rounds epochs_per_call threads": COUNT, "variant": TEXT}
STEP = TIMED | {"bytes_per_epoch operations_per_epoch": COUNT}
SHAPE = {"n_samples n_features bytes": COUNT, "twin?": TIMED | {"of": TEXT}}
STEPS = {
    "contestants": {"numpy compressed *": STEP}, "order": [TEXT], "differences": {"*": NUMBER},
    "compress": TIMED, "whiten?": TIMED, "targets?": {"n_targets": COUNT, "contestants": {"numpy *": TIMED}},
    "sparse?": {"density": POSITIVE, "entries": NUMBER, "contestants": {"numpy *": TIMED}},
}  # fmt: skip
CHOICE = {"contestants": {"numpy *": STEP}, "fastest best auto": TEXT, "regret": POSITIVE}
LIMIT = {"threads": COUNT, "operations_per_second": {POSITIVE}, "bytes_per_second": {"*": POSITIVE}}
SPREADS = {"quartiles": {"operations": {SPREAD}, "bytes": {"*": SPREAD}}}
STAGES = "import_numpy import_fastgd load first_call second_call wait *"
START = {"seconds": {STAGES: POSITIVE}, "extremes": {STAGES: SPREAD}}
RUN = {"multiple rate": POSITIVE, "costs": [NUMBER], "path": [PAIR]}
RATES = {"X": [PAIR], "y": [NUMBER], "smoothness": POSITIVE, "least_cost": NUMBER, "runs": [RUN]}
CURVES = {"condition least_cost": POSITIVE, "costs": {"constant silver chebyshev eigenvalues *": [POSITIVE]}}
CACHES = {"*": COUNT}
MACHINE = {
    "cpu system": TEXT, "cores": COUNT, "cpu_level governor": {TEXT}, "caches": CACHES, "cache_instances": CACHES,
    "memory": {COUNT}, "blas": {"*": {"version": {TEXT}, "threads": {COUNT}}}, "kernel": {"*": {TEXT}},
}  # fmt: skip
CONDITIONS = {
    "load": ({"start end": NUMBER},), "cores": COUNT, "others_share": {NUMBER},
    "clock": ({"lowest median highest": POSITIVE},), "noise_floor drift": POSITIVE, "threads_drift": {POSITIVE},
    "quiet": FLAG, "reasons": TEXTS,
}  # fmt: skip
FORM = {
    "command date": TEXT, "seconds": NUMBER,
    "machine": MACHINE, "conditions": CONDITIONS,
    "versions": {"fastgd python numpy": TEXT, "*": {TEXT}},
    "threads": {"backends": COUNT, "blas": TEXT, "environment": {"*": {TEXT}}},
    "settings": {"quick": FLAG, "rounds most_epochs_per_call": COUNT, "order dtype": TEXT},
    "sources": [{"backend place note language text": TEXT, "marks": {"*": [TEXT]}}],
}  # fmt: skip
SECTIONS = {  # a study may lack each of them
    "ladder": {"shapes": [SHAPE | STEPS]},
    "map": {"shapes": [SHAPE | CHOICE], "largest_regret": POSITIVE},
    "roofline": {"limits": [LIMIT | SPREADS]},
    "price": {"shape": SPREAD, "rounds": COUNT, "starts": {"python numpy *": START}},
    "descents": {"rates": RATES, "schedules": CURVES | {"n_features epochs": COUNT}},
}
REFERENCES = {  # entries, and the object of the same part that must have their names
    "order": "contestants", "fastest best auto": "contestants", "caches": "cache_instances", "seconds": "extremes"
}  # fmt: skip
