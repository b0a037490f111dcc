"""The study: its measurements, tables, page and files. tests/test_browser.py tests the page in a browser."""

import base64
import csv
import io
import json
import re
import shlex
import sys
from html import unescape
from html.parser import HTMLParser
from math import inf
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd import backends, progress
from fastgd.bench.contestants import Contestant, list_backends
from fastgd.bench.differences import differ
from fastgd.bench.fits import fit_seconds
from fastgd.bench.limits import count_work
from fastgd.bench.problem import Timed, choose_rate, make_problem, make_sparse_problem
from fastgd.bench.text import format_epochs, format_number, format_time, title
from fastgd.cli import main as cli
from fastgd.report import Study, agreement, compare, descents, headline, ladder, rungs, sources, steps, tables
from fastgd.report import map as grid
from fastgd.report import page as pages
from fastgd.report import starts as price
from fastgd.report.drawings import map_pictures
from fastgd.report.run import MEASURES, describe_plan, plan_study, run_steps
from fastgd.report.settings import MOST_ELEMENTS, SECTIONS, Settings, Step, check_settings
from fastgd.report.summary import summarize_study

for module in ("matplotlib", "jinja2", "pygments", "threadpoolctl"):
    pytest.importorskip(module, reason=f"{module} is an extra")

PHONE = 400  # CSS pixels across
SIZES = (20, 200), (2, 5)
QUIET = {"noise_floor": 0.01, "drift": 0.01, "threads_drift": None, "quiet": True, "others_share": 0.0, "reasons": []}
NOISY = {
    "noise_floor": 0.18,
    "drift": 0.18,
    "threads_drift": None,
    "quiet": False,
    "others_share": 0.43,
    "reasons": ["of a test"],
}
MACHINE = {"machine": {"cpu": "a processor", "cores": 1}, "conditions": QUIET, "seconds": 1.0}


@pytest.fixture(scope="module")
def found():
    """A study of every section, with few sizes."""
    return fastgd.study(quick=True, sizes=SIZES, quiet=True)


@pytest.fixture(scope="module")
def page(found):
    return found.to_html()


# Arguments


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("quick", 1, TypeError),
        ("quick", None, TypeError),
        ("sizes", (100, 10), ValueError),
        ("sizes", ((100,),), ValueError),
        ("sizes", ((), (1,)), ValueError),
        ("sizes", ((100,), (0,)), ValueError),
        ("sizes", ((100.0,), (1,)), ValueError),
        ("sizes", ((True,), (1,)), ValueError),
        ("sizes", "10x1", ValueError),
        ("sizes", ((MOST_ELEMENTS,), (2,)), ValueError),
        ("sections", [], ValueError),
        ("sections", ["ladders"], ValueError),
        ("sections", 3, ValueError),
    ],
)
def test_bad_arguments_are_named_before_anything_is_measured(argument, value, error):
    with pytest.raises(error, match=rf"^{argument} must") as raised:
        fastgd.study(**{argument: value})
    assert repr(value)[:20] in str(raised.value)


def test_sections_are_in_the_order_of_the_page():
    assert check_settings(False, None, ["price", "ladder"]).sections == ("ladder", "price")
    assert check_settings(False, None, "map").sections == ("map",)
    assert check_settings(True, None, None).sections == SECTIONS


def test_sizes_are_sorted_and_large_shapes_are_left_out():
    settings = check_settings(False, [[1_000_000, 100], [1, 100]], None)
    assert settings.map_shapes == [(100, 1), (100, 100), (1_000_000, 1)]
    assert settings.ladder_shapes == [(1_000_000, 1)]


def test_the_ladder_prefers_a_shape_that_a_loop_can_do():
    assert Settings(sizes=((1_000, 1_000_000), (2, 20))).ladder_shapes == [(1_000_000, 2)]
    assert Settings(sizes=((1_000_000,), (10,))).ladder_shapes == [(1_000_000, 10)]


@pytest.mark.parametrize("quick", [True, False])
def test_the_plan_has_a_step_for_every_shape_and_an_estimate(quick):
    settings = Settings(quick=quick)
    plans = {name: section.plan(settings) for name, section in MEASURES.items()}
    assert len(plans["map"]) == len(settings.map_shapes) > 10
    steps = [step for plan in plans.values() for step in plan]
    assert all(step.seconds > 0 for step in steps)


@pytest.mark.parametrize(("quick", "most"), [(True, 60), (False, 600)])
def test_the_plan_is_within_its_budget_and_says_so(quick, most):
    told = describe_plan(plan_study(Settings(quick=quick)))
    steps, seconds = re.fullmatch(r"(\d+) steps, about (\d+) s on an idle machine", told).groups()
    assert int(steps) > 20
    assert 10 < int(seconds) <= most


# The ladder


def test_every_step_of_the_ladder_computes_the_same(found):
    (entry,) = found.data["ladder"]["shapes"]
    assert entry["order"][:4] == ["arrays", "python", "numpy", "in_place"]
    assert entry["order"][-2:] == ["compressed", "whitened"]
    assert set(entry["order"]) == set(entry["contestants"])
    assert max(entry["differences"].values()) < 1e-12
    assert all(map(ladder.removed, entry["order"][1:], entry["order"]))


def test_numpy_without_temporaries_is_the_backend_numpy():
    X, y = make_problem(50, 4)
    start = np.linspace(-1.0, 1.0, 5)
    weights, gradient, residual = start.copy(), np.empty(5), np.empty(50)
    costs = [steps.update_in_place(X, y, weights, 0.1, gradient, residual) for _ in range(3)]
    expected, all_costs = start.copy(), np.empty(3)
    backends.descend(X, y, expected, np.full(3, 0.1), all_costs, np.empty(5), backend="numpy")
    np.testing.assert_allclose(weights, expected, rtol=1e-13)
    np.testing.assert_allclose(costs, all_costs, rtol=1e-13)


def test_one_block_of_rows_has_no_step_with_several_threads(found):
    (small,) = found.data["ladder"]["shapes"]
    assert not [name for name in small["order"] if "-" in name]
    assert ladder.removed("cython", "numpy") == ladder.removed("numba", "in_place") != ladder.removed("cython", "numba")
    assert ladder.removed("cython-2", "cython") == "a core's idleness"


@pytest.mark.slow
def test_no_shape_diverges_while_it_is_timed():
    problem = make_problem(2, 10_000)
    for step in ladder.list_steps(1)[2:]:
        assert np.isfinite(step.prepare(problem).run(300)).all()
    X, y, rate = *problem, choose_rate(problem.X)
    costs = np.empty(1000)
    assert backends.descend(X, y, np.zeros(10_001), np.full(1000, rate), costs, np.empty(10_001)) == 1000
    assert costs[-1] < costs[0]


