"""Every command refuses output files that it cannot write, with the same message and before any work."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd.cli import main as cli
from fastgd.files.paths import check_different, check_output
from fastgd.files.writing import write_file
from fastgd.plots.figures import check_picture
from fastgd.streaming import fit_array


@pytest.fixture
def page_extras():
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")


needs_page = pytest.mark.usefixtures("page_extras")
# Not even root can make a file in the folder /proc.
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="the test needs the folder /proc of Linux")
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="the test needs the device /dev/full of Linux")
FULL = "must be a file that can be written; got '/dev/full': No space left on device"
STAGES = "import_numpy", "import_fastgd", "load", "first_call", "second_call", "wait"
ONE_START = {"seconds": dict.fromkeys(STAGES, 1.0), "extremes": {stage: [0.9, 1.1] for stage in STAGES}}
START = {"python": ONE_START, "numpy": ONE_START}
UNWRITABLE = "must be a file that can be written; got '/proc/nope.{}': "


def test_a_file_that_can_be_written_is_left_as_it_is(tmp_path):
    old = tmp_path / "old.html"
    old.write_text("kept")
    os.utime(old, (1, 1))
    check_output("--out", old)
    check_output("--out", str(tmp_path / "new.html"))
    assert (old.read_text(), old.stat().st_mtime) == ("kept", 1)
    assert list(tmp_path.iterdir()) == [old]


def test_a_file_in_the_working_folder_needs_no_folder_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_output("--out", "new.html")
    assert not list(tmp_path.iterdir())


def test_a_dangling_link_stays(tmp_path):
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
        ("-", "--out must name a file; got '-' (a file of that name is './-')"),
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
def test_a_path_that_cannot_be_written_is_named_with_its_option(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("x,y\n1,2\n2,3\n")
    with pytest.raises(ValueError, match="--out") as raised:
        check_output("--out", path, ["missing.csv", "data.csv"])
    assert str(raised.value).startswith(message)
    assert Path("data.csv").read_text() == "x,y\n1,2\n2,3\n"


def same_name(folder):
    return "a", "./a"


def hard_link(folder):
    (folder / "a").write_text("kept")
    (folder / "b").hardlink_to(folder / "a")
    return "a", "b"


def symbolic_link(folder):
    (folder / "b").symlink_to(folder / "a")  # a does not exist yet
    return "a", "b"


def linked_folder(folder):
    (folder / "sub").mkdir()
    (folder / "link").symlink_to(folder / "sub")
    return "sub/a", "link/a"


@pytest.mark.parametrize("make", [same_name, hard_link, symbolic_link, linked_folder])
def test_two_paths_to_one_file_are_refused(tmp_path, monkeypatch, capsys, make):
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    first, second = make(tmp_path)
    message = f"--out and --json must be different files; got {first!r} and {second!r}"
    with pytest.raises(ValueError, match="different") as raised:
        check_different({"--out": first, "--plot": Path("c"), "--json": second})
    assert str(raised.value) == message
    Path("data.csv").write_text("x,y\n1,2\n2,3\n")
    assert cli.main(["fit", "data.csv", "--target", "y", "--out", first, "--checkpoint", second]) == 2
    assert "--out and --checkpoint must be different files" in capsys.readouterr().err
    with pytest.raises(ValueError, match="--out must not be the file that is read"):
        check_output("--out", first, [second])


@needs_page
@pytest.mark.parametrize("make", [same_name, hard_link, symbolic_link, linked_folder])
def test_the_study_refuses_two_paths_to_one_file(tmp_path, monkeypatch, capsys, make):
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    first, second = make(tmp_path)
    assert cli.main(["study", "--out", first, "--json", second]) == 2
    message = f"--out and --json must be different files; got {first!r} and {second!r}"
    assert message in capsys.readouterr().err


def test_paths_to_different_files_are_accepted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("the same")
    Path("b").write_text("the same")
    check_different({"--out": "a", "--json": Path("b"), "--plot": "c", "--checkpoint": "d"})
    check_different({"--out": "a"})
    check_different({})


@needs_proc
@needs_page
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
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("x,y\n1,2\n2,3\n")
    assert cli.main(arguments) == 2
    assert f"fastgd: {option} {UNWRITABLE.format(ending)}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def forbid_work(monkeypatch):
    """Make every command fail as soon as it starts to work."""
    for place in (
        "fastgd.cli.fit.fit_table",
        "fastgd.cli.fit.fit_stream",
        "fastgd.cli.demo.run_demo",
        "fastgd.cli.study.study",
        "fastgd.cli.bench.measure",
    ):
        monkeypatch.setattr(place, lambda *given, **named: pytest.fail("the command started to work"))


@needs_proc
def test_bench_refuses_pictures_and_a_document_that_cannot_be_written(monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    forbid_work(monkeypatch)
    assert cli.main(["bench", "--plot", "/proc"]) == 2
    assert (
        "--plot (ladder-100x5) must be a file that can be written; got '/proc/ladder-100x5.png': "
        in capsys.readouterr().err
    )
    monkeypatch.setattr("fastgd.cli.bench.check_markers", lambda option, path: Path(path))  # skip the check for markers
    assert cli.main(["bench", "--write", "/proc/version"]) == 2
    assert "--write must be a file that can be written; got '/proc/version': " in capsys.readouterr().err


@needs_proc
def test_a_picture_and_a_checkpoint_that_cannot_be_written_are_refused():
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    with pytest.raises(ValueError, match="--plot " + UNWRITABLE.format("png")):
        check_picture("--plot", "/proc/nope.png")
    with pytest.raises(ValueError, match="checkpoint " + UNWRITABLE.format("c")):
        fit_array(np.ones((3, 1)), np.ones(3), checkpoint="/proc/nope.c")


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_an_empty_path_is_refused(monkeypatch, capsys, option):
    forbid_work(monkeypatch)
    assert cli.main(["study", option, ""]) == 2
    assert f"{option} must name a file; got ''" in capsys.readouterr().err


@needs_proc
def test_printed_data_need_no_writable_folder(monkeypatch, capsys):
    monkeypatch.chdir("/proc")
    assert cli.main(["study", "--quick", "--sections", "descents", "--json", "-", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("{")


def give_study(monkeypatch):
    """Make `fastgd study` return a finished study instead of measuring, and return that study."""
    found = fastgd.study(quick=True, sections=["descents"], quiet=True)
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: found)
    return found


def test_a_failed_write_is_named_with_its_option(tmp_path):
    write_file("--out", tmp_path / "a", lambda: "θ\n")
    assert (tmp_path / "a").read_bytes() == "θ\n".encode()
    with pytest.raises(ValueError, match=r"^--out must be a file that can be written; got '.*missing.a': No such file"):
        write_file("--out", tmp_path / "missing" / "a", lambda: "")
    (tmp_path / "a").write_text("kept")
    with pytest.raises(ValueError, match=r"^--out cannot be written to '.*a': no number of JSON$"):
        write_file("--out", tmp_path / "a", lambda: raise_error("no number of JSON"))
    assert (tmp_path / "a").read_text() == "kept"


def raise_error(text):
    raise ValueError(text)


@needs_page
@needs_full
@pytest.mark.parametrize("full", ["--out", "--json"])
def test_one_file_is_written_if_the_other_cannot_be(tmp_path, monkeypatch, capsys, full):
    found = give_study(monkeypatch)
    monkeypatch.chdir(tmp_path)
    paths = {"--out": "p.html", "--json": "d.json", full: "/dev/full"}
    assert cli.main(["study", *(word for pair in paths.items() for word in pair)]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith(repr(found))
    assert printed.err == f"fastgd: {full} {FULL}\n"
    (written,) = tmp_path.iterdir()
    assert written.name == ("d.json" if full == "--out" else "p.html")
    assert written.name in printed.out
    assert "/dev/full" not in printed.out
    if full == "--out":
        assert json.loads(written.read_text(encoding="utf-8")) == json.loads(json.dumps(found.data))
    else:
        assert written.read_text(encoding="utf-8") == found.to_html()


@needs_page
def test_every_failed_write_is_reported(tmp_path, monkeypatch, capsys):
    found = give_study(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastgd.files.writing.write_text", lambda *given, **named: raise_error("broken"))
    assert cli.main(["study", "--out", "p.html", "--json", "d.json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == f"{found}\n"
    assert "--json cannot be written to 'd.json': broken; --out cannot be written to 'p.html': broken" in printed.err


@needs_page
@needs_full
def test_data_are_printed_if_the_page_cannot_be_written(monkeypatch, capsys):
    found = give_study(monkeypatch)
    assert cli.main(["study", "--out", "/dev/full", "--json", "-"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads(json.dumps(found.data))
    assert printed.err == f"fastgd: --out {FULL}\n"


@needs_page
@needs_full
def test_a_comparison_is_printed_if_its_page_cannot_be_written(tmp_path, monkeypatch, capsys):
    data = {**give_study(monkeypatch).data, "price": {"shape": [1000, 20], "rounds": 3, "starts": START}}
    monkeypatch.chdir(tmp_path)
    fastgd.report.Study(data).save("a.json")
    assert cli.main(["study", "--compare", "a.json", "a.json", "--out", "/dev/full"]) == 2
    printed = capsys.readouterr()
    assert "no reliable difference in" in printed.out
    assert "/dev/full" not in printed.out
    assert printed.err == f"fastgd: --out {FULL}\n"


@needs_page
@pytest.mark.parametrize("arguments", [[], ["--compare", "b.json", "b.json"]])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a.json", "--out must be a page; got 'a.json': data are saved by --json"),
        ("a.JSON", "--out must be a page; got 'a.JSON': data are saved by --json"),
        ("-", "--out must name a file; got '-' (a file of that name is './-')"),
    ],
)
def test_a_page_is_not_saved_under_a_name_for_data(tmp_path, monkeypatch, capsys, arguments, path, message):
    forbid_work(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["study", *arguments, "--out", path]) == 2
    assert capsys.readouterr().err == f"fastgd: {message}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"), [("--json", "a.json"), ("--json", "-"), ("--quick", ""), ("--sections", "map")]
)
def test_a_comparison_refuses_options_of_a_measurement(tmp_path, monkeypatch, capsys, option, value):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["study", "--compare", "a.json", "b.json", option, *filter(None, [value])]) == 2
    assert capsys.readouterr().err == f"fastgd: --compare measures nothing, so it goes without {option}\n"


@needs_page
def test_steps_that_differ_end_the_command_with_a_message(tmp_path, monkeypatch, capsys):
    def differ(**given):
        raise ArithmeticError("numba and arrays differ by 1.0e-03 of the largest weight")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastgd.cli.study.study", differ)
    assert cli.main(["study"]) == 2
    assert capsys.readouterr().err == "fastgd: numba and arrays differ by 1.0e-03 of the largest weight\n"
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # a bug in the package keeps its traceback
        cli.main(["study"])


@needs_page
def test_a_comparison_does_not_replace_its_own_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fastgd.study(quick=True, sections=["descents"], quiet=True).save("a.json")
    before = Path("a.json").read_text(encoding="utf-8")
    assert cli.main(["study", "--compare", "a.json", "a.json", "--out", "a.json"]) == 2
    assert "--out must not be the file that is read; got 'a.json'" in capsys.readouterr().err
    assert Path("a.json").read_text(encoding="utf-8") == before


def test_an_error_behind_a_link_names_the_option_and_the_link(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "target.txt")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ValueError, match=r"^--out must be a file that can be written; got '.*link\.txt': No such file"):
        write_file("--out", link, lambda: "text")
