"""Nothing from outside reaches a terminal raw, and no input or output stream ends a command in a traceback."""

import csv
import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from junk import within

import fastgd
from fastgd import plots
from fastgd.bench.text import base_of, threads_of, title
from fastgd.cli import main as cli
from fastgd.cli.outcome import print_model
from fastgd.inputs.extras import is_installed
from fastgd.inputs.words import LONGEST_MESSAGE, pad, printable, quote, width_of
from fastgd.report import Study

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_study_files import WHOLE

# What a terminal obeys or hides: escape sequences, their C1 form, a return, a reversal of the direction, a separator of
# lines, a width of nothing, a byte of a file name that is no text.
CONTROLS = ["\x1b[31mred\x1b[0m", "\x9b2J", "a\rb", "\u202egnp.exe", "\u2028", "\u200b", "\x7f", "\udcff", "a\x00b"]
MODEL = {
    "schema": "fastgd.linear_model", "schema_version": 1, "target": "y", "features": ["a"], "intercept": 0.0,
    "coef": [2.0], "fit": {"converged": True, "tol": 1e-8},
}  # fmt: skip


def is_shown(text):
    """Return True if a terminal shows every character of a text, line by line."""
    return all(line.isprintable() for line in text.split("\n"))


def call(capsys, *arguments):
    """Return the exit code of a command, its output and its errors."""
    try:
        code = cli.main([str(one) for one in arguments])
    except SystemExit as ended:
        code = ended.code
    return code, *capsys.readouterr()


# One function for everything that is quoted


@pytest.mark.parametrize("text", CONTROLS)
def test_text_is_shown_as_escapes_wherever_it_is_quoted(text):
    for function in (quote, printable):
        assert is_shown(function(text))
        assert function(text).encode("utf-8")
    assert is_shown(quote([text, {text: text}]))
    assert is_shown(title(text))
    assert is_shown(title(f"cython, {text}"))


class Hostile:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        if self.text is None:
            raise RuntimeError("no repr")
        return self.text


class LoudText(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no str")


# The name of the type alone must not decide how a value is shown.
Mimic = type("deque", (), {"__repr__": lambda self: "not a deque"})


ODD = {
    "a long repr": Hostile("\x1b[2J" * 10**6),
    "a repr that raises": Hostile(None),
    "a name that misleads": Mimic(),
    "an integer": 10**5000,
    "a text": LoudText("a"),
    "a list": [10**5000],
    "a dict": {1: Hostile(None)},
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_a_message_survives_any_value(value):
    text = quote(value)
    assert is_shown(text)
    assert len(text) <= 201
    if isinstance(value, str):
        return
    for name in ("epochs", "fit_intercept", "compress", "callback"):
        with pytest.raises((TypeError, ValueError), match=name) as raised:
            fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], **{name: value})
        assert is_shown(str(raised.value))
        assert len(str(raised.value)) < 500


def test_columns_of_a_terminal_are_counted():
    assert [width_of(text) for text in ("abc", "価格", "e\u0301", "")] == [3, 4, 1, 0]
    assert pad("価", 4) == "価  "
    assert pad("abc", 1) == "abc"


# The commands


@pytest.mark.parametrize("text", CONTROLS)
def test_arguments_are_echoed_as_escapes(capsys, text):
    commands = [
        ["fit", text],
        [text],
        ["fit", "a.csv", "--target", "y", f"--{text}"],
        ["fit", "a.csv", "--target", "y", "--backend", text],
        ["fit", "a.csv", "--target", "y", "--alpha", text],
        ["fit", "a.csv", "--target", "y", "--plot", f"{text}.xyz"],
        ["fit", "a.csv", "--target", "y", "--out", f"no/{text}"],
        ["fit", f"{text}.csv", "--target", "y"],
        ["predict", f"{text}.json", "a.csv"],
        ["bench", "--shapes", text],
        ["bench", "--rounds", text],
        ["bench", "--write", f"{text}.md"],
        ["study", "--sizes", text],
        ["study", "--sections", text],
        ["study", "--compare", f"{text}.json", "b.json"],
    ]
    for command in commands:
        code, output, errors = call(capsys, *command)
        assert (code, output) == (2, ""), command
        assert errors
        assert is_shown(errors), command