def test_a_step_that_computes_something_else_is_no_step():
    problem = make_problem(20, 2)
    wrong = Contestant("wrong", lambda problem: Timed(lambda epochs: np.full(3, 0.5)))
    with pytest.raises(ArithmeticError, match="wrong and arrays differ by"):
        agreement.check_agreement([ladder.list_steps(1)[0], wrong], problem)
    broken = Contestant("broken", lambda problem: Timed(lambda epochs: np.full(3, np.nan)))
    with pytest.raises(ArithmeticError, match="broken"):
        agreement.check_agreement([ladder.list_steps(1)[0], broken], problem)


@pytest.mark.parametrize("shape", [(50, 4), (6, 5), (5, 5), (4, 9), (1, 1)])
def test_one_epoch_in_whitened_coordinates_is_enough(shape):
    problem = make_problem(*shape)
    X, y = problem.X - problem.X.mean(axis=0), problem.y - problem.y.mean()
    coef = np.linalg.lstsq(X, y)[0]
    small, timed = steps.whiten(problem), steps.prepare_whitened(problem)
    for epochs in (1, 2):
        weights = small.to_data(timed.run(epochs))
        np.testing.assert_allclose(weights[1:], coef, rtol=1e-12, atol=1e-14)
        assert weights[0] == pytest.approx(problem.y.mean() - problem.X.mean(axis=0) @ coef, rel=1e-12)
    assert agreement.check_minimum(problem) < 1e-14
    work = count_work("whitened", *shape)
    rows, columns = small.problem.X.shape
    assert work["bytes_per_epoch"] == 8 * (rows * columns + rows)
    assert work["operations_per_epoch"] == 4 * rows * columns + 3 * rows


@pytest.mark.parametrize("weights", [0.5, np.nan])
def test_an_epoch_that_misses_least_squares_is_no_step(weights, monkeypatch):
    monkeypatch.setattr(agreement, "prepare_whitened", lambda problem: Timed(lambda epochs: np.full(3, weights)))
    with pytest.raises(ArithmeticError, match="whitened and least squares differ by"):
        agreement.check_minimum(make_problem(20, 2))


def test_the_whitened_step_removes_epochs_and_no_time_of_an_epoch(found):
    (entry,) = json.loads(json.dumps(found.data["ladder"]["shapes"]))
    for one in entry["contestants"].values():
        one |= {"seconds": 3e-6, "quartiles": [2.9e-6, 3.1e-6]}
    entry["contestants"]["whitened"]["seconds"] = 1e-6
    entry["whiten"] |= {"seconds": 19e-6, "quartiles": [18e-6, 20e-6]}
    told = tables.ladder_table(entry, QUIET).rows[-1][-1].text
    assert told.startswith("all epochs but one: ")
    price = "; to whiten takes 19.0 µs (18.0 to 20.0) once: the whole descent takes as long as 7 epochs of the fastest"
    assert price in told  # 20 µs, in epochs of 3 µs


def test_the_page_says_what_the_weights_of_the_ladder_were_compared_with(page):
    told = " ".join(re.sub(r"<[^>]+>", "", page[page.index('id="ladder"') : page.index('id="map"')]).split())
    assert re.search(r"after two epochs the weights of all but the last (differ by at most|are the same)", told)
    assert re.search(r"After one epoch the weights (differed from|were) those of least squares", told)


def test_a_study_from_before_the_whitened_step_has_a_page(found):
    data = json.loads(json.dumps(found.data))
    for entry in data["ladder"]["shapes"]:
        for part in ("contestants", "differences"):
            del entry[part]["whitened"]
        del entry["whiten"]
        entry["order"].remove("whitened")
    html = Study(data).to_html()
    assert "after two epochs the weights differ" in " ".join(html.split())
    assert "whitened problem" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert "where one epoch is enough" not in str(Study(data))


def test_a_study_from_before_many_targets_and_sparse_rows_has_a_page(found):
    data = json.loads(json.dumps(found.data))
    for entry in data["ladder"]["shapes"]:
        del entry["targets"], entry["sparse"]
    assert Study(data).to_html()
    assert "targets, an epoch" not in str(Study(data))


def test_the_ladder_without_a_compiler(monkeypatch):
    monkeypatch.setattr(backends, "available", lambda: ["numpy", "python"])
    monkeypatch.setattr(backends, "resolve", lambda name: "numpy")
    names = ["arrays", "python", "numpy", "in_place", "compressed", "whitened"]
    assert [step.name for step in ladder.list_steps(2)] == names


@pytest.mark.skipif("cython" not in backends.available(), reason="the compiled extension was not built")
def test_the_fastest_backend_climbs_with_several_threads_too():
    assert [step.name for step in ladder.list_steps(3) if step.threads > 1] == ["cython-3"]


def test_compressing_pays_after_as_many_epochs_as_it_takes_longer(found):
    (entry,) = json.loads(json.dumps(found.data["ladder"]["shapes"]))
    for one in entry["contestants"].values():
        one["seconds"] = 3e-6
    entry["contestants"]["compressed"]["seconds"] = 1e-6
    entry["compress"] |= {"seconds": 20e-6, "quartiles": [19e-6, 21e-6]}
    told = "to compress takes 20.0 µs (19.0 to 21.0) once, which pays after 10 epochs of the fastest kernel"
    assert tables.ladder_table(entry, QUIET).rows[-2][-1].text.endswith(told)
    entry["contestants"]["compressed"]["seconds"] = 4e-6
    assert tables.ladder_table(entry, QUIET).rows[-2][-1].text.endswith("which never pays")


# Beside the ladder


def test_many_targets_are_timed_for_each_target(found):
    (entry,) = found.data["ladder"]["shapes"]
    assert entry["targets"]["n_targets"] == rungs.TARGETS > 1
    assert set(entry["targets"]["contestants"]) == {"numpy", backends.resolve("auto")}
    whole = {"seconds": 20.0, "quartiles": [10.0, 30.0], "extremes": [10.0, 40.0], "threads": 1}
    assert rungs.per_target(whole) == {"seconds": 2.0, "quartiles": [1.0, 3.0], "extremes": [1.0, 4.0], "threads": 1}


@pytest.mark.parametrize("name", backends.list_loadable())
def test_each_of_many_targets_has_the_descent_of_its_own(name):
    problem = make_problem(50, 4)
    many = rungs.add_targets(problem)
    assert many.y.shape == (50, rungs.TARGETS)
    weights = rungs.prepare_targets(many, name).run(7)
    for k in range(rungs.TARGETS):
        alone = np.zeros(5)
        rate = np.full(7, choose_rate(problem.X))
        backends.descend(problem.X, np.ascontiguousarray(many.y[:, k]), alone, rate, np.empty(7), np.empty(5))
        np.testing.assert_allclose(weights[:, k], alone, rtol=1e-9)


