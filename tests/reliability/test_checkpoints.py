"""Checkpoints that meet other data, links, devices, a second process, a full disk or somebody's forged header."""

import errno
import json
import os
import signal
import socket
import stat
import struct
import threading
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from processes import run_python, start_python
from test_streaming import SETTINGS, cut, make_data
from test_streaming_checkpoint import CutShortError, assert_same_bits, cut_short, leave_checkpoint

from fastgd.streaming import array, checkpoint, fit_array, fit_batches, lock, saved_state

posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and flock are those of POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.checkpoint"


def fit(path, **options):
    return fit_batches(cut(*make_data()), checkpoint=path, **options, **SETTINGS)


def refuse_batches():
    pytest.fail("a batch was taken")
    yield


# ---- other data


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(array, "BLOCK_BYTES", 1)
    monkeypatch.setattr(array, "ROWS_PER_COLUMN", 16)  # 48 rows of 3 columns


def leave_array_checkpoint(path, X, y, **options):
    """Sum up the first six blocks of 48 rows, and fail in the seventh."""
    failing = np.array(y)
    failing[300] = np.nan
    with pytest.raises(ValueError, match="row 300"):
        fit_array(X, failing, checkpoint=path, **options)
    return path


@pytest.mark.parametrize("row", [9, 20, 39, 200])
@pytest.mark.parametrize("changed", ["X", "y", "weights"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_that_differs_inside_a_block_is_refused(path, small_blocks, row, changed, order):
    X, y = make_data()
    data = {"X": np.asarray(X, order=order), "y": y, "weights": np.ones(500)}
    leave_array_checkpoint(path, data["X"], y, sample_weight=data["weights"])
    data[changed] = data[changed].copy(order="K")
    data[changed][row] *= 1.5
    first = row - row % 48
    with pytest.raises(ValueError, match=f"those of the checkpoint; got other values in rows {first} to {first + 47} "):
        fit_array(data["X"], data["y"], sample_weight=data["weights"], checkpoint=path)


@pytest.mark.parametrize("mode", ["r+", "c"])
def test_a_map_that_was_written_to_is_refused(tmp_path, path, small_blocks, mode):
    X, y = make_data()
    X.tofile(tmp_path / "X")
    leave_array_checkpoint(path, np.memmap(tmp_path / "X", float, mode, shape=X.shape), y)
    status = os.stat(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", float, mode, shape=X.shape)
    mapped[20] += 1
    os.utime(tmp_path / "X", ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ValueError, match="got other values in rows 0 to 47"):
        fit_array(mapped, y, checkpoint=path)


def test_another_part_of_the_same_map_is_refused(tmp_path, path, small_blocks):
    X, y = np.zeros((1000, 3)), np.zeros(1000)
    X[20::48] = np.random.default_rng(0).standard_normal((21, 3))  # the ends of all blocks are alike
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", float, "r", shape=X.shape)
    leave_array_checkpoint(path, mapped[:500], y[:500])
    for other in (mapped[480:980], np.asarray(mapped[480:980]), mapped[499::-1], mapped[:1000:2]):
        with pytest.raises(ValueError, match="of another fit, with X"):
            fit_array(other, y[:500], checkpoint=path)
    with pytest.raises(ValueError, match="of another fit, with X"):
        fit_array(np.array(mapped[:500]), y[:500], checkpoint=path)
    y[:500] = mapped[:500, 0]
    with pytest.raises(ValueError, match="got other values in rows 0 to 47"):
        fit_array(np.asarray(mapped)[:500], y[:500], checkpoint=path)


@pytest.mark.parametrize("dtype", ["f4", "i2", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_and_maps_of_every_kind_resume(tmp_path, path, small_blocks, dtype, order):
    X, y = make_data()
    X = np.asarray(X * 10, dtype, order=order)
    X.T.tofile(tmp_path / "X") if order == "F" else X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype, "r", shape=X.shape, order=order)
    options = {"sample_weight": np.linspace(1, 2, 500).astype("f4"), **SETTINGS}
    for values in (X, mapped, mapped[::-1]):
        expected = fit_array(values, y[:, np.newaxis], **options)
        leave_array_checkpoint(path, values, y[:, np.newaxis], **options)
        assert_same_bits(fit_array(values, y[:, np.newaxis], checkpoint=path, **options), expected)


def test_an_object_with_slices_is_compared_by_its_values(path, small_blocks):
    class Slices:
        def __init__(self, values):
            self.values, self.shape, self.dtype = values, values.shape, values.dtype

        def __getitem__(self, rows):
            return self.values[rows]

    X, y = make_data()
    leave_array_checkpoint(path, Slices(X), y)
    changed = X.copy()
    changed[20] += 1
    with pytest.raises(ValueError, match="got other values in rows 0 to 47"):
        fit_array(Slices(changed), y, checkpoint=path)
    assert_same_bits(fit_array(Slices(X), y, checkpoint=path, **SETTINGS), fit_array(X, y, **SETTINGS))


@pytest.mark.parametrize("batch", [(1.0, 2.0), ([], []), ([["a"]] * 70, [1.0] * 70), (None, None)])
def test_a_batch_that_is_none_is_named_when_a_fit_resumes(path, batch):
    leave_checkpoint(path)
    with pytest.raises((ValueError, TypeError), match=r"^batch 0 \(counted from 0\): "):
        fit_batches([batch], checkpoint=path)


def test_the_first_difference_is_shown_not_cut_off(tmp_path, path, small_blocks):
    X, y = make_data()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    leave_array_checkpoint(path, mapped, y)
    os.utime(tmp_path / "X.npy", ns=(1, 1))
    with pytest.raises(
        ValueError, match=r"of another fit, with X \{'changed': \d+, 'file': '.*'\}; got \{'changed': 1,"
    ):
        fit_array(mapped, y, checkpoint=path)


# ---- links, pipes, devices, folders


def test_a_checkpoint_can_be_read_by_its_owner_alone(path):
    leave_checkpoint(path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_planted_link_is_not_followed(tmp_path, path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (".new", ".tmp", ".12345678.new"):
        Path(f"{path}{name}").symlink_to(victim)
    leave_checkpoint(path)
    fit(path)
    assert victim.read_text() == "precious"
    assert not path.exists()


@posix
@pytest.mark.parametrize("target", ["nothing", "victim", "fit.checkpoint", "."])
def test_a_link_as_checkpoint_is_refused_before_any_batch(tmp_path, path, target):
    (tmp_path / "victim").write_text("precious")
    path.symlink_to(tmp_path / target)
    with pytest.raises(ValueError, match=r"checkpoint must be a file; got '.*fit\.checkpoint', a symbolic link"):
        fit_batches(refuse_batches(), checkpoint=path)
    assert (tmp_path / "victim").read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fit.checkpoint", "victim"]


# Prints the error of a fit for each checkpoint, in a process that may hang or run out of memory.
CODE = """
import os, resource
from fastgd.streaming import fit_batches
resource.setrlimit(resource.RLIMIT_AS, (3 << 30,) * 2)
for path in {paths!r}:
    try:
        fit_batches([([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])], checkpoint=path)
        print("no error")
    except ValueError as error:
        print(error)
"""


def list_errors(*paths):
    """Return the error of a fit for each checkpoint."""
    lines = run_python(CODE.format(paths=[str(path) for path in paths]), OPENBLAS_NUM_THREADS="1").splitlines()
    assert len(lines) == len(paths)
    return lines


def make_odd_files(folder):
    """Return the paths of a pipe, a socket and a folder."""
    pipe, place = folder / "pipe", folder / "socket"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
    (folder / "folder").mkdir()
    return pipe, place, folder / "folder"


@posix
def test_anything_but_a_file_is_refused(tmp_path):
    pipe, place, folder = make_odd_files(tmp_path)
    paths = [pipe, place, Path("/dev/zero"), Path("/dev/null")]
    for path, error in zip(paths, list_errors(*paths), strict=True):
        assert error == f"checkpoint must be a regular file; got '{path}', a pipe, a socket or a device"
    assert list_errors(folder) == [f"checkpoint must be a file; got the folder '{folder}'"]


@posix
def test_anything_but_a_file_as_lock_is_refused(tmp_path):
    paths = []
    for file in make_odd_files(tmp_path):
        paths.append(tmp_path / f"c{len(paths)}")
        file.rename(f"{paths[-1]}.lock")
    (tmp_path / "c.lock").symlink_to(tmp_path / "victim")
    for path, error in zip([*paths, tmp_path / "c"], list_errors(*paths, tmp_path / "c"), strict=True):
        assert error.startswith(f"checkpoint must be a file that can be written; got '{path}': {path.name}.lock: ")
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("bad", ["a\0b", "x" * 250, b"bytes", "no/such/folder"])
def test_a_path_that_is_none_is_refused_before_any_batch(tmp_path, monkeypatch, bad):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match="checkpoint must"):
        fit_batches(refuse_batches(), checkpoint=bad)
    assert not list(tmp_path.iterdir())


@posix
def test_a_file_of_any_size_is_refused_without_reading_it_whole(tmp_path):
    header = {"identity": {}, "method": "qr", "skipped": 0, "batches": 1, "sums": None}
    signed = saved_state.MAGIC + b"0" * 64 + b"\n"
    paths = []
    for start in (b"a,b,y\n", saved_state.MAGIC, signed, signed + json.dumps(header).encode() + b"\n"):
        paths.append(tmp_path / str(len(paths)))
        with open(paths[-1], "wb") as file:
            file.write(start)
            file.truncate(1 << 40)  # a file with a hole, which takes no disk
    for path, error in zip(paths, list_errors(*paths), strict=True):
        assert error.startswith(f"{path}: ")
        assert error.endswith("; delete it to begin anew, or name another file")


def test_the_folder_may_change_during_a_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 0)

    def wander():
        for batch in cut(*make_data()):
            os.chdir(tmp_path / "elsewhere")
            yield batch

    fit_batches(wander(), checkpoint="here", **SETTINGS)
    assert not list((tmp_path / "elsewhere").iterdir())
    assert [file.name for file in tmp_path.iterdir()] == ["elsewhere"]


# ---- two processes


HOLD = """
import os, sys, time
from test_streaming import cut, make_data
from fastgd.streaming import checkpoint, fit_batches
checkpoint.SAVE_SECONDS = 0

def wait():
    for number, batch in enumerate(cut(*make_data())):
        if number == 3:
            {then}
            print(os.getpid(), flush=True)
            time.sleep(60)
        yield batch

fit_batches(wait(), checkpoint={path!r}, learning_rate="eigenvalues", precondition="standardize")
"""


def hold(path, then="pass"):
    """Start a fit that saves three batches and waits; return the process and its number."""
    process = start_python(HOLD.format(path=str(path), then=then))
    return process, int(process.stdout.readline())


def test_a_second_process_is_refused_and_the_first_one_may_be_killed(path):
    process, number = hold(path)
    with process:
        saved = path.read_bytes()
        expected = (
            rf"fit\.checkpoint is in use by process {number} on host .*{socket.gethostname()}.*fit\.checkpoint\.lock"
        )
        with pytest.raises(ValueError, match=expected):
            fit_batches(refuse_batches(), checkpoint=path)
        assert path.read_bytes() == saved
        process.kill()
    assert Path(f"{path}.lock").exists()
    assert_same_bits(fit(path), fit(None))
    assert not list(path.parent.iterdir())


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fit_that_is_told_to_end_leaves_a_checkpoint_that_goes_on(path, number):
    process, _ = hold(path)
    with process:
        process.send_signal(number)
        process.communicate()
    assert Path(f"{path}.lock").exists() == (number == signal.SIGTERM)
    assert_same_bits(fit(path), fit(None))


@posix
def test_a_fork_of_a_killed_fit_locks_nobody_out(path):
    process, number = hold(path, then="child = os.fork()\n            if not child: time.sleep(60)")
    children = [int(pid) for pid in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    with process:
        process.kill()
        process.wait()
        try:
            assert_same_bits(fit(path), fit(None))
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)


@posix
def test_a_lock_that_another_process_takes_meanwhile_stays(monkeypatch, path):
    """Two processes find the lock of a killed one; the first takes it over while the second still looks."""
    file = Path(f"{path}.lock")

    def look(descriptor):
        file.unlink()
        file.write_text("the first one's")
        return True

    monkeypatch.setattr(lock, "try_to_lock", lambda descriptor: False)
    monkeypatch.setattr(lock, "is_orphaned", look)
    file.touch()
    with file.open("r+") as opened:
        assert not lock.try_to_take(opened.fileno(), path, file)
    assert file.read_text() == "the first one's"


FORK = """
import os
from pathlib import Path
from test_streaming import SETTINGS, cut, make_data
from fastgd.streaming import fit_batches

def fork():
    for number, batch in enumerate(cut(*make_data())):
        if number == 2:
            child = os.fork()
            if not child:
                raise InterruptedError
            os.waitpid(child, 0)
            assert Path({path!r} + ".lock").exists()
        yield batch

try:
    print(fit_batches(fork(), checkpoint={path!r}, **SETTINGS).weights.tobytes().hex())
except InterruptedError:
    os._exit(0)
"""


@posix
def test_a_fork_that_ends_leaves_the_lock(path):
    assert run_python(FORK.format(path=str(path))) == fit(None).weights.tobytes().hex()


def test_a_second_thread_is_refused(path):
    inside, done, errors = threading.Event(), threading.Event(), []

    def wait():
        yield next(cut(*make_data()))
        inside.set()
        done.wait(60)

    first = threading.Thread(target=lambda: fit_batches(wait(), checkpoint=path, **SETTINGS))
    first.start()
    inside.wait(60)
    try:
        fit(path)
    except ValueError as error:
        errors.append(str(error))
    done.set()
    first.join()
    assert f"in use by process {os.getpid()} on host" in errors[0]
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": 12', b"\0" * 60, b'{"pid": 1e400}', b'{"pid": true}'])
def test_a_lock_file_that_names_no_process_is_taken_over(path, content):
    Path(f"{path}.lock").write_bytes(content)
    assert_same_bits(fit(path), fit(None))
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("content", [b"[[package]]\nname = 'numpy'\n", b"[1, 2]", b"\xff" * 5000, b'{"name": "x"}'])
def test_a_file_of_another_program_is_no_lock_file(path, content):
    """Other programs have lock files too, such as poetry.lock: they are neither changed nor removed."""
    Path(f"{path}.lock").write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint must be .*a lock file of fastgd; got a file of another kind"):
        fit(path)
    assert Path(f"{path}.lock").read_bytes() == content


@posix
@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({"pid": 2**22 + 1}, True),  # above the largest number of a process
        ({"started": "1"}, True),  # a later process has the same number
        ({}, False),
        ({"host": "elsewhere", "pid": 2**22 + 1}, False),
        ({"pid": 1, "started": ""}, False),
    ],
    ids=str,
)
def test_without_locks_of_the_system_the_named_process_counts(monkeypatch, path, change, taken):
    def refuse(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "lock_descriptor", refuse)
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "started": lock.find_start(os.getpid())} | change
    if change.get("started") and not lock.find_start(os.getpid()):
        pytest.skip("the system does not say when a process started")
    Path(f"{path}.lock").write_text(json.dumps(owner))
    if taken:
        assert_same_bits(fit(path), fit(None))
        assert not list(path.parent.iterdir())
        return
    with pytest.raises(ValueError, match=f"in use by process {owner['pid']} on host '{owner['host']}'"):
        fit(path)
    assert json.loads(Path(f"{path}.lock").read_text()) == owner


def test_what_a_killed_save_left_is_removed_and_nothing_else(path):
    half, others = Path(f"{path}.ab_12xyz.new"), [Path(f"{path}.mine.new"), path.with_name("other.ab_12xyz.new")]
    for file in (half, *others):
        file.write_bytes(b"half")
    fit(path)
    assert half.exists()  # no killed process left its lock
    Path(f"{path}.lock").write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname(), "started": "1"}))
    fit(path)
    assert sorted(path.parent.iterdir()) == sorted(others)


