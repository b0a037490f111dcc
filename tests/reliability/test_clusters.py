"""A cluster that does not answer, breaks or is empty is one named error, and no fit leaves a task on it."""

import asyncio
import gc
import logging
import re
import signal
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from dask_processes import DIES, SCHEDULER, SLEEPS, WORKER, finish, start_fit, starting, write_files
from junk import within
from processes import run_python

import fastgd
from fastgd.problem import dask_compute
from fastgd.streaming import cluster

da = pytest.importorskip("dask.array", reason="Dask is an extra")
distributed = pytest.importorskip("dask.distributed", reason="Dask is an extra")
pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")

LOCAL = {"threads_per_worker": 1, "processes": False, "protocol": "tcp://", "dashboard_address": ":0"}
LOCAL["silence_logs"] = logging.CRITICAL


@pytest.fixture(scope="module")
def local():
    """Start a scheduler and a worker in this process, whose code the tests may change."""
    with distributed.LocalCluster(n_workers=1, **LOCAL) as started:
        yield started


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 60)  # a busy machine answers late
    monkeypatch.setattr(dask_compute, "POLL_SECONDS", 0.1)
    return tmp_path


@pytest.fixture
def impatient(folder, monkeypatch):
    """Return the folder, for fits that wait for a scheduler in vain."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    return folder


@pytest.fixture(autouse=True)
def no_lost_errors(caplog):
    """Require that asyncio logs nothing of errors that nobody has taken, not even when they are collected."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def fit(folder, address, **options):
    return cluster.fit_on_cluster([str(folder)], "y", scheduler=address, **options)


