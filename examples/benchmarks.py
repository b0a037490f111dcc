# %% [markdown]
# # Benchmarks
#
# Time the update on your own data, and on a ladder of shapes, as `fastgd bench` does: contestants take turns, medians
# count, set-up is not timed, and what each is held against is the time to read X once. See docs/benchmarks.md.

# %%
"""Time the backends on data of your own, and on a small shape."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fastgd import backends, bench

# %% [markdown]
# ## Your data
# `time_epochs` takes the data and the backends, and returns the median seconds of an epoch.

# %%
rng = np.random.default_rng(0)
X = rng.standard_normal((2000, 10))
y = X @ np.ones(10) + rng.standard_normal(2000)
seconds = bench.time_epochs(X, y, backends.available(), rounds=3)
for name, time in sorted(seconds.items(), key=lambda item: item[1]):
    print(f"{name:>6}: {1e6 * time:9.2f} µs an epoch, {seconds['python'] / time:8.1f} × the Python loop")
assert set(seconds) == set(backends.available())
assert min(seconds.values()) > 0

# %% [markdown]
# ## A ladder of shapes
# `measure` returns plain values, which go to JSON as they are; `format_table` makes Markdown of them. Here it is a
# ladder of one rung: more shapes and more rounds take longer, and mean more. Three rounds are the fewest that have a
# median and a spread.

# %%
results = bench.measure([(500, 8)], rounds=3)
print(bench.format_table(results))
for entry in results["shapes"]:
    found = entry["contestants"]
    assert {"python", "numpy"} <= set(found)
    for times in found.values():
        lower, upper = times["quartiles"]
        assert 0 < lower <= times["seconds"] <= upper

# %% [markdown]
# ## Pictures
# Where matplotlib is installed; they are saved if a folder is given.

# %%
if find_spec("matplotlib"):
    import matplotlib

    matplotlib.use("Agg")
    from fastgd import plots

    pictures = {"ladder": plots.ladder(results, (500, 8)), "roofline": plots.roofline(results)}
    for folder in filter(Path.is_dir, map(Path, sys.argv[1:])):
        for name, ax in pictures.items():
            ax.figure.savefig(folder / f"{name}.png")