@pytest.mark.parametrize("error", [CutShortError, KeyboardInterrupt, SystemExit])
def test_the_lock_is_gone_after_every_error(path, error):
    def end():
        yield from list(cut(*make_data()))[:3]
        raise error

    with pytest.raises(error):
        fit_batches(end(), checkpoint=path)
    assert [file.name for file in path.parent.iterdir()] == ["fit.checkpoint"]
    assert_same_bits(fit(path), fit(None))


# ---- saves that fail


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail_from(monkeypatch, step, after):
    """Let a step of each save fail as on a full disk, but for the first `after` saves."""
    if step == "write":  # after half of the file is written
        owner, name = checkpoint, "pack_state"
    else:
        owner, name = {"os": os, "tempfile": checkpoint.tempfile}[step.partition(".")[0]], step.partition(".")[2]
    original, calls = getattr(owner, name), []

    def half(pieces):
        yield from pieces[:2]
        raise FULL

    def fail(*given, **options):
        calls.append(step)
        if len(calls) <= after:
            return original(*given, **options)
        if step == "write":
            return half(original(*given, **options))
        raise FULL

    monkeypatch.setattr(owner, name, fail)


steps = pytest.mark.parametrize("step", ["write", "os.fsync", "os.replace", "tempfile.mkstemp"])


