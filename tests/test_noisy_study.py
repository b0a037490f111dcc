"""The script that looks for claims of a busy machine which an idle one contradicts: what it counts as one."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "extras" / "noisy_study.py"
if not SCRIPT.exists():
    pytest.skip("the wheel's tests run away from the source tree", allow_module_level=True)
pytest.importorskip("jinja2", reason="the study's page is made with Jinja2, an extra")
pytest.importorskip("matplotlib", reason="the study's page is made with matplotlib, an extra")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def make_study(times, floor):
    """Return the parts of a study of one shape that the script reads."""
    contestants = {
        name: {"seconds": time, "quartiles": [0.99 * time, 1.01 * time], "threads": 1} for name, time in times.items()
    }
    shapes = [{"n_samples": 100, "n_features": 5, "contestants": contestants}]
    return {
        "ladder": {"shapes": shapes},
        "map": {"shapes": []},
        "conditions": {"noise_floor": floor, "others_share": 0.0, "quiet": floor < 0.1, "reasons": []},
    }


def test_a_claim_is_a_pair_that_lies_further_apart_than_the_noise_floor(script):
    times = {"numpy": 3.0, "numba": 1.1, "cython": 1.0}
    faster = {claim[-2:] for claim in script["list_claims"](make_study(times, 0.02))}
    assert faster == {("numba", "numpy"), ("cython", "numpy"), ("cython", "numba")}
    faster = {claim[-2:] for claim in script["list_claims"](make_study(times, 0.5))}
    assert faster == {("numba", "numpy"), ("cython", "numpy")}
    assert script["list_claims"](make_study(times, 3.0)) == set()


def test_the_same_pair_in_the_other_order_is_a_contradiction_and_a_silent_study_is_none(script):
    idle = script["list_claims"](make_study({"numpy": 3.0, "cython": 1.0}, 0.02))
    busy = script["list_claims"](make_study({"numpy": 1.0, "cython": 3.0}, 0.02))
    assert script["find_contradictions"](busy, idle) == [("ladder", 100, 5, "numpy", "cython")]
    assert script["find_contradictions"](idle, idle) == []
    assert script["find_contradictions"](set(), idle) == []


def test_waits_are_claims_if_all_starts_of_one_lie_apart(script):
    data = make_study({"numpy": 3.0}, 0.02)
    spreads = {"numpy": [1.0, 2.0], "cython": [1.5, 3.0], "numba": [2.5, 9.0]}
    data["price"] = {
        "shape": [10, 2], "starts": {name: {"extremes": {"wait": spread}} for name, spread in spreads.items()}
    }  # fmt: skip
    assert script["list_claims"](data) == {("price", 10, 2, "numpy", "numba")}