def test_sparse_rows_have_the_shape_of_the_ladder(found):
    (entry,) = found.data["ladder"]["shapes"]
    X = make_sparse_problem(entry["n_samples"], entry["n_features"], rungs.DENSITY).X
    assert X.shape == (entry["n_samples"], entry["n_features"])
    assert (entry["sparse"]["entries"], entry["sparse"]["density"]) == (X.size, rungs.DENSITY)
    assert set(entry["sparse"]["contestants"]) == {"numpy", backends.resolve("auto")}


def test_the_summary_says_where_many_targets_are_slower(found):
    (entry,) = json.loads(json.dumps(found.data["ladder"]["shapes"]))
    name = backends.resolve("auto")
    for contestants, seconds in ((entry["contestants"], 1e-4), (entry["targets"]["contestants"], 2e-4)):
        contestants[name] |= {"seconds": seconds, "quartiles": [seconds, seconds]}
        contestants["numpy"] |= {"seconds": 1.0, "quartiles": [1.0, 1.0]}
    told = summarize_study({**MACHINE, "conditions": QUIET, "ladder": {"shapes": [entry]}})[-2]
    assert told.endswith(f"200 µs a target ({title(name)}), which is slower here: one target alone takes 100 µs.")


def test_of_level_compiled_kernels_the_headline_names_that_of_auto():
    entry = made_up_entry(python=0.4, numpy=4e-3, numba=1e-3, cython=0.999e-3, cython_2=0.998e-3)
    assert headline.find_fastest(entry, QUIET) == "numba"  # the plainest one, if the choice of auto is not known
    assert headline.find_fastest(entry | {"twin": {"of": "cython"}}, QUIET) == "cython"
    level = made_up_entry(**{**STEPS, "numpy": 1e-3, "cython": 0.999e-3, "cython_2": 0.998e-3})
    assert headline.find_fastest(level | {"twin": {"of": "cython"}}, QUIET) == "numpy"


def test_the_summary_tells_many_targets_and_sparse_rows_beside_one_target_and_dense_rows(found):
    (entry,) = json.loads(json.dumps(found.data["ladder"]["shapes"]))
    name = backends.resolve("auto")
    for contestants, seconds in (
        (entry["contestants"], 1e-3),
        (entry["targets"]["contestants"], 2e-4),
        (entry["sparse"]["contestants"], 3e-4),
    ):
        contestants[name] |= {"seconds": seconds, "quartiles": [seconds, seconds]}
        contestants["numpy"] |= {"seconds": 1.0, "quartiles": [1.0, 1.0]}

    def tell(conditions=QUIET):
        return summarize_study({**MACHINE, "conditions": conditions, "ladder": {"shapes": [entry]}})[-2:]

    cython = title(name)
    assert tell() == [
        f"With 10 targets, an epoch takes 200 µs a target ({cython}): one target alone takes 1.00 ms.",
        f"Of sparse rows with 10 % of the entries, an epoch takes 300 µs ({cython}): the dense rows take 1.00 ms.",
    ]
    assert not any("take" in sentence.partition(")")[2] for sentence in tell({**NOISY, "noise_floor": 9.0}))


# Whole fits


def made_up_entry(**seconds):
    """Return an entry of the ladder with these times of an epoch, where compressing and whitening take 20 ms."""
    contestants = {
        name: {"seconds": time, "quartiles": [time, time], "threads": int(name.partition("_")[2] or 1)}
        for name, time in seconds.items()
    }
    once = {"seconds": 0.02, "quartiles": [0.02, 0.02]}
    shape = {"n_samples": 1000, "n_features": 20, "bytes": 160_000}
    names = {name.replace("_", "-"): one for name, one in contestants.items()}
    return {**shape, "contestants": names, "order": list(names), "compress": once, "whiten": once}


STEPS = {"python": 0.4, "numpy": 4e-3, "cython": 1e-3, "cython_2": 0.9e-3, "compressed": 5e-7, "whitened": 5e-7}


def test_the_headline_has_whole_fits_from_the_loop_to_the_compressed_problem():
    small = {**made_up_entry(numpy=1e-6), "bytes": 80}
    told = headline.headline({"conditions": QUIET, "ladder": {"shapes": [made_up_entry(**STEPS), small]}})
    assert (told.shape, told.epochs) == ((1000, 20), 1000)
    assert [number.name for number in told.numbers] == ["python", "numpy", "cython-2", "compressed"]
    assert [number.seconds for number in told.numbers] == pytest.approx([400.0, 4.0, 0.9, 0.0205])
    assert all(number.caption for number in told.numbers)
    assert told.numbers[-1].caption == "22 rows in place of 1,000, with the same cost J"
    assert headline.headline({"conditions": QUIET}) is None


@pytest.mark.parametrize(
    ("conditions", "change", "names"),
    [
        (NOISY, {}, ["python", "numpy", "cython", "compressed"]),  # threads are not told apart
        (NOISY, {"numpy": 1.1e-3}, ["python", "numpy", "compressed"]),
        (QUIET, {"python": None}, ["numpy", "cython-2", "compressed"]),
        (QUIET, {"cython_2": 1.001e-3}, ["python", "numpy", "cython", "compressed"]),
        (QUIET, {"mine": 1e-4}, ["python", "numpy", "mine", "compressed"]),
    ],
)
def test_the_headline_has_no_number_that_the_noise_made(conditions, change, names):
    seconds = {name: time for name, time in {**STEPS, **change}.items() if time}
    told = headline.headline({"conditions": conditions, "ladder": {"shapes": [made_up_entry(**seconds)]}})
    assert [number.name for number in told.numbers] == names
    assert all(number.caption for number in told.numbers)


def test_the_summary_has_whole_fits_and_no_ratio_of_an_epoch_that_is_not_one():
    entry = made_up_entry(**STEPS)
    told = summarize_study({**MACHINE, "ladder": {"shapes": [entry]}})[-2:]
    assert told == [
        "One epoch of 1,000 × 20: Python loop over lists 400 ms; NumPy 4.00 ms; Cython, 2 threads 900 µs.",
        "1,000 epochs of it: NumPy 4.00 s; compressed problem 20.5 ms (20.0 ms to compress it); "
        "whitened problem, where one epoch is enough, 20.0 ms (20.0 ms to whiten it).",
    ]


# The map


