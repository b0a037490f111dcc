"""Times and shapes as people read them, and where shapes stand."""

from collections.abc import Sequence
from typing import Any

from fastgd.bench.table import format_number

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def format_seconds(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Examples
    --------
    >>> from fastgd.report.words import format_seconds
    >>> format_seconds(0.0123), format_seconds(4.2e-7), format_seconds(12.0)
    ('12.3 ms', '420 ns', '12.0 s')
    """
    scale, unit = unit_of(seconds)
    return f"{format_number(seconds / scale)} {unit}"


def unit_of(seconds: float) -> tuple[float, str]:
    """Return the seconds of the unit that suits a time, and its sign."""
    return next((one for one in UNITS if abs(seconds) >= one[0]), UNITS[-1])


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


def format_measured(seconds: float, spread: Sequence[float]) -> str:
    """Return a time with the lower and upper end of its spread, in one unit.

    Examples
    --------
    >>> from fastgd.report.words import format_measured
    >>> format_measured(0.0123, [0.0121, 0.0131])
    '12.3 ms (12.1 to 13.1)'
    """
    scale, unit = unit_of(seconds)
    middle, lower, upper = (format_number(value / scale) for value in (seconds, *spread))
    return f"{middle} {unit} ({lower} to {upper})"


def format_spread(contestant: dict[str, Any]) -> str:
    """Return the quartiles of a contestant's rounds, from the lower to the upper."""
    lower, upper = contestant["quartiles"]
    return f"{format_seconds(lower)} to {format_seconds(upper)}"


def format_epochs(epochs: float | None) -> str:
    """Return after how many epochs something is so."""
    if epochs is None:
        return "never"
    return "at once" if epochs <= 0 else f"{epochs:,.0f}" if epochs >= 1 else "1"
