"""`fastgd bench`: contestants, samples, results, table and pictures; no test depends on measured times."""

import copy
import gc
import json
import subprocess
import sys

import numpy as np
import pytest

from fastgd import backends, bench, compress
from fastgd.bench import contestants, limits, machine, results, roofs, text, timing
from fastgd.bench.problem import RATE, make_problem
from fastgd.cli.main import main

SHAPES = [(30, 2), (20, 3)]
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
LINES = f"before\n{BEGIN}\nold\n{END}\nafter\n"
needs_extension = pytest.mark.skipif("cython" not in backends.available(), reason="the extension is not built")


@pytest.fixture(autouse=True)
def short_samples(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS_A_SAMPLE", 1e-4)
    monkeypatch.setattr(timing, "SECONDS_A_CALL", 1e-4)


@pytest.fixture
def own_contestants(monkeypatch):
    """Leave out the contestants of other libraries, whose imports take seconds."""
    installed = contestants.is_installed
    monkeypatch.setattr(contestants, "is_installed", lambda module: module == "threadpoolctl" and installed(module))


@pytest.fixture
def made_up():
    """Return results with round numbers of µs per epoch, at two shapes, with one thread and with two."""

    def entry(n_samples, n_features, **microseconds):
        found = {}
        for key, value in microseconds.items():
            name = key.replace("_", "-")
            threads = int(name.partition("-")[2] or 1)
            spread = [value * 0.9e-6, value * 1.1e-6]
            found[name] = {"seconds": value * 1e-6, "quartiles": spread, "extremes": spread, "threads": threads}
        return results.compare_contestants(np.empty((n_samples, n_features)), found)

    return {
        "machine": {"cpu": "A CPU", "cores": 2, "cpu_level": "avx2", "caches": {"L1": 32768, "L2": 3 * 2**19}},
        "versions": {"fastgd": "1", "python": "3.11", "numpy": "2.4", "numba": None},
        "threads": {"backends": 1, "blas": "1", "environment": {"OMP_NUM_THREADS": None}},
        "settings": {"rounds": 5, "order": "C", "dtype": "float64"},
        "absent": {"jax": "not installed"},
        "shapes": [
            entry(1000, 10, python=2000, numpy=10, numpy_2=8, cython=4, cython_2=2.5, read=2, read_2=1),
            entry(100000, 50, numpy=3700, numpy_2=2500, cython=5000, cython_2=2500, read=1250, read_2=1000, sgd=20000),
        ],
    }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_backends_are_timed_on_sparse_rows(dtype):
    measured = bench.measure([(300, 20), (20, 3)], rounds=3, threads=2, dtype=dtype, density=0.2)
    expected = {"python", "numpy"}
    expected |= {f"{name}{count}" for name in backends.list_loadable() if name not in expected for count in ("", "-2")}
    for entry in measured["shapes"]:
        assert set(entry["contestants"]) >= {"python", "numpy"}
        assert {name for name in entry["contestants"] if not name.startswith("numpy")} == expected - {"numpy"}
    assert measured["settings"]["density"] == 0.2
    assert "reading X once" in str(measured["absent"])
    text = bench.format_table(measured)
    assert f"sparse rows of {dtype}, 20 % of the entries stored" in text
    assert "Cython against reading" not in text  # nothing was read
    json.dumps(measured)


@pytest.mark.parametrize("density", [0.0, -0.5, 1.5, float("nan")])
def test_measure_refuses_a_density_that_is_no_share(density):
    with pytest.raises(ValueError, match="density must be above 0"):
        bench.measure([(20, 3)], rounds=3, density=density)


@pytest.mark.parametrize("density", ["0", "2", "nan", "much"])
def test_a_density_is_a_share(density, capsys):
    with pytest.raises(SystemExit):
        main(["bench", "--sparse", density])
    assert "expected a number above 0, at most 1" in capsys.readouterr().err


def test_sparse_rows_have_no_order(capsys):
    assert main(["bench", "--sparse", "--order", "F"]) == 2
    assert "--order must be left out with --sparse" in capsys.readouterr().err


@pytest.mark.usefixtures("own_contestants")
@pytest.mark.parametrize(("order", "dtype"), [("C", "float64"), ("F", "float32")])
def test_results_have_the_keys_of_their_description(order, dtype):
    lines = []
    measured = bench.measure(SHAPES, rounds=3, order=order, dtype=dtype, progress=lines.append)
    assert json.loads(json.dumps(measured)) == measured
    assert (measured["schema"], measured["schema_version"]) == ("fastgd.bench", 1)
    settings = {"rounds": 3, "order": order, "dtype": dtype, "density": None, "most_epochs_per_call": 1000}
    assert measured["settings"] == settings
    assert lines == ["30 × 2: 3 rounds", "20 × 3: 3 rounds", "the machine's limits"]
    assert [(entry["n_samples"], entry["n_features"]) for entry in measured["shapes"]] == SHAPES
    assert {"jax", "sgd"} <= set(measured["absent"])
    for entry in measured["shapes"]:
        assert entry["bytes"] == entry["n_samples"] * entry["n_features"] * np.dtype(dtype).itemsize
        assert set(backends.available()) <= set(entry["contestants"])
        assert ("read" in entry["contestants"]) == ("cython" in backends.available())
        for one in entry["contestants"].values():
            assert 0 < one["quartiles"][0] <= one["seconds"] <= one["quartiles"][1]
            assert one["rounds"] == 3
            assert 1 <= one["epochs_per_call"] <= timing.EPOCHS_A_CALL
    assert [limit["threads"] for limit in measured["limits"]] == [1]


@pytest.mark.parametrize(
    ("name", "size", "operations"),
    [
        ("cython-2", 8 * 1000 * 20 + 8 * 1000, 4 * 1000 * 20 + 5 * 1000),
        ("numpy", 2 * 8 * 1000 * 20 + 9 * 8 * 1000, 4 * 1000 * 20 + 5 * 1000),
        ("python", 32 * 1000 * 21, 4 * 1000 * 20 + 5 * 1000),
        ("compressed", 8 * 22 * 22, 4 * 22 * 21 + 3 * 22),
        ("whitened", 8 * 22 * 22, 4 * 22 * 21 + 3 * 22),
        ("read", 8 * 1000 * 20, 1000 * 20),
    ],
)
def test_the_work_of_an_epoch_by_hand(name, size, operations):
    assert limits.count_work(name, 1000, 20) == {"bytes_per_epoch": size, "operations_per_epoch": operations}


def test_float32_halves_the_bytes_of_x_but_not_of_y():
    assert limits.count_work("numba", 1000, 20, 4)["bytes_per_epoch"] == 4 * 1000 * 20 + 8 * 1000
    assert limits.count_work("numpy", 1000, 20, 4) == limits.count_work("numpy", 1000, 20)  # NumPy copies X once
    assert limits.count_work("sgd", 1000, 20) == {}


def test_a_compressed_problem_has_no_more_rows_than_the_data():
    X, y = np.ones((3, 1000)), np.ones(3)
    small = compress(X, y)[0]
    found = limits.count_work("compressed", *X.shape)
    assert found["bytes_per_epoch"] == 8 * (small.size + len(small))
    tall = compress(np.eye(30, 4), np.ones(30))[0]
    assert limits.count_work("compressed", 30, 4)["bytes_per_epoch"] == 8 * (tall.size + len(tall))


def test_the_limits_of_a_machine(monkeypatch):
    caches = {"L1": (2**15, 2), "L2": (2**17, 2), "L3": (2**20, 1)}
    monkeypatch.setattr(limits, "find_caches", lambda: caches)
    monkeypatch.setattr(limits, "LEAST_MEMORY", 2**21)
    found = limits.measure_limits((1, 2), rounds=3)
    assert [limit["threads"] for limit in found] == [1, 2]
    for limit in found:
        speeds = limit["bytes_per_second"]
        assert list(speeds) == (["L2", "L3", "memory"] if "cython" in backends.available() else [])
        assert all(speed > 0 for speed in speeds.values())
        spread = limit["quartiles"]["bytes"]
        assert all(spread[level][0] <= spread[level][1] <= speed for level, speed in speeds.items())  # the best sample
        assert (limit["operations_per_second"] is None) == (not contestants.is_installed("threadpoolctl"))


def test_limits_are_those_of_the_best_sample():
    found = {("product", 1): [2.0, 1.0, 4.0], ("memory", 1): [4.0, 8.0, 16.0]}
    limit = limits.gather_limit(found, {"memory": 64}, 1)
    assert limit["operations_per_second"] == 2 * limits.PRODUCT_ROWS**3
    assert limit["bytes_per_second"] == {"memory": 16.0}
    assert limit["quartiles"]["bytes"]["memory"] == [6.0, 12.0]


def test_no_contestant_stands_above_its_limit():
    level = {"L2": 100.0, "memory": 10.0}
    made = [{"threads": 1, "operations_per_second": 50.0, "bytes_per_second": level}]
    described = {"caches": {"L1": 10, "L2": 1000}, "cache_instances": {"L1": 1, "L2": 1}}

    def raised(size, threads=1, least=1.0, **work):
        one = {"threads": threads, "extremes": [least, 9.0], **work}
        entry = {"bytes": size, "contestants": {"cython": one}}
        found = copy.deepcopy(made)
        roofs.raise_limits(found, [entry], described)
        return (
            found[0]["operations_per_second"],
            found[0]["bytes_per_second"]["L2"],
            found[0]["bytes_per_second"]["memory"],
        )

    work = {"bytes_per_epoch": 200, "operations_per_epoch": 40}
    assert raised(500, **work) == (50.0, 200.0, 10.0)
    assert raised(500, least=0.5, **work) == (80.0, 400.0, 10.0)  # the best sample
    assert raised(2000, **work) == (50.0, 200.0, 10.0)  # a part of it is in the cache
    assert raised(9000, **work) == (50.0, 100.0, 200.0)
    assert raised(9, **work) == (50.0, 100.0, 10.0)  # L1 has no limit
    assert raised(500, threads=2, **work) == (50.0, 100.0, 10.0)
    assert raised(500) == (50.0, 100.0, 10.0)  # nothing is known about its work


def test_bytes_come_from_their_level():
    bytes_of, instances = {"L1": 2**15, "L2": 2**18, "L3": 2**20}, {"L1": 2, "L2": 2, "L3": 1}
    held = limits.capacities(bytes_of, instances, 2)
    assert held == {"L1": 2**16, "L2": 2**19, "L3": 2**20}
    assert limits.level_sizes(limits.capacities(bytes_of, instances, 1)) == {
        "L2": 2**17, "L3": 2**19, "memory": limits.LEAST_MEMORY
    }  # fmt: skip
    large, many = {"L1": 2**15, "L2": 2**20, "L3": 2**25}, {"L1": 32, "L2": 32, "L3": 4}  # 64 hyperthreads, 4 chiplets
    held = limits.capacities(large, many, 64)
    assert held == {"L1": 2**20, "L2": 2**25, "L3": 2**27}
    assert limits.level_sizes(held) == {"L2": 2**24, "L3": 2**26, "memory": 3 * 2**27}
    assert list(limits.level_sizes(limits.capacities(large, {**many, "L3": 1}, 64))) == ["L2", "memory"]


def test_without_known_caches_there_is_memory():
    assert limits.level_sizes({}) == {"memory": limits.LEAST_MEMORY}


@pytest.mark.usefixtures("own_contestants")
def test_ratios_follow_from_the_times():
    for entry in bench.measure(SHAPES, rounds=3)["shapes"]:
        found = entry["contestants"]
        best = min(found[name]["seconds"] for name in found if name.startswith("numpy"))
        assert found[entry["numpy_best"]]["seconds"] == best
        for one in found.values():
            assert one["gb_per_second"] == pytest.approx(entry["bytes"] / one["seconds"] / 1e9)
            assert one["times_numpy"] == pytest.approx(best / one["seconds"])
            limit = found.get("read" if one["threads"] == 1 else f"read-{one['threads']}")
            expected = limit["seconds"] / one["seconds"] if limit else None
            assert one["share_of_limit"] == pytest.approx(expected)


def test_the_limit_has_the_same_number_of_threads(made_up):
    shares = {name: one["share_of_limit"] for name, one in made_up["shapes"][0]["contestants"].items()}
    assert shares["cython"] == pytest.approx(2 / 4)
    assert shares["cython-2"] == pytest.approx(1 / 2.5)
    assert shares["numpy-2"] == pytest.approx(1 / 8)


def test_the_fastest_of_several_variants_counts(monkeypatch):
    samples = iter([[3.0, 3.0, 3.0], [1.0, 2.0, 9.0], [4.0, 4.0, 4.0]])
    variants = [contestants.Contestant("one", None, variant=variant) for variant in "abc"]
    monkeypatch.setattr(results, "list_contestants", lambda threads: (variants, {}))
    monkeypatch.setattr(results, "collect", lambda all_of_them, *_: ((one, 1, next(samples)) for one in all_of_them))
    (entry,) = bench.measure([(5, 1)], rounds=3)["shapes"]
    assert (entry["contestants"]["one"]["variant"], entry["contestants"]["one"]["seconds"]) == ("b", 2.0)
    assert entry["contestants"]["one"]["quartiles"] == [1.5, 5.5]


@pytest.mark.parametrize("epochs", [1, 7, 100])
@pytest.mark.parametrize("name", [*backends.available(), "jax"])
@pytest.mark.parametrize(("order", "dtype"), [("C", "float64"), ("F", "float64"), ("C", "float32")])
def test_contestants_run_the_given_number_of_epochs(name, epochs, order, dtype):
    problem = make_problem(200, 4, order, dtype)
    if name == "jax":
        pytest.importorskip("jax", reason="jax is an extra, for the bench only")
        timed = contestants.prepare_jax(problem)
    else:
        timed = contestants.prepare_backend(problem, name)
    timed.run(3)  # the next call starts from weights of zero again
    A = np.column_stack([np.ones(200), problem.X.astype(np.float64)])
    expected = np.zeros(5)
    for _ in range(epochs):
        expected -= RATE * A.T @ (A @ expected - problem.y) / 200
    np.testing.assert_allclose(timed.run(epochs), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["numba", "cython"])
def test_contestants_pass_their_threads_on(name):
    if name not in backends.available():
        pytest.skip(f"{name} cannot be used here")
    found, _ = contestants.list_contestants(threads=2)
    (contestant,) = [one for one in found if one.name == f"{name}-2"]
    assert contestant.threads == contestant.prepare.keywords["threads"] == 2
    problem = make_problem(40_000, 4)
    single = contestants.prepare_backend(problem, name).run(5)
    np.testing.assert_array_equal(contestant.prepare(problem).run(5), single)


def test_sgd_runs_the_given_number_of_epochs():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is an extra")
    problem = make_problem(50, 2)
    weights = contestants.prepare_sgd(problem).run(4)
    model = linear_model.SGDRegressor(
        penalty=None, learning_rate="constant", eta0=0.1 / 3, shuffle=True, max_iter=1, tol=None, random_state=0
    )
    assert not np.allclose(weights, [*model.fit(*problem).intercept_, *model.coef_], rtol=1e-6)
    model.set_params(max_iter=4).fit(*problem)
    np.testing.assert_array_equal(weights, [*model.intercept_, *model.coef_])


@needs_extension
@pytest.mark.parametrize("ahead", contestants.AHEAD)
@pytest.mark.parametrize("order", ["C", "F"])
def test_reading_reads_all_of_x_each_time(monkeypatch, ahead, order):
    from fastgd.backends import _kernel

    problem, sizes, read = make_problem(101, 3, order), [], _kernel.read

    def count(part, level, distance):
        sizes.append(part.size)
        assert distance == ahead
        return read(part, level, distance)

    monkeypatch.setattr(_kernel, "read", count)
    monkeypatch.setattr(contestants, "PART_ELEMENTS", 10)
    sums = contestants.prepare_reader(problem, ahead, threads=2).run(6)
    assert sums.sum() == pytest.approx(problem.X.sum())
    assert (len(sums), len(sizes), sum(sizes)) == (2, 12, 6 * 303)
    sizes.clear()
    contestants.prepare_reader(problem, ahead).idle(6)
    assert sizes == [0] * 6


@needs_extension
def test_a_small_x_is_read_by_one_thread():
    timed = contestants.prepare_reader(make_problem(100, 5), 0, threads=2)
    assert len(timed.run(1)) == 1


def test_the_other_work_of_a_call_is_taken_off(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: clock[0])

    def spend(fixed, each):
        return lambda epochs: clock.__setitem__(0, clock[0] + fixed + each * epochs)

    assert timing.time_epochs_of_call(contestants.Timed(spend(5, 2)), 10) == 25
    assert timing.time_epochs_of_call(contestants.Timed(spend(5, 2), spend(5, 0)), 10) == 20
    noisy = timing.time_epochs_of_call(contestants.Timed(spend(5, 2), spend(50, 0)), 10)
    assert noisy == timing.LEAST_SHARE * 25


def test_calls_are_long_enough_to_time_and_no_longer(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(timing, "SECONDS_A_CALL", 2.0)
    monkeypatch.setattr(timing, "SECONDS_A_SAMPLE", 20.0)
    limit = timing.blas_limit()

    def enter(fixed, each, idle=False):
        def run(epochs):
            clock[0] += fixed + each * epochs

        timed = contestants.Timed(run, (lambda epochs: run(0)) if idle else None)
        entrant = timing.enter(contestants.Contestant("x", None), timed, limit)
        return entrant.epochs, entrant.calls

    assert enter(0, 50) == (1, 1)
    assert enter(0, 1 / 64) == (128, 10)
    assert enter(0, 1e-6) == (timing.EPOCHS_A_CALL, 20_000)
    assert enter(1, 1 / 16, idle=True) == (32, 5)  # 32 epochs, and the fixed time of each call and each idle call


def test_the_garbage_collector_is_off_while_contestants_are_timed(monkeypatch):
    monkeypatch.setattr(timing, "EPOCHS_A_CALL", 1)
    seen = []
    entrant = contestants.Contestant("x", lambda problem: contestants.Timed(lambda epochs: seen.append(gc.isenabled())))
    list(timing.collect([entrant], make_problem(10, 1), 3))
    assert seen
    assert not any(seen)
    assert gc.isenabled()
    gc.disable()
    try:
        list(timing.collect([entrant], make_problem(10, 1), 3))
        assert not gc.isenabled()  # as it was
    finally:
        gc.enable()


@pytest.fixture
def clock(monkeypatch):
    """Return the time of a clock, in a list: tests move it on."""
    now = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])
    monkeypatch.setattr(timing, "SECONDS_A_CALL", 0.002)
    monkeypatch.setattr(timing, "SECONDS_A_SAMPLE", 0.02)
    return now