def check_no_tasks(local, client=None):
    """Require that the client holds no future, and the scheduler no task: soon, because both are told by a message."""
    deadline = time.monotonic() + 20
    while (local.scheduler.tasks or (client and client.futures)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not local.scheduler.tasks
    assert client is None or not client.futures


def change_worker(monkeypatch, outcome):
    """Let the worker raise an error, or wait so many seconds, where it would sum the rows of a file."""
    read = cluster.run_pass

    def run_pass(*arguments):
        if isinstance(outcome, Exception):
            raise outcome
        time.sleep(outcome)
        return read(*arguments)

    monkeypatch.setattr(cluster, "run_pass", run_pass)


def test_the_first_error_ends_the_other_jobs_before_the_client_closes(monkeypatch):
    async def wait(*_):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def fail():
        await asyncio.sleep(0.01)
        raise ValueError("a bad file")

    async def run():
        client = SimpleNamespace(scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"))
        with pytest.raises(ValueError, match="a bad file"):
            await dask_compute.watch(client, [wait, fail, wait], patient=True)
        return len(ended)

    ended = []
    monkeypatch.setattr(dask_compute, "guard_workers", wait)
    assert asyncio.run(run()) == 3  # the two jobs, and the guard


WRONG = [None, 8786, "", "abc", "processes", "127.0.0.1", "tcp://", "tcp://:x", "tcp://h:0", "tcp://h:65536"]
WRONG += ["http://127.0.0.1:8787", "tcp://h:8786/", "tcp://a b:1", "h:" + "9" * 5000, "\x1b[2J:1\n", "file.json"]


@pytest.mark.parametrize("address", WRONG, ids=repr)
def test_what_is_no_address_is_refused_before_anything_is_read(address):
    with pytest.raises(ValueError, match="scheduler must be the address of a Dask scheduler, such as tcp:") as caught:
        cluster.fit_on_cluster(["no such file"], "y", scheduler=address)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@contextmanager
def listen(answer):
    """Listen on a port, and hand each connection to a function; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # the server has been closed
                    return
                kept.append(connection)
                answer(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


ANSWERS = {
    "silence": lambda connection: None,
    "rubbish": lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9),
    "zeros": lambda connection: connection.sendall(bytes(4096)),
    "goodbye": lambda connection: connection.close(),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_no_scheduler_is_an_error(impatient, answer):
    with listen(ANSWERS[answer]) as address, pytest.raises(OSError, match=f"no Dask scheduler answers at {address}: ."):
        fit(impatient, address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9", "ws://127.0.0.1:9", "inproc://x/y"])
def test_an_address_where_nothing_listens_is_an_error(impatient, address):
    with pytest.raises(OSError, match=f"no Dask scheduler answers at {address}: ."):
        fit(impatient, address)


def test_a_worker_is_no_scheduler(impatient, local):
    (worker,) = local.workers.values()
    with pytest.raises(OSError, match="no Dask scheduler answers at"):
        fit(impatient, worker.address)


@pytest.mark.parametrize("quiet", [True, False])
def test_a_cluster_without_workers_is_waited_for_with_a_limit(folder, monkeypatch, capsys, quiet):
    monkeypatch.setattr(dask_compute, "WORKERS_SECONDS", 1)
    with distributed.LocalCluster(n_workers=0, **LOCAL) as empty:
        with pytest.raises(OSError, match=r"the Dask cluster at tcp.* failed: no worker was there for 1 seconds$"):
            fit(folder, empty.scheduler_address, quiet=quiet)
        check_no_tasks(empty)
    waits = f"fastgd: the Dask cluster at {empty.scheduler_address} has no worker: waiting up to 1 seconds for one\n"
    assert capsys.readouterr() == ("", "" if quiet else waits)


def test_a_worker_that_comes_late_is_enough(folder):
    with distributed.LocalCluster(n_workers=0, **LOCAL) as late:
        timer = threading.Timer(0.3, late.scale, [1])
        timer.start()
        assert fit(folder, late.scheduler_address).n_samples == 120
        timer.join()


def test_a_fit_leaves_nothing_behind(folder, local):
    filters = [logging.getLogger(name).filters for name in ("distributed", "distributed.client", "asyncio")]
    result = fit(folder, local.scheduler_address)
    check_no_tasks(local)
    assert not any(filters)
    with pytest.raises(ValueError, match="No global client found"):
        distributed.get_client()
    expected = fastgd.streaming.fit_files(folder, "y")
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-12)


def test_asyncio_is_not_imported_before_it_is_needed():
    assert run_python("import sys, fastgd.cli.fit; print('asyncio' in sys.modules)") == "False"


def test_a_notebook_whose_event_loop_runs_may_fit(folder, local):
    async def call():
        return fit(folder, local.scheduler_address)

    assert asyncio.run(call()).n_samples == 120


LACKS = FileNotFoundError(2, "No such file or directory", "0.parquet")
ERRORS = {
    "bad value": (ValueError("0.parquet, row 3: bad"), ValueError, r"^0\.parquet, row 3: bad$"),
    "lacks the file": (
        LACKS,
        OSError,
        r"the worker at tcp://.* cannot read .*\.parquet: No such file or directory; ",
    ),
    "may not read": (PermissionError(13, "Permission denied"), OSError, r"cannot read .*\.parquet: Permission denied"),
    "bare": (OSError("odd"), OSError, r"cannot read .*\.parquet: odd; all workers must find the files at the same"),
    "lacks pyarrow": (ImportError("needs pyarrow"), ImportError, "^on the worker at tcp://.*: needs pyarrow$"),
    "memory": (MemoryError("too much"), MemoryError, "^too much$"),
    "a fault": (KeyError("\x1b[2J"), OSError, r"failed with .*\.parquet: KeyError: '\\x1b\[2J'; scheduler and workers"),
}


@pytest.mark.parametrize(("outcome", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_an_error_on_a_worker_is_named(folder, local, monkeypatch, outcome, error, message):
    change_worker(monkeypatch, outcome)
    with pytest.raises(error, match=message):
        fit(folder, local.scheduler_address)
    check_no_tasks(local)


def test_an_error_in_one_file_ends_the_others(folder, local, monkeypatch):
    def spoil(X, y):
        X[7, 1] = np.nan

    write_files(folder, files=20, change=spoil)
    change_worker(monkeypatch, 0.02)
    with pytest.raises(ValueError, match=r"0\.parquet, row group 0, row 7 .*column 'b': expected a finite number"):
        fit(folder, local.scheduler_address)
    check_no_tasks(local)


def test_a_worker_that_sees_another_file_is_named(folder, local, monkeypatch):
    sizes = iter([10, 10, 10])  # the sizes that this side finds come first
    monkeypatch.setattr(cluster, "find_size", lambda file: next(sizes, 11))
    with pytest.raises(OSError, match=r"the worker at tcp://.* has another file at .*\.parquet; all workers must"):
        fit(folder, local.scheduler_address)


@pytest.mark.parametrize(("value", "kind"), [(3, "an int"), (None, "a NoneType"), ({}, "a dict")])
def test_a_worker_of_another_version_is_named(folder, local, monkeypatch, value, kind):
    monkeypatch.setattr(cluster, "State", type("Other", (), {"__init__": lambda *_: None}))
    monkeypatch.setattr(cluster, "run_pass", lambda *_: value)
    with pytest.raises(OSError, match=rf"gave {kind} for .*\.parquet; scheduler and workers need"):
        fit(folder, local.scheduler_address)


@contextmanager
def interrupted_after(seconds):
    """Expect that Ctrl-C interrupts the block; a shell may have had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
    try:
        timer.start()
        yield
        time.sleep(60)  # a timer that was late must not interrupt what comes after
        raise AssertionError("Ctrl-C did not come")
    except KeyboardInterrupt:
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_no_tasks(folder, local, monkeypatch):
    change_worker(monkeypatch, 0.3)
    with interrupted_after(0.2):
        fit(folder, local.scheduler_address)
    check_no_tasks(local)


def wait_for_file(folder):
    """Wait until a worker reads a file."""
    deadline = time.monotonic() + 60
    while not list(folder.glob("reading*")) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_scheduler_that_goes_away_is_one_line(folder):
    with starting(SCHEDULER) as (scheduler, address), starting(SLEEPS + WORKER, address, folder):
        process = start_fit(folder, address)
        wait_for_file(folder)
        scheduler.kill()
        code, output, errors = finish(process)
    assert (code, output, len(errors)) == (2, "", 1), errors
    assert errors[0].startswith(f"fastgd: the Dask cluster at {address} failed")
    assert re.search("scheduler-connection-lost|its scheduler is lost", errors[0])


def test_a_file_that_kills_workers_is_one_line(folder):
    for other in ("1.parquet", "2.parquet"):  # one task for two workers, of which each dies
        (folder / other).unlink()
    with (
        starting(SCHEDULER) as (_, address),
        starting(DIES + WORKER, address, folder),
        starting(DIES + WORKER, address, folder),
    ):
        code, output, errors = finish(start_fit(folder, address, "--quiet"))
    assert (code, output, len(errors)) == (2, "", 1), errors
    assert "workers died 2 times in the same task, the last one at tcp://" in errors[0]


X = np.random.default_rng(0).standard_normal((60, 2))
BLOCKS, TARGET = da.from_array(X, chunks=(10, 2)), da.from_array(X @ [1.0, 2.0], chunks=10)


def slow(blocks, seconds=0.2):
    """Return the blocks, each of which takes so long."""

    def nap(block):
        time.sleep(seconds)
        return block

    return blocks.map_blocks(nap, meta=np.empty((0, 0)))


def fail(block):
    raise KeyError("the user's own")


@pytest.fixture
def client(local, folder):
    with distributed.Client(local) as connected:
        yield connected
        check_no_tasks(local)


def test_collections_leave_no_futures(client, local):
    spoiled = X.copy()
    spoiled[33, 1] = np.nan
    result = fastgd.gradient_descent(BLOCKS, TARGET)
    np.testing.assert_allclose(result.weights, [0, 1, 2], atol=1e-9)
    with pytest.raises(
        ValueError, match=r"^in block 3 \(counted from 0\), X must be finite; got nan at row 3, column 1"
    ):
        fastgd.gradient_descent(da.from_array(spoiled, chunks=(10, 2)), TARGET)
    with pytest.raises(KeyError, match="the user's own"):
        fastgd.gradient_descent(BLOCKS.map_blocks(fail, meta=np.empty((0, 0))), TARGET)
    model = fastgd.GradientDescentRegressor().fit(BLOCKS, TARGET)
    assert model.score(BLOCKS, TARGET) == pytest.approx(1)
    check_no_tasks(local, client)


def test_ctrl_c_leaves_no_futures(client, local):
    with interrupted_after(0.3):
        fastgd.gradient_descent(slow(BLOCKS), TARGET)
    check_no_tasks(local, client)


class Scheduler:
    """A scheduler that answers after some turns of the event loop."""

    address = "tcp://h:1"

    def __init__(self, turns):
        self.turns = turns

    async def ncores(self):
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return {"a worker": 1}


@pytest.mark.parametrize("turns", range(12))
def test_a_fit_ends_at_whatever_moment_the_scheduler_answers(monkeypatch, turns):
    """In Python 3.11, `asyncio.wait_for` ignores a cancellation that comes with its answer."""
    monkeypatch.setattr(dask_compute, "POLL_SECONDS", 0.001)
    client = SimpleNamespace(scheduler=Scheduler(turns))

    async def wait(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    async def watch_all():
        for other in range(12):
            assert await dask_compute.watch(client, [lambda other=other: wait(other)], patient=True) == [other]

    with within(60):
        asyncio.run(watch_all())


def test_a_client_that_closes_during_a_fit_is_an_error(client):
    timer = threading.Timer(0.3, client.close)
    timer.start()
    with pytest.raises(ConnectionError, match=r"the Dask cluster at tcp://.* failed: its "):
        fastgd.gradient_descent(slow(BLOCKS), TARGET)
    timer.join()


def test_data_of_a_client_that_is_closed_are_lost(local, folder):
    with distributed.Client(local):
        kept = BLOCKS.persist()
    lost = "X, y or sample_weight was kept on a Dask cluster, by persist, and is lost"
    with pytest.raises(ConnectionError, match=lost):
        fastgd.gradient_descent(kept, TARGET)
    with distributed.Client(local), pytest.raises(ConnectionError, match=lost):
        fastgd.gradient_descent(kept, TARGET)
    np.testing.assert_allclose(fastgd.gradient_descent(BLOCKS, TARGET).weights, [0, 1, 2], atol=1e-9)


def test_lost_workers_are_an_error(folder, monkeypatch):
    monkeypatch.setattr(dask_compute, "WORKERS_SECONDS", 1)
    with distributed.LocalCluster(n_workers=1, **LOCAL) as lost, distributed.Client(lost) as client:
        timer = threading.Timer(0.3, lost.scale, [0])
        timer.start()
        with pytest.raises(ConnectionError, match="no worker was there for 1 seconds; workers end if they run out of"):
            fastgd.gradient_descent(slow(BLOCKS, 0.5), TARGET)
        timer.join()
        check_no_tasks(lost, client)


def test_a_fit_inside_a_task_ends(client):
    future = client.submit(lambda: fastgd.gradient_descent(BLOCKS, TARGET).weights, pure=False)
    np.testing.assert_allclose(future.result(timeout=60), [0, 1, 2], atol=1e-9)


def test_the_errors_of_a_cluster_are_told_from_those_of_a_task():
    killed = distributed.scheduler.KilledWorker("task", SimpleNamespace(address="tcp://h:1"), 3)
    expected = "workers died 4 times in the same task, the last one at tcp://h:1; their memory may be too small"
    assert dask_compute.explain_failure(killed) == expected
    assert "a connection was lost; odd" in dask_compute.explain_failure(distributed.comm.CommClosedError("odd"))
    unwanted = distributed.scheduler.NoValidWorkerError("task", {"h"}, set(), {}, 1.0)
    assert dask_compute.explain_failure(unwanted).startswith("no worker can take a task; ")
    for error in (KeyError("a"), OSError("a"), ValueError("a"), ConnectionError("a"), TimeoutError()):
        assert dask_compute.explain_failure(error) is None