@steps
def test_a_full_disk_costs_the_checkpoint_not_the_fit(monkeypatch, path, step):
    expected = fit(None)
    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 0)
    fail_from(monkeypatch, step, after=0)
    with pytest.warns(RuntimeWarning, match=r"fit\.checkpoint: the checkpoint could not be saved: No space") as caught:
        result = fit(path)
    assert len(caught) == 1  # of nine saves
    assert str(caught[0].message).endswith("; the fit needs it only to resume")
    assert caught[0].filename == __file__
    assert_same_bits(result, expected)
    assert not list(path.parent.iterdir())


@steps
def test_the_last_good_checkpoint_outlives_a_full_disk(monkeypatch, path, step):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SAVE_SECONDS", 0)
        fail_from(patch, step, after=4 if step == "os.fsync" else 2)  # each save syncs the file and the folder
        with pytest.raises(CutShortError), pytest.warns(RuntimeWarning, match="could not be saved"):
            fit_batches(cut_short(cut(*make_data()), 5), checkpoint=path, **SETTINGS)
    assert [file.name for file in path.parent.iterdir()] == ["fit.checkpoint"]
    assert b'"batches": 2' in path.read_bytes()
    assert_same_bits(fit(path), fit(None))


def test_a_checkpoint_that_cannot_be_removed_costs_no_fit(monkeypatch, path):
    unlink = Path.unlink

    def fail(self, missing_ok=False):
        if self == path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        unlink(self, missing_ok=missing_ok)

    expected = fit(None)
    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.warns(RuntimeWarning, match="could not be removed: Read-only file system"):
        assert_same_bits(fit(path), expected)


