"""The conditions of a study: what else the machine did meanwhile, and the noise floor; all from made-up moments."""

import json
import os

import pytest

from fastgd.backends import resolve
from fastgd.backends.cores import count_cores
from fastgd.bench import conditions, machine
from fastgd.bench.conditions import Moment, Usage, describe_conditions, find_floor, summarize_moments
from fastgd.bench.contestants import make_backend
from fastgd.bench.differences import differ, find_margin
from fastgd.bench.markdown import format_table
from fastgd.bench.probe import Probed, prepare_probe
from fastgd.bench.problem import make_problem
from fastgd.bench.results import list_twins, measure, time_with_twin
from fastgd.report.form import MACHINE
from fastgd.report.reading import find_wrong

QUIET = {"load": [0.1, 1.0], "cores": 2, "others_share": 0.01, "clock": None, "noise_floor": 0.02, "drift": 0.02}
QUIET |= {"threads_drift": 0.02}


def moment(seconds=1.0, *, busy=0.0, total=0.0, own=0.0, load=None, clock=None, gain=None):
    """Return a moment: what the cores and this process have used since the start, and the times of the probe."""
    return Moment(load, Usage(busy, total, own, 2), clock, Probed(seconds, seconds, gain))


def test_the_share_of_others_is_what_this_process_did_not_use():
    moments = [moment(busy=10.0, total=100.0, own=5.0), moment(), moment(busy=70.0, total=200.0, own=22.0)]
    found = summarize_moments(moments)
    assert found["others_share"] == pytest.approx((60 - 17) / 100)
    assert found["cores"] == 2
    assert found["reasons"] == ["other processes used 43 % of the processor"]
    assert found["quiet"] is False


def test_clocks_that_tick_differently_give_no_negative_share():
    found = summarize_moments([moment(), moment(), moment(busy=10.0, total=100.0, own=10.2)])
    assert found["others_share"] == 0.0
    assert found["quiet"] is True


def test_what_cannot_be_read_is_none_and_the_floor_decides():
    still = summarize_moments(
        [Moment(None, None, None, Probed(second, second, None)) for second in (1.0, 1.01, 1.0, 1.0)]
    )
    assert (still["others_share"], still["load"], still["clock"]) == (None, None, None)
    assert (still["quiet"], still["reasons"]) == (True, [])
    shaky = summarize_moments(
        [Moment(None, None, None, Probed(second, second, None)) for second in (1.0, 1.5, 1.0, 1.0)]
    )
    assert shaky["quiet"] is False
    assert shaky["reasons"] == ["times of the same work varied by up to 50 %"]


def drift_of(seconds):
    """Return the drift of moments with these times of the probe."""
    return summarize_moments([moment(second) for second in seconds])["drift"]


def test_the_floor_is_the_distance_of_most_pairs_of_measurements():
    assert find_floor([(2.0, 2.0)] * 10) == conditions.LEAST_FLOOR  # a clock tells no smaller differences
    assert find_floor([(1.0, 1.2)]) == find_floor([(1.2, 1.0)]) == pytest.approx(0.2)
    assert find_floor([(1.0, 1.0)] * 39 + [(1.0, 9.0)]) == conditions.LEAST_FLOOR  # one odd pair of forty
    assert find_floor([(1.0, 1.0)] * 15 + [(1.0, 9.0)]) == pytest.approx(8.0)


def test_the_drift_is_the_distance_of_most_pairs_of_moments():
    # One odd measurement of sixty is in a thirtieth of all pairs: it does not count, five do.
    assert drift_of([1.0] * 59 + [9.0]) == conditions.LEAST_FLOOR
    assert drift_of([1.0] * 55 + [2.0] * 5) == pytest.approx(1.0)


def test_long_calls_that_are_interrupted_more_often_raise_the_drift():
    assert summarize_moments([Moment(None, None, None, Probed(1.0, 1.6, None)) for _ in range(5)])["drift"] >= 0.6


def test_twins_set_the_noise_floor_and_a_machine_that_drifts_is_not_quiet():
    drifting = [moment(1.0), moment(1.0), moment(1.5, total=9.0), moment(1.5, total=9.0)]
    found = summarize_moments(drifting, [(1.0, 1.03), (2.0, 1.96)])
    assert found["noise_floor"] == pytest.approx(0.03)
    assert found["drift"] == pytest.approx(0.5)
    assert found["reasons"] == ["times of the same work varied by up to 50 %"]
    assert summarize_moments(drifting)["noise_floor"] == found["drift"]  # no twins, as in a study without shapes
    uneven = summarize_moments([moment(), moment()], [(1.0, 1.3)])
    assert uneven["reasons"] == ["times of the same work varied by up to 30 % in the same rounds"]


def test_twins_alone_do_not_set_the_floor_if_other_processes_interrupt_long_calls():
    moments = [moment(1.0), moment(1.5, busy=5.0, total=10.0)]
    found = summarize_moments(moments, [(1.0, 1.03)])
    assert found["noise_floor"] == found["drift"] == pytest.approx(0.5)
    unknown = [Moment(None, None, None, Probed(seconds, seconds, None)) for seconds in (1.0, 1.5)]
    assert summarize_moments(unknown, [(1.0, 1.03)])["noise_floor"] == pytest.approx(0.5)


