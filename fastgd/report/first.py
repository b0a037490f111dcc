"""The first screen of a page: one sentence, a few large numbers and one picture, of whole fits of one problem."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from fastgd.bench.fits import count_epochs, fit_seconds, once_of
from fastgd.bench.text import ONCE, base_of, format_shape, format_time, title
from fastgd.plots.figures import color_of
from fastgd.report.headline import COMPILED, Headline, Number, find_largest, headline
from fastgd.report.svg import Picture, draw
from fastgd.report.zoom import Bar, count_rows, draw_zoom

PLACES = {"python": "in a Python loop", "arrays": "in a Python loop", "compressed": "on the compressed problem"}


class Large(NamedTuple):
    """A large number: a time, the step that it belongs to, its words in a sentence, a caption and the step's colour."""

    time: str
    step: str
    place: str
    caption: str
    color: str


class First(NamedTuple):
    """The first screen: the work that was timed, the large numbers, and the picture of the steps."""

    work: str
    numbers: list[Large]
    picture: Picture


def make_first(data: Mapping[str, Any]) -> First | None:
    """Return the first screen of a study; None in a study without a ladder."""
    told, entry = headline(data), find_largest(data)
    if told is None or entry is None:
        return None
    work = f"{told.epochs:,} epochs on {format_shape(*told.shape)} numbers"
    return First(work, [enlarge(entry, one) for one in told.numbers], draw_first(told, entry, work))


def enlarge(entry: Mapping[str, Any], one: Number) -> Large:
    """Return a number of the headline as the first screen shows it."""
    name = one.name
    return Large(format_time(one.seconds), title(name), place(name), caption(entry, name, one.caption), color_of(name))


def place(name: str) -> str:
    """Return the words of a step in a sentence."""
    return PLACES.get(name, f"with {title(name)}")


def caption(entry: Mapping[str, Any], name: str, words: str) -> str:
    """Return the caption of a number, with the part of its time that is spent once before the epochs."""
    once = once_of(entry, name)
    return f"{words}; {format_time(once)} of it to {ONCE[name]} once" if once else words


def list_bars(told: Headline, entry: Mapping[str, Any]) -> list[str]:
    """Return the steps of the picture: those of the numbers, the fastest kernel on one thread, and whitening."""
    found = entry["contestants"]
    single = [name for name in found if base_of(name) in COMPILED and found[name]["threads"] == 1]
    chosen = {one.name for one in told.numbers} | {min(single, key=lambda name: found[name]["seconds"], default="")}
    return [name for name in entry["order"] if name in chosen or name in ONCE]


def make_bars(told: Headline, entry: Mapping[str, Any]) -> list[Bar]:
    """Return the bars of the picture: the whole fit of each step."""
    return [
        Bar(name_bar(name), fit_seconds(entry, name), once_of(entry, name), color_of(name), describe_bar(entry, name))
        for name in list_bars(told, entry)
    ]


def draw_first(told: Headline, entry: Mapping[str, Any], work: str) -> Picture:
    """Return the picture of the steps."""
    bars = make_bars(told, entry)
    words = "; ".join(f"{bar.name} {format_time(bar.seconds)}" for bar in bars)
    light = "; light: one-off work before the first epoch" if any(bar.once for bar in bars) else ""
    return draw(
        "first",
        f"The time of {work}{light}",
        f"Bars on linear scales; where they become too short to see, a second panel magnifies them. {words}.",
        partial(draw_zoom, bars),
        height=0.3 + 0.34 * count_rows([bar.seconds for bar in bars]),
    )


def name_bar(name: str) -> str:
    """Return the name of a bar."""
    return "whitened: one epoch" if name == "whitened" else title(name)


def describe_bar(entry: Mapping[str, Any], name: str) -> str:
    """Return the tooltip of a bar: its time, and its parts if it has two."""
    whole, once = f"{title(name)}: {format_time(fit_seconds(entry, name))}", once_of(entry, name)
    epochs = "one epoch, which is enough" if count_epochs(name) == 1 else f"{count_epochs(name):,} epochs"
    if not once:
        return f"{whole} for {epochs}"
    return f"{whole}, of which {format_time(once)} to {ONCE[name]} once, then {epochs}"
