"""The comparison with other libraries: the best peer, the words for cells, the picture, and the reference solutions."""

# ruff: noqa: E402  (the package stands in benchmarks/, which an installation lacks)

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fastgd.inputs.extras import is_installed

FOLDER = Path(__file__).parents[1] / "benchmarks"
if not (FOLDER / "versus").exists():
    pytest.skip("the wheel's tests run away from the source tree", allow_module_level=True)
sys.path.append(str(FOLDER))

from versus import judging, measure, page, timing
from versus.cells import list_cells
from versus.contestants import ITERATIONS, Contestant
from versus.data import Data, make_data, make_groups, make_one_hot, make_sparse
from versus.reference import solve_reference

needs_scipy = pytest.mark.skipif(not is_installed("scipy"), reason="sparse rows need scipy")


def entry(seconds, error=1e-12, spread=0.01, **more):
    ends = [seconds * (1 - spread), seconds * (1 + spread)]
    return {"setting": None, "error": error, "seconds": seconds, "rounds": 9, "quartiles": ends, **more}


def cell(label="100 × 5", threads=1, **found):
    names = {"function": "gradient_descent", "estimator": "GradientDescentRegressor", "numpy": "NumPy lstsq"}
    found = {names.get(name, name): one for name, one in found.items()}
    for name in {"gradient_descent", "GradientDescentRegressor"} & found.keys():
        found[name]["ours"] = True
    return {
        "kind": "dense", "label": label, "column": "float64, κ = 10", "accuracy": 1e-8, "threads": threads,
        "correction": 1e-15, "found": found,
    }  # fmt: skip


WIN = cell("won", function=entry(1.0), estimator=entry(1.5), Ridge=entry(2.0), numpy=entry(0.1, bare=True))
LOSS = cell("lost", function=entry(2.0), Ridge=entry(1.0))
LEVEL = cell("level", function=entry(1.0), estimator=entry(3.0), Ridge=entry(1.01))
FAILURE = cell("failed", function=entry(1.0, error=1e-5), Ridge=entry(1.0))
ALONE = cell("alone", function=entry(1.0), Ridge=entry(0.5, error=1e-7))
CELLS = [WIN, LOSS, LEVEL, FAILURE, ALONE]


# ---- who is the best


def test_the_best_is_the_fastest_peer_that_reached_the_accuracy():
    found = cell(function=entry(0.5), slow=entry(3.0), fast=entry(2.0), wrong=entry(1.0, error=2e-8))
    assert judging.find_best(found) == "fast"
    assert judging.find_best(ALONE) is None


def test_bare_solvers_and_fastgd_are_no_peers():
    assert judging.find_best(WIN) == "Ridge"
    assert judging.find_best(WIN, bare=True) == "NumPy lstsq"


def test_an_error_that_is_not_finite_is_none_and_reaches_nothing():
    found = cell(function=entry(1.0), broken=entry(0.1, error=None), failed={"error": None, "seconds": None})
    assert judging.find_best(found) is None
    assert not judging.has_reached(found, "absent")


def test_the_function_stands_for_fastgd_and_the_estimator_where_it_cannot():
    assert judging.find_ours(WIN) == "gradient_descent"
    found = cell(function=entry(0.1, error=None), estimator=entry(2.0), Ridge=entry(3.0))
    assert judging.find_ours(found) == "GradientDescentRegressor"
    assert judging.find_ratio(found, "Ridge", judging.find_ours(found)) == 1.5


def test_the_outcomes():
    assert [judging.find_outcome(one) for one in CELLS] == ["wins", "loses", "level", "fails", "alone"]


# ---- the words


def test_the_words_count_all_outcomes_and_name_the_cells_that_are_not_won():
    text = page.describe_outcomes(CELLS)
    assert text.startswith(
        "fastgd is faster than every peer in 1 of 5 cells, level with the best in 1 (the quartiles overlap), "
        "slower in 1, the only one that reached the accuracy in 1, not accurate enough in 1."
    )
    where = "float64, κ = 10, 1 thread"
    assert (
        f"Slower than the best peer:\n\n- lost, {where}: Ridge takes 1.00 s, gradient_descent 2.00 s (0.500×)" in text
    )
    assert f"- level, {where}: Ridge takes 1.01 s, gradient_descent 1.00 s (1.01×)" in text
    assert f"did not reach the accuracy:\n\n- failed, {where}" in text
    assert "- level: Ridge takes 0.34× the time of GradientDescentRegressor (1 cell)" in text
    assert "- won: NumPy lstsq takes 0.10× the time of gradient_descent (1 cell)" in text


def test_outcomes_that_do_not_occur_are_not_mentioned():
    assert page.describe_outcomes([ALONE | {"found": {**WIN["found"]}}]).split("\n")[0] == (
        "fastgd is faster than every peer in 1 of 1 cells."
    )