def test_regret_is_the_choices_time_over_the_fastest(found):
    shapes = found.data["map"]["shapes"]
    assert [(entry["n_samples"], entry["n_features"]) for entry in shapes] == [(20, 2), (20, 5), (200, 2), (200, 5)]
    for entry in shapes:
        seconds = {name: one["seconds"] for name, one in entry["contestants"].items()}
        assert entry["regret"] == seconds[entry["auto"]] / min(seconds.values()) >= 1.0
        assert seconds[entry["fastest"]] == min(seconds.values())
        auto, fastest = (entry["contestants"][entry[key]] for key in ("auto", "fastest"))
        assert entry["best"] == entry["fastest" if differ(auto, fastest, found.data["conditions"]) else "auto"]
    slower = [entry["regret"] for entry in shapes if entry["best"] != entry["auto"]]
    assert found.data["map"]["largest_regret"] == max([1.0, *slower])


def judged_map(conditions, **seconds):
    """Return the section of a map of one shape where "auto" chooses Cython with two threads."""
    times = {name.replace("_", "-"): time for name, time in seconds.items()}
    contestants = {
        name: {"seconds": time, "quartiles": [0.95 * time, 1.05 * time], "threads": int(name.partition("-")[2] or 1)}
        for name, time in times.items()
    }
    fastest, auto = min(times, key=times.get), "cython-2"
    entry = {"n_samples": 10, "n_features": 1, "contestants": contestants, "fastest": fastest, "auto": auto}
    return grid.gather_map([{**entry, "regret": times[auto] / times[fastest]}], conditions)


def test_the_map_names_no_winner_within_the_noise():
    for conditions, seconds, best, regret in (
        (QUIET, {"cython": 1.0, "cython_2": 3.0}, "cython", 3.0),
        (QUIET, {"cython": 1.0, "cython_2": 1.08}, "cython-2", 1.0),  # the quartiles overlap
        (QUIET | {"noise_floor": 0.3}, {"cython": 1.0, "cython_2": 1.4}, "cython-2", 1.0),  # or are too close
        (NOISY, {"cython": 1.0, "cython_2": 180.0}, "cython-2", 1.0),  # threads waited for cores
    ):
        section = judged_map(conditions, **seconds)
        assert (section["shapes"][0]["best"], section["largest_regret"]) == (best, regret)


def test_a_noisy_study_tells_nothing_about_the_choices_of_auto():
    def tell(conditions, **seconds):
        data = {**MACHINE, "conditions": conditions, "map": judged_map(conditions, **seconds)}
        return summarize_study(data)[1:]

    quiet, told = tell(QUIET, cython=1.0, cython_2=3.0)
    assert quiet == "The machine was quiet; differences below 1 % mean nothing."
    assert told == 'At 1 shape, backend="auto" takes at most 3.00× the time of the fastest backend (10 × 1).'
    assert tell(QUIET, cython=1.0, cython_2=1.08)[1] == (
        'At 1 shape, no backend is reliably faster than the choice of backend="auto".'
    )
    noisy, told = tell(NOISY, cython=1.0, cython_2=180.0)
    assert noisy == "The machine was noisy: of a test; differences below 18 % mean nothing."
    assert told == 'Timed at 1 shape; other processes used too much of the machine to judge backend="auto".'


def test_the_summary_names_no_fastest_step_that_cannot_be_told_from_an_earlier_one(found):
    (entry,) = json.loads(json.dumps(found.data["ladder"]["shapes"]))
    for name, one in entry["contestants"].items():
        seconds = {"python": 1.0, "numpy": 1e-3, "cython": 0.9e-3}.get(name, 2.0)
        one |= {"seconds": seconds, "quartiles": [seconds, seconds]}

    def tell(conditions):
        return summarize_study({**MACHINE, "conditions": conditions, "ladder": {"shapes": [entry]}})[2]

    if "cython" in entry["contestants"]:
        assert "NumPy 1.00 ms; Cython 900 µs." in tell(QUIET)
    assert "NumPy 1.00 ms." in tell(NOISY)


def test_memory_or_arithmetic_limits_an_epoch_only_beyond_the_noise():
    def tell(speed, conditions):
        limit = {"threads": 1, "operations_per_second": 1e9, "bytes_per_second": {"memory": speed}}
        return summarize_study({**MACHINE, "conditions": conditions, "roofline": {"limits": [limit]}})[-1]

    assert tell(1e9, QUIET).endswith("so memory limits it out of cache.")
    assert tell(4e9, QUIET).endswith("so arithmetic limits it out of cache.")
    assert tell(1.8e9, QUIET).endswith("so memory limits it out of cache.")
    assert tell(1.8e9, NOISY).endswith("so memory and arithmetic both limit it out of cache.")
    assert "reads 1.80 GB from memory and performs 1.00 billion" in tell(1.8e9, QUIET)
    assert "reads at least 1.80 GB from memory and performs at least 1.00 billion" in tell(1.8e9, NOISY)


@pytest.mark.parametrize(
    ("cores", "epochs", "expected"),
    [(1, 1000, "cython"), (4, 1000, "cython-4"), (3, 1000, "cython-3"), (4, 1, "cython"), (64, 1000, "cython-30")],
)
def test_the_maps_choice_is_that_of_gradient_descent(monkeypatch, cores, epochs, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: cores)
    monkeypatch.setattr(grid, "count_cores", lambda: cores)
    monkeypatch.setattr(backends, "resolve", lambda name: "cython")
    assert grid.choose_auto(100_000, 5, {"cython": {"epochs_per_call": epochs}}) == expected


@pytest.mark.parametrize(("shape", "blocks"), [((1000, 10), 1), ((100, 1000), 2), ((100_000, 5), 30)])
def test_no_more_threads_are_timed_than_blocks_exist(monkeypatch, shape, blocks):
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: 64)
    monkeypatch.setattr(grid, "count_cores", lambda: 64)
    counts = grid.thread_counts(*shape)
    assert (counts[0], counts[-1]) == (1, blocks)
    compiled = [one for one in list_backends(counts) if one.name.partition("-")[0] in ("numba", "cython")]
    assert all(one.threads <= blocks for one in compiled)


def test_the_maps_choice_without_a_compiler(monkeypatch):
    monkeypatch.setattr(backends, "resolve", lambda name: "numpy")
    monkeypatch.setattr(grid, "count_blas_threads", lambda: 2)
    assert grid.choose_auto(100_000, 5, {"numpy": {}}) == "numpy"
    assert grid.choose_auto(100_000, 5, {"numpy": {}, "numpy-2": {}}) == "numpy-2"
    monkeypatch.setattr(grid, "count_blas_threads", lambda: 1)  # as OMP_NUM_THREADS=1 makes it
    assert grid.choose_auto(100_000, 5, {"numpy": {}, "numpy-2": {}}) == "numpy"


