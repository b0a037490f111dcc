"""The row of small pictures on the first page; each leads to its place in the gallery."""

import io
from pathlib import Path

import numpy as np
from IPython.display import HTML
from matplotlib import pyplot as plt
from notebooks import inline

import fastgd
from fastgd import plots
from fastgd.report import Study

DOCS = Path(__file__).parent
RATES = (0.02, 0.1, 0.2, 0.45)


def show_thumbnails():
    """Return the pictures as a part of a page."""
    return HTML(f'<div class="thumbnails">{"".join(map(make_thumbnail, list_pictures()))}</div>')


def list_pictures():
    """Yield the name of each picture, the heading of the gallery below which it stands, and what draws it."""
    study = Study.load(DOCS / "study.json").data
    rng = np.random.default_rng(0)
    X = rng.uniform(0.0, 3.0, (200, 1))
    y = 2.0 + 1.5 * X[:, 0] + rng.standard_normal(200)
    options = {"epochs": 40, "tol": 0, "check_every": 1, "history": True, "precondition": "none", "compress": False}
    runs = {f"rate {rate}": fastgd.gradient_descent(X, y, learning_rate=rate, **options) for rate in RATES}
    least = fastgd.gradient_descent(X, y).cost
    paths = {name: runs[name].path for name in ("rate 0.1", "rate 0.45")}
    costs = {name: run.cost_history for name, run in runs.items()}
    ten = [one for one in study["map"]["shapes"] if one["n_features"] == 10]
    shape = study["ladder"]["shapes"][0]["contestants"]
    starts = {}
    for name, start in study["price"]["starts"].items():
        epoch = shape[name.partition(",")[0]]["seconds"]
        starts[name] = start["seconds"]["wait"] + epoch, epoch
    yield "Paths", "paths-over-contours", lambda ax: plots.contour_path(X, y, paths, ax=ax)
    yield "Rates", "rates-side-by-side", lambda ax: plots.learning_rates(costs, least_cost=least, ax=ax)
    yield "Sizes", "time-against-size", lambda ax: plots.epoch_times({**study, "shapes": ten}, ax=ax)
    yield "Map", "the-map", lambda ax: plots.crossover_map({**study, **study["map"]}, ax=ax)
    yield "Compilers", "the-price-of-a-compiler", lambda ax: plots.total_time(starts, ax=ax)


def make_thumbnail(picture):
    """Return a picture without words as a link to the gallery."""
    name, heading, draw = picture
    figure = plots.new_figure(2.4, 1.8)
    ax = figure.add_subplot()
    draw(ax)
    ax.set(xlabel="", ylabel="", title="")
    ax.tick_params(which="both", length=0, labelbottom=False, labelleft=False, labeltop=False)
    for artist in (ax.get_legend(), *figure.legends, *ax.texts):
        if artist is not None:
            artist.remove()
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    svg = inline(file.getvalue(), f"thumbnail-{heading}", f"{name}: a small picture of the gallery")
    return f'<a href="reference/gallery.html#{heading}">{svg}<span>{name}</span></a>'
