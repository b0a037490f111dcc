"""Progress on standard error while rows are read."""

import io
import re
import sys

import pytest
from test_streaming import SETTINGS, cut, make_data
from test_streaming_checkpoint import leave_checkpoint

from fastgd import progress
from fastgd.streaming import array, fit_array, fit_batches, fit_files


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    monkeypatch.setattr(array, "BLOCK_BYTES", 1)
    monkeypatch.setattr(array, "ROWS_PER_COLUMN", 40)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_have_rows_speed_and_time_left(capsys):
    fit_array(*make_data(), quiet=False, **SETTINGS)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"fastgd: reading: 120 of 500 rows, [\d,]+ rows/s, \d+ s left", lines[0])
    assert lines[-1].startswith("fastgd: reading: 500 of 500 rows, ")
    fit_batches(cut(*make_data()), quiet=False, **SETTINGS)
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"fastgd: reading for a QR: 70 rows, [\d,]+ rows/s", lines[0])


def test_lines_are_seconds_apart(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 1000)
    fit_array(*make_data(), quiet=False, **SETTINGS)
    assert capsys.readouterr().err == ""


def test_quiet_shows_nothing(capsys, monkeypatch):
    fit_array(*make_data(), **SETTINGS)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit_array(*make_data(), quiet=True, **SETTINGS)
    assert sys.stderr.getvalue() == ""


def test_a_resumed_pass_says_so(capsys, tmp_path):
    path = leave_checkpoint(tmp_path / "checkpoint", after=3)
    fit_batches(cut(*make_data()), checkpoint=path, quiet=False, **SETTINGS)
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "fastgd: going on after 210 rows, by the checkpoint"
    assert second.startswith("fastgd: reading for a QR: 280 rows, ")


def test_terminal_shows_a_bar(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit_array(*make_data(), quiet=False, **SETTINGS)
    shown = sys.stderr.getvalue()
    assert "reading" in shown
    assert "fastgd:" not in shown
    with pytest.raises(ValueError, match="batch 0"):
        fit_batches([([[1.0]], [float("nan")])], quiet=False)


def test_terminal_without_rich_shows_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    fit_array(*make_data(), quiet=False, **SETTINGS)
    assert "fastgd: reading: 500 of 500 rows, " in sys.stderr.getvalue()


def test_a_csv_file_shows_the_bytes_read_of_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    monkeypatch.setattr("fastgd.files.csv_blocks.BLOCK_BYTES", 100_000)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n" + "1.00000,2.00000\n2.00000,3.00000\n" * 20_000)
    fit_files(tmp_path, "y", quiet=False)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fastgd: reading: ")]
    shape = r"fastgd: reading: [\d,]+ rows, (\d+) of 1 MB \((\d+)%\), [\d,]+ rows/s, \d+ s left"
    shares = [int(re.fullmatch(shape, line)[2]) for line in lines]
    assert shares == sorted(shares)
    assert (len(shares) > 10, shares[-1]) == (True, 100)