def test_a_long_argument_is_not_echoed_whole(capsys):
    code, _, errors = call(capsys, "fit", "a.csv", "--target", "y", f"--{'x' * 10**6}")
    assert code == 2
    assert len(errors) < LONGEST_MESSAGE + 2000


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b[0m", "\x9b2J", "\u202egnp.exe", "\u2028a", "a\u200b", "\x7f"])
def test_column_names_are_shown_as_escapes(tmp_path, capsys, name):
    path = tmp_path / "data.csv"
    path.write_text(f"{name},y{name}\n1,2\n2,4\n3,7\n", encoding="utf-8")
    for arguments in (["--target", f"y{name}"], ["--target", "z"]):
        _, output, errors = call(capsys, "fit", path, *arguments)
        assert is_shown(output + errors)
        assert printable(name) in output + errors


def test_json_on_a_terminal_is_ascii(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("\x9b2J,y\x7f\n1,2\n2,4\n3,7\n", encoding="utf-8")
    code, output, _ = call(capsys, "fit", path, "--target", "y\x7f", "--json")
    assert code == 0
    assert json.loads(output)["features"] == ["\x9b2J"]
    assert output.isascii()
    assert is_shown(output.replace("\x7f", ""))


def test_the_coefficients_stand_below_each_other_whatever_the_names(capsys):
    names = ["a", "価格", "e\u0301", "\x1b[31m", "x" * 100]
    notes = {
        "converged": True, "tol": 0.1, "epochs": 1, "n_samples": 3, "r_squared": None, "backend": "numpy",
        "learning_rate": "auto", "precondition": "none", "cost": 1.0, "fit_intercept": True, "reason": "cost",
    }  # fmt: skip
    print_model({"fit": notes, "features": names, "coef": [1.0] * 5, "intercept": 1.0, "target": "\x1b[2J"})
    lines = capsys.readouterr().out.splitlines()
    assert is_shown("".join(lines))
    assert "target '\\x1b[2J'" in lines[0]
    ends = [width_of(line) for line in lines[-6:]]
    assert ends[:5] == [ends[0]] * 5
    assert ends[5] > ends[0]  # a long name moves its own number alone


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_predictions_keep_the_name_of_the_target_except_on_a_terminal(tmp_path, monkeypatch):
    target = 'y\x1b[2J,"\n'
    (tmp_path / "model.json").write_text(json.dumps(MODEL | {"target": target}))
    (tmp_path / "data.csv").write_text("a\n1\n")
    shown = []
    for stream in (io.StringIO(), Terminal()):
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["predict", str(tmp_path / "model.json"), str(tmp_path / "data.csv")]) == 0
        shown.append(next(csv.reader(io.StringIO(stream.getvalue()))))
    assert shown == [[target], [printable(target)]]


def test_results_and_studies_show_what_a_file_said_as_escapes(tmp_path):
    result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    result.save(tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text())
    document["fit"] |= {"reason": "\x1b[2J" * 999, "backend": "\u202e"}
    (tmp_path / "model.json").write_text(json.dumps(document))
    shown = repr(fastgd.DescentResult.load(tmp_path / "model.json"))
    assert is_shown(shown)
    assert len(shown) < 500
    data = json.loads(json.dumps(WHOLE))
    data["machine"]["cpu"] = "\x1b[2J\u202e"
    data["ladder"]["shapes"][0]["contestants"] |= {"\x9b2J": data["ladder"]["shapes"][0]["contestants"]["numpy"]}
    assert is_shown(repr(Study(data)))


# Streams

COMMAND = [sys.executable, "-m", "fastgd", "predict", "model.json", "data.csv"]
FULL = Path("/dev/full")
posix = pytest.mark.skipif(os.name != "posix", reason="the redirections are those of a POSIX shell")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(MODEL))
    (tmp_path / "data.csv").write_text("a\n1\n2\n")
    return tmp_path


