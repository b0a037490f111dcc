"""Times and shapes as people read them, and where shapes stand."""

from math import ceil
from typing import Any

from fastgd.plots.contestants import format_time


def count(noun: str, number: int) -> str:
    """Return how many of something there are.

    Examples
    --------
    >>> from fastgd.report.words import count
    >>> count("core", 1), count("core", 8)
    ('1 core', '8 cores')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def shapes_of(data: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Return the entries of a section's shapes, none where it was not measured."""
    return list(data[section]["shapes"]) if section in data else []


def format_shape(entry: dict[str, Any]) -> str:
    """Return the shape of an entry of results."""
    return f"{entry['n_samples']:,} × {entry['n_features']:,}"


def format_spread(contestant: dict[str, Any]) -> str:
    """Return the quartiles of a contestant's rounds, from the lower to the upper."""
    return " to ".join(map(format_time, contestant["quartiles"]))


def format_epochs(epochs: float | None) -> str:
    """Return after how many epochs something is so, with three digits.

    Examples
    --------
    >>> from fastgd.report.words import format_epochs
    >>> format_epochs(None), format_epochs(0.0), format_epochs(12.1), format_epochs(183649.2)
    ('never', 'at once', '13', '184,000')
    """
    if epochs is None:
        return "never"
    return "at once" if epochs <= 0 else f"{float(f'{ceil(epochs):.3g}'):,.0f}"
