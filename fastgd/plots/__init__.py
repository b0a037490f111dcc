"""Pictures of results: functions that take results and return matplotlib Axes.

Every function draws on the axes that it is given, or on those of a new figure, and takes the colours of text, rules and
background from ``matplotlib.rcParams``.

Every mark that shows one measured thing (a point, a bar, a cell, a roof, a path, a curve) has a gid that says in a few
words what that is, such as "Cython: 29.3 µs per epoch (28.9 to 30.1)", with the quartiles in parentheses. In an SVG
file it is the id of the mark's group, which a page that holds the file can show as a tooltip. What is not measured
(text, grids, legends, contours of a known function) has none.
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