def test_the_threads_of_blas_are_counted():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="threadpoolctl is an extra")
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert grid.count_blas_threads() == 1


# The price


def test_every_backend_starts(found):
    starts = found.data["price"]["starts"]
    names = {name.partition(",")[0] for name in starts}
    assert names == set(backends.available())
    for one in starts.values():
        assert set(one["seconds"]) == {*price.STAGES, price.WAIT}
        for stage, seconds in one["seconds"].items():
            assert 0 < one["extremes"][stage][0] <= seconds <= one["extremes"][stage][1]


def test_a_wait_is_the_time_of_a_start_without_epochs():
    assert price.wait({"load": 2.0, "first_call": 5.0, "second_call": 1.0}) == 6.0
    assert price.wait({"load": 2.0, "first_call": 1.0, "second_call": 1.5}) == 2.0  # a negative difference is noise


def test_a_start_that_fails_says_why(monkeypatch):
    monkeypatch.setitem(backends.MODULES, "nothing", "no_such_module")
    with pytest.raises(
        OSError, match=r"could not start backend 'nothing': ModuleNotFoundError: No module named 'no_such"
    ):
        price.start("nothing", "")


def test_a_start_finds_what_this_process_finds(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise ImportError('found here')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OSError, match="found here"):
        price.start("numpy", str(tmp_path))


@pytest.mark.parametrize(
    ("times", "expected"),
    [((2.0, 1.0, 0.0, 2.0), 2.0), ((0.0, 1.0, 1.0, 2.0), 0.0), ((1.0, 2.0, 0.0, 1.0), None),
     ((1.0, 1.0, 0.0, 1.0), None), ((0.0, 2.0, 3.0, 1.0), None)],
)  # fmt: skip
def test_when_a_start_has_paid(times, expected):
    assert price.epochs_to_pay(*times) == expected
    if expected:
        start, epoch, other_start, other_epoch = times
        assert start + expected * epoch == other_start + expected * other_epoch


# The step size


def test_costs_and_paths_are_those_of_the_formulas():
    shown = descents.compare_rates()
    X, y = np.array(shown["X"]), np.array(shown["y"])
    hessian = X.T @ X / len(y)
    best = np.linalg.solve(hessian, X.T @ y / len(y))
    np.testing.assert_allclose(shown["smoothness"], np.linalg.eigvalsh(hessian)[-1], rtol=1e-13)
    np.testing.assert_allclose(shown["least_cost"], fastgd.cost(X, y, best), rtol=1e-12)
    for run in shown["runs"]:
        path = np.array(run["path"])
        assert len(path) == len(run["costs"]) == descents.EPOCHS + 1
        errors = np.linalg.matrix_power(np.eye(2) - run["rate"] * hessian, descents.EPOCHS) @ (path[0] - best)
        np.testing.assert_allclose(path[-1] - best, errors, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(run["costs"], [fastgd.cost(X, y, w) for w in path], rtol=1e-12)
        grows = run["costs"][-1] > run["costs"][0]
        assert grows == (run["multiple"] > 2)
    growing = next(run for run in shown["runs"] if run["multiple"] > 2)
    along = abs((np.array(growing["path"]) - best) @ np.linalg.eigh(hessian)[1][:, -1])
    assert (along[1:] > along[:-1]).all()
    # Beyond 1/smoothness the path is on alternating sides of the minimum, in the steepest direction.
    steepest = np.linalg.eigh(hessian)[1][:, -1]
    jumping = next(run for run in shown["runs"] if 1 < run["multiple"] < 2)
    sides = np.sign((np.array(jumping["path"]) - best) @ steepest)
    assert (sides[1:] == -sides[:-1]).all()


def test_schedules_are_as_good_as_they_say():
    shown = descents.compare_schedules()
    least = shown["least_cost"]
    excess = {name: costs[-1] / least - 1 for name, costs in shown["costs"].items()}
    assert shown["condition"] == pytest.approx(1000**0.5)  # of X: the root of that of its Hessian
    assert excess["eigenvalues"] <= descents.DONE
    assert excess["chebyshev"] <= descents.DONE
    assert excess["silver"] < excess["constant"] / 10
    lengths = {name: len(costs) for name, costs in shown["costs"].items()}
    assert lengths["eigenvalues"] < lengths["chebyshev"] < lengths["silver"] == shown["epochs"] + 1


def test_costs_of_schedules_belong_to_their_epochs():
    shown = descents.compare_schedules()
    X, y = descents.ill_conditioned()
    eigenvalues = np.linalg.eigvalsh(X.T @ X / len(y))
    for name, costs in shown["costs"].items():
        epochs = len(costs) - 1
        known = (eigenvalues,) if name == "eigenvalues" else (eigenvalues[-1], eigenvalues[0])
        weights = np.zeros(X.shape[1])
        for rate in getattr(fastgd.rates, name)(descents.SCHEDULE_EPOCHS, *known)[:epochs]:
            weights -= rate * fastgd.gradient(X, y, weights)
        assert costs[-1] == pytest.approx(fastgd.cost(X, y, weights), rel=1e-9)
        told = summarize_study({**MACHINE, "descents": {"schedules": shown}})[-1]
        assert f"{name} to rounding after {epochs}" in told or epochs == shown["epochs"]


# The sources


def test_every_formula_is_marked_in_every_backend():
    marks = {}
    for source in sources.list_sources():
        html = sources.highlight(source)
        assert re.sub("<[^>]*>", "", html).count("\n") == source.text.rstrip("\n").count("\n")
        for letter, beginnings in source.marks.items():
            assert html.count(f'<mark class="{letter}"') >= len(beginnings)
            marks.setdefault(source.backend, set()).add(letter)
    assert marks == {name: set(sources.FORMULAS) for name in backends.available()}


def test_a_formula_that_has_moved_away_is_noticed():
    source = sources.Source("python", "there", "", "python", "a = 1\n", {"r": ["a =", "residual ="]})
    with pytest.raises(ValueError, match="there: no line begins with 'residual ='"):
        sources.highlight(source)
    with pytest.raises(ValueError, match="no function nothing"):
        sources.find_function("int a;\n", "nothing")


@pytest.mark.skipif("cython" not in backends.available(), reason="the compiled extension was not built")
def test_the_sources_of_the_extension_are_installed():
    included = (
        "atomics.h",
        "levels.h",
        "level.inc",
        "loops.inc",
        "targets.inc",
        "targets.pxi",
        "sparse.pxi",
        "groups.pxi",
    )
    for name in ("_kernel.pyx", *included):
        assert sources.read_source(name).startswith(('"""', "/*")), name


# The numbers on the page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.0, "1.00 s"), (0.99951, "1.00 s"), (0.0123, "12.3 ms"), (4.2e-7, "420 ns"), (1e-12, "0.00100 ns"),
     (250.0, "250 s")],
)  # fmt: skip
def test_times_are_in_a_unit_that_suits_them(seconds, text):
    assert format_time(seconds) == text


