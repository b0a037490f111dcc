"""The pages of studies in a real browser: layout, pointer, touch and keys, and accessibility.

tests/browser.sh installs the browser and axe-core. FASTGD_SCREENSHOTS=folder saves pictures of the pages there.
"""

import io
import json
import os
import re
import unicodedata
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser_page import HEIGHT, STUDY, needs_axe, needs_browser

from fastgd.report import Study
from fastgd.report.compare import compare_studies
from fastgd.report.page import to_csv

for module in ("matplotlib", "jinja2", "pygments", "selenium"):
    pytest.importorskip(module, reason=f"{module} is an extra")

pytestmark = needs_browser
WIDTHS = 400, 1_000, 1_400
SCHEMES = "light", "dark"
LONG_NAME = f"{'a-study-of-a-machine-with-a-long-name' * 2}.json"
MOST_BYTES = 2_000_000
LOWEST_LETTERS = 7.9  # CSS pixels from the top of the letters to their bottom


@pytest.fixture(scope="module")
def found():
    return Study.load(STUDY)


@pytest.fixture(scope="module")
def pages(found, tmp_path_factory):
    """Return the files of a study's page, and of one that compares it with itself."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in ("study", "compare")}
    found.save(files["study"])
    html, _ = compare_studies(found.data, found.data, LONG_NAME, "B.json")
    files["compare"].write_text(html, encoding="utf-8")
    return files


@pytest.fixture
def browser(chromium):
    """Return the browser; check after the test that only its page was requested, and that the console is empty."""
    yield chromium
    chromium.check_quiet()


@pytest.fixture(params=["study", "compare"])
def page(request, pages):
    return pages[request.param]


@pytest.fixture(params=[min(WIDTHS), max(WIDTHS)])
def width(request):
    return request.param


@pytest.fixture(params=SCHEMES)
def scheme(request):
    return request.param


# Layout


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_as_wide_as_the_window(browser, page, width, scheme):
    browser.open(page, width, scheme)
    assert browser.run("document.documentElement.scrollWidth") <= width
    if os.environ.get("FASTGD_SCREENSHOTS"):
        browser.save_picture(Path(os.environ["FASTGD_SCREENSHOTS"]) / f"{page.stem}-{width}-{scheme}.png")


def test_no_picture_scrolls_on_a_phone(browser, page):
    browser.open(page, min(WIDTHS))
    found = browser.run(
        "return [...document.querySelectorAll('figure > .scroll')].map(one =>"
        " [one.parentElement.id, one.scrollWidth - one.clientWidth])"
    )
    assert len(found) >= 4
    assert [name for name, hidden in found if hidden > 0] == []


def test_a_page_is_small(page):
    assert page.stat().st_size < MOST_BYTES


def test_letters_in_pictures_can_be_read_on_a_phone(browser, page):
    browser.open(page, min(WIDTHS))
    letters = browser.run(
        "return [...document.querySelectorAll('figure svg text')].map(one =>"
        " [one.textContent.trim().replace(/\\s+/g, ' '), one.closest('figure').id, one.getBoundingClientRect().height])"
    )
    assert len(letters) > 50
    assert [one for one in letters if one[-1] < LOWEST_LETTERS] == []


def test_dark_pages_have_light_letters_and_light_ones_dark_ones(browser, page, scheme):
    browser.open(page, max(WIDTHS), scheme)
    paper = brightness(browser.run("getComputedStyle(document.body).backgroundColor"))
    letters = browser.run(
        "return [...document.querySelectorAll('p, th, td, h2, figure svg .ytick text, figure svg .xtick text')].map("
        "one => getComputedStyle(one)[one.closest('svg') ? 'fill' : 'color'])"
    )
    assert len(letters) > 100
    differences = [brightness(letter) - paper for letter in letters]
    assert max(differences) < -0.5 if scheme == "light" else min(differences) > 0.5


# Large areas that are light: backgrounds, and shapes of pictures.
LIGHT_AREAS = """
const light = color => {
  const [r, g, b, a = 1] = (color.match(/[\\d.]+/g) ?? []).map(Number);
  return a > 0.5 && (r + g + b) / 3 > 140;
};
const areas = [...document.querySelectorAll("body *")].filter(one => one.checkVisibility());
return areas.map(one => {
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const drawn = one instanceof SVGGeometryElement && !one.closest("defs") && style.fillOpacity > 0.5;
  const color = drawn ? style.fill : style.backgroundColor;
  return [one.outerHTML.slice(0, 200), color, box.width * box.height];
}).filter(([, color, area]) => light(color) && area > 20_000);
"""


def test_a_dark_page_has_no_light_slabs(browser, page):
    browser.open(page, max(WIDTHS), "dark")
    found = browser.run(LIGHT_AREAS)
    assert [one for one in found if "data-tip" not in one[0]] == []  # bars and cells have colours of their own


def test_the_first_screen_fits_on_a_screen(browser, pages):
    browser.open(pages["study"], max(WIDTHS), unfold=False)
    bottom = browser.run("document.querySelector('.first').getBoundingClientRect().bottom")
    assert bottom < HEIGHT
    browser.open(pages["study"], min(WIDTHS), unfold=False)
    bottom = browser.run("document.querySelector('.numbers').getBoundingClientRect().bottom")
    assert bottom < HEIGHT


# The boxes of each section: the words, the caption below them if there is one, and the picture or list beside them.
COLUMNS = """
const box = one => one.getBoundingClientRect().toJSON();
return [...document.querySelectorAll(".topic .split")].map(one => {
  const picture = one.querySelector("figure > .scroll"), caption = one.querySelector("figcaption");
  const words = one.querySelector(".words");
  return {words: box(words), caption: caption && box(caption), beside: box(picture ?? one.children[1])};
});
"""


def test_wide_windows_have_words_beside_pictures(browser, pages):
    browser.open(pages["study"], max(WIDTHS), unfold=False)
    sections = browser.run(COLUMNS)
    assert len(sections) == browser.run("document.querySelectorAll('.topic:not(#widget)').length") >= 8
    for one in sections:
        words, caption, beside = one["words"], one["caption"], one["beside"]
        assert 0 <= words["left"] < words["right"] < beside["left"]
        assert abs(words["top"] - beside["top"]) < 40
        assert beside["right"] > 0.9 * max(WIDTHS)
        written = words["height"] + (caption["height"] if caption else 0)
        assert written > 0.4 * beside["height"]  # else most of the left column is empty
        if caption:
            assert caption["left"] == words["left"]
            assert caption["top"] >= words["top"] + words["height"]


def brightness(color):
    """Return the mean of red, green and blue."""
    red, green, blue = map(int, re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", color).groups())
    return (red + green + blue) / 3 / 255


# Pointer, touch and keys

# Scrolls to a mark; returns its tooltip, its picture, and a point of it that no other mark covers, in its middle or on
# its outline.
FIND_PLACE = """
const [mark, done] = arguments, places = [];
mark.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
for (const shape of mark.querySelectorAll("path, use")) {
  if (shape.closest("defs")) continue;
  const box = shape.getBoundingClientRect();
  places.push([box.x + box.width / 2, box.y + box.height / 2]);
  if (shape.tagName !== "path") continue;
  for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    const point = shape.getPointAtLength(share * shape.getTotalLength()).matrixTransform(shape.getScreenCTM());
    places.push([point.x, point.y]);
  }
}
const whole = places.map(place => place.map(Math.round));  // a mouse has whole pixels
const place = whole.find(([x, y]) => document.elementFromPoint(x, y)?.closest("[data-tip]") === mark) ?? null;
const found = [mark.dataset.tip, mark.closest("figure").id, place];
requestAnimationFrame(() => requestAnimationFrame(() => done(found)));  // after it is drawn
"""
WITH_MARKS = "figure:has([data-tip])"  # the widget has its numbers beside its pictures
TIP = """
const tip = document.getElementById("tip"), box = tip.getBoundingClientRect();
return tip.hidden ? null : {text: tip.textContent, left: box.left, top: box.top, right: box.right, bottom: box.bottom};
"""


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_a_mark_at_the_pointer_shows_its_tooltip(browser, pages, width, every):
    browser.open(pages["study"], width)
    marks = [
        mark
        for figure in browser.driver.find_elements("css selector", WITH_MARKS)
        for mark in figure.find_elements("css selector", "svg [data-tip]")[::every]
    ]
    told = {}
    for mark in marks:
        text, picture, place = browser.driver.execute_async_script(FIND_PLACE, mark)
        if place is None:
            continue
        browser.point(*place)
        tip = browser.run(TIP)
        assert tip["text"] == text
        assert 0 <= tip["left"] < tip["right"] <= width
        assert 0 <= tip["top"] < tip["bottom"] <= HEIGHT
        browser.point(2, place[1])
        assert browser.run(TIP) is None
        told.setdefault(picture, []).append(text)
    assert len(told) == len(browser.driver.find_elements("css selector", WITH_MARKS)) >= 4
    assert sum(map(len, told.values())) >= 0.8 * len(marks)  # others lie below other marks


def test_a_touch_shows_a_tip_and_a_key_or_another_touch_hides_it(browser, pages):
    browser.open(pages["study"], min(WIDTHS))
    mark = browser.driver.find_element("css selector", "#figure-ladder0 [data-tip]")
    text, _, place = browser.driver.execute_async_script(FIND_PLACE, mark)
    for hide in (lambda: browser.press("Escape"), lambda: browser.touch(2, place[1])):
        browser.touch(*place)
        assert browser.run(TIP)["text"] == text
        hide()
        assert browser.run(TIP) is None


# Sorts by every column in both directions; returns the heads and the column's cells each time.
SORT = """
const table = arguments[0], heads = [...table.tHead.rows[0].cells];
const sort = k => {
  heads[k].querySelector("button").click();
  const cells = [...table.tBodies[0].rows].map(row => row.cells[k]);
  return {heads: heads.map(head => head.ariaSort), texts: cells.map(one => one.textContent),
          values: cells.map(one => one.dataset.value ?? null)};
};
return heads.map((_, k) => [sort(k), sort(k)]);
"""


def test_tables_sort_by_every_column_and_back(browser, page):
    browser.open(page, max(WIDTHS))
    found = browser.driver.find_elements("css selector", "table")
    assert len(found) >= 4
    for table in found:
        columns = browser.run(SORT, table)
        for k, (up, down) in enumerate(columns):
            for one, name in ((up, "ascending"), (down, "descending")):
                assert one["heads"] == [name if column == k else None for column in range(len(columns))]
            keys = [sort_keys(one) for one in (up, down)]
            assert keys[0] == sorted(keys[0])
            assert keys[1] == sorted(keys[1], reverse=True)
            assert sorted(up["texts"]) == sorted(down["texts"])


def sort_keys(column):
    """Return numbers, or the first letters of words, since languages order the others differently."""
    if None in column["values"]:
        assert set(column["values"]) == {None}
        return [text[:1].casefold() for text in column["texts"]]
    return list(map(float, column["values"]))


def test_a_click_sorts(browser, pages, width):
    browser.open(pages["study"], width)
    table = browser.driver.find_element("css selector", "table")
    head = table.find_elements("css selector", "th")[1]
    button = head.find_element("css selector", "button")
    browser.show(button)
    for name in ("ascending", "descending", "ascending"):
        button.click()
        assert head.get_attribute("aria-sort") == name


def test_keys_work_like_clicks(browser, pages, width):
    browser.open(pages["study"], width)
    browser.press("Tab")
    assert browser.run("document.activeElement.textContent") == "Skip to the results"
    assert browser.run("return document.activeElement.getBoundingClientRect().left >= 0")
    browser.press("Enter")
    browser.press("Tab")
    assert browser.run("document.activeElement.dataset.save") == "svg"
    for _ in range(40):
        browser.press("Tab")
        if browser.run("Boolean(document.activeElement.closest('th'))"):
            break
    for name in ("ascending", "descending"):
        browser.press("Enter")
        assert browser.run("document.activeElement.closest('th').ariaSort") == name


def test_data_and_times_can_be_saved(browser, pages, found):
    browser.open(pages["study"], max(WIDTHS))
    saved = browser.download("#download-json")
    assert saved.name == "study.json"
    assert json.loads(saved.read_text(encoding="utf-8")) == json.loads(json.dumps(found.data))
    saved = browser.download("#download-csv")
    assert saved.name == "study.csv"
    assert saved.read_text(encoding="utf-8") == to_csv(found.data)


def test_a_picture_can_be_saved_as_it_is_shown(browser, page, scheme):
    browser.open(page, max(WIDTHS), scheme)
    name = browser.run("document.querySelector('figure').id").removeprefix("figure-")
    paper = brightness(browser.run("getComputedStyle(document.body).backgroundColor"))
    saved = browser.download("figure [data-save=svg]")
    assert saved.name == f"fastgd-{name}.svg"
    root = ElementTree.fromstring(saved.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(--" not in saved.read_text(encoding="utf-8")
    image = read_image(browser.download("figure [data-save=png]"))
    width, height = (float(root.get(side)) for side in ("width", "height"))
    assert image.shape[:2] == (round(3 * height), round(3 * width))
    assert image[0, 0, :3].mean() == pytest.approx(paper, abs=0.01)
    assert image[..., :3].std() > 0.05  # it shows something


def test_every_picture_has_its_buttons(browser, page):
    browser.open(page, max(WIDTHS))
    names = browser.run(
        "return [...document.querySelectorAll('main svg')].map(one => one.closest('figure')?.id ?? one.id)"
    )
    kinds = browser.run(
        "return arguments[0].map(name => [...document.querySelectorAll(`#${name} [data-save]`)].map("
        "button => button.checkVisibility() && button.dataset.save))",
        names,
    )
    assert len(names) >= 4
    assert len(set(names)) == len(names)
    assert {name: one for name, one in zip(names, kinds, strict=True) if one != ["svg", "png"]} == {}


@pytest.mark.parametrize("picture", ["path", "costs"])
def test_the_pictures_of_the_widget_can_be_saved_as_they_are_shown(browser, pages, scheme, picture):
    browser.open(pages["study"], max(WIDTHS), scheme)
    saved = browser.download(f"#figure-widget-{picture} [data-save=svg]")
    assert saved.name == f"fastgd-widget-{picture}.svg"
    root = ElementTree.fromstring(saved.read_text(encoding="utf-8"))
    drawn = next(one for one in root.iter() if one.get("class") == "path")
    color = browser.run("getComputedStyle(document.querySelector('.widget .path')).stroke")
    assert f"stroke: {color}" in drawn.get("style")  # a class alone would be black outside of the page
    image = read_image(browser.download(f"#figure-widget-{picture} [data-save=png]"))
    shown = browser.run(
        "return document.getElementById(arguments[0]).viewBox.baseVal.width", f"widget-{picture}-picture"
    )
    assert image.shape[1] == 3 * shown
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", color))
    near = np.abs(image[..., :3] - [red, green, blue]).max(axis=-1) < 0.02
    assert near.sum() > 1_000  # the path is there, in its colour


# Print


def squeeze(text):
    """Return a text without spaces and ligatures, which PDF has in other places."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("scheme", ["dark"])