def test_several_threads_are_told_apart_unless_other_processes_used_the_cores():
    one, two, other = (
        {"quartiles": [seconds, seconds], "threads": threads} for seconds, threads in ((9.0, 1), (1.0, 2), (3.0, 2))
    )
    drifting = {**QUIET, "drift": 0.5, "quiet": False}
    busy = {**drifting, "others_share": 0.5}
    assert [differ(*pair, drifting) for pair in ((one, two), (two, other), (one, one))] == [True, True, False]
    assert [differ(*pair, busy) for pair in ((one, two), (two, other))] == [False, False]
    assert differ(one, {**one, "quartiles": [3.0, 3.0]}, busy)


def test_a_gain_of_threads_that_comes_and_goes_tells_no_smaller_difference():
    found = summarize_moments([moment(gain=1.5), moment(gain=0.9), moment(gain=1.2)])
    assert found["threads_drift"] == pytest.approx(1.5 / 0.9 - 1)
    assert summarize_moments([moment(), moment()])["threads_drift"] is None  # one core
    one, two, other = (
        {"quartiles": [seconds, seconds], "threads": threads} for seconds, threads in ((1.4, 1), (1.0, 2), (1.4, 2))
    )
    assert differ(one, two, QUIET)
    assert not differ(one, two, QUIET | {"threads_drift": 0.5})
    assert differ(two, other, QUIET | {"threads_drift": 0.5})


def test_times_of_different_rounds_must_differ_by_more_than_the_drift():
    one, other = ({"quartiles": [seconds, seconds], "threads": 1} for seconds in (1.0, 1.3))
    drifting = {**QUIET, "drift": 0.5, "quiet": False}
    assert differ(one, other, drifting)
    assert not differ(one, other, drifting, together=False)


def test_a_twin_takes_part_in_the_rounds_and_is_no_contestant():
    problem = make_problem(50, 3)
    found, twin = time_with_twin([make_backend("numpy"), make_backend(resolve("auto"))], problem, 3)
    assert list(found) == ["numpy", resolve("auto")]
    assert twin["twin"]["of"] == resolve("auto")
    assert twin["twin"]["rounds"] == 3
    ((one, other),) = list_twins([{"contestants": found, **twin}, {"contestants": found}])
    assert (one, other) == (found[resolve("auto")]["seconds"], twin["twin"]["seconds"])
    assert min(one, other) > 0


def test_there_is_no_twin_of_a_contestant_that_takes_no_part():
    found, twin = time_with_twin([make_backend("numpy", 2)], make_problem(50, 3), 3)
    assert (list(found), twin) == (["numpy-2"], {})


@pytest.mark.parametrize("density", [None, 0.5])
def test_the_bench_has_conditions_too(density):
    found = measure([(30, 4)], rounds=3, density=density)
    assert found["conditions"]["noise_floor"] > 0
    assert found["shapes"][0]["twin"]["of"] == resolve("auto")
    assert f"The machine was {describe_conditions(found['conditions'])}." in format_table(found)


def test_the_clock_has_its_range_and_a_wide_one_is_a_reason():
    moments = [moment(clock=mhz) for mhz in (2000.0, 3500.0, 3400.0)]
    found = summarize_moments(moments)
    assert found["clock"] == {"lowest": 2000.0, "median": 3400.0, "highest": 3500.0}
    assert found["reasons"] == ["the processor's clock went from 2,000 to 3,500 MHz"]
    assert summarize_moments([moment(clock=3400.0), moment(clock=3500.0)])["quiet"]


def test_the_load_has_its_start_and_end_and_counts_where_nothing_else_is_known():
    moments = [Moment(load, None, None, Probed(1.0, 1.0, None)) for load in (3.0, 2.0, 2.5)]
    found = summarize_moments(moments)
    assert found["load"] == {"start": 3.0, "end": 2.5}
    assert found["reasons"] == ["the load of the machine was 3.0 before anything was measured"]
    assert summarize_moments([moment(load=3.0), moment(load=2.5, total=9.0)])["quiet"]  # others used nothing meanwhile


def test_the_sentence_of_the_badge():
    assert describe_conditions({**QUIET, "quiet": True, "reasons": []}) == "quiet; differences below 2 % mean nothing"
    noisy = {**QUIET, "noise_floor": 0.176, "quiet": False}
    assert describe_conditions({**noisy, "reasons": ["other processes used 43 % of the processor"]}) == (
        "noisy: other processes used 43 % of the processor; differences below 18 % mean nothing"
    )
    told = describe_conditions({**noisy, "noise_floor": 1.5, "reasons": ["one", "two"]})
    assert told == "noisy: one, two; differences below 150 % mean nothing"
    assert "below 0.62 %" in describe_conditions({**QUIET, "noise_floor": 0.0062, "quiet": True, "reasons": []})