def test_numbers_in_words():
    assert [format_number(value) for value in (1234.5, 99.96, 9.996, 0.5)] == ["1,234", "100", "10.0", "0.500"]
    assert [format_epochs(value) for value in (None, 0.0, 0.3, 1234.5)] == ["never", "at once", "1", "1,240"]


def test_the_ladders_table_has_its_numbers(found):
    (entry,) = found.data["ladder"]["shapes"]
    table = tables.ladder_table(entry, QUIET)
    times = [entry["contestants"][name]["seconds"] for name in entry["order"]]
    assert [row[1].value for row in table.rows] == times
    fits = np.array([fit_seconds(entry, name) for name in entry["order"]])
    np.testing.assert_allclose([row[3].value for row in table.rows], fits)
    np.testing.assert_allclose([row[4].value for row in table.rows[1:]], fits[:-1] / fits[1:])
    assert entry["order"][1] == "python"
    assert table.columns[5] == "× Python loop over lists"
    np.testing.assert_allclose([row[5].value for row in table.rows], fits[1] / fits)
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_a_speed_up_is_that_of_whole_fits_and_a_dash_where_it_may_be_noise():
    entry = made_up_entry(**STEPS)
    gains = {name: row[4].text for name, row in zip(STEPS, tables.ladder_table(entry, QUIET).rows, strict=True)}
    assert gains == {
        "python": "", "numpy": "100×", "cython": "4.00×", "cython_2": "1.11×",
        "compressed": "43.9×",  # 0.9 s in place of 20.5 ms, of which 20 ms are spent once
        "whitened": "1.02×",  # 20.5 ms and 20.0 ms
    }  # fmt: skip


def test_the_other_tables_have_a_cell_for_every_column(found):
    data = found.data
    for table in (tables.map_table(data["map"]), tables.roofline_table(data), tables.price_table(data),
                  tables.paid_table(data), tables.rates_table(data["descents"])):  # fmt: skip
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows), table.name


def test_the_share_of_a_roof_by_hand():
    limit = {"threads": 1, "operations_per_second": 4e9, "bytes_per_second": {"L2": 2e9, "memory": 1e9}}
    machine = {"caches": {"L1": 10, "L2": 1_000_000}, "cache_instances": {"L1": 2, "L2": 2}}
    data = {"roofline": {"limits": [limit]}, "machine": machine}
    one = {"bytes_per_epoch": 2_000_000, "operations_per_epoch": 1_000_000, "seconds": 0.004, "threads": 1}
    entry = {"bytes": 500_000, "contestants": {"numpy": one, "compressed": {**one, "operations_per_epoch": 12_000_000}}}
    assert tables.describe_roof(data, entry, "numpy") == ("25% of L2", 0.25)  # 1 ms of reading in 4 ms
    assert tables.describe_roof(data, entry, "compressed") == ("75% of the peak", 0.75)  # 3 ms of computing
    entry["bytes"] = 2_500_000
    assert tables.describe_roof(data, entry, "numpy") == (
        "25% of L2, 50% of memory",
        0.5,
    )  # X is in cache in part
    entry["bytes"] = 3_500_000
    assert tables.describe_roof(data, entry, "numpy") == ("50% of memory", 0.5)
    one["threads"] = 2
    assert tables.describe_roof(data, entry, "numpy") == ("not known", 0.0)
    data["roofline"]["limits"].append({**limit, "threads": 2})
    entry["bytes"] = 1_500_000
    assert tables.describe_roof(data, entry, "numpy") == ("25% of L2", 0.25)  # of two cores
    one["seconds"] = 4.0
    assert tables.describe_roof(data, entry, "numpy").text == "under 1% of L2"


def test_epochs_to_overtake_have_the_range_of_the_starts():
    starts = {
        name: {"seconds": {price.WAIT: wait}, "extremes": {price.WAIT: [wait - 1.0, wait + 1.0]}}
        for name, wait in (("numba, nothing cached", 10.0), ("python", 2.0), ("numpy", 2.0))
    }
    times = {"numba": 1.0, "numpy": 1.75, "python": 5.0}
    assert tables.overtakes(starts, times, "numba, nothing cached", "python", 0.0).text == "2 (2 to 3)"
    numpy = tables.overtakes(starts, times, "numba, nothing cached", "numpy", 0.0)
    assert numpy.text == "11 (8 to 14)"  # each epoch makes up for 0.75 s of a wait of 8, 6 or 10 s
    assert numpy.value == pytest.approx(32 / 3)
    assert tables.overtakes(starts, times, "numpy", "numpy", 0.0).text == ""
    # An epoch of NumPy takes 1.75 s, or 2.275 s, or 1.346 s.
    assert tables.overtakes(starts, times, "numba, nothing cached", "numpy", 0.3).text == "11 (5 to 29)"
    assert tables.overtakes(starts, times, "numba, nothing cached", "numpy", 1.0).text == "11 (3 to never)"


def test_regret_has_its_range_between_the_quartiles():
    found = {"numba": {"quartiles": [2.0, 4.0]}, "cython": {"quartiles": [3.0, 5.0]}}
    entry = {"contestants": found, "auto": "cython", "fastest": "numba", "best": "cython", "regret": 1.25}
    assert tables.describe_regret(entry) == "no reliable difference"
    assert tables.describe_regret({**entry, "best": "numba"}) == "1.25× (0.75 to 2.50)"
    assert tables.describe_regret({**entry, "auto": "numba"}) == "1.00×"


def test_a_step_that_is_no_faster_than_the_one_before_removed_nothing_that_shows(found):
    (entry,) = json.loads(json.dumps(found.data["ladder"]["shapes"]))
    before, after = (entry["contestants"][name] for name in entry["order"][2:4])

    def tell(seconds, other, conditions=QUIET):
        for one, time in ((before, seconds), (after, other)):
            one |= {"seconds": time, "quartiles": [0.99 * time, 1.01 * time]}
        return tables.ladder_table(entry, conditions).rows[3][-1].text

    assert tell(2.0, 2.0) == f"no reliable difference here; elsewhere it removes {ladder.REMOVES['in_place']}"
    assert tell(2.0, 1.0) == ladder.REMOVES["in_place"]
    assert tell(1.0, 2.0) == "slower here"
    assert tell(1.15, 1.0) == ladder.REMOVES["in_place"]
    assert tell(1.15, 1.0, NOISY).startswith("no reliable difference here")
    assert tell(1.0, 1.15, NOISY).startswith("no reliable difference here")
    assert tell(1.0, 2.0, NOISY) == "slower here"


