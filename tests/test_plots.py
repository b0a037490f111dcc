"""Pictures: tests compare the data that are drawn, not pixels."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

import fastgd

pytest.importorskip("matplotlib", reason="matplotlib is an extra")
from matplotlib import pyplot, rc_context
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color, to_hex
from matplotlib.contour import ContourSet
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from fastgd import plots
from fastgd.bench import text as words
from fastgd.plots import figures, maps

MICRO = 1e-6


@pytest.fixture
def result():
    return fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], learning_rate="constant")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def entry(n_samples, n_features, work=None, **microseconds):
    """Return the entry of a shape; quartiles are 10 % below and above the medians."""
    found = {}
    for key, value in microseconds.items():
        times = {"seconds": value * MICRO, "quartiles": [0.9 * value * MICRO, 1.1 * value * MICRO]}
        found[key.replace("__", "-")] = times | (work or {})
    return {
        "n_samples": n_samples,
        "n_features": n_features,
        "bytes": 8 * n_samples * n_features,
        "contestants": found,
    }


def judged(*where, auto=None, **microseconds):
    """Return the entry of a shape with the keys that the map needs."""
    made = entry(*where, **microseconds)
    found = made["contestants"]
    made["best"] = made["fastest"] = min(found, key=lambda name: found[name]["seconds"])
    made["auto"] = auto or made["best"]
    made["regret"] = found[made["auto"]]["seconds"] / found[made["best"]]["seconds"]
    return made


def line_of(ax, label):
    """Return the only line with a label."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def gids(ax):
    """Return the gids of all marks."""
    return [artist.get_gid() for artist in ax.findobj() if artist.get_gid()]


class TestCostHistory:
    def test_draws_every_cost(self, result):
        ax = plots.cost_history(result)
        epochs, costs = ax.lines[0].get_data()
        np.testing.assert_array_equal(epochs, np.arange(result.epochs))
        np.testing.assert_array_equal(costs, result.cost_history)
        assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "cost J", "log")

    def test_the_cost_of_a_run_of_one_epoch_is_a_point(self, result):
        once = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        assert (once.epochs, result.epochs > 1) == (1, True)
        line = plots.cost_history(once).lines[0]
        np.testing.assert_allclose(line.get_xydata(), [[0, 35 / 6]])
        assert (line.get_marker(), plots.cost_history(result).lines[0].get_marker()) == ("o", "")

    def test_draws_on_the_given_axes(self, result):
        _, ax = pyplot.subplots()
        assert plots.cost_history(result, ax=ax, label="mine") is ax
        assert plots.cost_history(result, ax=ax) is ax
        labels = ["mine", f"converged after {result.epochs} epochs"]
        assert [line.get_label() for line in ax.lines] == labels
        assert [text.get_text() for text in ax.get_legend().get_texts()] == labels
        assert len(pyplot.get_fignums()) == 1

    @pytest.mark.parametrize(
        ("changed", "label"),
        [
            ({"reason": "gradient"}, "converged after 1,200 epochs"),
            ({"epochs": 1}, "converged after 1 epoch"),
            ({"reason": "epochs", "converged": False}, "not converged after 1,200 epochs"),
            ({"reason": "cost", "converged": False}, "not converged after 1,200 epochs"),
            ({"reason": "diverged", "converged": False}, "diverged after 1,200 epochs"),
            ({"reason": "callback", "converged": False}, "ended by the callback after 1,200 epochs"),
            ({"reason": "interrupted", "converged": False}, "interrupted after 1,200 epochs"),
        ],
    )
    def test_the_legend_says_how_the_run_ended(self, result, changed, label):
        epochs = changed.get("epochs", 1200)
        ended = replace(result, **{"epochs": epochs, "cost_history": np.ones(epochs), "converged": True} | changed)
        assert [text.get_text() for text in plots.cost_history(ended).get_legend().get_texts()] == [label]

    def test_a_curve_has_a_gid(self, result):
        (gid,) = gids(plots.cost_history(result))
        assert gid.startswith(f"{plots.title(result.backend)}, epochs 0 to {result.epochs - 1:,}: cost 5.83 to ")

    def test_a_run_without_epochs_says_so(self, result):
        (gid,) = gids(plots.cost_history(replace(result, cost_history=np.empty(0), rates=np.empty(0), epochs=0)))
        assert gid == f"{plots.title(result.backend)}, no epochs"


class TestLearningRates:
    def test_draws_costs_above_the_least(self):
        _, ax = pyplot.subplots()
        assert plots.learning_rates({"0.1": [5.0, 3.0, 2.0], "0.2": [5.0, 2.0]}, least_cost=1.0, ax=ax) is ax
        np.testing.assert_allclose(line_of(ax, "0.1").get_data(), [[0, 1, 2], [4, 2, 1]])
        np.testing.assert_allclose(line_of(ax, "0.2").get_data(), [[0, 1], [4, 1]])
        assert ax.get_yscale() == "log"
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0.1", "0.2"]
        assert gids(ax)[0] == "Learning rate 0.1, epochs 0 to 2: 4 to 1 above the least cost"

    def test_leaves_out_costs_without_a_logarithm(self):
        ax = plots.learning_rates({"0.1": [4.0, np.nan, 2.0, 1.0, np.inf, 1.0 - 1e-16, 1.5]}, least_cost=1.0)
        np.testing.assert_allclose(ax.lines[0].get_data(), [[0, 2, 6], [3, 1, 0.5]])

    def test_leaves_out_differences_of_rounding(self):
        ax = plots.learning_rates({"0.1": [2.0, 1.0 + 4e-16]}, least_cost=1.0)
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0])

    def test_a_curve_that_grows_leaves_the_picture_and_others_stay(self):
        falling = 2.0 ** -np.arange(20)
        ax = plots.learning_rates({"falling": falling, "growing": 10.0 ** np.arange(0, 300, 15)})
        bottom, top = ax.get_ylim()
        assert top == pytest.approx(1e3)
        assert bottom == pytest.approx(falling[-1], rel=0.7)
        assert bottom < falling[-1]
        growing = line_of(ax, "growing").get_ydata()
        assert growing[0] < top < growing[1]  # the line crosses the edge

    def test_a_curve_leaves_the_picture_at_a_triangle(self):
        costs = {"falling": [2.0, 1.5], "growing": [2.0, 200.0, 2e4, 2e8, 11.0], "other": [1.5, 1e9]}
        ax = plots.learning_rates(costs, least_cost=1.0)
        grown, other = [line for line in ax.lines if (line.get_gid() or "").startswith("Learning rate")][3:]
        assert (
            grown.get_gid() == "Learning rate growing leaves the picture at epoch 2; at most 2e+08 above the least cost"
        )
        assert (
            other.get_gid() == "Learning rate other leaves the picture at epoch 1; at most 1e+09 above the least cost"
        )
        ((x, y),) = grown.get_xydata()
        assert (y, grown.get_marker(), grown.get_clip_on()) == (ax.get_ylim()[1], "^", False)
        assert same_color(grown.get_color(), line_of(ax, "growing").get_color())
        _, excess = line_of(ax, "growing").get_data()
        assert np.interp(x, range(5), np.log(excess)) == pytest.approx(np.log(1000.0))  # on the curve
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["falling", "growing", "other", "leaves the picture"]
        assert "^" not in {line_of(ax, label).get_marker() for label in costs}

    def test_a_curve_that_grows_a_little_stays(self):
        ax = plots.learning_rates({"growing": [1.0, 10.0, 100.0]})
        assert ax.get_ylim()[1] > 100
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["growing"]

    def test_lines_differ_without_colour(self):
        ax = plots.learning_rates({str(k): [1.0, 0.5] for k in range(5)})
        assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 5
        assert len({line.get_linestyle() for line in ax.lines}) >= 4

    def test_nothing_to_draw_is_refused(self):
        with pytest.raises(
            ValueError, match="costs must have a sequence of costs for at least one learning rate; got an"
        ):
            plots.learning_rates({})
        with pytest.raises(
            ValueError, match=r"costs\['0.1'\] must be a sequence of one cost or more; got shape \(0,\)"
        ):
            plots.learning_rates({"0.1": []})
        assert pyplot.get_fignums() == []

    def test_curves_at_the_minimum_are_empty_and_named(self):
        ax = plots.learning_rates({"0.1": [0.0, 0.0]})
        assert len(line_of(ax, "0.1").get_xdata()) == 0


