"""The slides of a study in a real browser: layout, keys, buttons, swipes, paper, and accessibility.

tests/browser.sh installs the browser and axe-core. FASTGD_SCREENSHOTS=folder saves pictures of the slides there.
"""

import io
import os
import re
import unicodedata
from html import escape
from pathlib import Path

import pytest
from browser_page import HEIGHT, STUDY, needs_axe, needs_browser

from fastgd.report import Study

for module in ("matplotlib", "jinja2", "pygments", "selenium"):
    pytest.importorskip(module, reason=f"{module} is an extra")

pytestmark = needs_browser
NOW = (
    "return [[...document.querySelectorAll('.slide')].filter(one => one.checkVisibility()).map(one => one.id),"
    " document.getElementById('place').textContent, location.hash]"
)
# The code of a slide that does not fit: its lines would be cut, or scroll.
SCROLLING = (
    "return [...document.querySelectorAll('#' + arguments[0] + ' pre')].filter(one =>"
    " one.scrollWidth > one.clientWidth).map(one => one.textContent)"
)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """Return the file of the slides."""
    path = tmp_path_factory.mktemp("slides") / "slides.html"
    Study.load(STUDY).save_slides(path)
    return path


@pytest.fixture
def browser(chromium, slides):
    """Return the browser with the first slide; check after the test that nothing else was requested or printed."""
    chromium.open(slides, 1_000)
    yield chromium
    chromium.check_quiet()


def list_names(browser):
    return browser.run("return [...document.querySelectorAll('.slide')].map(one => one.id)")


@pytest.mark.parametrize("width", [320, 400, 1_000, 1_400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_slide_is_as_wide_as_the_window(chromium, slides, width, scheme):
    chromium.open(slides, width, scheme)
    for name in list_names(chromium):
        chromium.run(f"location.hash = '{name}'; return null")
        assert chromium.run("return document.getElementById(arguments[0]).checkVisibility()", name)
        assert chromium.run("document.documentElement.scrollWidth") <= width, name
        if width > 400:  # on a phone a slide may be longer than the window
            assert chromium.run("document.documentElement.scrollHeight") <= HEIGHT, name
        assert chromium.run(SCROLLING, name) == []
        if os.environ.get("FASTGD_SCREENSHOTS"):
            chromium.save_picture(Path(os.environ["FASTGD_SCREENSHOTS"]) / f"slides-{width}-{scheme}-{name}.png")
    chromium.check_quiet()


def test_keys_turn_the_slides(browser):
    names = list_names(browser)
    last = len(names) - 1
    at = 0
    for key, to in [
        ("ArrowLeft", 0), ("ArrowRight", 1), (" ", 2), ("PageDown", 3), ("ArrowLeft", 2), ("PageUp", 1),
        ("End", last), ("ArrowRight", last), ("ArrowLeft", last - 1), ("Home", 0), ("Escape", 0),
    ]:  # fmt: skip
        browser.press(key)
        assert browser.run(NOW) == [[names[to]], f"{to + 1} / {len(names)}", f"#{names[to]}"], (key, at)
        at = to


def test_buttons_turn_the_slides_and_end_at_both_ends(browser):
    names = list_names(browser)
    states = []
    for _ in names:
        states.append(browser.run("return [previous.disabled, next.disabled]"))
        browser.run("next.click(); return null")
    assert states == [[True, False], *([[False, False]] * (len(names) - 2)), [False, True]]
    browser.run("previous.click(); return null")
    assert browser.run(NOW)[0] == [names[-2]]
    # A space presses the button that has the focus, and turns nothing else.
    browser.run("previous.focus(); return null")
    browser.press(" ")
    assert browser.run(NOW)[0] == [names[-3]]


def test_a_swipe_turns_a_slide_and_a_scroll_does_not(chromium, slides):
    chromium.open(slides, 400)
    names = list_names(chromium)
    for start, end, to in [
        ((350, 200), (50, 220), 1),
        ((350, 200), (50, 180), 2),
        ((50, 200), (350, 210), 1),
        ((200, 600), (180, 200), 1),
        ((200, 200), (190, 200), 1),
    ]:
        chromium.swipe(start, end)
        assert chromium.run(NOW)[0] == [names[to]]
    chromium.check_quiet()


def test_the_address_keeps_the_place(chromium, slides):
    chromium.open(slides, 1_000)
    names = list_names(chromium)
    chromium.run(f"location.hash = '{names[3]}'; return null")
    chromium.driver.refresh()
    assert chromium.run(NOW) == [[names[3]], f"4 / {len(names)}", f"#{names[3]}"]
    assert chromium.complaints() == []


@pytest.mark.parametrize("width", [320, 400])
def test_without_scripts_all_slides_are_shown(chromium, slides, width):
    chromium.open(slides, width, scripts=False)
    seen = chromium.run("return [...document.querySelectorAll('.slide')].every(one => one.checkVisibility())")
    assert seen
    assert not chromium.run("return document.querySelector('.pager').checkVisibility()")
    assert chromium.run("document.documentElement.scrollWidth") <= width
    chromium.check_quiet()


def squeeze(text):
    """Return a text without spaces and ligatures, which PDF has in other places."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def test_every_slide_has_a_page_on_paper(browser):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is an extra")
    titles = browser.run("return [...document.querySelectorAll('.slide :is(h1, h2)')].map(one => one.textContent)")
    words = browser.run(
        "return [...document.querySelectorAll('.slide :is(li, p:not(.hint))')].map(one => one.innerText)"
    )
    pages = pypdf.PdfReader(io.BytesIO(browser.print())).pages
    texts = [squeeze(page.extract_text()) for page in pages]
    assert len(texts) == len(titles)
    assert all(text.startswith(squeeze(title)) for text, title in zip(texts, titles, strict=True))
    assert [text.endswith(str(k)) for k, text in enumerate(texts, 1)] == [True] * len(texts)  # numbers of pages
    whole = "".join(texts)
    assert [one for one in words if squeeze(one)[:30] not in whole] == []
    assert all(page.mediabox.width > page.mediabox.height for page in pages)


@needs_axe
@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1_400, "light")])
def test_axe_finds_no_serious_fault(chromium, slides, width, scheme):
    chromium.open(slides, width, scheme)
    chromium.run("document.documentElement.classList.remove('paged'); return null")  # all slides at once
    assert chromium.find_faults() == []
    chromium.check_quiet()


def test_letters_in_pictures_can_be_read_on_a_phone(chromium, slides):
    chromium.open(slides, 400)
    chromium.run("document.documentElement.classList.remove('paged'); return null")
    heights = chromium.run(
        "return [...document.querySelectorAll('figure svg text')].map(one => one.getBoundingClientRect().height)"
    )
    assert len(heights) > 50
    assert min(heights) > 7.9
    chromium.check_quiet()


def test_slides_turn_in_a_frame_of_a_notebook(chromium, slides, tmp_path):
    page = tmp_path / "frame.html"
    page.write_text(f'<iframe id="frame" srcdoc="{escape(slides.read_text(encoding="utf-8"))}"></iframe>', "utf-8")
    chromium.open(page, 1_000)
    inside = "document.getElementById('frame').contentDocument"
    chromium.run(f"{inside}.getElementById('next').click(); return null")
    assert chromium.run(f"return {inside}.getElementById('place').textContent").startswith("2 /")
    assert chromium.complaints() == []
