"""Where two contestants are equally fast, on the grid of shapes."""

from collections.abc import Callable, Mapping, Sequence
from math import inf, log, nan
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array

NUMPY, COMPILED = ("numpy", "in_place"), ("numba", "cython")

Contestants = Mapping[str, Mapping[str, Any]]
Segments = list[list[tuple[float, float]]]


class Grid:
    """The shapes of results as evenly spaced categories.

    Attributes
    ----------
    features, samples : list of int
        The numbers that occur, in ascending order: columns and rows of the grid.
    cells : dict of (column, row) to entry
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self.features = sorted({entry["n_features"] for entry in entries})
        self.samples = sorted({entry["n_samples"] for entry in entries})
        self.cells = {
            (self.features.index(entry["n_features"]), self.samples.index(entry["n_samples"])): entry
            for entry in entries
        }

    def values(self, function: Callable[[Contestants], float]) -> Array:
        """Return a function of contestants at each cell, (samples, features), NaN where nothing was measured."""
        values = np.full((len(self.samples), len(self.features)), nan)
        for (column, row), entry in self.cells.items():
            values[row, column] = function(entry["contestants"])
        return values

    def changes(self, key: str) -> Segments:
        """Return the edges between neighbours whose entries have different values of a key."""
        edges = []
        for (column, row), entry in sorted(self.cells.items(), key=lambda cell: cell[0]):
            left, right, low, high = column - 0.5, column + 0.5, row - 0.5, row + 0.5
            if self.cells.get((column + 1, row), entry)[key] != entry[key]:
                edges.append([(right, low), (right, high)])
            if self.cells.get((column, row + 1), entry)[key] != entry[key]:
                edges.append([(left, high), (right, high)])
        return edges


def find_crossings(grid: Grid) -> dict[str, tuple[Array, Array, Array]]:
    """Return, by who is compared, coordinates of columns and rows and the logarithm of the ratio of two times there.

    Only ratios that pass 1 somewhere are returned. Half a cell at the rim has the value of its centre. Where one of the
    two was not measured the logarithm is NaN, and no line passes.
    """
    names = {name for entry in grid.cells.values() for name in entry["contestants"]}
    counts = {count_threads(name) for name in names if name.partition("-")[0] == "cython"} - {1}
    # Shapes may have been timed with different numbers of threads, as many as suit each of them.
    several = f"1 = {counts.pop()} threads" if len(counts) == 1 else "1 thread = several"
    pairs: dict[str, Callable[[Contestants], float]] = {
        "Python loop = NumPy": lambda found: log_ratio(best(found, ["python"]), best(found, NUMPY)),
        "NumPy = compiled": lambda found: log_ratio(best(found, NUMPY), best(found, COMPILED)),
        f"Cython: {several}": lambda found: log_ratio(
            best(found, ["cython"], several=False), best(found, ["cython"], several=True)
        ),
    }
    crossings = {}
    for label, function in pairs.items():
        values = np.pad(grid.values(function), 1, mode="edge")
        if (values < 0).any() and (values > 0).any():
            columns, rows = (np.array([-0.5, *range(n), n - 0.5]) for n in (len(grid.features), len(grid.samples)))
            crossings[label] = columns, rows, values
    return crossings


def count_threads(name: str) -> int:
    """Return the number of threads in a contestant's name."""
    return int(name.partition("-")[2] or 1)


def best(found: Contestants, bases: Sequence[str], several: bool | None = None) -> float:
    """Return the shortest time of some contestants, with several threads, one, or any; infinity where there is none."""
    names = [name for name in found if name.partition("-")[0] in bases]
    names = [name for name in names if several in (None, count_threads(name) > 1)]
    return min((found[name]["seconds"] for name in names), default=inf)


def log_ratio(first: float, second: float) -> float:
    """Return the logarithm of the ratio of two times; NaN where one was not measured."""
    return log(first / second) if first < inf and second < inf else nan