def test_an_interrupted_idle_call_does_not_make_calls_longer(clock):
    calls = []

    def idle(epochs):
        calls.append(epochs)
        clock[0] += 1e-3 + (0.01 if len(calls) % 2 else 0.0)

    def run(epochs):
        clock[0] += 1e-3 + 1e-5 * epochs

    entrant = timing.enter(contestants.Contestant("x", None), contestants.Timed(run, idle), timing.blas_limit())
    assert entrant.epochs == 200


def test_an_interrupted_call_does_not_decide_the_length_of_calls(clock):
    calls = []

    def run(epochs):
        calls.append(epochs)
        clock[0] += 1e-5 * epochs + (0.01 if len(calls) % 2 == 0 else 0.0)  # every other call is interrupted

    entrant = timing.enter(contestants.Contestant("x", None), contestants.Timed(run), timing.blas_limit())
    assert entrant.epochs == 200
    assert entrant.calls == 10


def test_all_contestants_take_part_in_every_round_in_changing_order(monkeypatch):
    monkeypatch.setattr(timing, "EPOCHS_A_CALL", 1)
    turns = []

    def prepare(name):
        return lambda problem: contestants.Timed(lambda epochs: turns.append(name))

    names = ["a", "b", "c", "d"]
    entrants = [contestants.Contestant(name, prepare(name)) for name in names]
    entrants.append(contestants.Contestant("too large", prepare("too large"), most_elements=9))
    samples = {one.name: seconds for one, _, seconds in timing.collect(entrants, make_problem(10, 1), 20)}
    assert {name: len(seconds) for name, seconds in samples.items()} == dict.fromkeys(names, 20)
    changes = [turn for turn, before in zip(turns, [None, *turns], strict=False) if turn != before]
    assert len({tuple(changes[k : k + 4]) for k in range(4, len(changes) - 4, 4)}) > 3