def test_an_interrupted_save_leaves_no_half(monkeypatch, path):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SAVE_SECONDS", 0)
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit(path)
    assert not list(path.parent.iterdir())


# ---- headers that are signed and malformed


def read_parts(path):
    """Return the header and the arrays of a checkpoint."""
    line, _, arrays = path.read_bytes()[saved_state.START :].partition(b"\n")
    return json.loads(line), arrays


def sign(path, header, arrays):
    """Write a checkpoint with a right checksum; the header is bytes, or an object of JSON."""
    line = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = line + b"\n" + arrays
    path.write_bytes(saved_state.MAGIC + sha256(body).hexdigest().encode() + b"\n" + body)


def change(header, place, value):
    """Return a copy of the header with another value at a place such as "sums.rows"; None removes the field."""
    copy = json.loads(json.dumps(header))
    *outer, last = place.split(".")
    inner = copy
    for name in outer:
        inner = inner[name]
    if value is REMOVED:
        del inner[last]
    else:
        inner[last] = value
    return copy


REMOVED = object()
ODD = [REMOVED, None, True, False, -1, 0, 1.5, 10**30, -(10**30), float("nan"), float("inf"), "text", "", [], {}, [[]]]
PLACES = ["identity", "method", "skipped", "batches", "sums"]
PLACES += [f"sums.{name}" for name in ("total", "n_samples", "n_features", "rows")]


