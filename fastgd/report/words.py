"""Times and shapes as people read them, and where shapes stand."""

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
    scale, unit = next((one for one in UNITS if abs(seconds) >= one[0]), UNITS[-1])
    return f"{format_number(seconds / scale)} {unit}"


def shapes_of(data: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Return the entries of a section's shapes, none where it was not measured."""
    return list(data[section]["shapes"]) if section in data else []


def format_shape(entry: dict[str, Any]) -> str:
    """Return the shape of an entry of results."""
    return f"{entry['n_samples']:,} × {entry['n_features']:,}"


def format_spread(contestant: dict[str, Any]) -> str:
    """Return the quartiles of a contestant's rounds, from the lower to the upper."""
    lower, upper = contestant["quartiles"]
    return f"{format_seconds(lower)} to {format_seconds(upper)}"


def format_epochs(epochs: float | None) -> str:
    """Return after how many epochs something is so."""
    if epochs is None:
        return "never"
    return "at once" if epochs <= 0 else f"{epochs:,.0f}" if epochs >= 1 else "1"