def test_blas_is_held_to_the_number_of_threads_asked_for():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="threadpoolctl is an extra")

    def blas_threads():
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    before, limit = blas_threads(), timing.blas_limit()
    if not before:
        pytest.skip("this NumPy has no BLAS that threadpoolctl knows")
    for threads in (1, 2):
        with timing.pinned(contestants.Contestant("x", None, blas_threads=threads), limit):
            assert blas_threads() == {threads}
    assert blas_threads() == before


def test_contestants_that_are_left_out_have_reasons(monkeypatch, made_up):
    monkeypatch.setattr(contestants, "is_installed", lambda module: False)
    monkeypatch.setattr(backends, "available", lambda: ["numpy", "python"])
    found, absent = contestants.list_contestants(threads=2)
    assert [one.name for one in found] == ["python", "numpy"]
    assert set(absent) >= {"jax", "sgd", "numba", "cython, and reading X once, the limit"}
    assert absent["jax"].startswith('not installed: pip install "jax>=')
    table = bench.format_table({**made_up, "absent": absent})
    assert "cython, and reading X once, the limit (the compiled extension was not built)" in table


def test_too_few_rounds_are_refused():
    with pytest.raises(ValueError, match="rounds must be 3 or more, for a median and its spread; got 2"):
        bench.measure([(5, 1)], rounds=2)


