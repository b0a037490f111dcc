"""What a study found, in a few sentences made of its numbers."""

from typing import Any

from fastgd.bench.table import format_number, format_ratio
from fastgd.report.descents import DONE
from fastgd.report.price import WAIT
from fastgd.report.words import count, format_seconds, format_shape


def summarize(data: dict[str, Any]) -> list[str]:
    """Return a sentence for each thing that a study found, the machine first.

    Parameters
    ----------
    data : dict
        A study's data.
    """
    machine = data["machine"]
    sentences = [f"Measured on {machine['cpu']}, {count('core', machine['cores'])}, in {data['seconds']:.0f} s."]
    for name, tell in TELL.items():
        if name in data:
            sentences += tell(data[name])
    return sentences


def tell_ladder(ladder: dict[str, Any]) -> list[str]:
    """Tell what an epoch takes on the most telling steps."""
    sentences = []
    for entry in ladder["shapes"]:
        found = {name: one["seconds"] for name, one in entry["contestants"].items()}
        first = "python" if "python" in found else "numpy"
        words = {"python": "a loop over lists", "numpy": "NumPy"}
        fastest = min((name for name in found if name != "compressed"), key=found.__getitem__)
        parts = [f"{words[first]} {format_seconds(found[first])}"]
        if first != "numpy":
            parts.append(f"NumPy {format_seconds(found['numpy'])}")
        parts.append(f"the fastest kernel {format_seconds(found[fastest])}")
        once = format_seconds(entry["compress"]["seconds"])
        parts.append(f"the compressed problem, {once} to make, {format_seconds(found['compressed'])}")
        ratio = format_ratio(found[first] / found["compressed"])
        told = f"{words[first]} takes {ratio} as long as the last"
        sentences.append(f"One epoch of {format_shape(entry)}: {', '.join(parts)}; {told}.")
    return sentences


def tell_map(found: dict[str, Any]) -> list[str]:
    """Tell what the automatic choice loses."""
    worst = max(found["shapes"], key=lambda entry: entry["regret"])
    shapes = count("shape", len(found["shapes"]))
    return [
        f'At {shapes}, backend="auto" takes at most {format_ratio(found["largest_regret"])} the time of the '
        f"fastest backend ({format_shape(worst)})."
    ]


def tell_roofline(found: dict[str, Any]) -> list[str]:
    """Tell what limits an epoch."""
    limit = found["limits"][0]
    sentences = []
    speed, peak = limit["bytes_per_second"].get("memory"), limit["operations_per_second"]
    if speed and peak:
        sentences.append(
            f"One thread reads {format_number(speed / 1e9)} GB and computes {format_number(peak / 1e9)} billion "
            f"operations a second: an update makes 4 operations with the 8 bytes of a number, and "
            f"{format_number(8 * peak / speed)} would take as long as reading them."
        )
    return sentences


def tell_price(found: dict[str, Any]) -> list[str]:
    """Tell what the first call waits for."""
    told = ", ".join(f"{name} {format_seconds(one['seconds'][WAIT])}" for name, one in found["starts"].items())
    return [f"With NumPy and fastgd imported, a fresh process loads and compiles for: {told}."]


def tell_descents(found: dict[str, Any]) -> list[str]:
    """Tell how far schedules come."""
    schedules = found["schedules"]
    least = schedules["least_cost"]
    parts = []
    for name, costs in schedules["costs"].items():
        excess = costs[-1] - least
        reached = excess <= DONE * least
        parts.append(f"{name} to 0 after {len(costs)}" if reached else f"{name} to {excess:.1g}")
    first = schedules["costs"]["constant"][0] - least
    condition, epochs = format_number(schedules["condition"]), schedules["epochs"]
    return [
        f"At a condition number of {condition} of XᵀX, {epochs} epochs bring the cost from {first:.2g} above its least "
        f"value, by step sizes alone: {', '.join(parts)}."
    ]


TELL = {
    "ladder": tell_ladder,
    "map": tell_map,
    "roofline": tell_roofline,
    "price": tell_price,
    "descents": tell_descents,
}