class TestContourPath:
    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((50, 1)) + 0.5
        return X, 2 + 1.5 * X[:, 0] + 0.3 * rng.standard_normal(50)

    @pytest.fixture
    def descend(self, problem):
        X, y = problem

        def run(rate, epochs=30):
            path = [np.array([-1.0, 4.0])]
            for _ in range(epochs):
                path.append(path[-1] - rate * fastgd.gradient(X, y, path[-1]))
            return np.array(path)

        return run

    def test_the_star_is_the_least_squares_solution(self, problem, descend):
        X, y = problem
        ax = plots.contour_path(X, y, {"0.1": descend(0.1)})
        expected = np.linalg.lstsq(np.column_stack([np.ones(50), X]), y, rcond=None)[0]
        star = line_of(ax, "minimum")
        np.testing.assert_allclose(star.get_xydata(), [expected], rtol=1e-12)
        assert star.get_gid().startswith(
            f"Least cost {fastgd.cost(X, y, expected):.4g} at θ₀ = {expected[0]:.4g}, θ₁ = "
        )
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("θ₀", "θ₁")

    @pytest.mark.parametrize("intercept", [True, False])
    def test_contours_are_of_the_cost(self, problem, intercept):
        X, y = problem
        X = X if intercept else np.column_stack([X, X[::-1] + 2 * X])
        ax = plots.contour_path(X, y, {"0.1": [[0.0, 0.0], [1.0, 1.0]]})
        (contours,) = [one for one in ax.collections if isinstance(one, ContourSet)]
        least = fastgd.cost(X, y, line_of(ax, "minimum").get_xydata()[0])
        checked = 0
        for level, path in list(zip(contours.levels, contours.get_paths(), strict=True))[-5:]:
            for weights in path.vertices[::17]:
                assert fastgd.cost(X, y, weights) - least == pytest.approx(level, rel=0.05)  # interpolated
                checked += 1
        assert checked > 20
        np.testing.assert_allclose(contours.levels[1:] / contours.levels[:-1], 2.5)

    def test_the_bowl_is_the_cost(self, problem):
        from fastgd.plots.paths import make_bowl

        X, y = problem
        bowl = make_bowl(X, y)
        for weights in np.random.default_rng(1).standard_normal((10, 2)):
            assert bowl.least + bowl.excess(weights) == pytest.approx(fastgd.cost(X, y, weights), rel=1e-12)

    def test_two_features_have_no_intercept(self):
        X, y = [[1.0, 0.0], [0.0, 2.0]], [3.0, 4.0]
        _, ax = pyplot.subplots()
        assert plots.contour_path(X, y, {"run": [[0.0, 0.0], [1.0, 1.0]]}, ax=ax) is ax
        np.testing.assert_allclose(line_of(ax, "minimum").get_xydata(), [[3, 2]])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("θ₁", "θ₂")

    def test_every_epoch_is_a_marker(self, problem, descend):
        path = descend(0.1)
        ax = plots.contour_path(*problem, {"0.1": path, "0.2": descend(0.2)})
        line = line_of(ax, "0.1")
        np.testing.assert_array_equal(line.get_xydata(), path)
        assert line.get_marker() not in ("", "None", None)
        assert line.get_markevery() is None
        assert line.get_gid() == (
            f"0.1, epochs 0 to 30: cost {fastgd.cost(*problem, path[0]):.4g} to {fastgd.cost(*problem, path[-1]):.4g}"
        )
        low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
        assert ((path > low) & (path < high)).all()

    @pytest.mark.parametrize("epochs", [40, 2000])
    def test_a_path_that_diverges_leaves_the_picture_and_others_stay(self, problem, descend, epochs):
        X, y = problem
        with np.errstate(all="ignore"):
            A = np.column_stack([np.ones(50), X])
            away = [np.array([-1.0, 4.0])]
            for _ in range(epochs):  # up to infinity and NaN
                away.append(away[-1] - 3.0 * A.T @ (A @ away[-1] - y) / 50)
        alone = plots.contour_path(X, y, {"0.1": descend(0.1)})
        ax = plots.contour_path(X, y, {"0.1": descend(0.1), "3": away})
        sizes = [np.ptp(one.get_xlim()) * np.ptp(one.get_ylim()) for one in (alone, ax)]
        assert sizes[1] < 8 * sizes[0]
        drawn = line_of(ax, "3").get_xydata()
        assert np.isfinite(drawn).all()
        assert not ax.get_xlim()[0] < drawn[-1][0] < ax.get_xlim()[1]
        ax.figure.canvas.draw()

    def test_ranges_of_different_size_have_scales_of_their_own(self):
        X, y = [[1000.0], [2000.0], [3000.0]], [1.0, 2.0, 3.5]
        ax = plots.contour_path(X, y, {"run": [[0.0, 0.0], [0.0, 1e-3]]})
        assert ax.get_aspect() == "auto"
        assert plots.contour_path([[-1.0], [1.0]], [0.0, 2.0], {"run": [[0.0, 0.0]]}).get_aspect() == 1

    def test_a_start_at_the_minimum(self):
        ax = plots.contour_path([[-1.0], [1.0]], [-1.0, 1.0], {"run": [[0.0, 1.0], [0.0, 1.0]]})
        assert ax.get_xlim()[0] < 0 < ax.get_xlim()[1]
        assert ax.get_ylim()[0] < 1 < ax.get_ylim()[1]

    @pytest.mark.parametrize(
        ("X", "paths", "message"),
        [
            (np.ones((3, 3)), {"a": [[0, 0]]}, r"X must have shape \(n_samples, 2\), or .* got shape \(3, 3\)"),
            (np.ones(3), {"a": [[0, 0]]}, r"X must be two-dimensional, .*; got shape \(3,\)"),
            (np.ones((2, 1)), {"a": [[0, 0]]}, "same number of rows; got 2 in X and 3 in y"),
            (np.ones((3, 1)), {}, "paths must have the weights of at least one run; got an empty mapping"),
            (np.ones((3, 1)), {"a": [0, 0]}, r"paths\['a'\] must have shape \(epochs \+ 1, 2\), .*; got shape \(2,\)"),
            (np.ones((3, 1)), {"a": [[0, 0, 0]]}, r"paths\['a'\] must have shape .*; got shape \(1, 3\)"),
            (np.ones((3, 1)), {"a": np.ones((0, 2))}, r"paths\['a'\] must have shape .*; got shape \(0, 2\)"),
            (np.ones((3, 1)), {"a": [[0, np.nan]]}, r"the start of paths\['a'\] must be finite; got nan"),
        ],
    )
    def test_wrong_shapes_are_refused(self, X, paths, message):
        with pytest.raises(ValueError, match=message):
            plots.contour_path(X, np.ones(3), paths)
        assert pyplot.get_fignums() == []