def test_a_printed_study_has_a_page_for_each_section_with_all_its_words(browser, pages, scheme):
    browser.open(pages["study"], 1_000, scheme, unfold=False)
    texts = [squeeze(page.extract_text()) for page in read_pdf(browser)]
    titles = list(map(squeeze, browser.run("return [...document.querySelectorAll('h2')].map(one => one.textContent)")))
    begins = [next(k for k, text in enumerate(texts) if text.startswith(title)) for title in titles]
    assert begins == sorted(set(begins))
    assert begins[0] == 1  # after the first screen
    assert len(titles) < len(texts) < 40
    words = browser.run(
        "return [...document.querySelectorAll('h3, summary, .topic > p:not(.files), details p, dt, td, caption')]"
        ".filter(one => !one.closest('#widget')).map(one => one.textContent)"
    )
    assert len(words) > 300
    whole = "".join(texts)
    assert [text for text in words if squeeze(text)[:30] not in whole] == []


def test_nothing_is_cut_on_paper(browser, page):
    browser.open(page, 1_000, unfold=False)
    paper = round((210 - 2 * 15) / 25.4 * 96)
    browser.send("Emulation.setEmulatedMedia", media="print")
    browser.send("Emulation.setDeviceMetricsOverride", width=paper, height=HEIGHT, deviceScaleFactor=1, mobile=False)
    try:
        found = browser.run(
            "return [...document.querySelectorAll('main *')].filter(one => one.checkVisibility({contentVisibilityAuto: "
            "true})).map(one => [one.outerHTML.slice(0, 100), one.getBoundingClientRect().right]).filter("
            "([, right]) => right > arguments[0] + 1)",
            paper,
        )
        assert found == []
    finally:
        browser.send("Emulation.setEmulatedMedia", media="")


