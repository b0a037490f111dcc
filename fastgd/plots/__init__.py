"""Pictures of results: functions that take results and return matplotlib Axes.

Every function draws on the given axes or on those of a new figure. The colours of text, rules and background are those
of ``matplotlib.rcParams``.

Every mark of a measurement (a point, a bar, a cell, a roof, a path, a curve) has a gid with the measurement in words,
such as "Cython: 29.3 µs per epoch (28.9 to 30.1)", with quartiles in parentheses. In an SVG file the gid is the id of
the mark's group, which a page can show as a tooltip. All else (text, grids, legends, contours of a known function) has
no gid.
"""

from fastgd.bench.text import title
from fastgd.plots.costs import cost_history, learning_rates
from fastgd.plots.figures import new_figure
from fastgd.plots.ladders import ladder
from fastgd.plots.maps import crossover_map
from fastgd.plots.paths import contour_path
from fastgd.plots.roofs import roofline
from fastgd.plots.sizes import epoch_times, total_time

__all__ = [
    "contour_path",
    "cost_history",
    "crossover_map",
    "epoch_times",
    "ladder",
    "learning_rates",
    "new_figure",
    "roofline",
    "title",
    "total_time",
]
