"""The numbers of a study's first screen: whole fits by a loop, by NumPy, by compiled code, and on a small problem."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastgd.bench.conditions import is_contended
from fastgd.bench.differences import differ
from fastgd.bench.fits import EPOCHS, fit_seconds
from fastgd.bench.text import ONCE, base_of, shape_of
from fastgd.report.settings import shapes_of

COMPILED = ("numba", "cython")
LOOPS = ("python", "arrays")
OTHER = "a backend that somebody registered"


class Number(NamedTuple):
    """A number of the first screen: the contestant's name, the seconds of its whole fit, and a caption."""

    name: str
    seconds: float
    caption: str


class Headline(NamedTuple):
    """The first screen's numbers, the slowest first, with the shape of X and the number of epochs of a fit."""

    shape: tuple[int, int]
    epochs: int
    numbers: list[Number]


def find_largest(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the entry of the ladder's largest shape; None in a study without a ladder."""
    return max(shapes_of(dict(data), "ladder"), key=lambda entry: entry["bytes"], default=None)


def find_fastest(entry: Mapping[str, Any], conditions: Mapping[str, Any]) -> str:
    """Return the contestant of the least time of an epoch on the data themselves.

    Of contestants that cannot be told from the fastest, the plainest one counts, and of compiled ones that of "auto".
    If other processes used the cores meanwhile, those with several threads do not count, unless there are no others.
    """
    found, contended = entry["contestants"], is_contended(conditions)
    kernels = [name for name in found if name not in ONCE]
    names = [name for name in kernels if not contended or found[name]["threads"] == 1] or kernels
    least = min(names, key=lambda name: found[name]["seconds"])
    level = [name for name in names if name == least or not differ(found[name], found[least], conditions)]
    chosen = entry.get("twin", {}).get("of")  # by "auto"
    return chosen if chosen in level and level[0] in COMPILED else level[0]


def headline(data: Mapping[str, Any]) -> Headline | None:
    """Return the numbers for the first screen of a study; None in a study without a ladder.

    Steps that cannot be told from an earlier one have no number.
    """
    entry = find_largest(data)
    if entry is None:
        return None
    found = entry["contestants"]
    fastest = find_fastest(entry, data["conditions"])
    loop = next((name for name in LOOPS if name in found), "numpy")
    names = dict.fromkeys([loop, "numpy", fastest, "compressed"])
    captions = describe_numbers(shape_of(entry))
    numbers = [
        Number(name, fit_seconds(entry, name), captions.get(base_of(name), OTHER)) for name in names if name in found
    ]
    return Headline(shape_of(entry), EPOCHS, numbers)


def describe_numbers(shape: tuple[int, int]) -> dict[str, str]:
    """Return the captions of the numbers, by the contestant's name without its threads."""
    n_samples, n_features = shape
    return {
        **dict.fromkeys(LOOPS, "one number at a time"),
        **dict.fromkeys(("numpy", "in_place"), "whole arrays at a time"),
        **dict.fromkeys(COMPILED, "machine code that reads the data once in an epoch"),
        "compressed": f"{min(n_features + 2, n_samples):,} rows in place of {n_samples:,}, with the same cost J",
    }