def test_time_epochs_returns_a_time_for_each_name():
    seconds = bench.time_epochs(*make_problem(10, 2), ["numpy", "python"], rounds=3)
    assert list(seconds) == ["numpy", "python"]
    assert all(second > 0 for second in seconds.values())


def test_the_table_shows_the_measurements(made_up):
    lines = bench.format_table(made_up).splitlines()
    assert lines[0].startswith("A CPU (2 cores, L1 32 KB, L2 1.5 MB, avx2); Python 3.11, NumPy 2.4; float64 in C order")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    times, ratios = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    assert dict(zip(times[0], times[2], strict=True)) == {
        "samples × features": "1,000 × 10",
        "python": "2,000",
        "numpy": "10.0",
        "numpy, 2 threads": "8.00",
        "cython": "4.00",
        "read X once": "2.00",
        "sgd": "–",
    }
    assert dict(zip(ratios[0], ratios[2], strict=True)) == {
        "samples × features": "1,000 × 10",
        "cython over numpy": "2.00×",
        "cython against reading": "2.00×",
        "spread": "20%",
    }
    # Cells stay where Cython is slower.
    assert dict(zip(ratios[0], ratios[3], strict=True))["cython over numpy"] == "0.500×"
    assert "medians of 5 interleaved rounds" in lines[-3]
    assert lines[-1] == "Left out: jax (not installed)."