def test_a_noisy_step_after_one_with_several_threads_is_compared_with_one_thread():
    entry = made_up_entry(**STEPS)
    rows = tables.ladder_table(entry, NOISY).rows
    assert [row[4].text for row in rows] == ["", "100×", "4.00×", "–", "–", "–"]
    assert [row[5].text for row in rows] == ["1.00×", "100×", "400×", "–", "400 s → 20.5 ms", "400 s → 20.0 ms"]
    assert rows[4][-1].text.endswith("once")  # on a busy machine, nothing about the epochs after which it has paid
    assert rows[3][-1].text == "no reliable difference here; elsewhere it removes a core's idleness"
    assert rows[4][-1].text.startswith("the rows: ")


def test_csv_has_every_time(found):
    lines = list(csv.DictReader(io.StringIO(pages.to_csv(found.data))))
    shapes = [(section, entry) for section in ("ladder", "map") for entry in found.data[section]["shapes"]]
    times = {
        (section, str(entry["n_samples"]), str(entry["n_features"]), name): one["seconds"]
        for section, entry in shapes
        for name, one in {**entry["contestants"], **{work: entry.get(work) for work in ("compress", "whiten")}}.items()
        if one
    }
    kept = {
        (line["section"], line["n_samples"], line["n_features"], line["contestant"]): float(line["seconds"])
        for line in lines
        if line["section"] != "price"
    }
    assert kept == times
    assert sum(line["section"] == "price" for line in lines) == 7 * len(found.data["price"]["starts"])
    assert {(line["section"], line["spread"]) for line in lines} == {
        ("ladder", "quartiles"), ("map", "quartiles"), ("price", "extremes")
    }  # fmt: skip
    assert all(float(line["lower"]) <= float(line["seconds"]) <= float(line["upper"]) for line in lines)


# The page

TOPICS = {"ladder": ["ladder", "variants"], "descents": ["descents", "schedules"]}  # two questions of one section