@pytest.mark.parametrize("place", PLACES)
def test_a_signed_header_with_an_odd_value_is_one_error(path, place):
    header, arrays = read_parts(leave_checkpoint(path))
    for value in ODD:
        if (place, value) == ("skipped", 0):
            continue  # the value that it has
        sign(path, change(header, place, value), arrays)
        with pytest.raises(ValueError, match=r"fit\.checkpoint: .*; delete it to begin anew, or name another file$"):
            fit(path)


LINES = {
    "nothing": b"",
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "deep in the identity": b'{"identity": {"a": ' + b"[" * 900 + b"]" * 900 + b'}, "method": "qr", "skipped": 0}',
    "list": b"[1, 2]",
    "number": b"1" * 5000,
    "more fields": b'{"identity": {}, "method": "qr", "skipped": 0, "batches": 1, "sums": null, "code": "x"}',
    "old fields": b'{"identity": {}, "method": "qr", "skipped": 0, "arrays": [["|O", [1]], ["<f8", [-1]]]}',
    "long": b" " * (1 << 20),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_signed_line_that_is_no_header_is_one_error(path, line):
    _, arrays = read_parts(leave_checkpoint(path))
    sign(path, line, arrays)
    with pytest.raises(ValueError, match=r"fit\.checkpoint: the checkpoint is damaged: .*; delete it to begin anew"):
        fit(path)


def test_signed_arrays_that_no_pass_saves_are_one_error(path):
    header, arrays = read_parts(leave_checkpoint(path))
    whole, double = struct.Struct("<q").pack, struct.Struct("<d").pack
    seen, size = 8 * 3 * header["batches"], 5
    shift = seen + 8 * (size - 1)
    bad = [arrays + b"\0", arrays[:-1], arrays[:seen], b"", arrays * 2]
    for place, value in [
        (0, whole(-1)),  # the file of a batch
        (24, whole(-5)),
        (0, whole(7)),  # before that of the batch before
        (8, whole(-(2**63))),  # its rows
        (8, whole(1)),  # fewer than were summed up
        (seen, double(float("nan"))),  # the shift
        (shift, double(float("inf"))),  # the matrix
        (shift, double(0.0)),
        (shift + 8 * size, double(1.0)),  # below the diagonal of R
    ]:
        bad.append(arrays[:place] + value + arrays[place + 8 :])
    for content in bad:
        sign(path, header, content)
        with pytest.raises(
            ValueError, match=r"fit\.checkpoint: the checkpoint is damaged: .*; delete it to begin anew"
        ):
            fit(path)


def test_sums_of_another_method_or_number_of_columns_are_refused(path, small_blocks):
    X, y = make_data()
    header, arrays = read_parts(leave_array_checkpoint(path, X, y))
    assert header["method"] == "gram"
    sign(path, change(header, "method", "qr"), arrays)
    with pytest.raises(ValueError, match="damaged: its arrays have impossible values"):
        fit_array(X, y, checkpoint=path)
    header["sums"] |= {"n_targets": 2}
    sign(path, header, arrays + bytes(8 * 6))  # one more number in the shift, and in each of five rows
    with pytest.raises(ValueError, match="damaged: its sums have 2 targets instead of 1"):
        fit_array(X, y, checkpoint=path)
    header["sums"] |= {"n_targets": 1}
    header["sums"] |= {"n_features": 2, "rows": 4}
    sign(path, header, arrays[: 8 * (3 * header["batches"] + 3 + 16)])
    with pytest.raises(ValueError, match="damaged: its sums have 2 columns instead of 3"):
        fit_array(X, y, checkpoint=path)


@pytest.mark.parametrize("value", ["\x1b[2J", "x" * 10_000, [1] * 1000, {"a": {"b": 1}}])
def test_what_a_forged_checkpoint_says_reaches_no_terminal_as_it_is(path, value):
    header, arrays = read_parts(leave_checkpoint(path))
    for place in ("identity", "identity.missing", "method", "skipped"):
        sign(
            path, change(header, place, {value: 1} if place == "identity" and isinstance(value, str) else value), arrays
        )
        with pytest.raises(ValueError, match=r"fit\.checkpoint: .*; delete it to begin anew") as caught:
            fit(path)
        assert "\x1b" not in str(caught.value)
        assert len(str(caught.value)) < 1000


def test_a_checkpoint_of_rows_without_weight_goes_on(path):
    X, y = make_data()
    batches = [(X[:50], y[:50], np.zeros(50)), *cut(X, y)]
    with pytest.raises(CutShortError):
        fit_batches(cut_short(batches, 1), checkpoint=path, **SETTINGS)
    assert read_parts(path)[0]["sums"] is None
    assert_same_bits(fit_batches(batches, checkpoint=path, **SETTINGS), fit_batches(batches, **SETTINGS))