def test_several_threads_have_a_table_of_their_own(made_up):
    made_up["threads"]["backends"] = 2
    _, second = bench.format_table(made_up).split("With 2 threads:")
    rows = [line for line in second.splitlines() if line.startswith("| 100,000 × 50")]
    assert rows == ["| 100,000 × 50 | 2,500 | 2,500 | 1,000 |", "| 100,000 × 50 | 1.00× | 2.50× |"]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0312, "0.0312"), (1, "1.00"), (38.25, "38.2"), (100.4, "100"), (54321, "54,321")]
)
def test_numbers_have_three_digits(value, expected):
    assert text.format_number(value) == expected


def test_only_the_text_between_the_markers_is_replaced():
    new = bench.replace_between_markers(LINES, "new")
    assert new == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert bench.replace_between_markers(new, "new") == new


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", LINES + LINES, f"{BEGIN} {END}"])
def test_other_markers_are_refused(text):
    with pytest.raises(ValueError, match=r"notes\.md: expected one line <!-- bench:begin --> and, below it,"):
        bench.replace_between_markers(text, "new", "notes.md")


def test_caches_are_read_from_the_system(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "list_cores", lambda: [0, 1, 2, 5])  # 0 and 1 are threads of one core
    data = [(1, "Data", "48K"), (1, "Instruction", "32K"), (2, "Unified", "2M"), (3, "Unified", "1G")]
    for core in range(8):
        for index, (level, kind, size) in enumerate(data):
            folder = tmp_path / f"cpu{core}/cache/index{index}"
            folder.mkdir(parents=True)
            shared = "0-7" if level == 3 else f"{core // 2 * 2}-{core // 2 * 2 + 1}"
            for file, value in (("level", level), ("type", kind), ("size", size), ("shared_cpu_list", shared)):
                (folder / file).write_text(f"{value}\n")
    (tmp_path / "cpu0/cache/index4").mkdir()
    monkeypatch.setattr(machine, "CACHES", tmp_path)
    assert machine.find_caches() == {"L1": (48 * 1024, 3), "L2": (2 * 1024**2, 3), "L3": (1024**3, 1)}
    assert machine.describe_machine()["cache_instances"] == {"L1": 3, "L2": 3, "L3": 1}
    monkeypatch.setattr(machine, "CACHES", tmp_path / "missing")
    assert machine.find_caches() == {}