class Elements(HTMLParser):
    """Collects the ids, headings, references and loaded files of a page."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.loaded, self.references, self.headings = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("link", "script", "img", "iframe", "source"):
            self.loaded += [given[name] for name in ("src", "href") if name in given]
        if given.get("href", "").startswith("#"):
            self.references.append(given["href"][1:])
        self.references += given.get("aria-labelledby", "").split()
        if tag == "h2":
            self.headings.append(given["id"])


def test_the_page_needs_no_other_file(page):
    elements = Elements(page)
    assert elements.loaded == ["data:,"]
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", page)
    assert len(page.encode()) < 2_000_000


def test_the_page_has_every_section_and_no_id_twice(page):
    elements = Elements(page)
    sections = [topic for name in SECTIONS for topic in TOPICS.get(name, [name])]
    assert elements.headings == ["try", *sections, "mathematics", "machine"]
    assert len(set(elements.ids)) == len(elements.ids)
    assert set(elements.references) <= set(elements.ids)


def test_every_picture_has_words_and_its_marks_names(page):
    pictures = re.findall(r"<svg(?![^>]*widget).*?</svg>", page, re.DOTALL)
    assert len(pictures) == 9
    for picture in pictures:
        assert 'role="img"' in picture
        assert all(len(words) > 20 for words in re.findall(r"<desc[^>]*>([^<]*)", picture))
        assert 'data-tip="' in picture
        assert "#010203" not in picture


def test_the_page_holds_the_data(found, page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(text) == json.loads(json.dumps(found.data))
    link = re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]*)"', page)[1]
    assert base64.b64decode(link).decode() == pages.to_csv(found.data)


def test_names_from_the_machine_cannot_break_the_page(found):
    data = json.loads(json.dumps(found.data))
    data["machine"]["cpu"] = "</script><script>alert('CPU')</script>"
    html = Study({name: data[name] for name in data if name not in ("ladder", "map", "price")}).to_html()
    assert "<script>alert" not in html
    assert '"cpu": "\\u003c/script>' in html


@pytest.mark.parametrize("section", SECTIONS)
def test_a_page_of_one_section(found, section):
    data = {name: found.data[name] for name in found.data if name not in SECTIONS or name == section}
    elements = Elements(Study(data).to_html())
    assert elements.headings == ["try", *TOPICS.get(section, [section]), "mathematics", "machine"]
    references = [elements.references.count(name) for name in elements.headings]
    assert references == [2] * len(references)  # of the menu, and of the section's own name


def test_the_commands_on_the_page_can_be_parsed(page):
    codes = {re.sub("<[^>]*>", "", code) for code in re.findall(r"<code>(fastgd [^<]*)</code>", page)}
    assert len(codes) >= 6
    for code in codes:
        options = cli.make_parser().parse_args(shlex.split(code)[1:])
        assert options.sizes == SIZES or options.compare
        assert options.quick or options.compare


def test_a_notebook_shows_the_page_and_a_terminal_its_summary(found, page):
    frame = found._repr_html_()
    assert frame.startswith("<iframe")
    assert unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == page
    text = repr(found)
    assert "One epoch of 200 × 5" in text
    assert "4 shapes" in text


def test_a_study_is_not_timed_beside_threads_that_spin(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr("fastgd.report.run.run_steps", lambda *given: pytest.fail("it measured"))
    with pytest.raises(ImportError, match=r"need threadpoolctl: pip install .*threadpoolctl"):
        fastgd.study(quick=True, sections=["price", "map"], quiet=True)


@pytest.mark.parametrize("module", ["jinja2", "pygments", "matplotlib"])
def test_a_missing_extra_is_named(monkeypatch, found, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("fastgd.report.page.summarize_study", lambda data: pytest.fail("it began to work"))
    with pytest.raises(ImportError, match=rf"(?i)the study's page needs {module}: pip install .*{module}"):
        found.to_html()


# Files


def test_a_saved_study_comes_back(tmp_path, found):
    found.save(tmp_path / "a.json")
    assert Study.load(tmp_path / "a.json").data == json.loads(json.dumps(found.data))
    found.save(tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": "fastgd.bench", "schema_version": 1}', "\xff"])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"bad\.json: expected .* study"):
        Study.load(path)


def test_infinity_is_not_written_as_json(tmp_path, found):
    with pytest.raises(ValueError, match="JSON"):
        Study({**found.data, "seconds": inf}).save(tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


# Two studies


def test_a_study_compared_with_one_that_takes_twice_as_long(found):
    fast, slow = (json.loads(json.dumps(found.data | {"conditions": QUIET})) for _ in range(2))
    for data, factor in ((fast, 1), (slow, 2)):
        for entry in data["ladder"]["shapes"] + data["map"]["shapes"]:
            for one in entry["contestants"].values():
                one["seconds"] *= factor
                one |= {"quartiles": [one["seconds"]] * 2, "extremes": [one["seconds"]] * 2}
    html, sentences = compare.compare_studies(slow, fast, "slow.json", "fast.json")
    assert any("time per epoch: A takes 2.00× the time of B" in sentence for sentence in sentences)
    elements = Elements(html)
    assert len(set(elements.ids)) == len(elements.ids)
    assert "slow.json" in html
    assert elements.loaded == ["data:,"]


def test_pictures_of_two_studies_have_the_command_of_their_own(found):
    other = json.loads(json.dumps(found.data))
    other["command"] = "fastgd study --other"
    other["ladder"]["shapes"] *= 2  # a study without --sizes has two
    html, _ = compare.compare_studies(found.data, other, "a.json", "b.json")
    codes = re.findall(r"<figcaption>.*?<code[^>]*>(.*?)</code>", html, re.DOTALL)
    assert codes == [found.data["command"]] * 2 + [other["command"]] * 3


def test_studies_with_nothing_in_common(found):
    parts = [
        {name: found.data[name] for name in found.data if name not in SECTIONS or name == section}
        for section in ("ladder", "price")
    ]
    with pytest.raises(ValueError, match="nothing was timed in both a and b"):
        compare.compare_studies(*parts, "a", "b")


# The command line


def run(capsys, *arguments):
    code = cli.main(["study", *arguments])
    return code, capsys.readouterr()


def test_the_command_writes_page_and_data(tmp_path, capsys):
    page, data = tmp_path / "p.html", tmp_path / "d.json"
    arguments = "--quick", "--sections", "descents", "--out", str(page), "--json", str(data)
    code, printed = run(capsys, *arguments)
    assert code == 0
    assert re.search(r"eigenvalues to rounding after \d+", printed.out)
    assert re.search(r"^fastgd: 1 step, about \d+ s on an idle machine$", printed.err, re.MULTILINE)
    assert page.read_text(encoding="utf-8").count("<figure id=") == 3
    assert Study.load(data).data["command"] == "fastgd study --quick --sections descents"
    code, printed = run(capsys, "--quick", "--sections", "descents", "--json", "-", "--quiet")
    assert printed.err == ""
    assert json.loads(printed.out)["descents"] == Study.load(data).data["descents"]


def test_the_command_compares(tmp_path, monkeypatch, capsys, found):
    found.save(tmp_path / "a.json")
    monkeypatch.chdir(tmp_path)
    code, printed = run(capsys, "--compare", "a.json", "a.json")
    assert code == 0
    assert "no reliable difference in" in printed.out
    assert "A takes" not in printed.out
    assert [path.name for path in tmp_path.glob("*.html")] == ["fastgd-comparison.html"]  # not a page of one study


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "missing/p.html"], "--out must be in a folder that exists; got 'missing/p.html'"),
        (
            ["--out", "a.html", "--json", "./a.html"],
            "--out and --json must be different files; got 'a.html' and './a.html'",
        ),
        (["--out", "."], "--out must be a file; got the folder '.'"),
        (["--json", "missing/d.json"], "--json must be in a folder that exists"),
        (["--compare", "missing.json", "missing.json"], "missing.json"),
        (["--compare", "a.json", "b.json", "--quick"], "--compare measures nothing, so it goes without --quick"),
    ],
)
def test_bad_options_end_before_anything_is_measured(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: pytest.fail("it measured"))
    code, printed = run(capsys, *arguments)
    assert code == 2
    assert message in printed.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [["--sizes", "100"], ["--sizes", "100x"], ["--sizes", "0x1"], ["--sizes", "1e3x1"], ["--sections", "all"]],
)
def test_options_that_do_not_parse(capsys, arguments):
    with pytest.raises(SystemExit) as raised:
        run(capsys, *arguments)
    assert raised.value.code == 2
    assert arguments[0] in capsys.readouterr().err


# Progress


def test_lines_have_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 6.0, 7.0, 20.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    with progress.Progress(10.0) as shown:
        shown.show(2.0, "first")
        shown.show(3.0, "second")
        shown.show(5.0, "third")
    assert capsys.readouterr().err.splitlines() == ["fastgd: first: 20%, 24 s left", "fastgd: third: 50%, 20 s left"]


def test_steps_run_in_their_order_and_their_progress_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    plans = {"a": [Step("one", 1.0, lambda: 1), Step("two", 3.0, lambda: 2)], "b": [Step("three", 4.0, lambda: 3)]}
    assert run_steps(plans, quiet=False) == {"a": [1, 2], "b": [3]}
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[0] for line in lines] == ["fastgd: one", "fastgd: two", "fastgd: three"]
    assert ": 12%, " in lines[1]
    assert ": 50%, " in lines[2]
    moments = []
    run_steps(plans, quiet=True, between=lambda: moments.append(1))
    assert len(moments) == 4  # before each step, and after the last
    assert capsys.readouterr().err == ""


def test_a_full_map_fits_on_a_phone_whatever_auto_chooses():
    shapes = []
    for n, p in Settings().map_shapes:
        times = {"numba": 1e-5, "cython": 1.3e-5, "cython-2": 1.5e-5}
        found = {name: {"seconds": time, "quartiles": [time, time]} for name, time in times.items()}
        entry = {"n_samples": n, "n_features": p, "contestants": found, "best": "cython", "auto": "cython-2"}
        shapes.append({**entry, "fastest": "cython", "regret": 1.15})
    for auto in ("cython-2", "cython"):
        for entry in shapes:
            entry["auto"] = auto
        (picture,) = map_pictures({"map": {"shapes": shapes}})
        assert picture.least <= PHONE - 2 * 16  # with the margins of the page
        assert ("auto 1.15×" in picture.svg) == (auto == "cython-2")


def test_the_page_explains_dashed_lines_if_its_map_has_some():
    data = json.loads((Path(__file__).parents[1] / "docs/study.json").read_text(encoding="utf-8"))
    data = {name: part for name, part in data.items() if name not in SECTIONS or name == "map"}
    told = "On dashed and dotted lines the two named backends take the same time."
    for floor in (0.0001, 1e6):
        data["conditions"] |= {"noise_floor": floor, "drift": floor, "threads_drift": floor}
        html = Study(data).to_html()
        assert (told in " ".join(html.split())) == ("(interpolated)" in html) == (floor < 1)
