"""Files of earlier versions of a study: values that they did not record are filled in as unknown."""

from typing import Any

from fastgd.report.form import POSITIVE, TESTS
from fastgd.report.map import gather_map

EARLIER = (1, 2)  # the versions that are read, too
MOST_LEVELS = 20  # that are looked through: entries of times lie four levels below the top
# Times of a machine of which nothing is known: less than this is not told as a difference.
ASSUMED_FLOOR = 0.1
REASON = "this study is of an earlier fastgd, which did not record the conditions"


def upgrade(data: Any) -> Any:
    """Return the data of a file in the form of today if it is a study of an earlier version, anything else as it is."""
    if not isinstance(data, dict) or data.get("schema") != "fastgd.study":
        return data
    version = data.get("schema_version")
    if type(version) is not int or version not in EARLIER:
        return data
    return add_drift(add_conditions(data) if version == 1 else data)


def add_drift(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of version 2 in the form of version 3.

    The noise floor of version 2 was that of different times, and its condition number that of XᵀX.
    """
    filled = {**data, "schema_version": 3}
    conditions, descents = data.get("conditions"), data.get("descents")
    if isinstance(conditions, dict):
        filled["conditions"] = {"drift": conditions.get("noise_floor"), "threads_drift": None, **conditions}
    if isinstance(descents, dict) and isinstance(schedules := descents.get("schedules"), dict):
        if TESTS[POSITIVE](schedules.get("condition")):
            schedules = {**schedules, "condition": schedules["condition"] ** 0.5}
        filled["descents"] = {**descents, "schedules": schedules}
    return filled


def add_conditions(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of version 1 in the form of version 2.

    Version 1 had no conditions, no extremes of times, and less about the machine.
    """
    machine = data.get("machine")
    if not isinstance(machine, dict):
        return data
    unknown: dict[str, Any] = {"system": "not recorded", "memory": None, "governor": None, "blas": {}, "kernel": {}}
    conditions = {
        "load": None,
        "cores": machine.get("cores"),
        "others_share": None,
        "clock": None,
        "noise_floor": ASSUMED_FLOOR,
        "quiet": False,
        "reasons": [REASON],
    }
    filled: dict[str, Any] = add_extremes(data, MOST_LEVELS)
    return {**filled, "machine": {**unknown, **machine}, "conditions": conditions}


def add_extremes(part: Any, levels: int) -> Any:
    """Return a part of a file whose times have extremes: those of the quartiles, which are all that is known."""
    if levels == 0 or not isinstance(part, dict | list):
        return part
    if isinstance(part, list):
        return [add_extremes(one, levels - 1) for one in part]
    filled = {name: add_extremes(one, levels - 1) for name, one in part.items()}
    is_time = "seconds" in part and isinstance(part.get("quartiles"), list)
    return {"extremes": part["quartiles"], **filled} if is_time else filled


def judge_again(data: dict[str, Any]) -> dict[str, Any]:
    """Return upgraded data, which have been checked, with a map that claims nothing inside the assumed noise."""
    if "map" not in data:
        return data
    return {**data, "map": gather_map(data["map"]["shapes"], data["conditions"])}