class TestLadder:
    def test_all_steps_have_names_and_colours(self):
        steps = {"arrays": 9000, "python": 1000, "numpy": 20, "in_place": 10, "numba": 5, "cython": 4, "cython__2": 3}
        _, ax = pyplot.subplots()
        found = {"shapes": [entry(1000, 10, **steps, compressed=0.1, whitened=0.09)]}
        assert plots.ladder(found, (1000, 10), ax=ax) is ax
        assert [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()] == [
            "Python loop over array scalars",
            "Python loop over lists",
            "NumPy",
            "NumPy, no temporaries",
            "Numba",
            "Cython",
            "Cython, 2 threads",
            "compressed problem",
            "whitened problem: one epoch is enough",
        ]
        times = np.array([9000, 1000, 20, 10, 5, 4, 3, 0.1, 0.09]) * MICRO
        np.testing.assert_allclose([mark.get_xydata()[0] for mark in ax.lines], np.transpose([times, range(9)]))
        colors = [to_hex(mark.get_color()) for mark in ax.lines]
        assert len(set(colors)) == 7  # Cython twice, and both small problems have one colour
        assert [mark.get_marker() for mark in ax.lines] == list("XPsp^oo*d")
        assert {color.upper() for color in colors} <= set(figures.PALETTE.values())
        texts = [text.get_text() for text in ax.texts]
        assert (texts[0], texts[1], texts[4]) == ("9.00 ms   0.11×", "1.00 ms", "5.00 µs   200×")
        assert texts[7] == "100 ns   10,000×"
        assert ax.get_xlabel().startswith("time per epoch\n×: times as fast as Python loop over lists;")
        assert ax.lines[2].get_gid() == "NumPy: 20.0 µs per epoch (18.0 to 22.0)"
        assert len(gids(ax)) == 17
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")

    def test_the_length_of_a_bar_is_the_speed_up_over_the_step_before(self):
        found = entry(1000, 10, python=1000, numpy=20, in_place=25)
        ax = plots.ladder({"shapes": [found | {"order": list(found["contestants"])}]}, (1000, 10))
        ends = [(bar.get_x() / MICRO, (bar.get_x() + bar.get_width()) / MICRO) for bar in ax.patches]
        np.testing.assert_allclose(ends, [(1000, 20), (20, 25)])
        assert [bar.get_y() + bar.get_height() / 2 for bar in ax.patches] == [1, 2]
        assert all(
            same_color(bar.get_facecolor()[:3], figures.color_of(name))
            for bar, name in zip(ax.patches, ("numpy", "in_place"), strict=True)
        )
        assert [bar.get_gid() for bar in ax.patches] == [
            "NumPy: 50.0× as fast as Python loop over lists",
            "NumPy, no temporaries: slower here, 1.25× the time of NumPy",
        ]

    def test_ratios_have_three_known_digits(self):
        found = entry(1000, 10, python=482_000, numpy=1034, compressed=0.4942)
        ax = plots.ladder({"shapes": [found]}, (1000, 10))
        assert [text.get_text() for text in ax.texts] == ["482 ms", "1.03 ms   466×", "494 ns   975,000×"]
        assert ax.patches[1].get_gid() == "compressed problem: 2,090× as fast as NumPy"

    @pytest.mark.parametrize(("ratio", "text"), [(0.114, "0.11"), (9.949, "9.9"), (11.46, "11"), (999.4, "999")])
    def test_small_ratios_are_rounded_once(self, ratio, text):
        assert words.format_ratio(ratio, digits=2) == f"{text}×"

    @pytest.mark.parametrize("quartiles", [[20.4, 22], [18, 19.6], [19.7, 19.9], [10, 30]])
    def test_a_bar_within_the_quartiles_is_no_speed_up(self, quartiles):
        found = entry(1000, 10, python=1000, numpy=20, numba=19.8)
        found["contestants"]["numpy"]["quartiles"] = [19.6 * MICRO, 20.4 * MICRO]
        found["contestants"]["numba"]["quartiles"] = [quartile * MICRO for quartile in quartiles]
        bars = plots.ladder({"shapes": [found]}, (1000, 10)).patches
        assert bars[0].get_gid() == "NumPy: 50.0× as fast as Python loop over lists"
        assert bars[1].get_gid() == "Numba: no reliable difference from NumPy"

    def test_a_compressed_problem_has_its_price_beside_the_speed_up(self):
        once = {"seconds": 0.0178, "quartiles": [0.0177, 0.0179]}
        found = entry(1000, 10, python=482_000, cython=665, compressed=0.4942) | {"compress": once}
        ax = plots.ladder({"shapes": [found]}, (1000, 10))
        labels = [text.get_text() for text in ax.texts]
        # 1,000 epochs of the loop, as there is no NumPy, and of the small problem with the work of once.
        assert labels == [
            "482 ms",
            "665 µs   725×",
            "494 ns + 17.8 ms once\n1,000 epochs: Python loop over lists 482 s → 18.3 ms",
        ]
        price = "; to compress takes 17.8 ms (17.7 to 17.9) once"
        assert [one.get_gid() for one in (*ax.lines, *ax.patches) if price in one.get_gid()] == [
            f"compressed problem: 494 ns per epoch (445 to 544){price}",
            f"compressed problem: 1,350× as fast as Cython{price}",
        ]

    def test_a_whitened_problem_has_the_price_of_whitening(self):
        prices = [{"seconds": ms / 1e3, "quartiles": [0.9 * ms / 1e3, 1.1 * ms / 1e3]} for ms in (10, 20)]
        found = entry(1000, 10, python=482_000, compressed=0.4942, whitened=0.4942)
        names = list(found["contestants"])
        found |= {"order": names, **dict(zip(("compress", "whiten"), prices, strict=True))}
        ax = plots.ladder({"shapes": [found]}, (1000, 10))
        labels = [text.get_text() for text in ax.texts]
        fits = (
            "10.0 ms once\n1,000 epochs: Python loop over lists 482 s → 10.5 ms",
            "20.0 ms once\n1,000 epochs: Python loop over lists 482 s → 20.0 ms",
        )
        assert labels[1:] == [f"494 ns + {fit}" for fit in fits]
        price = "; to whiten takes 20.0 ms (18.0 to 22.0) once"
        level = "whitened problem: no reliable difference from compressed problem"
        assert ax.patches[1].get_gid() == level + price

    @pytest.mark.parametrize("size", [(5.6, 3.9), (9, 5.5)])
    def test_labels_stand_to_the_right_of_all_marks(self, size):
        times = {"arrays": 50, "python": 400, "numpy": 1, "numba": 9000, "cython": 0.01, "compressed": 0.02}
        times |= {"whitened": 0.02}
        found = entry(1000, 10, **times) | {"order": list(times)}
        found["contestants"]["numpy"]["quartiles"] = [0.5 * MICRO, 3000 * MICRO]
        found["compress"] = found["whiten"] = {"seconds": 0.0178, "quartiles": [0.0177, 0.0179]}
        ax = plots.ladder({"shapes": [found]}, (1000, 10), ax=plots.new_figure(*size).add_subplot())
        ax.figure.canvas.draw()
        boxes = [artist.get_window_extent() for artist in (*ax.lines, *ax.patches)]
        rules = [segment for one in ax.collections for segment in one.get_segments()]
        boxes += [Bbox(ax.transData.transform(rule)) for rule in rules]
        for text in ax.texts:
            label = text.get_window_extent()
            assert not any(label.overlaps(box) for box in boxes)
            assert label.x1 <= ax.bbox.x1 + 1

    @pytest.mark.parametrize(
        ("microseconds", "ticks"),
        [
            ({"python": 3e6, "numpy": 8}, {"10 µs", "1 ms", "100 ms"}),
            ({"python": 9, "numpy": 4}, {"5 µs", "10 µs"}),
            ({"numpy": 0.33}, {"500 ns", "1 µs"}),
        ],
    )
    def test_ticks_have_units(self, microseconds, ticks):
        ax = plots.ladder({"shapes": [entry(1000, 10, **microseconds)]}, (1000, 10))
        ax.figure.canvas.draw()
        assert ticks <= {label.get_text() for label in ax.get_xticklabels()}
        boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
        assert not any(left.overlaps(right) for left, right in pairwise(boxes))

    def test_times_have_the_unit_that_suits_them(self):
        found = entry(1, 1, numpy=0.0314, python=211_324, numba=1_500_000, cython=999.7)["contestants"]
        assert [words.describe_time(name, one) for name, one in found.items()] == [
            "NumPy: 31.4 ns per epoch (28.3 to 34.5)",
            "Python loop over lists: 211 ms per epoch (190 to 232)",
            "Numba: 1.50 s per epoch (1.35 to 1.65)",
            "Cython: 1.00 ms per epoch (0.900 to 1.10)",
        ]

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (3600.0, "3,600 s"),
            (250.0, "250 s"),
            (0.9996, "1.00 s"),
            (0.9994, "999 ms"),
            (0.0123, "12.3 ms"),
            (-0.0123, "-12.3 ms"),
            (4.2e-7, "420 ns"),
            (4e-12, "0.00400 ns"),
            (0.0, "0 ns"),
        ],
    )
    def test_times_are_written_in_three_digits(self, seconds, text):
        assert words.format_time(seconds) == text

    def test_a_unit_is_how_many_a_second_has(self):
        assert words.unit_of(0.0123) == (1e3, "ms")
        assert words.unit_of(-0.0123) == (1e3, "ms")
        assert words.unit_of(0.0) == (1e9, "ns")


