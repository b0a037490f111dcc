"""Numbers as people read them, and what things are called."""

from typing import Any

from fastgd.plots import title

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


def format_number(value: float) -> str:
    """Return three digits, and all that stand before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:#.3g}".rstrip(".")


def format_times(ratio: float) -> str:
    """Return a ratio as people say it."""
    return f"{format_number(ratio)}×"


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


def name_step(name: str) -> str:
    """Return what a contestant is called."""
    return title(name)