def test_a_sentence_from_a_file_obeys_no_terminal():
    told = describe_conditions({**QUIET, "quiet": False, "reasons": ["\x1b[2J"]})
    assert told.isprintable()


def test_usage_counts_the_cores_that_this_process_may_use(monkeypatch, tmp_path):
    (tmp_path / "stat").write_text(
        "cpu  900 0 0 900 0 0 0 0 0 0\n"
        "cpu0 100 20 30 500 50 6 7 8 3 2\n"
        "cpu1 700 0 0 100 0 0 0 0 0 0\n"
        "cpu2 50 0 0 250 0 0 0 0 0 0\n"
        "intr 1 2 3\n"
    )
    monkeypatch.setattr(conditions, "USAGE", tmp_path / "stat")
    monkeypatch.setattr(conditions, "list_cores", lambda: [0, 2])
    monkeypatch.setattr(conditions, "ticks_a_second", lambda: 10)
    found = conditions.read_usage()
    assert found.cores == 2
    assert found.busy == pytest.approx((100 + 20 + 30 + 6 + 7 + 8 + 50) / 10)  # a guest's time is in user's time
    assert found.total == pytest.approx(found.busy + (500 + 50 + 250) / 10)
    assert found.own > 0
    for text in ("", "cpu0 1 2\n", "cpu0 a b c d e f g h\ncpu2 1 2 3 4 5 6 7 8\n"):
        (tmp_path / "stat").write_text(text)
        assert conditions.read_usage() is None
    monkeypatch.setattr(conditions, "USAGE", tmp_path / "missing")
    assert conditions.read_usage() is None


def test_the_clock_is_that_of_the_fastest_core(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CACHES", tmp_path)
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "list_cores", lambda: [0, 1])
    assert machine.read_clock() is None
    (tmp_path / "cpuinfo").write_text("cpu MHz\t\t: 800.000\ncpu MHz\t\t: 2600.5\n")
    assert machine.read_clock() == 2600.5
    for core, kilohertz in enumerate(("800000\n", "3500000\n", "9000000\n")):
        folder = tmp_path / f"cpu{core}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(kilohertz)
        (folder / "scaling_governor").write_text(("powersave\n", "performance\n", "odd\n")[core])
    assert machine.read_clock() == 3500.0
    assert machine.find_governor() == "performance, powersave"
    monkeypatch.setattr(machine, "CACHES", tmp_path / "missing")
    assert machine.find_governor() is None


@pytest.mark.parametrize("clock", ["0.000", "nan", "inf", ""])
def test_a_virtual_machine_that_hides_its_parts_has_a_study_that_can_be_read(monkeypatch, tmp_path, clock):
    cache = tmp_path / "cpu0/cache/index0"
    cache.mkdir(parents=True)
    for file, text in {"level": "2", "type": "Data", "size": "0K", "shared_cpu_list": "0"}.items():
        (cache / file).write_text(text)
    (tmp_path / "cpuinfo").write_text(f"model name :\ncpu MHz : {clock}\n")
    monkeypatch.setattr(machine, "CACHES", tmp_path)
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "list_cores", lambda: [0])
    monkeypatch.setattr(os, "sysconf", lambda name: -1 if name == "SC_PHYS_PAGES" else 4096, raising=False)
    assert machine.read_clock() is None
    found = machine.describe_machine()
    assert found["cpu"]
    assert (found["caches"], found["cache_instances"], found["memory"]) == ({}, {}, None)
    assert find_wrong(found, MACHINE) == ""


def test_a_moment_is_measured():
    probe = prepare_probe()
    moments = [conditions.take_moment(probe) for _ in range(3)]
    assert all(min(one.probed.short, one.probed.long) > 0 for one in moments)
    assert all((one.probed.gain is None) == (count_cores() == 1) for one in moments)
    found = summarize_moments(moments)
    assert json.loads(json.dumps(found)) == found
    assert found["noise_floor"] > 0


def test_a_machine_has_its_system_memory_blas_and_kernel():
    found = machine.describe_machine()
    assert json.loads(json.dumps(found)) == found
    assert found["system"]
    assert found["memory"] is None or found["memory"] > 2**20
    assert all(set(one) == {"version", "threads"} for one in found["blas"].values())
    assert not found["kernel"] or found["kernel"].keys() >= {"compiler", "flags"}


def test_the_margin_grows_with_what_the_times_do_not_share():
    drifting = {**QUIET, "noise_floor": 0.03, "drift": 0.2, "threads_drift": 0.5, "quiet": False}
    assert find_margin(None, (1, 2)) == 0.0
    assert find_margin(drifting, (1, 1)) == find_margin(drifting, (2, 2)) == 0.03
    assert find_margin(drifting, (1, 1), together=False) == 0.2
    assert find_margin(drifting, (1, 2)) == find_margin(drifting, (1, 2), together=False) == 0.5
    assert find_margin(drifting | {"others_share": 0.5}, (2, 2)) == float("inf")
    assert find_margin(drifting | {"others_share": 0.5}, (1,)) == 0.03