class TestEpochTimes:
    def test_every_point_has_a_gid(self):
        shapes = [entry(1000, 10, numpy=10, read=1), entry(10_000, 10, numpy=100, read=20, cython=30)]
        found = {"machine": {"cpu": "A CPU", "caches": {"L1": 32768}}, "shapes": shapes}
        _, ax = pyplot.subplots()
        assert plots.epoch_times(found, ax=ax) is ax
        points = {line.get_gid(): line for line in ax.lines if line.get_label().startswith("_") and line.get_gid()}
        assert set(points) == {
            "NumPy, 1,000 × 10: 10.0 µs per epoch (9.00 to 11.0)",
            "NumPy, 10,000 × 10: 100 µs per epoch (90.0 to 110)",
            "read X once, 1,000 × 10: 1.00 µs per epoch (0.900 to 1.10)",
            "read X once, 10,000 × 10: 20.0 µs per epoch (18.0 to 22.0)",
            "Cython, 10,000 × 10: 30.0 µs per epoch (27.0 to 33.0)",
        }
        np.testing.assert_allclose(next(iter(points.values())).get_xydata(), [[80_000, 10]])
        assert all(line.get_marker() not in ("", "None") for line in points.values())


class TestCrossoverMap:
    @pytest.fixture
    def shapes(self):
        """NumPy takes 4 times as long as Numba at 10 samples and a 16th at 1,000; the largest lack the Python loop."""
        return [
            judged(10, 1, python=1, numpy=8, numba=2, cython=2.2),
            judged(10, 5, auto="cython", python=50, numpy=8, numba=2, cython=2.2),
            judged(1000, 1, python=100, numpy=8, numba=2 * 64, cython=2.2 * 64),
            judged(1000, 5, auto="cython__2".replace("__", "-"), numpy=8, numba=128, cython=60, cython__2=31),
            judged(100_000, 1, numpy=80, cython=40, cython__2=20),
        ]

    def test_cells_have_the_colour_and_the_time_of_the_fastest(self, shapes):
        _, ax = pyplot.subplots()
        assert plots.crossover_map({"shapes": shapes}, ax=ax) is ax
        assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "5"]
        assert [label.get_text() for label in ax.get_yticklabels()] == ["10", "1,000", "100,000"]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("features", "samples")
        cells = {tuple(np.rint(cell.get_center()).astype(int)): cell for cell in ax.patches}
        assert set(cells) == {(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)}
        for place, name in {(0, 0): "python", (1, 0): "numba", (0, 1): "numpy", (1, 1): "numpy"}.items():
            assert same_color(cells[place].get_facecolor(), figures.color_of(name))
        assert same_color(cells[0, 2].get_facecolor(), maps.cell_color("cython-2"))
        texts = {tuple(map(int, text.get_position())): text.get_text() for text in ax.texts}
        assert texts[0, 0] == "1.0 µs"
        assert texts[1, 0] == "2.0 µs\nauto 1.10×\nCython"
        assert texts[1, 1] == "8.0 µs\nauto 3.88×\nCython\n2 threads"
        assert cells[0, 0].get_gid() == "Python loop over lists, 10 × 1: 1.00 µs per epoch (0.900 to 1.10)"
        assert cells[1, 0].get_gid() == ("Numba, 10 × 5: 2.00 µs per epoch (1.80 to 2.20); auto: Cython, 1.10× as long")

    def test_lines_pass_where_two_are_equally_fast(self, shapes):
        ax = plots.crossover_map({"shapes": shapes})
        lines = {one.get_gid(): one for one in ax.collections if isinstance(one, ContourSet)}
        assert set(lines) == {"Python loop = NumPy (interpolated)", "NumPy = compiled (interpolated)"}
        vertices = np.concatenate([path.vertices for path in lines["NumPy = compiled (interpolated)"].get_paths()])
        # At 1 feature the ratio falls from 4 at row 0 to 1/16 at row 1: a third of the way, in logarithms.
        below = vertices[(np.abs(vertices[:, 0]) < 1e-9) & (vertices[:, 1] < 1)]
        np.testing.assert_allclose(below[:, 1], 1 / 3, atol=1e-9)
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert {"Python loop = NumPy", "NumPy = compiled", "auto's choice changes", "Cython, 2 threads"} <= set(labels)

    def test_a_best_that_is_level_with_the_fastest_says_so(self, shapes):
        shapes[0] |= {"best": "numba", "auto": "numba", "fastest": "cython"}
        del shapes[1]["fastest"]
        told = [cell.get_gid() for cell in plots.crossover_map({"shapes": shapes}).patches]
        assert told[0] == "Numba, 10 × 1: 2.00 µs per epoch (1.80 to 2.20); level with Cython"
        assert [one for one in told if "level with" in one] == told[:1]

    @pytest.mark.parametrize("counts", [(16, 64), (64, 16)])
    def test_numbers_of_threads_may_differ_between_shapes(self, counts):
        """One thread is faster at 10 samples and 16 or 64 threads at 1,000; at 100 both numbers were timed."""
        few, many = (f"cython__{count}" for count in counts)
        shapes = [
            judged(10, 1, cython=1, **{few: 4}),
            judged(100, 1, cython=8, **{few: 16, many: 8}),
            judged(1000, 1, cython=80, **{many: 20}),
            judged(10_000, 1, cython=800),
        ]
        ((label, (_, _, values)),) = maps.find_crossings(maps.Grid(shapes)).items()
        assert label == "Cython: 1 thread = several"
        np.testing.assert_allclose(values[1:-1, 1], [-np.log(4), 0, np.log(4), np.nan], atol=1e-12)

    def test_several_threads_pay_from_some_size_on(self):
        shapes = [judged(10**k, 1, cython=10**k, cython__2=10**k / 2 + 50) for k in range(1, 4)]
        ax = plots.crossover_map({"shapes": shapes})
        (line,) = [one for one in ax.collections if isinstance(one, ContourSet)]
        assert line.get_gid() == "Cython: 1 = 2 threads (interpolated)"
        heights = np.concatenate([path.vertices for path in line.get_paths()])[:, 1]
        np.testing.assert_allclose(heights, 1)  # at 100 × 1 they are equal

    def test_the_best_of_several_contestants_counts(self):
        found = entry(1, 1, numpy=8, in_place=4, numba=3, cython=5, cython__2=2)["contestants"]
        assert maps.best(found, maps.NUMPY) == 4 * MICRO
        assert maps.best(found, maps.COMPILED) == 2 * MICRO
        assert maps.best(found, ["cython"], several=False) == 5 * MICRO
        assert maps.best(found, ["cython"], several=True) == 2 * MICRO
        assert maps.best(found, ["numba"], several=True) == np.inf
        assert np.isnan(maps.log_ratio(maps.best(found, ["python"]), 1.0))

    def test_no_line_passes_where_one_of_the_two_is_missing(self):
        """With one feature, two threads were not timed at 10 samples and pay from 500 on; with two, they never pay."""
        times = {(10, 1): (2, None), (100, 1): (10, 20), (2500, 1): (250, 125), (10, 2): (4, None), (2500, 2): (9, 9)}
        shapes = [
            judged(*where, cython=one, **({"cython__2": two} if two else {})) for where, (one, two) in times.items()
        ]
        grid = maps.Grid(shapes)
        ((label, (_, _, values)),) = maps.find_crossings(grid).items()
        assert label == "Cython: 1 = 2 threads"
        assert np.isnan(values[:2]).all()  # the row of 10 samples, and the rim below it
        ax = plots.crossover_map({"shapes": shapes})
        (line,) = [one for one in ax.collections if isinstance(one, ContourSet)]
        vertices = np.concatenate([path.vertices for path in line.get_paths()])
        assert vertices[:, 1].min() >= 1
        np.testing.assert_allclose(vertices[vertices[:, 0] <= 0, 1], 1.5)

    def test_a_crossing_without_a_line_is_not_in_the_legend(self):
        """One thread is faster at 10 samples, two at 1,000, and two threads were not timed between."""
        shapes = [
            judged(10, 1, cython=1, cython__2=2),
            judged(100, 1, cython=10),
            judged(1000, 1, cython=100, cython__2=50),
        ]
        assert maps.find_crossings(maps.Grid(shapes))
        ax = plots.crossover_map({"shapes": shapes})
        assert not [one for one in ax.collections if isinstance(one, ContourSet)]
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["Cython", "Cython, 2 threads", "auto's choice changes"]

    def test_lines_show_where_the_choice_of_auto_changes(self, shapes):
        ax = plots.crossover_map({"shapes": shapes})
        (lines,) = [one.get_segments() for one in ax.collections if isinstance(one, LineCollection)]
        assert {tuple(map(tuple, edge)) for edge in lines} == {
            ((0.5, -0.5), (0.5, 0.5)),  # python | cython
            ((0.5, 0.5), (0.5, 1.5)),  # numpy | cython-2
            ((-0.5, 0.5), (0.5, 0.5)),  # python, above it numpy
            ((0.5, 0.5), (1.5, 0.5)),  # cython, above it cython-2
            ((-0.5, 1.5), (0.5, 1.5)),  # numpy, above it cython-2; nothing at the rim
        }
        alone = plots.crossover_map({"shapes": [judged(10 * k, 1, numpy=1) for k in range(1, 4)]})
        assert not [one for one in alone.collections if isinstance(one, LineCollection)]
        assert [text.get_text() for text in alone.get_legend().get_texts()] == ["NumPy"]

    def test_lines_are_faint_under_text_and_nowhere_else(self, shapes):
        ax = plots.crossover_map({"shapes": shapes})
        ax.figure.canvas.draw()
        for text in ax.texts:
            backing, letters = text.get_bbox_patch(), Text.get_window_extent(text)
            assert backing.get_facecolor()[3] == pytest.approx(0.75)
            box = backing.get_window_extent()
            assert box.width <= letters.width + 2 * ax.figure.dpi / 72
            assert box.height <= letters.height + 2 * ax.figure.dpi / 72
            assert text.get_zorder() > max(one.get_zorder() for one in ax.collections)

    def test_text_can_be_read_on_every_colour(self):
        for name in (*figures.COLORS, "read", "other", "cython-2", "numpy-2", "numba-2"):
            cell = maps.cell_color(name)
            dark, light = sorted(map(figures.luminance, (cell, figures.text_on(cell))))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name

    def test_a_missing_key_is_named(self):
        with pytest.raises(ValueError, match="results must have at least one shape; got none"):
            plots.crossover_map({"shapes": []})
        message = (
            r"results must have 'best', 'auto' and 'regret' of each shape; got 1,000 × 10 without 'auto', 'regret'"
        )
        with pytest.raises(ValueError, match=message):
            plots.crossover_map({"shapes": [entry(1000, 10, numpy=1) | {"best": "numpy"}]})


