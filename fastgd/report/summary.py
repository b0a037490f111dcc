"""The results of a study in a few sentences."""

from collections.abc import Callable
from typing import Any

from fastgd.bench.conditions import describe_conditions, describe_threads_drift, is_contended
from fastgd.bench.differences import differ
from fastgd.bench.fits import EPOCHS, count_epochs, fit_seconds, once_of
from fastgd.bench.text import (
    ONCE,
    format_number,
    format_ratio,
    format_shape,
    format_time,
    overlap,
    shape_of,
    title,
)
from fastgd.inputs.words import count, printable
from fastgd.report.descents import DONE
from fastgd.report.headline import find_fastest
from fastgd.report.starts import WAIT

OPERATIONS_A_NUMBER = 4  # a product and a sum for the residual, and the same for the gradient


def summarize_study(data: dict[str, Any]) -> list[str]:
    """Return sentences about a study: one about the machine, and one or more about each section."""
    machine, conditions = data["machine"], data["conditions"]
    sentences = [
        f"Measured on {printable(machine['cpu'])}, {count(machine['cores'], 'core')}, in {data['seconds']:.0f} s.",
        f"The machine was {describe_conditions(conditions)}.",
        *filter(None, [describe_threads_drift(conditions)]),
    ]
    for name, summarize_section in SUMMARIES.items():
        if name in data:
            sentences += summarize_section(data[name], conditions)
    return sentences


def summarize_ladder(ladder: dict[str, Any], conditions: dict[str, Any]) -> list[str]:
    """Return sentences for each shape: the times of an epoch, of whole fits, of many targets and of sparse rows.

    Of steps that cannot be told from the fastest, the first one counts.
    """
    sentences = []
    for entry in ladder["shapes"]:
        found, shape = entry["contestants"], format_shape(*shape_of(entry))
        names = dict.fromkeys(["python", "numpy", find_fastest(entry, conditions)])
        epoch = [f"{title(name)} {format_time(found[name]['seconds'])}" for name in names if name in found]
        fits = [describe_whole(entry, name) for name in ("numpy", *ONCE) if name in found]
        sentences += [f"One epoch of {shape}: {'; '.join(epoch)}.", f"{EPOCHS:,} epochs of it: {'; '.join(fits)}."]
        sentences += summarize_rungs(entry, conditions)
    return sentences


def describe_whole(entry: dict[str, Any], name: str) -> str:
    """Return the time of a whole fit, and the part of it that is needed once."""
    once, whole = once_of(entry, name), format_time(fit_seconds(entry, name))
    enough = ", where one epoch is enough," if count_epochs(name) == 1 else ""
    return f"{title(name)}{enough} {whole}" + (f" ({format_time(once)} to {ONCE[name]} it)" if once else "")


def summarize_rungs(entry: dict[str, Any], conditions: dict[str, Any]) -> list[str]:
    """Return a sentence about many targets and one about sparse rows, beside one target and dense rows."""
    sentences = []
    for part in (part for part in ("targets", "sparse") if part in entry):
        timed = entry[part]["contestants"]
        name = min(timed, key=lambda name: timed[name]["seconds"])
        one, alone = timed[name], entry["contestants"].get(name)
        if part == "targets":
            what, each, other = f"With {entry['targets']['n_targets']} targets", " a target", "one target alone"
        else:
            what = f"Of sparse rows with {100 * entry['sparse']['density']:.3g} % of the entries"
            each, other = "", "the dense rows"
        told = f"{what}, an epoch takes {format_time(one['seconds'])}{each} ({title(name)})"
        if alone is not None and differ(one, alone, conditions, together=False):
            slower = ", which is slower here" if one["seconds"] > alone["seconds"] else ""
            told += f"{slower}: {other} take{'s' * (part == 'targets')} {format_time(alone['seconds'])}"
        sentences.append(f"{told}.")
    return sentences


def summarize_map(found: dict[str, Any], conditions: dict[str, Any]) -> list[str]:
    """Return a sentence about the loss by the automatic choice; none if other processes used the cores meanwhile."""
    shapes = count(len(found["shapes"]), "shape")
    if is_contended(conditions):
        return [f'Timed at {shapes}; other processes used too much of the machine to judge backend="auto".']
    slower = [entry for entry in found["shapes"] if entry["best"] != entry["auto"]]
    if not slower:
        return [f'At {shapes}, no backend is reliably faster than the choice of backend="auto".']
    worst = max(slower, key=lambda entry: entry["regret"])
    return [
        f'At {shapes}, backend="auto" takes at most {format_ratio(found["largest_regret"])} the time of the '
        f"fastest backend ({format_shape(*shape_of(worst))})."
    ]


def summarize_limits(found: dict[str, Any], conditions: dict[str, Any]) -> list[str]:
    """Return a sentence about the limit of an epoch out of cache: memory, arithmetic, or both."""
    limit = found["limits"][0]
    sentences = []
    speed, peak = limit["bytes_per_second"].get("memory"), limit["operations_per_second"]
    if speed and peak:
        possible = 8 * peak / speed  # operations while a number arrives
        limiting = "memory limits" if possible > OPERATIONS_A_NUMBER else "arithmetic limits"
        if overlap([possible] * 2, [OPERATIONS_A_NUMBER] * 2, conditions["noise_floor"]):
            limiting = "memory and arithmetic both limit"
        least = "at least " if is_contended(conditions) else ""  # others may have slowed even the best sample
        sentences.append(
            f"In a second, one thread reads {least}{format_number(speed / 1e9)} GB from memory and performs {least}"
            f"{format_number(peak / 1e9)} billion operations: {format_number(possible)} while one number of 8 bytes "
            f"arrives. An epoch needs {OPERATIONS_A_NUMBER}, so {limiting} it out of cache."
        )
    return sentences


def summarize_price(found: dict[str, Any]) -> list[str]:
    """Return a sentence about the time that a fresh process needs before its epochs."""
    waits = {title(name): one["seconds"][WAIT] for name, one in found["starts"].items()}
    times = "; ".join(f"{name} {format_time(seconds)}" for name, seconds in waits.items())
    return [f"With NumPy and fastgd imported, a fresh process waits before a backend's epochs: {times}."]


def summarize_descents(found: dict[str, Any]) -> list[str]:
    """Return a sentence about the costs that the schedules reach."""
    schedules = found["schedules"]
    least = schedules["least_cost"]
    parts = []
    for name, costs in schedules["costs"].items():
        excess = costs[-1] - least
        reached = excess <= DONE * least
        # costs[k] is the cost after k epochs
        end = f"rounding after {len(costs) - 1}" if reached else f"{excess:.1g}"
        parts.append(f"{printable(name)} to {end}")
    first = schedules["costs"]["constant"][0] - least
    kappa, epochs = schedules["condition"], schedules["epochs"]
    return [
        f"At the condition number κ = {format_number(kappa)} of X, {epochs} epochs bring the cost from {first:.2g} "
        f"above its least value, by step sizes alone: {', '.join(parts)}."
    ]


SUMMARIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], list[str]]] = {
    "ladder": summarize_ladder,
    "map": summarize_map,
    "roofline": summarize_limits,
    "price": lambda found, _: summarize_price(found),
    "descents": lambda found, _: summarize_descents(found),
}