def test_the_processor_has_a_name_on_every_system(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\n")
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "cpuinfo")
    assert machine.cpu_name() == "A CPU @ 2 GHz"
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "missing")
    assert machine.cpu_name()


class TestPictures:
    @pytest.fixture(autouse=True)
    def close_figures(self):
        pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is an extra")
        yield
        pyplot.close("all")

    def test_ladder_goes_down_from_the_slowest_and_has_ratios_to_the_loop(self, made_up):
        from fastgd import plots

        ax = plots.ladder(made_up, (1000, 10))
        times = [line.get_xdata()[0] for line in ax.lines]
        np.testing.assert_allclose(times, [2e-3, 1e-5, 8e-6, 4e-6, 2.5e-6, 2e-6, 1e-6])
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert names[::2] == ["Python loop over lists", "NumPy, 2 threads", "Cython, 2 threads"]
        assert len(names) == 5  # reading X once is a limit, and no step
        labels = [text.get_text() for text in ax.texts]
        assert (labels[0], labels[1], labels[4]) == ("2.00 ms", "10.0 µs   200×", "2.50 µs   800×")
        assert ax.get_xscale() == "log"

    def test_limits_of_a_ladder_are_lines_with_their_names(self, made_up):
        from fastgd import plots

        ax = plots.ladder(made_up, (1000, 10))
        lines = ax.lines[-2:]
        assert [list(line.get_xdata()) for line in lines] == [[2e-6] * 2, [1e-6] * 2]
        assert [list(line.get_ydata()) for line in lines] == [[0, 1]] * 2  # from the bottom to the top
        assert [line.get_gid() for line in lines] == [
            "the limit: read X once: 2.00 µs per epoch (1.80 to 2.20)",
            "the limit: read X once, 2 threads: 1.00 µs per epoch (0.900 to 1.10)",
        ]
        assert lines[0].get_linestyle() != lines[1].get_linestyle()
        names = ["the limit: read X once, 2.00 µs", "the limit: read X once, 2 threads, 1.00 µs"]
        assert [text.get_text() for text in ax.texts[-2:]] == names
        assert ax.get_xlim()[0] < 1e-6
        top = ax.get_ylim()[1]
        assert all(top < text.xy[1] < -0.5 for text in ax.texts[-2:])  # above the first step

    def test_ladder_without_the_loop_compares_with_the_slowest_step(self, made_up):
        from fastgd import plots

        ax = plots.ladder(made_up, (100_000, 50))
        assert "times as fast as Cython" in ax.get_xlabel()
        assert [text.get_text() for text in ax.texts][1] == "3.70 ms   1.4×"

    def test_another_algorithm_stands_below_the_steps_without_a_speed_up(self, made_up):
        from fastgd import plots

        ax = plots.ladder(made_up, (100_000, 50))
        names = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
        assert names[-1] == "SGDRegressor (another algorithm)"
        assert [text.get_text() for text in ax.texts][len(names) - 1] == "20.0 ms"
        assert not any("SGDRegressor" in bar.get_gid() for bar in ax.patches)
        assert ax.patches[0].get_gid() == "NumPy: 1.35× as fast as Cython"

    def test_ladder_refuses_a_shape_that_was_not_measured(self, made_up):
        from fastgd import plots

        with pytest.raises(ValueError, match=r"shape must be one of \(1000, 10\), \(100000, 50\); got \(5, 1\)"):
            plots.ladder(made_up, (5, 1))

    def test_epoch_times_draw_a_line_for_each_contestant_and_mark_caches(self, made_up):
        from fastgd import plots

        made_up["shapes"].reverse()
        again = copy.deepcopy(made_up["shapes"][-1])  # another shape of the same size, four times as slow
        for one in again["contestants"].values():
            one["seconds"] *= 4
        made_up["shapes"].append(again)
        ax = plots.epoch_times(made_up)
        lines = {line.get_label(): line.get_data() for line in ax.lines if not line.get_label().startswith("_")}
        assert len(lines) == 8
        np.testing.assert_allclose(lines["read X once"], [[80_000, 40_000_000], [4, 1250]])
        np.testing.assert_allclose(lines["Python loop over lists"], [[80_000], [4000]])
        points = [line.get_xydata()[0] for line in ax.lines if line.get_label() == "_read"]
        np.testing.assert_allclose(sorted(map(tuple, points)), [(80_000, 2), (80_000, 8), (40_000_000, 1250)])
        assert {32768, 3 * 2**19} <= {line.get_xdata()[0] for line in ax.lines}
        assert {"L1", "L2"} <= {text.get_text() for text in ax.texts}
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")

    def test_pictures_are_drawn_on_the_given_axes(self, made_up):
        from fastgd import plots

        figure = plots.new_figure()
        ax = figure.add_subplot()
        assert plots.ladder(made_up, (1000, 10), ax=ax) is ax
        other = figure.add_subplot()
        assert plots.epoch_times(made_up, ax=other) is other


