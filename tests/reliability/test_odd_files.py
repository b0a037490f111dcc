"""Devices, pipes, sockets, folders and endless lines given as files are refused at once; writing loses no old file."""

import json
import os
import socket
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from junk import within

import fastgd
from fastgd.cli.main import main
from fastgd.files import opening, writing
from fastgd.files.csv import read_csv
from fastgd.files.model import Model, ModelError, load, save
from fastgd.streaming import choosing

MODEL = Model("y", ["x"], 0.5, [2.0])
DATA = "x,y\n1,2\n2,4\n3,6.5\n"
SECONDS = 60  # after which a command hangs
needs_devices = pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the test needs the device /dev/zero")
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="the test needs the device /dev/full of Linux")


def run_fastgd(folder, *arguments, **options):
    """Run a command in a process that ends if it hangs."""
    command = [sys.executable, "-m", "fastgd", *map(str, arguments)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False, **options
    )


def make_odd(folder, kind):
    """Make a path of a kind in the folder, and return it."""
    path = folder / f"odd.{kind}"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.relpath(path))  # an address may have about a hundred characters
    else:
        path.symlink_to("/dev/zero")
    return path


KINDS = [
    "folder",
    pytest.param("pipe", marks=needs_pipes),
    pytest.param("socket", marks=pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in the folder")),
    pytest.param("device", marks=needs_devices),
]
WORDS = {"folder": "Is a directory", "pipe": "a pipe", "socket": "a socket", "device": "a character device"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_must_be_a_regular_file(tmp_path, kind):
    path = make_odd(tmp_path, kind)
    for function in (load, fastgd.DescentResult.load, fastgd.report.Study.load):
        with pytest.raises(OSError, match=WORDS[kind]):
            function(path)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != KINDS[1]])