def test_slower_cells_of_one_row_are_one_line():
    cells = [cell(threads=k, function=entry(k + 1.0), Ridge=entry(1.0)) for k in (1, 2)]
    lines = page.describe_slower([(one, "Ridge", "gradient_descent") for one in cells])
    assert lines == ["- 100 × 5: Ridge takes 0.33× to 0.50× the time of gradient_descent (2 cells)"]


def test_a_time_without_the_accuracy_stands_in_parentheses_with_its_error():
    found = cell(function=entry(1.0) | {"rounds": 1}, wrong=entry(2.0, error=3e-5), failed={"failed": "no"})
    found["found"]["broken"] = entry(2.0, error=None)
    texts = [page.format_entry(found, name) for name in ("gradient_descent", "wrong", "failed", "broken", "absent")]
    assert texts == ["1.00 s (once)", "(2.00 s, 3e-05)", "failed", "(2.00 s, not finite)", "–"]


def test_the_summary_shows_linear_regression_and_onedal_accurate_or_not():
    found = cell(function=entry(1.0), LinearRegression=entry(3.0))
    found["found"]["oneDAL LinearRegression"] = entry(2.0, error=1e-6)
    header, _, row = page.make_summary([found]).split("\n")
    cells = dict(zip(header.strip("| ").split(" | "), row.strip("| ").split(" | "), strict=True))
    assert cells["best peer"] == "LinearRegression: 3.00 s"
    assert cells["LinearRegression / fastgd"] == "3.00×"
    assert cells["oneDAL LinearRegression / fastgd"] == "(2.00×)"
    assert "bare" not in header
    assert "bare" in page.make_summary([found, WIN])


def test_the_page_has_a_table_for_each_kind_of_x_and_number_of_threads():
    results = {
        "machine": {"cpu": "CPU", "cores": 2, "cpu_level": "avx2"}, "versions": {"numpy": "2.0", "jax": None},
        "threads": {"1": {"cores": 2, "openblas": 1}}, "cells": [WIN, LOSS | {"threads": 2}], "lines": ["a line"],
        "absent": {"himalaya Ridge": "not installed: pip install himalaya"},
    }  # fmt: skip
    text = page.format_results(results)
    assert text.startswith(
        "CPU (2 cores, avx2); numpy 2.0.\n\nThreads of the libraries in the process with 1 thread: openblas 1."
    )
    titles = [line for line in text.split("\n") if line.startswith("#### ")]
    assert [title.rpartition(", ")[2] for title in titles] == ["1 thread", "2 threads"]
    assert text.endswith("- a line\n\nLeft out: himalaya Ridge (not installed: pip install himalaya).")


def test_a_peer_that_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(measure, "is_installed", lambda module: module != "polars_ols")
    absent = measure.list_absent(["groups"])
    assert absent.keys() == {"polars-ols"}
    assert "polars-ols" in absent["polars-ols"].partition("install")[2]


# ---- the picture


