"""The documentation as Sphinx builds it: nothing from the network, notebooks that run, and pages in a browser.

FASTGD_SCREENSHOTS=folder saves pictures of all pages there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from browser_page import needs_axe, needs_browser

from fastgd import plots
from fastgd.report import Study

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the wheel's tests run away from the source tree")
NEEDED = "sphinx", "myst_nb", "sphinx_design", "sphinx_copybutton", "numpydoc", "latex2mathml", "ipykernel"
WIDTHS = 400, 1_000, 1_400
LOOKS = (400, "dark"), (1_400, "light")  # in which axe looks at a page
# One page of each kind for the tests that are run at every change: the first one, an executed one with formulas, one of
# tables, one of the API. Links to the others lead nowhere there, so this build does not stop at warnings.
SOME = "index.md", "explain/one-epoch.md", "benchmarks.md", "api/rates.rst"
SMALLEST = 6.8  # CSS pixels: letters of that size are almost 8 pixels high
LEARN = "1-cost-and-gradient", "2-downhill", "3-one-epoch"
EXECUTED = (
    "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n# A page\n\n```{{code-cell}} ipython3\n{}\n```\n"
)


def build(source, target, *, strict=True):
    """Build pages with the configuration of the documentation, as `make docs` does; it fails at warnings if strict."""
    for module in NEEDED:
        pytest.importorskip(module, reason=f"the site is built with {module}, an extra")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        *["--fail-on-warning"] * strict,
        "--keep-going",
        "--quiet",
        "-c",
        str(DOCS),
    ]
    return subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the documentation."""
    folder = tmp_path_factory.mktemp("site") / "html"
    finished = build(DOCS, folder)
    assert finished.returncode == 0, finished.stderr
    return folder


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """Return the folder of one page of each kind."""
    folder = tmp_path_factory.mktemp("some")
    for name in (*SOME, "versus.svg"):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DOCS / name, folder / "source" / name)
    finished = build(folder / "source", folder / "html", strict=False)
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    return folder / "html"


def find_pages(site, least=30):
    """Return the pages of a site, without those of the theme."""
    pages = sorted(page for page in site.glob("**/*.html") if "_static" not in page.parts)
    assert len(pages) > least
    return pages


def find_loads(text):
    """Return the references in a page or style sheet that a browser loads from the network by itself."""
    elements = r"<(?:script|img|iframe|source|link)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*"
    return re.findall(rf"{elements}|(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", text)


def test_loads_from_the_network_are_noticed():
    text = """<script src="https://a.org/b.js"></script> <a href="https://a.org">a</a> <img src="c.png">
    <link rel="stylesheet" href="//a.org/d.css"> @import url(https://a.org/e.css); url('f.woff')"""
    assert len(find_loads(text)) == 3


@pytest.mark.slow  # Sphinx builds all pages
def test_pages_load_nothing_from_the_network_and_their_links_lead_somewhere(site):
    for page in find_pages(site):
        text = page.read_text(encoding="utf-8")
        assert find_loads(text) == [], page.name
        for target in set(re.findall(r"<[^<>]*\b(?:href|src)=\"([^\"#?:]+)[^\":]*\"", text)):
            assert page.parent.joinpath(target).exists(), f"{page.name}: {target}"
    for sheet in site.glob("_static/**/*.css"):
        assert find_loads(sheet.read_text(encoding="utf-8")) == [], sheet.name


@pytest.mark.slow
@pytest.mark.parametrize("page", [*LEARN, "exercises"])
def test_a_page_of_the_tutorial_is_a_notebook_to_download_and_run(site, page, tmp_path):
    assert f'href="{page}.ipynb" download' in (site / "learn" / f"{page}.html").read_text(encoding="utf-8")
    cells = json.loads((site / "learn" / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    words = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert not re.search(r"\{\w+\}`|^:::|\.md\)", words, re.MULTILINE)  # what only Sphinx understands
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert code.count("assert ") > 5
    path = tmp_path / "page.py"
    path.write_text(code, encoding="utf-8")
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_pictures_are_part_of_the_pages_with_words_for_them(site):
    for page in LEARN:
        text = (site / "learn" / f"{page}.html").read_text(encoding="utf-8")
        labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]*)"', text)
        assert len(labels) >= 2
        assert all(len(label) > 40 for label in labels)
        assert "#010203" not in text  # the theme's colours have taken its place
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))


def test_the_gallery_shows_every_plot():
    text = (DOCS / "reference" / "gallery.md").read_text(encoding="utf-8")
    assert [name for name in plots.__all__ if f"plots.{name}(" not in text] == []


def test_the_made_up_study_has_other_times_of_numpy_alone_and_says_that_it_is_made_up(monkeypatch):
    pytest.importorskip("sphinx", reason="the directive of live.py needs it, an extra")
    monkeypatch.syspath_prepend(DOCS)
    live, data = import_module("live"), Study.load(DOCS / "study.json").data
    found = live.make_up(data)
    assert found["machine"]["cpu"].startswith("made up: ")
    for section in ("ladder", "map"):
        for entry, other in zip(data[section]["shapes"], found[section]["shapes"], strict=True):
            ratios = {
                name: other["contestants"][name]["seconds"] / one["seconds"]
                for name, one in entry["contestants"].items()
            }
            assert {name for name, ratio in ratios.items() if ratio != 1} == {
                name for name in ratios if name[:5] == "numpy"
            }
    assert data == Study.load(DOCS / "study.json").data  # the kept study is as it was


