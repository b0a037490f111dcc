"""Numbers, times, shapes and names as tables, pictures and pages show them."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from fastgd.inputs.words import LONGEST_QUOTE, printable

TITLES = {
    "arrays": "Python loop over array scalars", "python": "Python loop over lists", "numpy": "NumPy",
    "in_place": "NumPy, no temporaries", "numba": "Numba", "cython": "Cython", "compressed": "compressed problem",
    "whitened": "whitened problem", "read": "read X once", "jax": "JAX", "sgd": "SGDRegressor (another algorithm)",
}  # fmt: skip
# The work that a contestant needs once, before its epochs: a key of the entry of a shape.
ONCE = {"compressed": "compress", "whitened": "whiten"}
MOST_DIGITS = 6  # of a number of threads: more are a part of a name
UNITS = ((1e9, "ns"), (1e6, "µs"), (1e3, "ms"), (1.0, "s"))


def base_of(name: str) -> str:
    """Return the name of a contestant without its number of threads and without the way it was started.

    Examples
    --------
    >>> from fastgd.bench.text import base_of
    >>> base_of("cython-2"), base_of("numba, from its cache")
    ('cython', 'numba')
    """
    contestant = name.partition(",")[0]
    base, _, threads = contestant.rpartition("-")
    return base if is_count(threads) else contestant


def threads_of(name: str) -> int:
    """Return the number of threads in a contestant's name: 1 where the name has none.

    Examples
    --------
    >>> from fastgd.bench.text import threads_of
    >>> threads_of("cython"), threads_of("cython-2")
    (1, 2)
    """
    threads = name.partition(",")[0].rpartition("-")[2]
    return int(threads) if is_count(threads) else 1


def is_count(text: str) -> bool:
    """Return True if a text is a number of threads."""
    return text.isdecimal() and len(text) <= MOST_DIGITS


def with_threads(name: str, threads: int) -> str:
    """Return the name of a contestant that computes with this number of threads."""
    return name if threads == 1 else f"{name}-{threads}"


def title(name: str) -> str:
    """Return the words for a contestant of `fastgd bench` or of a study.

    Parameters
    ----------
    name : str
        The contestant's name in the results. A number of threads above 1 follows a hyphen; the way in which a backend
        was started, if any, follows a comma.

    Returns
    -------
    str
        The title that pictures and tables show.

    Examples
    --------
    >>> from fastgd import plots
    >>> plots.title("cython-2"), plots.title("numba, from its cache")
    ('Cython, 2 threads', 'Numba, from its cache')
    """
    base, threads, (_, comma, start) = base_of(name), threads_of(name), name.partition(",")
    shown = TITLES.get(base) or printable(base, LONGEST_QUOTE)
    return shown + (f", {threads} threads" if threads > 1 else "") + printable(comma + start, LONGEST_QUOTE)


def format_number(value: float, digits: int = 3) -> str:
    """Return a number with this many digits, and with all digits before the decimal point.

    Examples
    --------
    >>> from fastgd.bench.text import format_number
    >>> format_number(0.03124), format_number(54321.0), format_number(38.25, digits=2)
    ('0.0312', '54,321', '38')
    """
    return f"{value:,.0f}" if value >= 10 ** (digits - 1) else f"{value:#.{digits}g}".rstrip(".")


def format_ratio(ratio: float | None, digits: int = 3) -> str:
    """Return a ratio of two times with its sign; of large ratios only three digits are known. None gives a dash.

    Examples
    --------
    >>> from fastgd.bench.text import format_ratio
    >>> format_ratio(0.8), format_ratio(975314.2), format_ratio(11.46, digits=2), format_ratio(None)
    ('0.800×', '975,000×', '11×', '–')
    """
    if ratio is None:
        return "–"
    return f"{format_number(ratio if ratio < 1000 else float(f'{ratio:.3g}'), digits)}×"


def format_share(share: float) -> str:
    """Return a share in per cent; all shares below 1% look the same."""
    return f"{share:.0%}" if share >= 0.01 else "under 1%"


def format_bytes(size: float) -> str:
    """Return a size in the unit that suits it: 32 KB, 1.5 MB."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GB"


def unit_of(seconds: float) -> tuple[float, str]:
    """Return the unit that suits a time, as the number of units in a second and their sign.

    It is the smallest unit in which the three digits of the time are less than 1,000, or the second.

    Examples
    --------
    >>> from fastgd.bench.text import unit_of
    >>> unit_of(0.0123), unit_of(0.9996)
    ((1000.0, 'ms'), (1.0, 's'))
    """
    return next((unit for unit in UNITS if abs(seconds) * unit[0] < 999.5), UNITS[-1])


