"""Files that cannot be written are refused before any work is done, everywhere in the same way."""

import os
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd import cli
from fastgd.outputs import check_output
from fastgd.plots.figures import check_picture
from fastgd.streaming import fit_array

# In /proc, which is a folder, nobody can make a file, not even root.
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="the test needs the folder /proc of Linux")
UNWRITABLE = "must be a file that can be written; got '/proc/nope.{}': "


def test_a_file_that_can_be_written_is_left_as_it_is(tmp_path):
    old = tmp_path / "old.html"
    old.write_text("kept")
    os.utime(old, (1, 1))
    check_output("--out", old)
    check_output("--out", str(tmp_path / "new.html"))
    assert (old.read_text(), old.stat().st_mtime) == ("kept", 1)
    assert list(tmp_path.iterdir()) == [old]


def test_a_file_beside_the_working_folder_needs_no_folder_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_output("--out", "new.html")
    assert not list(tmp_path.iterdir())


def test_a_link_stays_where_it_leads_to_nothing_yet(tmp_path):
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "new.html")
    check_output("--out", link)
    assert list(tmp_path.iterdir()) == [link]
    link.unlink()
    link.symlink_to(tmp_path / "missing" / "new.html")
    with pytest.raises(ValueError, match=r"--out must be a file that can be written; got '.*': No such file"):
        check_output("--out", link)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    check_output("--json", tmp_path / "pipe")  # opening it would wait for a reader


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "--out must name a file; got ''"),
        (".", "--out must be a file; got the folder '.'"),
        ("missing/p.html", "--out must be in a folder that exists; got 'missing/p.html'"),
        ("data.csv", "--out must not be the file that is read; got 'data.csv'"),
        ("./data.csv", "--out must not be the file that is read"),
        ("data.csv/p.html", "--out must be in a folder that exists"),
        ("x" * 300, "--out must be a file that can be written; got 'xxx"),
        pytest.param("/proc/nope.html", "--out " + UNWRITABLE.format("html"), marks=needs_proc),
        pytest.param(
            "/proc/version", "--out must be a file that can be written; got '/proc/version'", marks=needs_proc
        ),
    ],
)
def test_what_cannot_be_written_is_named_with_its_option(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("x,y\n1,2\n2,3\n")
    with pytest.raises(ValueError, match="--out") as raised:
        check_output("--out", path, ["missing.csv", "data.csv"])
    assert str(raised.value).startswith(message)
    assert Path("data.csv").read_text() == "x,y\n1,2\n2,3\n"


@needs_proc
@pytest.mark.parametrize(
    ("arguments", "option", "ending"),
    [
        (["fit", "data.csv", "--target", "y", "--out", "/proc/nope.json"], "--out", "json"),
        (["fit", "data.csv", "--target", "y", "--plot", "/proc/nope.png"], "--plot", "png"),
        (["fit", "data.csv", "--target", "y", "--checkpoint", "/proc/nope.c"], "--checkpoint", "c"),
        (["demo", "--plot", "/proc/nope.png"], "--plot", "png"),
        (["study", "--out", "/proc/nope.html"], "--out", "html"),
        (["study", "--json", "/proc/nope.json"], "--json", "json"),
        (["study", "--compare", "a.json", "b.json", "--out", "/proc/nope.html"], "--out", "html"),
        (["bench", "--json", "/proc/nope.json"], "--json", "json"),
    ],
)
def test_every_command_refuses_a_file_that_cannot_be_written(tmp_path, monkeypatch, capsys, arguments, option, ending):
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("x,y\n1,2\n2,3\n")
    assert cli.main(arguments) == 2
    assert f"fastgd: {option} {UNWRITABLE.format(ending)}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def forbid_work(monkeypatch):
    """Make a command fail that goes to work."""
    for place in (
        "fastgd.fitting.fit_table",
        "fastgd.fitting.fit_stream",
        "fastgd.demo.run_demo",
        "fastgd.report.command.study",
        "fastgd.bench.command.measure",
    ):
        monkeypatch.setattr(place, lambda *given, **named: pytest.fail("it went to work"))


@needs_proc
def test_a_timing_refuses_pictures_and_a_document_that_cannot_be_written(monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    forbid_work(monkeypatch)
    assert cli.main(["bench", "--plot", "/proc"]) == 2
    assert "--plot must be a file that can be written; got '/proc/ladder.png': " in capsys.readouterr().err
    monkeypatch.setattr("fastgd.bench.command.check_markers", Path)  # no file there has markers
    assert cli.main(["bench", "--write", "/proc/version"]) == 2
    assert "--write must be a file that can be written; got '/proc/version': " in capsys.readouterr().err


@needs_proc
def test_a_picture_and_a_checkpoint_that_cannot_be_written():
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    with pytest.raises(ValueError, match="--plot " + UNWRITABLE.format("png")):
        check_picture("/proc/nope.png")
    with pytest.raises(ValueError, match="checkpoint " + UNWRITABLE.format("c")):
        fit_array(np.ones((3, 1)), np.ones(3), checkpoint="/proc/nope.c")


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_an_empty_path_is_no_default(monkeypatch, capsys, option):
    forbid_work(monkeypatch)
    assert cli.main(["study", option, ""]) == 2
    assert f"{option} must name a file; got ''" in capsys.readouterr().err


@needs_proc
def test_data_that_are_printed_alone_need_no_folder_to_write_to(monkeypatch, capsys):
    monkeypatch.chdir("/proc")
    assert cli.main(["study", "--quick", "--sections", "descents", "--json", "-", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("{")


def test_a_comparison_is_no_page_over_its_own_data(tmp_path, monkeypatch, capsys):
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")
    monkeypatch.chdir(tmp_path)
    fastgd.study(quick=True, sections=["descents"], quiet=True).save("a.json")
    before = Path("a.json").read_text(encoding="utf-8")
    assert cli.main(["study", "--compare", "a.json", "a.json", "--out", "a.json"]) == 2
    assert "--out must not be the file that is read; got 'a.json'" in capsys.readouterr().err
    assert Path("a.json").read_text(encoding="utf-8") == before
