"""Ctrl-C while files are read in parts."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from processes import start_python

from fastgd.files import csv_blocks, paths
from fastgd.files.csv import read_csv
from fastgd.inputs.extras import is_installed
from fastgd.streaming import fit_files

needs_arrow = pytest.mark.skipif(not is_installed("pyarrow"), reason="the test is about pyarrow, an extra")
TRIES = 5


def write_rows(path, rows):
    """Write a CSV file of two columns, of which y is 1 + 2·x."""
    path.write_text("x,y\n" + "".join(f"{k / 1000},{1 + k / 500}\n" for k in range(rows)))


@needs_arrow
def test_pyarrow_reads_in_another_thread_so_that_it_leaves_signals_alone(tmp_path, monkeypatch):
    import pyarrow.csv

    threads, read = set(), pyarrow.csv.read_csv
    monkeypatch.setattr(pyarrow.csv, "read_csv", lambda *given: threads.add(threading.current_thread()) or read(*given))
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 100)
    write_rows(tmp_path / "a.csv", 100)
    before = signal.getsignal(signal.SIGINT)
    np.testing.assert_array_equal(read_csv(tmp_path / "a.csv").values[:, 0], np.arange(100) / 1000)
    assert threads
    assert threading.main_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)
    assert signal.getsignal(signal.SIGINT) is before


# The import of a module interrupts the process, and hides that, as libraries and callbacks of weak references do.
INTERRUPTED_IMPORT = """
import os, signal, sys, time

class Interrupt:
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)
            except KeyboardInterrupt:
                pass

sys.meta_path.insert(0, Interrupt())
sys.argv = ["fastgd", *{arguments!r}]
from fastgd.__main__ import main
sys.exit(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="the test sends a signal of POSIX")
@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("fastgd.cli.main", "info"),
        ("numpy", "fit"),
        ("fastgd.descent.fit", "fit"),
        ("fastgd.streaming.rows", "predict"),
    ],
)
def test_ctrl_c_is_answered_while_python_imports(tmp_path, module, command):
    code = INTERRUPTED_IMPORT.format(module=module, arguments=[command, str(tmp_path / "missing"), "--json"])
    with start_python(code) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, "", "fastgd: interrupted\n")


def test_ctrl_c_leaves_no_file_behind_that_was_only_tried(tmp_path, monkeypatch):
    def interrupt(*given):
        open(*given).close()
        raise KeyboardInterrupt

    monkeypatch.setattr(paths, "open", interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        paths.check_output("--checkpoint", tmp_path / "kept")
    assert os.listdir(tmp_path) == []
    (tmp_path / "kept").write_text("")
    with pytest.raises(KeyboardInterrupt):
        paths.check_output("--checkpoint", tmp_path / "kept")
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.skipif(os.name != "posix", reason="the test needs pipes of POSIX")
def test_ctrl_c_is_answered_while_a_pipe_is_slow(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    answered, ends = threading.Event(), []

    def write_slowly():
        with open(tmp_path / "pipe", "wb", buffering=0) as pipe:
            pipe.write(b"x,y\n1,2\n")
            signal.raise_signal(signal.SIGINT)  # in this thread: it interrupts no call of the main thread
            while not answered.wait(0.01) and len(ends) < 1000:
                pipe.write(b"1,2\n")
                ends.append(pipe)

    writer = threading.Thread(target=write_slowly)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        writer.start()
        with pytest.raises(KeyboardInterrupt):
            read_csv(tmp_path / "pipe")
    finally:
        answered.set()
        writer.join()
        signal.signal(signal.SIGINT, before)
    assert len(ends) < 1000  # the pipe was still open


def find_change(path):
    """Return the time of the last change of a file; None if there is none, or an empty one, made to try the path."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns if status.st_size else None


INTERRUPTED = """
import sys
from fastgd.cli.main import main
from fastgd.files import csv_blocks, paths
from fastgd.streaming import checkpoint

csv_blocks.BLOCK_BYTES, checkpoint.SAVE_SECONDS = 2000, 0.0
sys.exit(main(["fit", {file!r}, "--target", "y", "--missing", "skip", "--quiet", "--checkpoint", {kept!r}]))
"""


@needs_arrow
@pytest.mark.skipif(os.name != "posix", reason="the test sends a signal of POSIX")
def test_every_ctrl_c_is_answered_and_the_fit_resumes(tmp_path, monkeypatch):
    path, kept = tmp_path / "a.csv", tmp_path / "kept"
    write_rows(path, 400_000)
    for wait in np.linspace(0.0, 0.3, TRIES):
        before = find_change(kept)
        with start_python(INTERRUPTED.format(file=str(path), kept=str(kept))) as process:
            while find_change(kept) == before and process.poll() is None:
                time.sleep(0.005)
            time.sleep(float(wait))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, "fastgd: interrupted\n")
        assert kept.exists()
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 2000)
    result = fit_files(path, "y", missing="skip", checkpoint=kept)
    np.testing.assert_allclose(result.weights, [1.0, 2.0], rtol=1e-9)
    assert not kept.exists()