def format_time(seconds: float, digits: int = 3) -> str:
    """Return a time in the unit that suits it.

    Examples
    --------
    >>> from fastgd.bench.text import format_time
    >>> format_time(4.2e-7), format_time(0.0123), format_time(12.0), format_time(0.0)
    ('420 ns', '12.3 ms', '12.0 s', '0 ns')
    """
    factor, unit = unit_of(seconds)
    return f"{format_number(factor * seconds, digits) if seconds else 0} {unit}"


def format_measured(seconds: float, spread: Sequence[float], per: str = "") -> str:
    """Return a time, the work that it is for, and the ends of its spread in parentheses, all in one unit.

    Examples
    --------
    >>> from fastgd.bench.text import format_measured
    >>> format_measured(0.0178, [0.0177, 0.0179], " per epoch")
    '17.8 ms per epoch (17.7 to 17.9)'
    """
    factor, unit = unit_of(seconds)
    middle, lower, upper = (format_number(factor * value) for value in (seconds, *spread))
    return f"{middle} {unit}{per} ({lower} to {upper})"


def format_rate(rate: float, unit: str, spread: Sequence[float] | None = None) -> str:
    """Return a rate in billions of a unit, and the spread of its samples where that is known.

    Examples
    --------
    >>> from fastgd.bench.text import format_rate
    >>> format_rate(8e10, "GB/s", [7.8e10, 7.9e10])
    '80.0 GB/s (usually 78.0 to 79.0)'
    """
    middle, *ends = (format_number(one / 1e9) for one in (rate, *(spread or ())))
    return f"{middle} {unit}" + (f" (usually {' to '.join(ends)})" if ends else "")


def format_epochs(epochs: float | None) -> str:
    """Return a number of epochs, rounded up, in three digits; None is "never".

    Examples
    --------
    >>> from fastgd.bench.text import format_epochs
    >>> format_epochs(None), format_epochs(0.0), format_epochs(12.1), format_epochs(183649.2)
    ('never', 'at once', '13', '184,000')
    """
    if epochs is None:
        return "never"
    return "at once" if epochs <= 0 else f"{float(f'{ceil(epochs):.3g}'):,.0f}"


def shape_of(entry: Mapping[str, Any]) -> tuple[int, int]:
    """Return the shape of X of an entry of results."""
    return entry["n_samples"], entry["n_features"]


def format_shape(n_samples: int, n_features: int) -> str:
    """Return a shape of X, such as 1,000 × 10."""
    return f"{n_samples:,} × {n_features:,}"


def describe_time(name: str, one: Mapping[str, Any], shape: tuple[int, int] | None = None) -> str:
    """Return the time of an epoch with its contestant, and with the shape of X if that is given."""
    where = f", {format_shape(*shape)}" if shape else ""
    return f"{title(name)}{where}: {format_measured(one['seconds'], one['quartiles'], ' per epoch')}"


def find_prices(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the times of the work that contestants need once, before their epochs, by the contestant's name."""
    return {name: entry[work] for name, work in ONCE.items() if work in entry and name in entry["contestants"]}


def describe_price(name: str, once: Mapping[str, Any]) -> str:
    """Return the time of the work that a contestant needs once: no speed-up stands without its price.

    Examples
    --------
    >>> from fastgd.bench.text import describe_price
    >>> describe_price("compressed", {"seconds": 0.0178, "quartiles": [0.0177, 0.0179]})
    '; to compress takes 17.8 ms (17.7 to 17.9) once'
    """
    return f"; to {ONCE[name]} takes {format_measured(once['seconds'], once['quartiles'])} once"


def describe_settings(results: Mapping[str, Any]) -> str:
    """Return the processor and the kind of data of results; nothing where the results lack either."""
    if "machine" not in results or "settings" not in results:
        return ""
    settings = results["settings"]
    data, density = f"{settings['order']} order", settings.get("density")
    data = data if density is None else f"sparse rows, {100 * density:.3g} % of the entries stored"
    return printable(f"{results['machine']['cpu']}, {settings['dtype']}, {data}")


def overlap(first: Sequence[float], second: Sequence[float], floor: float = 0.0) -> bool:
    """Return True if two spreads overlap, or are closer than a noise floor: their difference may then be noise.

    Examples
    --------
    >>> from fastgd.bench.text import overlap
    >>> overlap([1.0, 2.0], [1.5, 3.0]), overlap([1.0, 2.0], [2.5, 3.0]), overlap([1.0, 2.0], [2.5, 3.0], floor=0.3)
    (True, False, True)
    """
    return first[0] <= second[1] * (1 + floor) and second[0] <= first[1] * (1 + floor)