def run_in_shell(folder, redirection, command="predict model.json data.csv", **environment):
    """Run a command with its streams redirected by a shell; return its exit code, output and errors."""
    done = subprocess.run(
        f'"{sys.executable}" -m fastgd {command} {redirection}',
        shell=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(fastgd.__file__).parents[1])} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@posix
def test_a_closed_output_is_refused_before_any_work(folder):
    assert run_in_shell(folder, ">&-") == (
        2, "", "fastgd: standard output is closed: redirect it to a file, or to the null device to print nothing\n"
    )  # fmt: skip


@posix
@pytest.mark.parametrize("redirection", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_message_that_cannot_be_printed_leaves_the_exit_code(folder, redirection):
    assert run_in_shell(folder, redirection, "predict missing.json data.csv") == (2, "", "")


@posix
def test_a_closed_input_and_closed_errors_do_not_matter_to_a_good_command(folder):
    assert run_in_shell(folder, "<&- 2>&-") == (0, "y\n2.0\n4.0\n", "")


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["predict model.json data.csv", "--help"])
def test_a_full_disk_is_told_and_is_no_success(folder, command, unbuffered):
    code, output, errors = run_in_shell(folder, "> /dev/full", command, PYTHONUNBUFFERED=unbuffered)
    assert (code, output) == (2, "")
    lines = errors.splitlines()
    assert lines[-1] == "fastgd: standard output cannot be written: No space left on device"


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
def test_messages_that_find_a_full_disk_leave_the_exit_code(folder):
    assert run_in_shell(folder, "2> /dev/full", "predict missing.json data.csv") == (2, "", "")


@posix
def test_a_reader_that_goes_away_ends_the_command_quietly(folder):
    (folder / "data.csv").write_text("a\n" + "1.5\n" * 100_000)
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_a_stream_that_was_closed_in_this_process_is_told(monkeypatch, capsys):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert cli.main(["config"]) == 2
    assert capsys.readouterr().err.startswith("fastgd: I/O operation on closed file")


# Files of every kind that is wrong

FILES = {
    "empty": b"",
    "binary": bytes(range(256)),
    "utf-16": json.dumps(MODEL).encode("utf-16"),
    "deep": b"[" * 100_000,
    "deep notes": b'{"schema": ' + b"[" * 900 + b"]" * 900 + b"}",
    "1e999": json.dumps(MODEL).replace("2.0", "1e999").encode(),
    "NaN": json.dumps(MODEL).replace("2.0", "NaN").encode(),
    "large integer": json.dumps(MODEL).replace("2.0", "9" * 400).encode(),
    "larger integer": json.dumps(MODEL).replace("2.0", "9" * 5000).encode(),
    "equal keys": json.dumps(MODEL).replace('"coef"', '"coef": [1], "coef": null, "coe"').encode(),
    "list": b"[1, 2]",
    "half a character": json.dumps(MODEL | {"features": ["\ud800"], "coef": "x"}).encode(),
}


def list_compares(path):
    """Return the commands that compare a file with a study, if the extras of a page are installed."""
    if not all(map(is_installed, ("matplotlib", "jinja2", "pygments"))):
        return []
    return [["study", "--compare", path, "whole.json"], ["study", "--compare", "whole.json", path]]


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_no_file_ends_a_command_in_a_traceback(tmp_path, monkeypatch, capsys, content):
    monkeypatch.chdir(tmp_path)
    Path("odd").write_bytes(content)
    Path("odd.csv").write_bytes(content)
    Path("model.json").write_text(json.dumps(MODEL))
    Path("whole.json").write_text(json.dumps(WHOLE))
    commands = [
        ["fit", "odd.csv", "--target", "y"],
        ["predict", "odd", "odd.csv"],
        ["predict", "model.json", "odd"],
        ["bench", "--write", "odd"],
        *list_compares("odd"),
    ]
    for command in commands:
        code, output, errors = call(capsys, *command)
        assert (code, output) == (2, ""), command
        assert is_shown(errors)
        assert "odd" in errors
        assert len(errors) < 3000