def check_slopes(texts, ax):
    """Assert that no texts along roofs overlap, and that no roof runs through a text."""
    angle = np.radians(texts[0].get_rotation())
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # roofs become horizontal
    boxes = []
    for text in texts:
        x, y = turn @ text.get_transform().transform(text.get_position())
        anchor = text.get_transform().transform(text.get_position())
        text.set(rotation=0, transform_rotates_text=False)
        boxes.append(text.get_window_extent().translated(*(np.array([x, y]) - anchor)))
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    for line in ax.lines:
        if "thread" in line.get_gid() and "per epoch" not in line.get_gid():
            (left, y), (right, _) = ax.transData.transform(line.get_xydata()[:2]) @ turn.T
            assert not any(box.y0 < y < box.y1 and left < box.x1 and box.x0 < right for box in boxes)


class TestRoofline:
    @pytest.fixture
    def found(self):
        work = {"operations_per_epoch": 42_000, "bytes_per_epoch": 84_000}
        shapes = [entry(1000, 10, work, numpy=21, cython=4.2, cython__2=2.1), entry(10_000, 10, work, numpy=210)]
        shapes[0]["contestants"]["sgd"] = entry(1, 1, sgd=30)["contestants"]["sgd"]
        limits = [
            {"threads": 1, "operations_per_second": 4e10, "bytes_per_second": {"L2": 8e10, "memory": 1e10}},
            {"threads": 2, "operations_per_second": 8e10, "bytes_per_second": {"L2": 16e10, "memory": 1.5e10}},
        ]
        return {"limits": limits, "shapes": shapes}

    def test_roofs_have_the_right_heights(self, found):
        _, ax = pyplot.subplots()
        assert plots.roofline(found, ax=ax) is ax
        roofs = {
            line.get_gid(): line for line in ax.lines if "thread:" in line.get_gid() or "threads:" in line.get_gid()
        }
        expected = {
            "L2, 1 thread: 80.0 GB/s, at most 40.0 Gop/s": (8e10, 4e10, "-"),
            "memory, 1 thread: 10.0 GB/s, at most 40.0 Gop/s": (1e10, 4e10, "-"),
            "L2, 2 threads: 160 GB/s, at most 80.0 Gop/s": (16e10, 8e10, "--"),
            "memory, 2 threads: 15.0 GB/s, at most 80.0 Gop/s": (1.5e10, 8e10, "--"),
        }
        assert set(roofs) == set(expected)
        for gid, (speed, peak, dashes) in expected.items():
            x, y = roofs[gid].get_data()
            np.testing.assert_allclose(y, np.minimum(peak, speed * x))
            assert peak / speed in x  # the corner
            assert x[-1] == ax.get_xlim()[1]
            assert roofs[gid].get_linestyle() == dashes
        texts = {text.get_text() for text in ax.texts}
        assert {"L2 80.0 GB/s", "memory 10.0 GB/s", "1 thread: 40.0 Gop/s", "2 threads: 80.0 Gop/s"} <= texts
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")

    def test_gids_of_roofs_have_quartiles(self, found):
        found["limits"][0]["quartiles"] = {
            "bytes": {"L2": [7.8e10, 8.1e10], "memory": [0.9e10, 1.1e10]},
            "operations": [3.9e10, 4.1e10],
        }
        found["limits"][1]["quartiles"] = {"bytes": {"memory": [1.4e10, 1.6e10]}, "operations": None}
        ax = plots.roofline(found)
        assert {
            "L2, 1 thread: 80.0 GB/s (usually 78.0 to 81.0), at most 40.0 Gop/s (usually 39.0 to 41.0)",
            "memory, 1 thread: 10.0 GB/s (usually 9.00 to 11.0), at most 40.0 Gop/s (usually 39.0 to 41.0)",
            "L2, 2 threads: 160 GB/s, at most 80.0 Gop/s",
            "memory, 2 threads: 15.0 GB/s (usually 14.0 to 16.0), at most 80.0 Gop/s",
        } <= set(gids(ax))
        assert "L2 80.0 GB/s" in {text.get_text() for text in ax.texts}

    @pytest.mark.parametrize("size", [(5.6, 4.6), (9, 5.5)])
    @pytest.mark.parametrize("closeness", [1, 1.02, 1.1, 1.2, 1.4, 2, 3, 5])
    def test_labels_on_roofs_can_be_read(self, found, size, closeness):
        speeds = {level: 1e10 * closeness**k for k, level in enumerate(["memory", "L3", "L2"])}
        found["limits"] = [
            {"threads": 1, "operations_per_second": 4e10, "bytes_per_second": speeds},
            {"threads": 2, "operations_per_second": 4e10 * closeness, "bytes_per_second": speeds},
        ]
        ax = plots.roofline(found, ax=plots.new_figure(*size).add_subplot())
        ax.figure.canvas.draw()
        assert sum(len(text.get_text().split("\n")) for text in ax.texts) == 5
        one, other = (text.get_window_extent() for text in ax.texts if not text.get_rotation())
        assert not one.overlaps(other)
        check_slopes([text for text in ax.texts if text.get_rotation()], ax)

    def test_names_of_close_roofs_are_in_their_order(self, found):
        found["limits"] = [
            {
                "threads": 1,
                "operations_per_second": None,
                "bytes_per_second": {"L2": 9e10, "L3": 9.1e10, "memory": 1e9},
            }
        ]
        assert [text.get_text() for text in plots.roofline(found).texts] == [
            "memory 1.00 GB/s",
            "L3 91.0 GB/s\nL2 90.0 GB/s",
        ]

    def test_points_are_operations_per_byte_and_per_second(self, found):
        ax = plots.roofline(found)
        points = {line.get_gid(): line for line in ax.lines if "per epoch" in line.get_gid()}
        assert len(points) == 4  # the work of sgd is unknown
        told = "NumPy, 1,000 × 10: 21.0 µs per epoch (18.9 to 23.1), 2.00 Gop/s at 0.500 operations per byte"
        np.testing.assert_allclose(points[told].get_xydata(), [[0.5, 2e9]])
        assert same_color(points[told].get_color(), figures.color_of("numpy"))
        assert points[told].get_marker() == figures.MARKERS["numpy"]
        larger = next(line for gid, line in points.items() if gid.startswith("NumPy, 10,000"))
        assert larger.get_markersize() > points[told].get_markersize()
        (threads,) = [line for gid, line in points.items() if gid.startswith("Cython, 2 threads")]
        assert not same_color(threads.get_markerfacecolor(), figures.color_of("cython"))
        (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert all(low < x < high and bottom < y < top for line in points.values() for x, y in line.get_xydata())
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["roofs, 1 thread", "roofs, 2 threads", "NumPy", "Cython", "Cython, 2 threads"]

    def test_points_above_each_other_stand_apart_and_have_names(self, found):
        work = {"operations_per_epoch": 42_000, "bytes_per_epoch": 84_000}
        found["shapes"] = [entry(1000, 10, work, numpy=12, numba=4.2, cython=4.2, cython__2=2.1, compressed=4.3)]
        found["shapes"][0]["contestants"]["numpy"]["bytes_per_epoch"] *= 3
        ax = plots.roofline(found, ax=plots.new_figure(5.6, 4.6).add_subplot())
        ax.figure.canvas.draw()
        points = [line for line in ax.lines if "per epoch" in line.get_gid()]
        places = {
            line.get_gid().split(", 1,000")[0]: line.get_transform().transform(line.get_xydata()[0]) for line in points
        }
        dots = ax.figure.dpi / 72
        crowd = [places[name][0] / dots for name in ("Numba", "Cython", "Cython, 2 threads", "compressed problem")]
        assert np.abs(np.subtract.outer(crowd, crowd)[~np.eye(4, dtype=bool)]).min() >= 3.9
        assert max(crowd) - min(crowd) < 16
        x, _ = ax.transData.transform(next(line.get_xydata()[0] for line in points if "NumPy" in line.get_gid()))
        assert places["NumPy"][0] == pytest.approx(x)  # it stands alone
        names = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
        assert len(names) == 4
        lowest = sorted(names, key=lambda text: Text.get_window_extent(text).y0)  # without its line
        assert [lowest[0].get_text(), lowest[-1].get_text()] == ["compressed problem", "Cython, 2 threads"]
        boxes = [Text.get_window_extent(text) for text in ax.texts if not text.get_rotation()]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(ax.bbox.x0 < box.x0 and box.x1 < ax.bbox.x1 for box in boxes)
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["roofs, 1 thread", "roofs, 2 threads", "NumPy"]

    def test_a_loop_far_below_the_roofs_leaves_room_for_the_others(self, found):
        found["shapes"][0]["contestants"]["python"] = {**found["shapes"][0]["contestants"]["numpy"], "seconds": 1e-3}
        ax = plots.roofline(found)
        bottom, top = ax.get_ylim()
        assert bottom > 1e8  # not 4e7, the speed of the loop
        (loop,) = [line for line in ax.lines if line.get_gid().startswith("Python loop")]
        assert "0.0420 Gop/s" in loop.get_gid()
        _, height = ax.transData.inverted().transform(loop.get_transform().transform(loop.get_xydata()[0]))
        assert bottom < height < bottom * (top / bottom) ** 0.1
        assert "↓ 0.042 Gop/s" in [text.get_text() for text in ax.texts]

    def test_a_machine_whose_peak_is_unknown_has_roofs_that_only_rise(self, found):
        found["limits"] = [{"threads": 1, "operations_per_second": None, "bytes_per_second": {"memory": 1e10}}]
        x, y = next(
            line for line in plots.roofline(found).lines if line.get_gid() == "memory, 1 thread: 10.0 GB/s"
        ).get_data()
        np.testing.assert_allclose(y, 1e10 * np.asarray(x))

    def test_a_machine_whose_memory_is_unknown_has_a_ceiling(self, found):
        found["limits"] = [{"threads": 1, "operations_per_second": 4e10, "bytes_per_second": {}}]
        ax = plots.roofline(found)
        roof = next(line for line in ax.lines if line.get_gid() == "processor, 1 thread: at most 40.0 Gop/s")
        np.testing.assert_allclose(roof.get_ydata(), 4e10)

    def test_a_legend_names_only_roofs_that_are_drawn(self, found):
        found["limits"][0] |= {"operations_per_second": None, "bytes_per_second": {}}
        labels = [text.get_text() for text in plots.roofline(found).get_legend().get_texts()]
        assert labels == ["roofs, 2 threads", "NumPy", "Cython", "Cython, 2 threads"]
        del found["limits"][1]
        ax = plots.roofline(found)
        assert len(ax.lines) == 4
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["NumPy", "Cython", "Cython, 2 threads"]
        found["shapes"] = []
        assert plots.roofline(found).get_legend() is None

    def test_without_points_the_roofs_are_drawn(self, found):
        found["shapes"] = [entry(10, 1, sgd=1)]
        assert len(plots.roofline(found).lines) == 4

    def test_without_limits_it_is_refused(self, found):
        del found["limits"]
        with pytest.raises(
            ValueError, match="results must have 'limits', the most that the machine can do; got only 'shapes'"
        ):
            plots.roofline(found)


class TestTotalTime:
    def test_lines_begin_with_the_end_of_the_first_epoch(self):
        _, ax = pyplot.subplots()
        assert plots.total_time({"numpy": (0.002, 1e-5), "numba, from its cache": (0.5, 1e-6)}, ax=ax) is ax
        epochs, seconds = line_of(ax, "NumPy").get_data()
        assert (epochs[0], epochs[-1]) == pytest.approx((1, 1e6))
        np.testing.assert_allclose(seconds, 0.002 + 1e-5 * (epochs - 1))
        assert seconds[0] == 0.002
        assert gids(ax) == [
            "NumPy: first epoch done after 2.00 ms, 10.0 µs per epoch",
            "Numba, from its cache: first epoch done after 500 ms, 1.00 µs per epoch",
        ]
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")

    def test_several_starts_of_one_backend_differ(self):
        ax = plots.total_time({"numba, nothing cached": (2, 1e-6), "numba, from its cache": (0.5, 1e-6)})
        assert len({line.get_linestyle() for line in ax.lines}) == 2
        assert len({line.get_color() for line in ax.lines}) == 1

    def test_nothing_to_draw_is_refused(self):
        with pytest.raises(ValueError, match="times must have at least one backend; got an empty mapping"):
            plots.total_time({})
        assert pyplot.get_fignums() == []


def draw_all(result):
    """Yield the axes of every function."""
    work = {"operations_per_epoch": 42_000, "bytes_per_epoch": 84_000}
    shapes = [entry(1000, 10, work, python=100, numpy=21, cython=4.2), entry(10_000, 10, work, numpy=210, cython__2=4)]
    limits = [{"threads": 1, "operations_per_second": 4e10, "bytes_per_second": {"L2": 8e10, "memory": 1e10}}]
    machine = {"cpu": "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "caches": {"L1": 32768}}
    found = {"machine": machine, "settings": {"dtype": "float64", "order": "C"}, "limits": limits, "shapes": shapes}
    map_shapes = [
        judged(10, 1, python=1, numpy=8, cython=2),
        judged(10, 5, auto="cython", python=9, numpy=8, cython=9, cython__2=9),
        judged(100, 1, numpy=8, numba=3, cython=4, cython__2=3.5),
    ]
    draws = (
        lambda ax: plots.cost_history(result, ax=ax),
        lambda ax: plots.learning_rates({"0.1": [3.0, 2.0], "0.2": [3.0, 1e9]}, least_cost=1.0, ax=ax),
        lambda ax: plots.contour_path([[0.0], [1.0]], [1.0, 3.0], {"0.1": [[0.0, 0.0], [1.0, 1.0]]}, ax=ax),
        lambda ax: plots.ladder(found, (1000, 10), ax=ax),
        lambda ax: plots.epoch_times(found, ax=ax),
        lambda ax: plots.roofline(found, ax=ax),
        lambda ax: plots.total_time({"numpy": (0.002, 1e-5), "numba, nothing cached": (1.5, 1e-6)}, ax=ax),
        lambda ax: plots.crossover_map({"shapes": map_shapes}, ax=ax),
    )
    for draw in draws:
        yield draw(plots.new_figure(5.5, 4.5).add_subplot())


@pytest.mark.parametrize("background", ["black", "none"])
def test_pictures_follow_the_style_of_the_caller(result, background):
    ink = "#A1B2C3"
    names = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor")
    with rc_context({**dict.fromkeys(names, ink), "axes.facecolor": background, "figure.facecolor": background}):
        for ax in draw_all(result):
            ax.figure.canvas.draw()
            on_cells = [text for text in ax.texts if text.get_bbox_patch()]
            texts = [text for text in ax.findobj(pyplot.Text) if text.get_text() and text not in on_cells]
            assert all(same_color(text.get_color(), ink) for text in texts)
            rules = [line.get_color() for line in ax.lines if line.get_linestyle() != "None"]
            assert background == "none" or not any(same_color(color, "black") for color in rules)


def test_texts_stay_in_the_figure(result):
    for ax in draw_all(result):
        ax.figure.canvas.draw()
        figure, box = ax.figure.bbox, ax.get_tightbbox()
        assert figure.x0 - 1 <= box.x0 <= box.x1 <= figure.x1 + 1, ax.get_title()
        assert figure.y0 - 1 <= box.y0 <= box.y1 <= figure.y1 + 1, ax.get_title()


def test_texts_of_cells_stay_in_them():
    """At seven numbers of features and six of samples, every second choice of auto differs from the fastest."""
    shapes = [
        judged(
            10**n, 5 * p, auto="cython-2" if (n + p) % 2 else None, numpy=8.8, numba=123.4, cython=1234, cython__2=80
        )
        for n in range(1, 7)
        for p in range(1, 8)
    ]
    ax = plots.crossover_map({"shapes": shapes}, ax=plots.new_figure(5.5, 4.5).add_subplot())
    ax.figure.canvas.draw()
    width, height = ax.bbox.width / 7, ax.bbox.height / 6
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.width <= width
        assert box.height <= height


def test_names_of_marks_are_short_and_all_different(result):
    for ax in draw_all(result):
        said = gids(ax)
        assert said
        assert len(set(said)) == len(said)
        assert max(map(len, said)) <= 130


@pytest.mark.parametrize("name", ["curve.xyz", "curve", "missing/curve.png"])
def test_a_picture_that_cannot_be_saved_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="--plot must"):
        figures.check_picture("--plot", tmp_path / name)


def test_a_picture_that_can_be_saved(tmp_path):
    assert figures.check_picture("--plot", tmp_path / "curve.PNG") == tmp_path / "curve.PNG"