@pytest.mark.slow
def test_an_error_in_an_executed_page_and_a_picture_without_words_fail_the_build(tmp_path):
    picture = "from matplotlib import pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    for name, code, expected in (
        ("error", "assert 1 > 2", "AssertionError"),
        ("picture", picture, "needs a description"),
    ):
        source = tmp_path / name
        source.mkdir()
        (source / "index.md").write_text(EXECUTED.format(code), encoding="utf-8")
        finished = build(source, tmp_path / f"{name}-html" / "html")
        assert finished.returncode != 0, name
        assert expected in finished.stderr


# ---- in a browser


# The letters of the pictures that are too small to read, with the size at which the browser shows them.
SMALL_LETTERS = """
const letters = [...document.querySelectorAll(".picture svg :is(text, tspan)")].filter(one => one.textContent.trim());
return letters.map(one => {
  const {a, b} = one.getScreenCTM();
  return [one.textContent.trim(), parseFloat(getComputedStyle(one).fontSize) * Math.hypot(a, b)];
})
"""


def look_at(chromium, pages, width):
    """Fail if a page is wider than the window, loads anything but files, or writes to the console."""
    wide, loaded, said = [], [], []
    for page in pages:
        chromium.open(page, width)
        if chromium.run("document.documentElement.scrollWidth") > width:
            wide.append(page.name)
        loaded += [(page.name, address) for address in chromium.requests() if not address.startswith("file:///")]
        said += [(page.name, entry["message"]) for entry in chromium.complaints()]
        if os.environ.get("FASTGD_SCREENSHOTS"):
            name = f"{page.parent.name}-{page.name}"
            chromium.save_picture(Path(os.environ["FASTGD_SCREENSHOTS"]) / f"{name}-{width}.png")
    assert (wide, loaded, said) == ([], [], [])


def read_letters(chromium, pages):
    """Fail if a letter of a picture is too small to read on a phone; return the number of texts in pictures."""
    small, count = [], 0
    for page in pages:
        chromium.open(page, min(WIDTHS))
        letters = chromium.run(SMALL_LETTERS)
        count += len(letters)
        small += [(page.name, text, size) for text, size in letters if size < SMALLEST]
    assert small == []
    return count


def ask_axe(chromium, pages, width, scheme):
    """Fail if axe-core finds a serious fault on a page."""
    faults = {}
    for page in pages:
        chromium.open(page, width, scheme)
        if found := chromium.find_faults():
            faults[f"{page.parent.name}/{page.name}"] = found
    assert faults == {}


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_of_each_kind_is_as_wide_as_the_window_and_loads_files_only(chromium, some, width):
    look_at(chromium, find_pages(some, least=3), width)


@needs_browser
def test_letters_in_pictures_of_a_page_of_each_kind_can_be_read_on_a_phone(chromium, some):
    assert read_letters(chromium, find_pages(some, least=3)) > 50


@needs_browser
@needs_axe
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_no_serious_fault_on_a_page_of_each_kind(chromium, some, width, scheme):
    ask_axe(chromium, find_pages(some, least=3), width, scheme)


@needs_browser
def test_a_picture_that_a_command_has_drawn_has_the_colours_of_the_page(chromium, some):
    chromium.open(some / "benchmarks.html", max(WIDTHS), "dark")
    look = "document.querySelector('.picture svg text[style*=var]')"
    assert chromium.run(f"getComputedStyle({look}).fill === getComputedStyle(document.body).color") is True


@needs_browser
@pytest.mark.parametrize("width", WIDTHS[1:])
def test_the_picture_of_the_first_page_is_on_its_first_screen(chromium, some, width):
    chromium.open(some / "index.html", width)
    assert chromium.run("document.querySelector('.picture').getBoundingClientRect().bottom") < 700


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_as_wide_as_the_window_and_load_files_only(chromium, site, width):
    look_at(chromium, find_pages(site), width)


@pytest.mark.slow
@needs_browser
def test_letters_in_pictures_can_be_read_on_a_phone(chromium, site):
    assert read_letters(chromium, find_pages(site)) > 500


@pytest.mark.slow
@needs_browser
@needs_axe
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_no_serious_fault_on_any_page(chromium, site, width, scheme):
    ask_axe(chromium, find_pages(site), width, scheme)


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [400, 1_400])
def test_the_frame_of_the_widget_is_as_high_as_the_widget(chromium, site, width):
    chromium.open(site / "learn" / "2-downhill.html", width)
    frame = chromium.driver.find_element("css selector", "iframe.widget")
    chromium.show(frame)
    chromium.driver.execute_async_script("setTimeout(arguments[0], 500)")
    height = chromium.run("return arguments[0].clientHeight", frame)
    chromium.driver.switch_to.frame(frame)
    inside = chromium.run(
        "return [document.documentElement.offsetHeight, document.documentElement.scrollWidth, innerWidth]"
    )
    chromium.driver.switch_to.default_content()
    assert height == inside[0] > 600
    assert inside[1] <= inside[2]