def read_pdf(browser):
    """Return the pages that the browser prints."""
    pypdf = pytest.importorskip("pypdf", reason="pypdf is an extra")
    return pypdf.PdfReader(io.BytesIO(browser.print())).pages


def read_image(path):
    """Return the pixels of a PNG file."""
    from matplotlib.image import imread

    return imread(path)


def test_links_within_the_page_work_in_a_notebook(browser, pages, tmp_path):
    notebook = tmp_path / "notebook.html"
    html = escape(pages["study"].read_text(encoding="utf-8"))
    notebook.write_text(f'<!DOCTYPE html><iframe srcdoc="{html}" width="100%" height="800"></iframe>', encoding="utf-8")
    browser.open(notebook, max(WIDTHS))
    browser.driver.switch_to.frame(0)
    browser.run("document.documentElement.style.scrollBehavior = 'auto'")
    browser.run("document.querySelector('nav a[href=\"#roofline\"]').click()")
    assert abs(browser.run("document.getElementById('roofline').getBoundingClientRect().top")) < 2
    browser.driver.switch_to.default_content()


# Content without scripts or pictures


def test_a_page_without_scripts_has_the_same_content(browser, page, width):
    count = (
        "return [[...document.querySelectorAll('h1, h2, h3, caption')].filter(one => one.checkVisibility())"
        ".map(one => one.textContent), document.querySelectorAll('svg').length, document.querySelectorAll('td').length]"
    )
    browser.open(page, width)
    expected = browser.run(count)
    browser.open(page, width, scripts=False)
    assert browser.run("document.getElementById('tip').hidden")
    assert browser.run(count) == expected
    assert not browser.run("return Boolean(document.getElementById('download-json')?.checkVisibility())")


def test_every_picture_has_a_name_and_a_description(browser, page):
    browser.open(page, max(WIDTHS))
    pictures = browser.driver.find_elements("css selector", "svg")
    assert len(pictures) >= 4
    names = [picture.accessible_name for picture in pictures]
    assert all(len(name) > 10 for name in names)
    assert {picture.aria_role for picture in pictures} <= {"img", "image"}
    words = browser.run(
        "return [...document.querySelectorAll('svg')].map(one =>"
        " document.getElementById(one.getAttribute('aria-describedby')).textContent)"
    )
    assert all(len(text) > 20 for text in words)


@needs_axe
@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1_000, "light"), (1_400, "dark")])
def test_axe_finds_no_serious_fault(browser, page, width, scheme):
    browser.open(page, width, scheme)
    assert browser.find_faults() == []
