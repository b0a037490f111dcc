"""The pictures of a page: the functions of `fastgd.plots` for each section, and descriptions in words."""

from functools import partial
from typing import Any

from fastgd import plots
from fastgd.bench.text import base_of, format_shape, format_time, shape_of, title
from fastgd.inputs.words import printable
from fastgd.report.settings import shapes_of
from fastgd.report.starts import WAIT
from fastgd.report.svg import Picture, draw

AWAY = 14  # the weights of a diverging path that are shown: more would make all other paths small


def results(data: dict[str, Any], section: str) -> dict[str, Any]:
    """Return a section for `fastgd.plots`: with machine and settings beside its shapes."""
    return {**data, "shapes": [], **data[section]}


def ladder_pictures(data: dict[str, Any], prefix: str = "") -> list[Picture]:
    """Return a picture for each shape; a prefix of the names tells the pictures of two studies apart."""
    pictures = []
    for k, entry in enumerate(data["ladder"]["shapes"]):
        words = "; ".join(
            f"{title(name)} {format_time(entry['contestants'][name]['seconds'])}" for name in entry["order"]
        )
        pictures.append(
            draw(
                f"{prefix}ladder{k}",
                f"The ladder: one epoch of {format_shape(*shape_of(entry))}",
                f"Times on a logarithmic scale, and bars from the time of each step to that of the next. {words}.",
                partial(draw_ladder, results(data, "ladder"), shape_of(entry)),
            )
        )
    return pictures


def draw_ladder(found: dict[str, Any], shape: tuple[int, int], ax: Any) -> None:
    """Draw a ladder without a title, since the page has its own."""
    plots.ladder(found, shape, ax=ax)
    ax.set_title("")


def map_pictures(data: dict[str, Any], prefix: str = "") -> list[Picture]:
    """Return the picture of the map."""
    found = data["map"]
    words = "; ".join(f"{format_shape(*shape_of(entry))}: {title(entry['best'])}" for entry in found["shapes"])
    told = any(entry["auto"] != entry["best"] for entry in found["shapes"])  # in further lines of a cell
    return [
        draw(
            f"{prefix}map",
            "The map: the fastest backend at every shape",
            f"A grid of samples by features. Fastest at {words}.",
            lambda ax: plots.crossover_map(results(data, "map"), ax=ax),
            height=1.9 + (0.5 if told else 0.36) * len({entry["n_samples"] for entry in found["shapes"]}),
        )
    ]


def roofline_pictures(data: dict[str, Any]) -> list[Picture]:
    """Return the picture of the roofline, with the steps of the ladder if they were measured."""
    found = {**results(data, "roofline"), "shapes": shapes_of(data, "ladder")}
    limit = data["roofline"]["limits"][0]
    speeds = "; ".join(
        f"{printable(level)} {value / 1e9:.0f} GB/s" for level, value in limit["bytes_per_second"].items()
    )
    return [
        draw(
            "roofline",
            "The roofline: the speed of an epoch below the limits of the machine",
            f"Operations per second against operations per byte, logarithmic. Roofs of one thread: {speeds}.",
            lambda ax: plots.roofline(found, ax=ax),
            height=4.6,
        )
    ]


def price_pictures(data: dict[str, Any]) -> list[Picture]:
    """Return the total time against epochs at each shape of the ladder."""
    words = (
        "Total time against the number of epochs, both logarithmic, a line for each backend. Where two lines "
        "cross, the later start has paid for itself. The table has the crossings."
    )
    return [
        draw(
            f"price{k}",
            f"From loading the backend to the last epoch, {format_shape(*shape_of(entry))}",
            words,
            partial(draw_price, data["price"]["starts"], entry),
        )
        for k, entry in enumerate(shapes_of(data, "ladder"))
    ]


def draw_price(starts: dict[str, Any], entry: dict[str, Any], ax: Any) -> None:
    """Draw the backends that the ladder has."""
    lines = {}
    for name, one in starts.items():
        backend = base_of(name)
        if backend in entry["contestants"]:
            epoch = entry["contestants"][backend]["seconds"]
            lines[name] = (one["seconds"][WAIT] + epoch, epoch)
    plots.total_time(lines, ax=ax)


def descents_pictures(data: dict[str, Any]) -> list[Picture]:
    """Return cost curves of rates, their paths over the contours of J, and cost curves of schedules."""
    found = data["descents"]
    runs = found["rates"]["runs"]
    least = found["rates"]["least_cost"]
    costs = {f"{run['multiple']:g}/L": run["costs"] for run in runs}
    paths = {
        f"{run['multiple']:g}/L": run["path"][: AWAY if run["multiple"] > 2 else None]
        for run in runs  # all of them: a rate then has the same colour in both pictures
    }
    schedules = found["schedules"]
    ends = "; ".join(f"{label}: from {c[0] - least:.2g} to {c[-1] - least:.2g}" for label, c in costs.items())
    finals = "; ".join(
        f"{printable(name)}: {c[-1] - schedules['least_cost']:.1e}" for name, c in schedules["costs"].items()
    )
    return [
        draw(
            "rates",
            "Cost against epoch, for rates from far too small to too large",
            f"Cost above its least value, logarithmic. {ends}.",
            lambda ax: plots.learning_rates(costs, least_cost=least, ax=ax),
        ),
        draw(
            "path",
            "The paths over the contours of J",
            "Contours of the cost over two weights, and the weights after each epoch: small rates creep down "
            "and along the valley, 1/L is in the valley at once and creeps along it, 1.9/L jumps "
            "from side to side and comes nearer, 2.05/L jumps further with every epoch.",
            partial(draw_paths, found["rates"]["X"], found["rates"]["y"], paths),
            height=4.6,
        ),
        draw(
            "schedules",
            "Step sizes alone: a constant rate, silver, Chebyshev, and the reciprocal eigenvalues",
            f"Cost above its least value by epoch, logarithmic, up to 1,000 times the first. At the end: {finals}.",
            lambda ax: plots.learning_rates(schedules["costs"], least_cost=schedules["least_cost"], ax=ax),
        ),
    ]


def draw_paths(X: list[list[float]], y: list[float], paths: dict[str, Any], ax: Any) -> None:
    """Draw paths with the same scale on both axes, so that they leave contours at right angles."""
    plots.contour_path(X, y, paths, ax=ax)
    ax.set(aspect="equal", xlabel="w₁", ylabel="w₂")  # the page's names of weights


PICTURES = {
    "ladder": ladder_pictures,
    "map": map_pictures,
    "roofline": roofline_pictures,
    "price": price_pictures,
    "descents": descents_pictures,
}
