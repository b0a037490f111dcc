"""What a study found, in a few sentences made of its numbers."""

from typing import Any

from fastgd.bench.text import count, format_number, format_ratio, format_shape, format_time, shape_of, title
from fastgd.report.descents import DONE
from fastgd.report.starts import WAIT

OPERATIONS_A_NUMBER = 4  # a product and a sum for the residual, and for the gradient


def summarize_study(data: dict[str, Any]) -> list[str]:
    """Return a sentence for each thing that a study found, the machine first.

    Parameters
    ----------
    data : dict
        A study's data.
    """
    machine = data["machine"]
    sentences = [f"Measured on {machine['cpu']}, {count(machine['cores'], 'core')}, in {data['seconds']:.0f} s."]
    for name, tell in TELL.items():
        if name in data:
            sentences += tell(data[name])
    return sentences


def tell_ladder(ladder: dict[str, Any]) -> list[str]:
    """Tell what an epoch takes on the most telling steps."""
    sentences = []
    for entry in ladder["shapes"]:
        found = {name: one["seconds"] for name, one in entry["contestants"].items()}
        small = found.pop("compressed")
        first, fastest = next(name for name in ("python", "numpy") if name in found), min(found, key=found.__getitem__)
        names = dict.fromkeys([first, "numpy", fastest])
        parts = [f"{title(name)} {format_time(found[name])}" for name in names]
        once = format_time(entry["compress"]["seconds"])
        parts.append(f"compressed (for {once} once) {format_time(small)}")
        told = f"{format_ratio(found[first] / small)} as fast as the first of these"
        sentences.append(f"One epoch of {format_shape(*shape_of(entry))}: {'; '.join(parts)}, {told}.")
    return sentences


def tell_map(found: dict[str, Any]) -> list[str]:
    """Tell what the automatic choice loses."""
    worst = max(found["shapes"], key=lambda entry: entry["regret"])
    shapes = count(len(found["shapes"]), "shape")
    return [
        f'At {shapes}, backend="auto" takes at most {format_ratio(found["largest_regret"])} the time of the '
        f"fastest backend ({format_shape(*shape_of(worst))})."
    ]


def tell_roofline(found: dict[str, Any]) -> list[str]:
    """Tell what limits an epoch."""
    limit = found["limits"][0]
    sentences = []
    speed, peak = limit["bytes_per_second"].get("memory"), limit["operations_per_second"]
    if speed and peak:
        possible = 8 * peak / speed  # operations while a number arrives
        who = "waits for memory" if possible > OPERATIONS_A_NUMBER else "is not held up by memory"
        sentences.append(
            f"One thread reads {format_number(speed / 1e9)} GB from memory and computes {format_number(peak / 1e9)} "
            f"billion operations a second. While 8 bytes arrive it could make {format_number(possible)} operations; an "
            f"update makes {OPERATIONS_A_NUMBER} with each number of 8 bytes, so out of cache it {who}."
        )
    return sentences


def tell_price(found: dict[str, Any]) -> list[str]:
    """Tell what the first call waits for."""
    waits = {title(name): one["seconds"][WAIT] for name, one in found["starts"].items()}
    told = "; ".join(f"{name} {format_time(seconds)}" for name, seconds in waits.items())
    return [f"With NumPy and fastgd imported, a fresh process waits for a backend, beside its epochs: {told}."]


def tell_descents(found: dict[str, Any]) -> list[str]:
    """Tell how far schedules come."""
    schedules = found["schedules"]
    least = schedules["least_cost"]
    parts = []
    for name, costs in schedules["costs"].items():
        excess = costs[-1] - least
        reached = excess <= DONE * least
        # costs[k] is the cost after k epochs.
        parts.append(f"{name} to rounding after {len(costs) - 1}" if reached else f"{name} to {excess:.1g}")
    first = schedules["costs"]["constant"][0] - least
    condition, epochs = schedules["condition"], schedules["epochs"]
    return [
        f"At a condition number of {format_number(condition)} of XᵀX, {format_number(condition**0.5)} of X, {epochs} "
        f"epochs bring the cost from {first:.2g} above its least value, by step sizes alone: {', '.join(parts)}."
    ]


TELL = {
    "ladder": tell_ladder,
    "map": tell_map,
    "roofline": tell_roofline,
    "price": tell_price,
    "descents": tell_descents,
}
