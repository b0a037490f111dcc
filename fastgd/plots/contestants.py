"""How pictures show those who are timed: their names, colours and markers, and what is said of a measurement."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastgd.bench.markdown import format_number
from fastgd.plots.figures import PALETTE, style

TITLES = {
    "arrays": "Python loop over array scalars", "python": "Python loop over lists", "numpy": "NumPy",
    "in_place": "NumPy, no temporaries", "numba": "Numba", "cython": "Cython", "compressed": "compressed problem",
    "read": "read X once", "jax": "JAX", "sgd": "SGDRegressor",
}  # fmt: skip
# There are more contestants than colours: those of other libraries share two with steps of the study.
COLORS = {
    "arrays": "yellow", "python": "orange", "numpy": "blue", "in_place": "sky", "numba": "green",
    "cython": "vermillion", "compressed": "purple", "jax": "purple", "sgd": "sky",
}  # fmt: skip
GREYS = {"read": "#767676"}  # on light and on dark
MARKERS = {
    "arrays": "X", "python": "P", "numpy": "s", "in_place": "p", "numba": "^", "cython": "o", "compressed": "*",
    "read": ".", "jax": "D", "sgd": "v",
}  # fmt: skip
UNITS = ((1e9, "ns"), (1e6, "µs"), (1e3, "ms"), (1.0, "s"))


def title(name: str) -> str:
    """Return what a picture calls a contestant of `fastgd bench` or of a study.

    Parameters
    ----------
    name : str
        Its name in the results, with its number of threads behind a hyphen where it has more than one, and how it was
        started behind a comma where that is told.

    Returns
    -------
    str
        Words for a person.

    Examples
    --------
    >>> from fastgd import plots
    >>> plots.title("cython-2"), plots.title("numba, from its cache")
    ('Cython, 2 threads', 'Numba, from its cache')
    """
    who, comma, how = name.partition(",")
    base, _, threads = who.partition("-")
    return TITLES.get(base, base) + (f", {threads} threads" if threads else "") + comma + how


def color(name: str) -> str:
    """Return a contestant's colour, of the palette of Okabe and Ito; grey for what is no contestant's.

    Examples
    --------
    >>> from fastgd.plots.contestants import color
    >>> color("cython") == color("cython-2") == "#D55E00"
    True
    """
    base = name.partition("-")[0]
    return PALETTE[COLORS[base]] if base in COLORS else GREYS.get(base, "#999999")


def line_style(name: str) -> dict[str, Any]:
    """Return how a contestant's line differs from others by more than its colour."""
    base, _, threads = name.partition("-")
    return {
        "linestyle": "--" if threads else "-",
        "marker": MARKERS.get(base, "o"),
        "markersize": 5,
        "markerfacecolor": style("axes.facecolor") if threads else None,
        "linewidth": 2.5 if base == "read" else 1.3,
    }


def look_of(name: str) -> dict[str, Any]:
    """Return the look of a contestant's points: with an edge, for some colours hardly show on white."""
    look = {**line_style(name), "linestyle": "", "color": color(name)}
    return look if "-" in name else {**look, "markeredgecolor": style("axes.edgecolor"), "markeredgewidth": 0.5}


def unit_of(seconds: float) -> tuple[float, str]:
    """Return the unit that suits a time: the smallest in which its three digits are less than 1,000, or the second.

    Parameters
    ----------
    seconds : float
        The time; its sign does not matter.

    Returns
    -------
    factor : float
        How many of the unit a second has: what to multiply seconds by.
    sign : str
        "ns", "µs", "ms" or "s".

    Examples
    --------
    >>> from fastgd.plots.contestants import unit_of
    >>> unit_of(0.0123), unit_of(0.9996)
    ((1000.0, 'ms'), (1.0, 's'))
    """
    return next((unit for unit in UNITS if abs(seconds) * unit[0] < 999.5), UNITS[-1])


def format_time(seconds: float) -> str:
    """Return a time in the unit that suits it, with three digits and all that stand before the decimal point.

    Examples
    --------
    >>> from fastgd.plots.contestants import format_time
    >>> format_time(4.2e-7), format_time(0.0123), format_time(12.0), format_time(0.0)
    ('420 ns', '12.3 ms', '12.0 s', '0 ns')
    """
    factor, unit = unit_of(seconds)
    return f"{format_number(factor * seconds) if seconds else 0} {unit}"


def format_measured(seconds: float, spread: Sequence[float], per: str = "") -> str:
    """Return a time with the lower and upper end of its spread, in one unit, and what it is for behind that.

    Examples
    --------
    >>> from fastgd.plots.contestants import format_measured
    >>> format_measured(0.0178, [0.0177, 0.0179], " per epoch")
    '17.8 ms per epoch (17.7 to 17.9)'
    """
    factor, unit = unit_of(seconds)
    middle, lower, upper = (format_number(factor * value) for value in (seconds, *spread))
    return f"{middle} {unit}{per} ({lower} to {upper})"


def format_shape(n_samples: int, n_features: int) -> str:
    """Return the shape of X."""
    return f"{n_samples:,} × {n_features:,}"


def tell(name: str, one: Mapping[str, Any], shape: Sequence[int] = ()) -> str:
    """Return what a mark says of a measurement: who, at which shape if that is not told elsewhere, and how long."""
    where = f", {format_shape(*shape)}" if shape else ""
    return f"{title(name)}{where}: {format_measured(one['seconds'], one['quartiles'], ' per epoch')}"


def describe_settings(results: Mapping[str, Any]) -> str:
    """Return the processor and the data of measurements, nothing where the results do not know."""
    if "machine" not in results or "settings" not in results:
        return ""
    settings = results["settings"]
    return f"{results['machine']['cpu']}, {settings['dtype']}, {settings['order']} order"
