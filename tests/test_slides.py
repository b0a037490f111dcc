"""The slides of a study: their contents, their files and the options of the command. test_browser.py turns them."""

import json
import re

import numpy as np
import pytest
from test_first_screen import SMALL, TIMES, study_of
from test_study_files import WHOLE

from fastgd import backends
from fastgd.cli import main as cli
from fastgd.report import Study, bowls, sketches, slides
from fastgd.report.pieces import PIECES
from fastgd.report.sources import FORMULAS

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


def test_slides_of_ideas_have_a_picture():
    html = Study(study_of({**TIMES, **SMALL})).to_slides()
    for name in ("problem", "cost", "gradient", "compressed", "all", "whitened"):
        slide = re.search(rf'<section class="slide" id="{name}".*?</section>', html, re.DOTALL)[0]
        assert slide.count("<figure") == 1, name


def test_the_picture_of_coordinates_has_the_epochs_of_each_descent():
    X, y = bowls.make_problem()
    epochs = [len(bowls.descend(X @ T, y)) - 1 for T in bowls.list_coordinates(X).values()]
    assert epochs[0] > epochs[1] > epochs[2] == 1
    assert f"to the minimum: in the units of the data {epochs[0]} epochs; " in bowls.coordinates_picture().svg
    end = bowls.descend(X, y)[-1]
    np.testing.assert_allclose(end, np.linalg.lstsq(X, y, rcond=None)[0], atol=0.02)


def test_the_picture_of_compressed_rows_has_their_numbers():
    svg = sketches.compressed_picture(1_000, 20).svg
    assert "1,000 rows" in svg
    assert "22 rows" in svg
    assert "10 rows, R" in sketches.compressed_picture(10, 20).svg


def run_piece(piece, X, y, weights, rate):
    """Run the epoch of a slide, compiled or not; return the cost before it, and the weights after it."""
    names = {"np": np, "njit": lambda function: function}
    exec(piece.text, names)
    lists = piece.backend == "python"
    weights = weights.tolist() if lists else weights.copy()
    return names["epoch"](X.tolist() if lists else X, y.tolist() if lists else y, weights, rate), weights


@pytest.mark.parametrize("name", PIECES)
def test_code_on_a_slide_is_the_update_of_its_backend(name):
    backend = name if name in backends.available() else "numpy"
    generator = np.random.default_rng(1)
    X, y, weights = generator.normal(size=(30, 4)), generator.normal(size=30), generator.normal(size=5)
    expected, costs, gradient = weights.copy(), np.empty(1), np.empty(5)
    assert backends.descend(X, y, expected, np.array([0.3]), costs, gradient, backend=backend) == 1
    cost, found = run_piece(PIECES[name], X, y, weights, 0.3)
    np.testing.assert_allclose(cost, costs[0], rtol=1e-12)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_code_on_a_slide_is_whole_and_fits(piece):
    lines = piece.text.splitlines()
    assert max(map(len, lines)) <= 42  # on a phone too
    assert sum(line.strip().startswith("for ") for line in lines) == (0 if piece.backend == "numpy" else 4)
    marked = {letter: [line for line in lines if line.strip().startswith(tuple(ways))]
              for letter, ways in piece.marks.items()}  # fmt: skip
    assert list(marked) == list(FORMULAS)
    assert all(marked.values())


def test_the_legend_of_code_has_the_colours_that_occur():
    html = Study(study_of({**TIMES, **SMALL})).to_slides()
    slides_of_steps = re.findall(r'<section class="slide" id="step-\d".*?</section>', html, re.DOTALL)
    assert len(slides_of_steps) == 3
    for slide in slides_of_steps:
        code, legend = slide[slide.index("<pre") :].split("</pre>")
        assert set(re.findall('<mark class="(.)"', legend)) == set(re.findall('<mark class="(.)"', code))
        assert "lines below" not in slide


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