def run(*arguments, cwd):
    """Return a finished process of the command."""
    command = [sys.executable, "-m", "fastgd", "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, check=False)


def test_the_command_prints_saves_draws_and_writes(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    (tmp_path / "notes.md").write_text(LINES)
    options = ["--json", "b.json", "--plot", ".", "--write", "notes.md"]
    finished = run("--shapes", "20x2,30x1", "--rounds", 3, *options, cwd=tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    measured = json.loads((tmp_path / "b.json").read_text())
    assert [entry["n_samples"] for entry in measured["shapes"]] == [20, 30]
    assert finished.stdout.startswith("Threads: backends 1; BLAS ")
    assert "OMP_NUM_THREADS=" in finished.stdout
    expected = bench.format_table(measured)
    assert finished.stdout.endswith(f"\n\n{expected}\n")
    assert (tmp_path / "notes.md").read_text() == bench.replace_between_markers(LINES, expected)
    pictures = "ladder-20x2.png", "ladder-30x1.png", "epoch_times.png", "roofline.png"
    assert {path.name for path in tmp_path.glob("*.png")} == set(pictures)
    for picture in pictures:
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_the_command_draws_the_shape_that_was_asked_for(monkeypatch, tmp_path, made_up):
    pytest.importorskip("matplotlib.pyplot", reason="matplotlib is an extra")
    monkeypatch.setattr("fastgd.cli.bench.measure", lambda *given, **more: {**made_up, "limits": made_up_limits()})
    shapes = ["--shapes", "1000x10,100000x50,1000x10"]
    assert main(["bench", *shapes, "--plot", str(tmp_path), "--plot-shape", "1000 x 10"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"ladder-1000x10.png", "epoch_times.png", "roofline.png"}


def made_up_limits():
    """Return the limits of a machine whose memory reads 10 GB in a second."""
    return [{"threads": 1, "operations_per_second": 1e11, "bytes_per_second": {"memory": 1e10}}]


def test_the_command_prints_json(tmp_path):
    finished = run("--shapes", "20x2", "--rounds", 3, "--order", "F", "--dtype", "float32", "--json", "-", cwd=tmp_path)
    measured = json.loads(finished.stdout)
    assert (measured["settings"]["order"], measured["settings"]["dtype"]) == ("F", "float32")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shapes", "20"], "argument --shapes: expected samples x features, such as 100x5,1000x10; got '20'"),
        (["--shapes", "20x0"], "argument --shapes: expected samples x features"),
        (["--shapes", "20x1,"], "got ''"),
        (["--rounds", "2"], "argument --rounds: expected 3 or more, for a median and its spread; got '2'"),
        (["--rounds", "many"], "argument --rounds"),
        (["--threads", "0"], "argument --threads: expected 1 to"),
        (["--threads", "100000"], "the cores that this process may use; got '100000'"),
        (["--order", "K"], "argument --order: invalid choice: 'K'"),
        (["--dtype", "int8"], "argument --dtype: invalid choice: 'int8'"),
        (["--json", "no/b.json"], "--json must be in a folder that exists; got 'no/b.json'"),
        (["--json", "."], "--json must be a file; got the folder '.'"),
        (["--write", "marked.md", "--json", "./marked.md"], "--write and --json must be different files"),
        (["--plot", "no"], "--plot must be a folder that exists; got 'no'"),
        (["--plot-shape", "20"], "argument --plot-shape: expected samples x features"),
        (["--plot-shape", "20x2"], "--plot-shape must go with --plot FOLDER"),
        (["--plot", ".", "--plot-shape", "7x3"], "--plot-shape must be one of 20x2; got 7x3"),
        (["--write", "no.md"], "--write no.md: cannot be read"),
        (["--write", "plain.md"], "--write plain.md: expected one line <!-- bench:begin -->"),
    ],
)
def test_bad_options_are_refused_before_anything_is_measured(tmp_path, options, message):
    (tmp_path / "plain.md").write_text("no markers\n")
    (tmp_path / "marked.md").write_text(LINES)
    finished = run("--shapes", "20x2", *options, cwd=tmp_path)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
