"""The slides of a study: their contents, their files and the options of the command. test_browser.py turns them."""

import json
import re

import pytest
from test_first_screen import SMALL, TIMES, study_of
from test_study_files import WHOLE

from fastgd.cli import main as cli
from fastgd.report import Study, slides
from fastgd.report.sources import Source

for module in ("matplotlib", "jinja2", "pygments"):
    pytest.importorskip(module, reason=f"{module} is an extra")

OPTIONAL = "ladder", "map", "roofline", "price", "descents"


def titles_of(html):
    """Return the titles of the slides."""
    return re.findall(r'<h[12] id="[a-z0-9-]*-title">(.*?)</h[12]>', html)


def test_the_slides_go_from_the_problem_to_one_epoch():
    html = Study(study_of({**TIMES, **SMALL})).to_slides()
    assert titles_of(html) == [
        "Gradient descent, from a loop to one epoch",
        "The problem: weights that predict the targets",
        "The cost J: how far the predictions miss",
        "The gradient: which way is up, and how steeply",
        "An epoch: one step downhill, from all rows",
        "How long may a step be?",
        "A loop: one number at a time",
        "Vectorized: whole arrays at a time",
        "Compiled: one pass over the data",
        "Compressed: the same cost from far fewer rows",
        "All steps in one picture",
        "Fewer epochs: rates that fit the problem",
        "Whitened: one epoch is enough",
        "What these numbers do not say",
        "Try it yourself",
    ]
    assert html.count('<section class="slide"') == len(titles_of(html))
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(set(ids)) == len(ids)
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)|src=", html)


@pytest.mark.parametrize("left_out", OPTIONAL)
def test_a_study_without_a_section_has_slides(left_out):
    html = Study({name: part for name, part in WHOLE.items() if name != left_out}).to_slides()
    assert ("How long may a step be?" in titles_of(html)) == (left_out != "descents")
    assert ("All steps in one picture" in titles_of(html)) == (left_out != "ladder")


def test_a_slide_of_a_step_has_the_time_of_its_whole_fit_and_its_gain():
    data = study_of({**TIMES, **SMALL})
    loop, numpy, compiled = slides.list_rungs(data, data["ladder"]["shapes"][0])
    assert (loop.time, loop.gain) == ("100 s", "")
    assert (numpy.time, numpy.gain) == ("1.00 s", "NumPy is 100× as fast as Python loop over lists here")
    assert compiled.time == "300 ms"
    html = " ".join(Study(data).to_slides().split())
    assert "<strong>300 ms → 3.00 ms</strong> for 1,000 epochs, of which 2.00 ms to compress once" in html
    assert "<strong>2.00 ms</strong> for the whole fit, of which 2.00 ms to compress and whiten" in html


def test_a_gain_is_told_as_far_as_the_times_can_tell():
    data = study_of({"python": 0.1, "numpy": 0.12, "compressed": 1e-6, "whitened": 1e-6})
    (entry,) = data["ladder"]["shapes"]
    for one in entry["contestants"].values():
        one["quartiles"] = [one["seconds"], one["seconds"]]
    told = slides.describe_gain(entry, "python", "numpy", data["conditions"])
    assert told == "Slower here than Python loop over lists"
    told = slides.describe_gain(entry, "python", "numpy", {**data["conditions"], "noise_floor": 0.3})
    assert told == "No reliable difference from Python loop over lists at 20,000 × 50"


def test_code_on_a_slide_is_the_marked_lines_of_the_source():
    text = "def f():\n    a = 1\n    r = X @ w\n    if a:\n        g = r @ X\n    return g\n"
    source = Source("numpy", "there", "", "python", text, {"r": ["r ="], "g": ["g ="]})
    assert slides.shorten(source).text == "r = X @ w\n    g = r @ X\n"
    data = {"sources": [source._replace(marks={"g": ["g ="]})._asdict(), source._asdict()]}
    assert slides.find_source(data, "numpy").text == "r = X @ w\n    g = r @ X\n"
    assert slides.find_source(data, "numba") is None


def test_names_from_the_machine_cannot_break_the_slides():
    data = json.loads(json.dumps(WHOLE))
    data["machine"]["cpu"] = "</title><script>alert(1)</script>"
    assert "<script>alert" not in Study(data).to_slides()


def test_slides_of_other_data_are_refused():
    with pytest.raises(ValueError, match=r"^the data of the study: top level: 'machine' is missing"):
        Study({name: part for name, part in WHOLE.items() if name != "machine"}).to_slides()


def test_the_wait_for_a_compiler_is_told_if_it_was_measured():
    data = json.loads(json.dumps(WHOLE))
    assert len(slides.list_limits(data)) == 1
    data["price"]["starts"]["numba, nothing cached"] = {"seconds": {"wait": 2.5}}
    told = "A compiler has a price, which a new process waits for: Numba, nothing cached, 2.50 s."
    assert slides.list_limits(data)[1:] == [told]


# Files


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Study(WHOLE).save("study.json")
    return tmp_path


def test_the_command_makes_page_and_slides_of_a_saved_study(saved, capsys, monkeypatch):
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: pytest.fail("it measured"))
    assert cli.main(["study", "--from", "study.json", "--slides", "slides.html", "--out", "page.html"]) == 0
    assert (saved / "slides.html").read_text(encoding="utf-8") == Study(WHOLE).to_slides()
    assert (saved / "page.html").read_text(encoding="utf-8") == Study(WHOLE).to_html()
    printed = capsys.readouterr().out
    assert printed.startswith("Measured on made up, 2 cores")
    assert printed.endswith("The page: page.html\nThe slides: slides.html\n")


def test_the_command_measures_for_slides(saved, monkeypatch):
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: Study(WHOLE))
    assert cli.main(["study", "--slides", "slides.html"]) == 0
    assert {path.name for path in saved.iterdir()} == {"study.json", "slides.html", "fastgd-study.html"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "study.json", "--quick"], "--from measures nothing, so it goes without --quick"),
        (["--from", "study.json", "--json", "-"], "--from measures nothing, so it goes without --json"),
        (
            ["--compare", "study.json", "study.json", "--slides", "a.html", "--from", "study.json"],
            "--compare measures nothing, so it goes without --from, --slides",
        ),
        (["--from", "nope.json"], "--from: nope.json: expected a study (fastgd study --json); no such file"),
        (["--from", "study.json", "--slides", "a.json"], "--slides must be a page; got 'a.json'"),
        (["--slides", "a.html", "--out", "./a.html"], "--out and --slides must be different files"),
        (["--slides", "missing/a.html"], "--slides must be in a folder that exists"),
        (["--from", "study.json", "--slides", "study.json"], "--slides must not be the file that is read"),
    ],
)
def test_bad_options_end_before_anything_is_measured(saved, monkeypatch, capsys, arguments, message):
    monkeypatch.setattr("fastgd.cli.study.study", lambda **given: pytest.fail("it measured"))
    assert cli.main(["study", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in saved.iterdir()] == ["study.json"]
