"""A disk that is full at each place that writes: the old file stays, no other file is left, and the message names it.

The disk is a small one in memory, where root may mount it, and a limit of the size of files everywhere else.
"""

import errno
import os
import re
import stat
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd.cli.main import main
from fastgd.files.model import Model, save
from fastgd.files.writing import put_content, replacing
from fastgd.streaming import fit_batches

if os.name != "posix":
    pytest.skip("the tests fill disks by means of POSIX", allow_module_level=True)
resource = pytest.importorskip("resource")

OLD = "<!-- bench:begin -->\nan old file\n<!-- bench:end -->\n"
ROWS = "x,y\n" + "".join(f"{k / 7},{k / 3}\n" for k in range(3000))
FULL = r"(No space left on device|File too large)"
NEEDS = {".parquet": ["pyarrow"], ".png": ["matplotlib"], ".svg": ["matplotlib"], ".pdf": ["matplotlib"]}
NEEDS |= {end: ["matplotlib", "jinja2", "pygments"] for end in (".html", ".slides.html", ".study.json")}


class TmpfsDisk:
    """A file system of 64 KB in memory."""

    def __init__(self, folder):
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode:
            pytest.skip("this user may not mount a file system")
        self.folder = folder

    @contextmanager
    def full(self):
        """Fill the disk."""
        misses = 0  # several: each processor may have some room at hand
        with open(self.folder / "filler", "wb", buffering=0) as filler:
            while misses < 20:
                try:
                    filler.write(bytes(4096))
                except OSError:
                    misses += 1
        yield

    def end(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class LimitedDisk:
    """A folder in which no file may grow beyond some bytes."""

    def __init__(self, folder):
        self.folder = folder

    @contextmanager
    def full(self):
        """Set the limit."""
        (self.folder / "filler").touch()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def end(self):
        pass


@pytest.fixture(params=[TmpfsDisk, LimitedDisk])
def disk(request, tmp_path, monkeypatch):
    """Return a disk to fill, in the folder `disk` of the current one, which has rows and a model too."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(ROWS)
    save(Model("y", ["x"], 0.5, [1 / 3]), "model.json")
    Path("disk").mkdir()
    made = request.param(tmp_path / "disk")
    yield made
    made.end()
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def check_kept(path, names):
    """Require that the old file is what it was, and that its folder has no other files than before."""
    assert path.read_text() == OLD
    assert sorted(os.listdir("disk")) == sorted([*names, "filler"])


@cache
def make_results():
    """Return quick results of `fastgd bench`, and a quick study."""
    return fastgd.bench.measure([(20, 2)], rounds=3)


@cache
def make_study():
    return fastgd.study(quick=True, sections=["descents"], quiet=True)


COMMANDS = {  # the end of a path in disk/, and the command that writes it
    ".json": "fit a.csv --target y --out",
    ".csv": "predict model.json a.csv --out",
    ".parquet": "predict model.json a.csv --out",
    ".png": "fit a.csv --target y --plot",
    ".svg": "fit a.csv --target y --plot",
    ".pdf": "demo --plot",
    ".html": "study --out",
    ".slides.html": "study --slides",
    ".study.json": "study --json",
    ".bench.json": "bench --shapes 20x2 --json",
    ".md": "bench --shapes 20x2 --write",
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_keeps_the_old_file(disk, monkeypatch, capsys, kind):
    for module in NEEDS.get(kind, []):
        pytest.importorskip(module, reason=f"the command needs {module}")
    results, found = make_results() if "bench" in COMMANDS[kind] else None, None
    if "study" in COMMANDS[kind]:
        found = make_study()
    monkeypatch.setattr("fastgd.cli.bench.measure_shapes", lambda options: results)
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: found)
    monkeypatch.setattr("fastgd.cli.demo.show_real_data", lambda backend: ({}, 0.0))
    name = f"old{kind}"
    path = Path("disk", name)
    path.write_text(OLD)
    with disk.full():
        assert main([*COMMANDS[kind].split(), str(path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"disk/{name}" in message
    assert re.search(FULL, message)
    check_kept(path, [name])


def test_the_pictures_of_a_bench_keep_the_old_ones(disk, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    results = make_results()
    monkeypatch.setattr("fastgd.cli.bench.measure_shapes", lambda options: results)
    path = Path("disk", "ladder-20x2.png")
    path.write_text(OLD)
    with disk.full():
        assert main(["bench", "--shapes", "20x2", "--plot", "disk"]) == 2
    assert re.fullmatch(f"fastgd: disk/ladder-20x2.png: {FULL}\n", capsys.readouterr().err)
    check_kept(path, ["ladder-20x2.png"])


@pytest.mark.parametrize("kind", ["result.json", "estimator.json", "study.html", "study.json", "figure.png"])
def test_a_function_keeps_the_old_file(disk, kind):
    needed = {"estimator": ["sklearn"], "study": ["matplotlib", "jinja2", "pygments"], "figure": ["matplotlib"]}
    for module in needed.get(kind.partition(".")[0], []):
        pytest.importorskip(module, reason=f"the function needs {module}")
    X, y = np.arange(10.0).reshape(5, 2) ** 2, np.arange(5.0)
    save_to = {
        "result": lambda path: fastgd.gradient_descent(X, y).save(path),
        "estimator": lambda path: fastgd.GradientDescentRegressor().fit(X, y).save(path),
        "study": lambda path: make_study().save(path),
        "figure": lambda path: fastgd.plots.figures.save_figure(fastgd.plots.new_figure(), path),
    }[kind.partition(".")[0]]
    path = Path("disk", kind)
    save_to(kind)  # what is imported and measured, before the disk is full
    path.write_text(OLD)
    with disk.full(), pytest.raises(OSError, match=FULL) as raised:
        save_to(path)
    assert os.fsdecode(raised.value.filename) == str(path)
    check_kept(path, [kind])


def test_a_fit_goes_on_without_its_checkpoint(disk, capsys):
    Path("disk", "kept.lock").write_text('{"pid": ')  # a killed process left it: there is room for it
    with disk.full():
        assert main(["fit", "a.csv", "--target", "y", "--quiet", "--checkpoint", "disk/kept"]) == 0
    message = f"fastgd: disk/kept: the checkpoint could not be saved: {FULL}; the fit needs it only to resume\n"
    assert re.fullmatch(message, capsys.readouterr().err)
    assert os.listdir("disk") == ["filler"]


def test_a_checkpoint_that_cannot_be_locked_is_refused(disk, capsys, monkeypatch):
    if isinstance(disk, LimitedDisk):
        pytest.skip("the file of a lock is smaller than the limit")
    with disk.full():
        assert main(["fit", "a.csv", "--target", "y", "--checkpoint", "disk/kept"]) == 2
    message = f"fastgd: --checkpoint must be a file that can be written; got '.*disk/kept': kept.lock: {FULL}\n"
    assert re.fullmatch(message, capsys.readouterr().err)
    assert os.listdir("disk") == ["filler"]


def test_a_checkpoint_on_a_full_disk_stays_that_of_before(disk, capsys):
    X, y = np.random.default_rng(0).standard_normal((2, 90, 3))[0], np.arange(90.0)

    def cut(last):
        for start in range(0, last, 10):
            yield X[start : start + 10], y[start : start + 10]
        if last < 90:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_batches(cut(30), checkpoint="disk/kept")
    before = Path("disk/kept").read_bytes()
    Path("disk", "kept.lock").write_text('{"pid": ')
    with disk.full(), pytest.raises(KeyboardInterrupt), pytest.warns(RuntimeWarning, match=FULL):
        fit_batches(cut(60), checkpoint="disk/kept")
    assert Path("disk/kept").read_bytes() == before
    assert sorted(os.listdir("disk")) == ["filler", "kept"]
    Path("disk/filler").unlink()
    result = fit_batches(cut(90), checkpoint="disk/kept")
    assert result.weights.tobytes() == fit_batches(cut(90)).weights.tobytes()
    assert os.listdir("disk") == []


PRINTING = [
    ("predict model.json a.csv", ""),
    ("predict model.json a.csv", "1"),
    ("predict model.json a.csv --json", "1"),
    ("fit a.csv --target y", ""),
    ("config", "1"),
]


@pytest.mark.parametrize(("command", "unbuffered"), PRINTING)
def test_standard_output_on_a_full_disk(disk, monkeypatch, command, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    words = [sys.executable, "-m", "fastgd", *command.split()]
    with disk.full(), open("disk/printed", "wb") as printed:
        done = subprocess.run(words, stdout=printed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(f"fastgd: standard output cannot be written: {FULL}\n", done.stderr)


def test_the_demo_runs_without_its_picture(disk, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    monkeypatch.setattr("fastgd.cli.demo.show_real_data", lambda backend: ({}, 0.0))
    monkeypatch.chdir("disk")
    with disk.full():
        assert main(["demo"]) == 0
    assert re.search(f"\nNo picture: fastgd-demo.png: {FULL}\n$", capsys.readouterr().out)
    assert os.listdir() == ["filler"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_folders_ends_no_fit(tmp_path, monkeypatch, number):
    sync, refused = os.fsync, []

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refused.append(descriptor)
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    monkeypatch.setattr("fastgd.streaming.checkpoint.SAVE_SECONDS", 0.0)
    X, y = np.random.default_rng(0).standard_normal((90, 3)), np.arange(90.0)
    result = fit_batches([(X[:50], y[:50]), (X[50:], y[50:])], checkpoint=tmp_path / "kept")  # a warning is an error
    assert result.converged
    assert refused
    result.save(tmp_path / "model.json")
    assert os.listdir(tmp_path) == ["model.json"]


def fail_to_replace(*given):
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("obstacle", ["a mount point", "a locked folder"])
@pytest.mark.parametrize("size", [1, 5_000])
def test_a_file_that_cannot_be_replaced_keeps_its_content(disk, monkeypatch, obstacle, size):
    path = Path("disk", "old")
    path.write_text(OLD)
    if obstacle == "a mount point":
        monkeypatch.setattr(os, "replace", fail_to_replace)
    else:
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("disk") and access(path, mode))
    with replacing(path) as file:
        file.write(b"new" * size)
    assert path.read_bytes() == b"new" * size
    path.write_text(OLD)
    with disk.full(), pytest.raises(OSError, match=FULL) as raised, replacing(path) as file:
        file.write(bytes(200_000))
    assert os.fsdecode(raised.value.filename) == str(path)
    check_kept(path, ["old"])


def test_put_content_gives_up_before_it_changes_the_file(disk, tmp_path):
    path = Path("disk", "old")
    path.write_text(OLD)
    Path("new").write_bytes(bytes(200_000))
    with disk.full(), open("new", "rb") as file, pytest.raises(OSError, match=FULL):
        put_content(file, path)
    check_kept(path, ["old"])
