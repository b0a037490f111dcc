"""Whole fits: the time of many epochs of a contestant, with the work that it needs once before them."""

from collections.abc import Mapping
from typing import Any

from fastgd.bench.text import find_prices, format_time, title

EPOCHS = 1_000


def count_epochs(name: str) -> int:
    """Return the epochs of a whole fit: in whitened coordinates one is enough."""
    return 1 if name == "whitened" else EPOCHS


def once_of(entry: Mapping[str, Any], name: str) -> float:
    """Return the seconds of the work that a contestant needs once, before its epochs."""
    prices = find_prices(entry)
    return float(prices[name]["seconds"]) if name in prices else 0.0


def fit_seconds(entry: Mapping[str, Any], name: str) -> float:
    """Return the seconds of a whole fit at one shape.

    Examples
    --------
    >>> from fastgd.bench.fits import fit_seconds
    >>> found = {name: {"seconds": 1e-6} for name in ("numpy", "compressed", "whitened")}
    >>> entry = {"contestants": found, "compress": {"seconds": 0.25}, "whiten": {"seconds": 0.5}}
    >>> [round(fit_seconds(entry, name), 6) for name in found]
    [0.001, 0.251, 0.500001]
    """
    return once_of(entry, name) + count_epochs(name) * float(entry["contestants"][name]["seconds"])


def describe_fit(entry: Mapping[str, Any], reference: str, name: str) -> str:
    """Return the time of a whole fit of one contestant, and of another.

    Examples
    --------
    >>> from fastgd.bench.fits import describe_fit
    >>> found = {"numpy": {"seconds": 0.0042}, "compressed": {"seconds": 5e-7}}
    >>> describe_fit({"contestants": found, "compress": {"seconds": 0.0178}}, "numpy", "compressed")
    '1,000 epochs: NumPy 4.20 s → 18.3 ms'
    """
    before, after = (format_time(fit_seconds(entry, one)) for one in (reference, name))
    return f"{EPOCHS:,} epochs: {title(reference)} {before} → {after}"
