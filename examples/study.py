# %% [markdown]
# # The study
#
# What vectorization, compilers, mathematics and step sizes buy on this machine: docs/study.md, as far as it is code.
# In a notebook the result of `fastgd.study` shows its page by itself.

# %%
"""Measure three sections, look at the ladder, draw the map, save the page."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl

mpl.use("agg")

import fastgd
from fastgd import plots
from fastgd.report import Study

# %% [markdown]
# Three sections at small sizes take some seconds. Without sections and sizes it is the whole study.

# %%
found = fastgd.study(quick=True, sizes=((100, 1000), (5,)), sections=["ladder", "map", "descents"], quiet=True)
print(found)

# %% [markdown]
# Every step of the ladder makes the same update: after two epochs the weights are the same but for rounding.

# %%
(ladder,) = found.data["ladder"]["shapes"]
seconds = {name: one["seconds"] for name, one in ladder["contestants"].items()}
for name in ladder["order"]:
    print(f"{plots.title(name):32}{seconds[name] * 1e6:>12.2f} µs{seconds['python'] / seconds[name]:>10.1f}×")
assert max(ladder["differences"].values()) < 1e-12

# %% [markdown]
# What a study drew, `fastgd.plots` draws from the same numbers; the page holds them all.

# %%
with ExitStack() as stack:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else stack.enter_context(TemporaryDirectory()))
    ax = plots.crossover_map({**found.data, **found.data["map"]})
    ax.figure.savefig(folder / "map.png")
    found.save(folder / "study.html")
    found.save(folder / "study.json")
    assert Study.load(folder / "study.json").data == json.loads(json.dumps(found.data))
    print(f"study.html: {(folder / 'study.html').stat().st_size / 1e3:.0f} KB")
