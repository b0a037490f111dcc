"""The slides: a study as a lecture of one idea a slide, in one file that works offline and can be printed."""

from typing import Any, NamedTuple

from fastgd.bench.conditions import describe_conditions, format_percent
from fastgd.bench.differences import differ
from fastgd.bench.fits import EPOCHS, fit_seconds, once_of
from fastgd.bench.text import ONCE, base_of, format_ratio, format_shape, format_time, shape_of, title
from fastgd.inputs.words import count
from fastgd.report.bowls import bowl_picture, coordinates_picture
from fastgd.report.drawings import PICTURES
from fastgd.report.filling import check_data, fill_template
from fastgd.report.first import make_first
from fastgd.report.headline import COMPILED, find_largest, headline
from fastgd.report.pieces import PIECES
from fastgd.report.sketches import compressed_picture, residuals_picture, slope_picture
from fastgd.report.sources import FORMULAS, highlight
from fastgd.report.starts import WAIT

WORDS = {
    "python": ("A loop: one number at a time", "Python visits every number of X twice in an epoch, in the two inner "
               "loops. Each time the interpreter runs a line, and makes new objects for its results."),
    "numpy": ("Vectorized: whole arrays at a time", "The same sums, with the loops inside NumPy's compiled code. The "
              "interpreter runs a few lines an epoch, but X is read twice: for the residuals, and for the gradient."),
    **dict.fromkeys(COMPILED, ("Compiled: one pass over the data", "The loop again, as machine code: it takes a row, "
                    "computes its residual, and adds its part of the gradient while the row is still in cache. X is "
                    "read from memory once.")),
}  # fmt: skip


class RungSlide(NamedTuple):
    """A slide of a step: title and words, its code with the formulas that the code computes, its time and its gain."""

    title: str
    words: str
    code: str
    label: str
    note: str
    formulas: dict[str, str]
    time: str
    gain: str


def render_slides(data: dict[str, Any]) -> str:
    """Return the slides of a study's data, as HTML."""
    check_data(data)
    entry = find_largest(data)
    descents = PICTURES["descents"](data) if "descents" in data else []
    return fill_template(
        "slides.html",
        data=data,
        entry=entry,
        epochs=EPOCHS,
        badge=describe_conditions(data["conditions"]),
        first=make_first(data),
        fits=describe_fits(entry) if entry else {},
        rungs=list_rungs(data, entry) if entry else [],
        descents=dict(zip(("rates", "path", "schedules"), descents, strict=False)),
        limits=list_limits(data),
        residuals=residuals_picture(),
        slope=slope_picture(),
        bowl=bowl_picture(),
        compressed=compressed_picture(*shape_of(entry)) if entry else None,
        coordinates=coordinates_picture(),
    )


def describe_fits(entry: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the times of the whole fits that need other work first, and of that work."""
    names = [name for name in ONCE if name in entry["contestants"]]
    return {name: (format_time(fit_seconds(entry, name)), format_time(once_of(entry, name))) for name in names}


def list_rungs(data: dict[str, Any], entry: dict[str, Any]) -> list[RungSlide]:
    """Return the slides of the steps whose epochs read all rows."""
    told = headline(data)
    names = [one.name for one in told.numbers if base_of(one.name) in WORDS] if told else []
    slides = []
    for k, name in enumerate(names):
        piece = PIECES[base_of(name)]
        slides.append(
            RungSlide(
                *WORDS[base_of(name)],
                highlight(piece),
                piece.place,
                piece.note,
                {letter: formula for letter, formula in FORMULAS.items() if letter in piece.marks},
                format_time(fit_seconds(entry, name)),
                describe_gain(entry, names[k - 1], name, data["conditions"]) if k else "",
            )
        )
    return slides


def describe_gain(entry: dict[str, Any], before: str, name: str, conditions: dict[str, Any]) -> str:
    """Return the gain of a step over the one before it, as far as the times can tell."""
    old, new = (entry["contestants"][one] for one in (before, name))
    shape, ratio = format_shape(*shape_of(entry)), old["seconds"] / new["seconds"]
    if not differ(new, old, conditions):
        return f"No reliable difference from {title(before)} at {shape}"
    if ratio < 1:
        return f"Slower here than {title(before)}"
    return f"{title(name)} is {format_ratio(ratio, digits=2)} as fast as {title(before)} here"


def list_limits(data: dict[str, Any]) -> list[str]:
    """Return sentences about the machine of the times, and about the wait for a compiler if that was measured."""
    machine, floor = data["machine"], format_percent(data["conditions"]["noise_floor"])
    where = f"{machine['cpu']} with {count(machine['cores'], 'core')}"
    sentences = [f"They are the times of one machine, {where}; differences below {floor} mean nothing there."]
    starts = data["price"]["starts"] if "price" in data else {}
    waits = [f"{title(name)}, {format_time(one['seconds'][WAIT])}" for name, one in starts.items() if "," in name]
    if waits:
        sentences.append(f"A compiler has a price, which a new process waits for: {'; '.join(waits)}.")
    return sentences
