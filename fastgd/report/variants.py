"""The picture of an epoch of many targets and of sparse rows, beside that of one target and of dense rows."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastgd.bench.text import format_shape, format_time, shape_of, title
from fastgd.plots.figures import color_of
from fastgd.report.svg import Picture, draw
from fastgd.report.zoom import Bar, count_rows, draw_zoom


def variants_pictures(entry: Mapping[str, Any]) -> list[Picture]:
    """Return the picture of the backends that were timed; no picture for a study without many targets."""
    bars = list_bars(entry)
    if not bars:
        return []
    words = "; ".join(f"{bar.name} {format_time(bar.seconds)}" for bar in bars)
    return [
        draw(
            "variants",
            f"The time of one epoch of {format_shape(*shape_of(entry))}, with many targets and with sparse rows",
            f"Bars on linear scales; where they become too short to see, a second panel magnifies them. {words}.",
            partial(draw_zoom, bars),
            height=0.3 + 0.34 * count_rows([bar.seconds for bar in bars]),
        )
    ]


def list_bars(entry: Mapping[str, Any]) -> list[Bar]:
    """Return three bars for each backend: one target, each of many targets, and sparse rows."""
    bars = []
    for name in entry["targets"]["contestants"] if "targets" in entry and "sparse" in entry else ():
        variants = {
            "one target": entry["contestants"].get(name),
            f"each of {entry['targets']['n_targets']} targets": entry["targets"]["contestants"][name],
            f"{100 * entry['sparse']['density']:.3g} % of entries": entry["sparse"]["contestants"].get(name),
        }
        for words, one in variants.items():
            if one is not None:
                label = f"{title(name)}, {words}"
                bars.append(Bar(label, one["seconds"], 0.0, color_of(name), f"{label}: {format_time(one['seconds'])}"))
    return bars