@posix
@pytest.mark.parametrize("path", [".", "missing", "/dev/zero", "fifo"])
def test_no_path_ends_a_command_in_a_traceback_or_hangs_it(tmp_path, monkeypatch, capsys, path):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("model.json").write_text(json.dumps(MODEL))
    Path("whole.json").write_text(json.dumps(WHOLE))
    commands = [
        ["predict", path, "data.csv"],
        ["bench", "--write", path],
        *list_compares(path),
    ]
    with within(60):
        for command in commands:
            code, output, errors = call(capsys, *command)
            assert (code, output) == (2, ""), command
            assert path in errors


# Studies


def change(*path, value):
    data = json.loads(json.dumps(WHOLE))
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return data


STEP = WHOLE["ladder"]["shapes"][0]["contestants"]["numpy"]
LADDER, MAP = ("ladder", "shapes", 0), ("map", "shapes", 0)
REFUSED = {
    "zero time": change(*LADDER, "contestants", "numpy", "seconds", value=0),
    "negative time": change(*MAP, "contestants", "numpy", "seconds", value=-1.0),
    "time out of range": change(*MAP, "contestants", "numpy", "seconds", value=1e-320),
    "integer beyond float64": change(*LADDER, "n_samples", value=10**400),
    "integer whose product is beyond float64": change(*LADDER, "n_samples", value=10**200),
    "integer beyond those of NumPy": change(*LADDER, "contestants", "numpy", "bytes_per_epoch", value=2**70),
    "no runs": change("descents", "rates", "runs", value=[]),
    "lengths": change("descents", "rates", "y", value=[1.0, 2.0]),
    "first cost of zero": change("descents", "schedules", "costs", "chebyshev", value=[0.0, 1.0]),
    "language": change("sources", 0, "language", value="brainfuck"),
    "mark without a line": change("sources", 0, "marks", value={"r": ["nowhere"]}),
    "best without a time": change(*MAP, "best", value="abacus"),
    "nested deeply": change("more", value=json.loads("[" * 200 + "]" * 200)),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_a_study_that_cannot_be_drawn_is_refused_when_it_is_read(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"^a\.json: expected a study \(fastgd study --json\); ") as raised:
        Study.load("a.json")
    assert len(str(raised.value)) < 400
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")
    with pytest.raises(ValueError, match=r"^the data of the study: "):
        Study(data).to_html()


def test_half_a_character_in_a_study_is_refused(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(change("machine", "cpu", value="\ud800")))
    with pytest.raises(ValueError, match="surrogates not allowed"):
        Study.load(tmp_path / "a.json")


def test_an_unknown_contestant_is_drawn_with_a_look_of_its_own(tmp_path):
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")
    data = json.loads(json.dumps(WHOLE))
    names = [
        "abacus",
        "cython-0",
        "cython-" + "9" * 5000,
        "$\\frac$",
        "_hidden",
        'id="tip99"',
        "font-size: 0px",
        "価格",
    ]
    data["ladder"]["shapes"][0]["contestants"] |= dict.fromkeys(names, STEP)
    data["ladder"]["shapes"][0]["order"] += names
    data["map"]["shapes"][0]["contestants"] |= dict.fromkeys(names, STEP)
    data["map"]["shapes"][0] |= {"best": "$\\frac$", "auto": "_hidden"}
    data["roofline"]["limits"][0]["bytes_per_second"] |= {"font-size: 0px": 1e8, "$\\frac$": 1e9}
    data["price"]["starts"] |= dict.fromkeys(names, WHOLE["price"]["starts"]["numpy"])
    data["descents"]["schedules"]["costs"] |= {name: [1.0, 0.5] for name in names}
    (tmp_path / "a.json").write_text(json.dumps(data))
    html = Study.load(tmp_path / "a.json").to_html()
    for shown in ("abacus", "$\\frac$", "_hidden", "価格"):
        assert f">{shown}<" in html or f"> {shown}<" in html, shown


def test_a_number_of_threads_is_short():
    assert (base_of("cython-2"), threads_of("cython-2")) == ("cython", 2)
    long = "cython-" + "9" * 5000
    assert (base_of(long), threads_of(long)) == (long, 1)
    assert len(title(long)) < 50


# Pictures


NAMES = ["$\\frac$", "$x$", "_hidden", "a$b", "\\$x$", "\x1b[31m", "%s", "{x}"]
MEASURED = {"seconds": 1e-5, "quartiles": [9e-6, 2e-5]}
FOUND = {"shapes": [{"n_samples": 5, "n_features": 1, "contestants": dict.fromkeys(NAMES, MEASURED)}]}
CURVES = {name: [4.0, 2.0, 1.0] for name in NAMES} | {"growing": [1.0, 1e9]}
PATHS = {name: [[0.0, 0.0], [1.0, 1.0]] for name in NAMES}
DRAWINGS = {
    "rates": lambda: plots.learning_rates(CURVES),
    "paths": lambda: plots.contour_path([[1.0, 2.0], [2.0, 1.0]], [1.0, 2.0], PATHS),
    "times": lambda: plots.total_time(dict.fromkeys(NAMES, (1.0, 0.1))),
    "ladder": lambda: plots.ladder(FOUND, (5, 1)),
}


@pytest.fixture
def plt():
    """Return pyplot, and close its figures after the test."""
    module = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is an extra")
    yield module
    module.close("all")


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_names_in_pictures_stand_letter_by_letter(draw, plt):
    assert_shown(plt, draw(), NAMES)


def test_the_label_of_a_cost_curve_stands_letter_by_letter(plt):
    result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    ax = plots.cost_history(result, label="$\\frac$")
    plots.cost_history(result, ax=ax, label="_hidden").legend()
    assert_shown(plt, ax, ["$\\frac$", "_hidden"])


def assert_shown(plt, ax, names):
    """Check that a picture can be drawn, and has every name as a text that is no formula."""
    ax.figure.canvas.draw()
    texts = [text for text in ax.figure.findobj(plt.Text) if text.get_text()]
    shown = [text._preprocess_math(text.get_text()) for text in texts]
    plain = {string.strip() for string, math in shown if not math}
    assert {printable(name) for name in names} <= plain


@pytest.mark.usefixtures("plt")
def test_the_name_of_a_processor_is_no_formula():
    results = {"machine": {"cpu": "A $\\frac$ B\x1b[2J", "caches": {"$\\L$": 1000}}, "shapes": []}
    results["settings"] = {"dtype": "float64", "order": "C"}
    ax = plots.epoch_times(results)
    ax.figure.canvas.draw()
    assert "A \\$\\frac\\$ B\\x1b[2J" in ax.get_title()


def test_an_error_names_a_label_as_escapes():
    with pytest.raises(ValueError, match=r"costs\['\\x1b\[2J'\]"):
        plots.learning_rates({"\x1b[2J": []})
    with pytest.raises(ValueError, match=r"paths\['\\x1b\[2J'\]"):
        plots.contour_path(np.eye(2), [1.0, 2.0], {"\x1b[2J": [[1.0]]})


def test_a_warning_of_another_package_shows_no_control_characters(capsys, monkeypatch):
    warning = "NUMBA_NUM_THREADS is \x1b[2J"
    monkeypatch.setattr("fastgd.cli.config.show_config", lambda: warnings.warn(warning, stacklevel=2))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        usual = warnings.formatwarning
        monkeypatch.setattr(warnings, "showwarning", lambda *details: print(warnings.formatwarning(*details[:4])))
        assert cli.main(["config"]) == 0
    assert "NUMBA_NUM_THREADS is \\x1b[2J" in capsys.readouterr().out
    assert warnings.formatwarning is usual