def test_the_picture_frames_the_cells_that_the_words_call_slower(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    from versus import heat_map

    cells = [*CELLS, *({**one, "kind": "sparse"} for one in CELLS), LOSS | {"threads": 2}]
    heat_map.draw(cells, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    one, two, sparse, _ = pyplot.gcf().axes
    frames = [[patch for patch in ax.patches if not patch.get_fill()] for ax in (one, two, sparse)]
    assert [len(found) for found in frames] == [2, 1, 2]  # lost and failed; lost with two threads
    texts = [text.get_text() for text in sparse.texts]
    assert texts == ["2.0", "Ridge", "0.50", "Ridge", "1.0", "Ridge", "not\nreached", "alone"]
    sizes = {text.get_fontsize() for ax in pyplot.gcf().axes for text in (*ax.texts, *ax.get_xticklabels())}
    assert min(sizes) >= 9
    pyplot.close("all")


def test_an_svg_has_the_colours_that_a_page_replaces(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    from versus import heat_map

    for name in ("map.svg", "map.png"):
        heat_map.draw(CELLS, tmp_path / name)
        pyplot.close("all")
    text = (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert "#010203" in text
    assert ">Ridge</text>" in text


def test_the_colours_are_white_at_one_and_end_at_eight():
    from versus.heat_map import place_of

    assert [place_of(ratio) for ratio in (1 / 64, 1 / 8, 1, 8, 64)] == [0, 0, 0.5, 1, 1]


# ---- the references


def judge_exact(data, weights):
    """Return the errors of weights, and of weights with a little too much of the first feature."""
    reference = solve_reference(data)
    assert reference.correction < 1e-12
    changed = np.array(weights)
    changed[..., 1] += 1e-3
    return reference.judge(weights), reference.judge(changed)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_dense_reference_is_the_solution_of_lstsq(dtype, order):
    X, y = make_data(200, 4, 10, dtype, order=order)
    assert X.dtype == y.dtype == dtype
    assert X.flags.c_contiguous is (order == "C")
    A = np.column_stack([np.ones(200), X]).astype(float)
    right, wrong = judge_exact(Data(X, y), np.linalg.lstsq(A, y.astype(float), rcond=None)[0])
    assert right < 1e-12
    expected = 1e-3 * np.linalg.norm(A[:, 1]) / np.linalg.norm(A @ np.linalg.lstsq(A, y, rcond=None)[0] - y.mean())
    np.testing.assert_allclose(wrong, expected, rtol=1e-5)


def test_the_largest_error_of_all_targets_counts():
    data = Data(*make_data(100, 3, 10, "float64", 5))
    weights = np.linalg.lstsq(np.column_stack([np.ones(100), data.X]), data.y, rcond=None)[0]
    judge = solve_reference(data).judge
    assert judge(weights) < 1e-12
    weights[2, 4] *= 2
    assert judge(weights) > 1e-2
    weights[2, 4] = np.nan
    assert judge(weights) == np.inf


@needs_scipy
@pytest.mark.parametrize("make", [partial(make_sparse, 300, 10, 0.2), partial(make_one_hot, 300, 12, 3)])
def test_the_sparse_reference_judges_predictions_where_weights_are_not_unique(make):
    data = make()
    A = np.column_stack([np.ones(300), data.X.toarray()])
    right, wrong = judge_exact(data, np.linalg.lstsq(A, data.y, rcond=None)[0])
    assert right < 1e-12
    assert wrong > 1e-5


@needs_scipy
def test_one_hot_rows_lack_a_direction_for_each_factor():
    data = make_one_hot(300, 12, 3)
    centred = data.X.toarray() - data.X.toarray().mean(axis=0)
    assert np.linalg.matrix_rank(centred) == 9


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_reference_of_groups_solves_each_group(shuffled):
    data = make_groups(4, 20, 2, shuffled)
    weights = []
    for k in range(4):
        X, y = data.X[data.groups == k], data.y[data.groups == k]
        weights.append(np.linalg.lstsq(np.column_stack([np.ones(20), X]), y, rcond=None)[0])
    right, wrong = judge_exact(data, np.array(weights))
    assert right < 1e-12
    assert wrong > 1e-5
    assert (np.diff(data.groups) < 0).any() == shuffled


# ---- settings and failures


def count_iterations(_, setting):
    return np.array([float(setting)])


def judge_iterations(answer, needed=37):
    return 0.0 if answer[0] >= needed else 1.0


def test_iterative_peers_get_nearly_the_fewest_iterations():
    contestant = Contestant("counts", count_iterations, None, ITERATIONS)
    found, fit = timing.try_settings(contestant, None, judge_iterations, 1e-8, 1.0)
    assert 37 <= found["setting"] <= 41
    assert fit()[0] == found["setting"]


def test_tolerances_are_tried_one_after_the_other_and_the_least_error_is_kept():
    contestant = Contestant("tolerances", count_iterations, None, (3.0, 2.0, 1.0))
    found, _ = timing.try_settings(contestant, None, lambda answer: answer[0], 0.5, 1.0)
    assert found["setting"] == 1.0
    found, _ = timing.try_settings(contestant, None, lambda answer: answer[0], 2.5, 1.0)
    assert found["setting"] == 2.0


def test_a_peer_that_fails_does_not_end_the_run():
    def fail(data, setting):
        raise ValueError("cannot do this")

    found, _ = timing.try_settings(Contestant("fails", fail), None, judge_iterations, 1e-8, 1.0)
    assert found["failed"] == "ValueError: cannot do this"
    assert measure.summarize(found)["seconds"] is None


def test_each_kind_has_cells_that_say_how_they_are_made():
    for quick in (True, False):
        cells = list_cells(["dense", "targets", "sparse", "groups"], None, quick)
        assert {one.kind for one in cells} == {"dense", "targets", "sparse", "groups"}
        assert len({(one.kind, one.label, one.column) for one in cells}) == len(cells)


# ---- the command


def run(*options):
    """Return the output of the command, which must succeed."""
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    command = [sys.executable, "-W", "ignore", str(FOLDER / "versus"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_scipy
def test_the_command_measures_writes_and_reads_its_results_again(tmp_path):
    saved, written = tmp_path / "run.json", tmp_path / "page.md"
    written.write_text("before\n<!-- bench:begin -->\n<!-- bench:end -->\nafter\n", encoding="utf-8")
    text = run("--quick", "--json", str(saved), "--write", str(written))
    results = json.loads(saved.read_text(encoding="utf-8"))
    assert len(results["cells"]) == len(list_cells(["dense", "targets", "sparse", "groups"], None, True))
    for one in results["cells"]:
        assert one["threads"] == 1
        if one["kind"] == "dense":
            assert judging.has_reached(one, "gradient_descent")
    assert results["threads"]["1"]["cores"] >= 1
    assert f"before\n<!-- bench:begin -->\n\n{text}" in written.read_text(encoding="utf-8")
    assert run("--from", str(saved)) == text


def test_the_command_refuses_unknown_cells():
    command = [sys.executable, str(FOLDER / "versus"), "--cells", "dense,none"]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert "--cells" in done.stderr
    assert "dense,none" in done.stderr