def test_a_csv_file_must_be_a_regular_file_or_a_pipe(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(tmp_path)
    save(MODEL, "model.json")
    path = make_odd(tmp_path, kind)
    assert main(["predict", "model.json", str(path)]) == 2
    words = "FILE must hold .parquet or .csv files; got the folder" if kind == "folder" else WORDS[kind]
    assert words in capsys.readouterr().err
    if kind != "folder":
        assert main(["fit", str(path), "--target", "y"]) == 2
        assert f"expected a file or a pipe; got {WORDS[kind]}" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
def test_files_read_in_parts_must_be_regular(tmp_path, monkeypatch, kind, suffix):
    pytest.importorskip("pyarrow", reason="files in parts need pyarrow, an extra")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"data{suffix}"
    path.symlink_to(make_odd(tmp_path, kind))
    with pytest.raises(OSError, match=f"expected a regular file; got {WORDS[kind]}"):
        fastgd.streaming.fit_files(path, "y")


@needs_devices
@pytest.mark.parametrize("command", [["fit", "/dev/zero", "--target", "y"], ["predict", "/dev/zero", "/dev/zero"]])
def test_an_endless_device_is_refused_at_once(tmp_path, command):
    done = run_fastgd(tmp_path, *command)
    assert done.returncode == 2
    assert done.stderr.startswith("fastgd: /dev/zero: expected a ")
    assert done.stderr.endswith("got a character device\n")


@needs_pipes
@pytest.mark.parametrize("path", ["/dev/stdin", "pipe"])
def test_a_pipe_is_read_as_csv(tmp_path, path):
    if path == "pipe":
        os.mkfifo(tmp_path / path)
        writer = subprocess.Popen([sys.executable, "-c", f"open('pipe', 'w').write({DATA!r})"], cwd=tmp_path)
        done = run_fastgd(tmp_path, "fit", path, "--target", "y", "--json")
        assert writer.wait(SECONDS) == 0
    else:
        done = run_fastgd(tmp_path, "fit", path, "--target", "y", "--json", input=DATA)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["fit"]["n_samples"] == 3


@needs_devices
def test_a_file_of_proc_without_a_size_is_read_or_refused(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("the test needs the folder /proc of Linux")
    with pytest.raises(ModelError, match="expected a model in JSON"):
        load("/proc/self/status")
    assert opening.read_text("/proc/self/comm", 100) == Path("/proc/self/comm").read_text()


def test_a_file_that_is_too_large_for_a_model_is_not_read(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("{")
    os.truncate(path, 1 << 40)  # a file with a hole: it takes no space
    with pytest.raises(ModelError, match=r"model\.json: expected a model in JSON; the file has more than 1,073,741,8"):
        load(path)
    with pytest.raises(ValueError, match=r"model\.json: expected a study .*: the file has more than 67,108,864 bytes"):
        fastgd.report.Study.load(path)


def test_text_up_to_a_bound_is_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("θθ", encoding="utf-8")
    assert opening.read_text(path, 4) == "θθ"
    with pytest.raises(ValueError, match="more than 3 bytes"):
        opening.read_text(path, 3)


def test_a_small_text_takes_little_memory_whatever_the_bound(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("text")
    tracemalloc.start()
    try:
        assert opening.read_text(path, 1 << 30) == "text"
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


def fail_to_write(*given):
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    save(MODEL, path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", fail_to_write)  # the disk is full when the content is written to it
    with pytest.raises(OSError, match="No space left"):
        save(Model("y", ["x"], 1.0, [3.0]), path)
    with pytest.raises(ValueError, match=r"--out must be a file that can be written; got '.*': No space left on dev"):
        writing.write_file("--out", path, lambda: "new")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def write_half(path, error):
    with writing.replacing(path) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError])
def test_an_error_or_an_interrupt_while_writing_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "a.txt"
    for before in ([], [path]):
        with pytest.raises(error):
            write_half(path, error)
        assert list(tmp_path.iterdir()) == before
        path.write_text("old")
    assert path.read_text() == "old"


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = """
import os
from fastgd.files.writing import replacing
with replacing("a.txt") as file:
    file.write(bytes(10**6))
    os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=SECONDS, check=False)
    assert done.returncode == 9
    assert path.read_text() == "old"


def test_no_half_picture_replaces_the_old_one(tmp_path, monkeypatch):
    figures = pytest.importorskip("fastgd.plots.figures")
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    path = tmp_path / "cost.svg"
    figures.save_figure(figures.new_figure(), path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", fail_to_write)
    with pytest.raises(OSError, match="No space left"):
        figures.save_figure(figures.new_figure(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_written_file_has_the_permissions_that_open_gives(tmp_path):
    (tmp_path / "opened").write_text("")
    writing.write_text(tmp_path / "new", "")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "opened").stat().st_mode
    (tmp_path / "new").chmod(0o640)
    writing.write_text(tmp_path / "new", "more")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert (tmp_path / "new").read_text() == "more"


@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path, exists):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "model.json", tmp_path / "link.json"
    link.symlink_to(Path("folder") / "model.json")
    if exists:
        target.write_text("old")
    save(MODEL, link)
    assert link.is_symlink()
    assert load(target) == MODEL
    assert [path.name for path in target.parent.iterdir()] == ["model.json"]


def test_a_file_that_cannot_be_replaced_gets_new_content(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", fail_to_write)  # as at a mount point
    save(MODEL, path)
    assert load(path) == MODEL
    assert list(tmp_path.iterdir()) == [path]


@needs_pipes
@pytest.mark.parametrize("out", ["/dev/stdout", "pipe"])
def test_a_model_is_written_to_a_pipe(tmp_path, out):
    (tmp_path / "data.csv").write_text(DATA)
    command = ["fit", "data.csv", "--target", "y", "--out", out]
    if out == "pipe":
        os.mkfifo(tmp_path / out)
        reader = subprocess.Popen(["cat", out], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        done = run_fastgd(tmp_path, *command)
        printed = reader.communicate(timeout=SECONDS)[0]
    else:
        done = run_fastgd(tmp_path, *command)
        printed = done.stdout[: done.stdout.rindex("}") + 1]
    assert done.returncode == 0, done.stderr
    assert json.loads(printed)["schema"] == "fastgd.linear_model"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["data.csv"] + ["pipe"] * (out == "pipe"))


@needs_full
def test_a_full_device_is_an_error(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(DATA)
    assert main(["fit", "data.csv", "--target", "y", "--out", "/dev/full"]) == 2
    assert capsys.readouterr().err == "fastgd: /dev/full: No space left on device\n"
    assert main(["fit", "data.csv", "--target", "y", "--checkpoint", "/dev/full"]) == 2
    assert capsys.readouterr().err.startswith("fastgd: --checkpoint must be a regular file; got '/dev/full'")
    np.testing.assert_equal(os.listdir(), ["data.csv"])


def test_names_of_many_columns_are_looked_up_at_once(tmp_path):
    names = [f"column {j}" for j in range(100_000)]  # a search through the list for each would take minutes
    path = tmp_path / "wide.csv"
    path.write_text(",".join(names) + "\n" + ",".join(map(str, range(100_000))) + "\n")
    with within(SECONDS):
        table = read_csv(path, names[::-1])
        np.testing.assert_array_equal(table.columns(names)[0], np.arange(100_000.0))
        choosing.check_column_names("y", names, "weight")
        save(Model("y", names, 0.0, [1.0] * len(names)), tmp_path / "model.json")
        assert load(tmp_path / "model.json").features == names


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the test needs the folder /proc of Linux")
def test_an_error_of_reading_names_the_file():
    for read in (load, read_csv):
        with pytest.raises(OSError, match="/proc/self/mem"):  # its first page is no memory
            read("/proc/self/mem")
