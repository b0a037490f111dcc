"""The live widget in a real browser: its numbers are the package's, and it works by mouse, keys and touch.

tests/browser.sh installs the browser and axe-core. FASTGD_SCREENSHOTS=folder saves pictures of the page there.
"""

import base64
import itertools
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from browser_page import needs_axe, needs_browser

import fastgd
from fastgd import rates
from fastgd.problem.curvature import Curvature
from fastgd.report.widget import standalone

pytest.importorskip("jinja2", reason="jinja2 is an extra")
Keys = pytest.importorskip("selenium.webdriver.common.keys", reason="selenium is an extra").Keys

pytestmark = needs_browser
WIDTHS = 400, 1_000, 1_400
EPOCHS = 64
KAPPAS = 1, 1.5, 5, 16
COORDINATES = "none", "standardize", "whiten"
SCHEDULES = "silver", "chebyshev", "eigenvalues"
MULTIPLES = 0.05, 1.0, 1.9, 2.0, 2.2
# In whitened coordinates of a problem with κ = 30 the Hessian is the identity up to rounding of 1e-14. A rate of 2.2/L
# raises that to the 64th power, so only rates below 2/L are compared there.
WORST_KAPPA, STABLE = 30, MULTIPLES[:3]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("widget") / "widget.html"
    path.write_text(standalone(), encoding="utf-8")
    return path


@pytest.fixture
def browser(chromium, page):
    """Return the browser with the widget at 1,000 pixels; check after the test that the page asked for nothing else."""
    chromium.open(page, 1_000)
    yield chromium
    chromium.check_quiet()


@pytest.fixture
def mathematics(chromium, page):
    """Return the browser with a page of the widget, whatever is shown there: for its pure functions."""
    if not chromium.run("return 'fastgdWidget' in window"):
        chromium.open(page, 1_000)
    return chromium


def run(browser, **settings):
    """Return the run that the widget computes."""
    return browser.run("return fastgdWidget.run(arguments[0])", settings)


def descend(found, coordinates, learning_rate):
    """Return the package's run on the widget's data, with the weights and costs before and after all epochs."""
    result = fastgd.gradient_descent(
        found["X"],
        found["y"],
        learning_rate=learning_rate,
        epochs=len(found["rates"]),
        fit_intercept=False,
        precondition=coordinates,
        compress="auto" if coordinates == "whiten" else False,
        tol=0,
        check_every=1,
        history=True,
        stop_on_divergence=False,
    )
    return result, result.path, np.append(result.cost_history, result.cost)


def check_run(found, coordinates, learning_rate):
    """Compare a run with the package's: to 1e-12 of the largest weight and the largest cost so far."""
    result, path, costs = descend(found, coordinates, learning_rate)
    np.testing.assert_allclose(found["rates"], result.rates, rtol=1e-12)
    scale = np.maximum.accumulate(np.abs(path).max(axis=1))
    assert (np.abs(np.array(found["weights"]) - path).max(axis=1) <= 1e-12 * np.maximum(scale, 1)).all()
    assert (np.abs(found["costs"] - costs) <= 1e-12 * np.maximum.accumulate(costs)).all()
    np.testing.assert_allclose(found["gradients"][-1], result.gradient, rtol=1e-9, atol=1e-12 * scale[-1])


# Numbers


@pytest.mark.filterwarnings("ignore::fastgd.DivergenceWarning")
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("kappa", [*KAPPAS, WORST_KAPPA])
def test_the_numbers_are_those_of_the_package(mathematics, kappa, coordinates):
    for multiple in STABLE if kappa == WORST_KAPPA else MULTIPLES:
        found = run(mathematics, kappa=kappa, coordinates=coordinates, multiple=multiple)
        assert found["rates"][0] == pytest.approx(multiple / found["spectrum"][0], rel=1e-15)
        check_run(found, coordinates, found["rates"][0])
    for schedule in SCHEDULES:
        check_run(run(mathematics, kappa=kappa, coordinates=coordinates, schedule=schedule), coordinates, schedule)


@pytest.mark.parametrize("kappa", [*KAPPAS, WORST_KAPPA])
def test_the_problem_has_the_condition_number_that_the_slider_says(mathematics, kappa):
    found = run(mathematics, kappa=kappa)
    X, y = np.array(found["X"]), np.array(found["y"])
    assert np.linalg.cond(X) == pytest.approx(kappa, rel=1e-12)
    assert np.linalg.cond(X / np.sqrt(np.mean(X**2, axis=0))) == pytest.approx(kappa**0.5, rel=1e-12)
    np.testing.assert_allclose(found["spectrum"], Curvature(X, False).extremes, rtol=1e-12)
    best = np.linalg.lstsq(X, y)[0]
    np.testing.assert_allclose(best, [2, 1], rtol=1e-12)
    np.testing.assert_allclose(found["minimum"], best, rtol=1e-12)
    assert found["least"] == pytest.approx(fastgd.cost(X, y, best), rel=1e-12)
    np.testing.assert_allclose(found["excess"], np.array(found["costs"]) - found["least"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("extremes", [(1.0, 1.0), (2.0, 1.0), (3.7, 0.2), (1.0, 1e-4), (5.0, 3e-6)], ids=str)
def test_schedules_are_those_of_the_package(mathematics, extremes):
    for name, epochs in itertools.product(SCHEDULES, (1, 2, 7, 64, 100, 1_000)):
        found = mathematics.run(
            "return fastgdWidget.schedules[arguments[0]](arguments[1], arguments[2])", name, epochs, extremes
        )
        arguments = (extremes,) if name == "eigenvalues" else extremes
        np.testing.assert_allclose(
            found, getattr(rates, name)(epochs, *arguments), rtol=1e-11, err_msg=f"{name} {epochs}"
        )


# Pictures

# Returns the marks of the epochs in a picture, and its ticks as [pixels, words].
MARKS = """
const svg = document.getElementById(arguments[0]);
const list = (name, values) => [...svg.querySelectorAll(name)].map(values);
return {marks: list("circle.epoch", one => [one.cx.baseVal.value, one.cy.baseVal.value]),
        across: list(".tick-x", one => [one.x.baseVal[0].value, one.textContent]),
        upwards: list(".tick-y", one => [one.y.baseVal[0].value - 4, one.textContent])};
"""
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def read_axis(ticks, pixels):
    """Return the numbers at some pixels, by the words at the ticks; powers of ten have exponents."""
    if any(words.translate(DIGITS) != words for _, words in ticks):
        values = [0.0 if words == "1" else float(words[2:].translate(DIGITS)) for _, words in ticks]
    else:
        values = [float(words.replace("−", "-").replace(",", "")) for _, words in ticks]
    slope, offset = np.polyfit([place for place, _ in ticks], values, 1)
    return slope * np.array(pixels) + offset


def move(browser, control, value):
    """Move a slider of the widget to a value, as a hand does."""
    browser.run(
        "const slider = document.getElementById(arguments[0]); slider.value = arguments[1];"
        "slider.dispatchEvent(new Event('input', {bubbles: true})); return null",
        f"widget-{control}",
        value,
    )


def pick(browser, name, value):
    """Choose a radio button."""
    browser.run("document.querySelector(arguments[0]).click()", f".widget input[name={name}][value={value}]")


def read(browser, name):
    """Return the words of a part of the widget."""
    return browser.run("return document.getElementById(arguments[0]).textContent", f"widget-{name}")


def read_numbers(browser):
    """Return the list of numbers, as words by their names."""
    return browser.run(
        "return Object.fromEntries([...document.querySelectorAll('[data-number]')].map(one =>"
        " [one.dataset.number, one.textContent]))"
    )


@pytest.mark.parametrize(
    ("coordinates", "schedule", "multiple"),
    [("none", "constant", 1.8), ("none", "silver", 1), ("standardize", "constant", 1.5), ("whiten", "constant", 0.3)],
)
def test_the_pictures_show_these_numbers(browser, coordinates, schedule, multiple):
    pick(browser, "coordinates", coordinates)
    pick(browser, "schedule", schedule)
    if schedule == "constant":
        move(browser, "multiple", multiple)
    found = run(browser, kappa=5, coordinates=coordinates, schedule=schedule, multiple=multiple)
    result, path, costs = descend(found, coordinates, found["rates"])
    assert result.epochs == EPOCHS
    picture = browser.run(MARKS, "widget-path-picture")
    triangle = np.array([[found["triangle"][0], found["triangle"][1]], [0, found["triangle"][2]]])
    drawn = [
        read_axis(picture[name], [mark[k] for mark in picture["marks"]]) for k, name in enumerate(("across", "upwards"))
    ]
    np.testing.assert_allclose(np.transpose(drawn), path @ triangle.T, atol=2e-3)
    picture = browser.run(MARKS, "widget-costs-picture")
    epochs, powers = (
        read_axis(picture[name], [mark[k] for mark in picture["marks"]]) for k, name in enumerate(("across", "upwards"))
    )
    np.testing.assert_allclose(epochs, np.arange(EPOCHS + 1), atol=0.02)
    excess = np.maximum(costs - found["least"], 1e-8)
    np.testing.assert_allclose(powers, np.log10(excess), atol=0.01)


def test_contours_have_the_same_cost_all_around(browser):
    found = run(browser, kappa=5)
    ellipses = browser.run(
        "const svg = document.getElementById('widget-path-picture');"
        "return [...svg.querySelectorAll('.contour')].map(one => {"
        "  const length = one.getTotalLength(), box = svg.createSVGMatrix();"
        "  return [0, .2, .4, .6, .8].map(share => { const p = one.getPointAtLength(share * length)"
        "    .matrixTransform(one.transform.baseVal.consolidate().matrix); return [p.x, p.y]; }); })"
    )
    picture = browser.run(MARKS, "widget-path-picture")
    assert len(ellipses) >= 8
    heights = []
    for points in ellipses:
        weights = np.transpose(
            [read_axis(picture[name], np.array(points)[:, k]) for k, name in enumerate(("across", "upwards"))]
        )
        costs = [fastgd.cost(found["X"], found["y"], one) - found["least"] for one in weights]
        if costs[0] > 1e-2:  # smaller ones are a few pixels wide
            np.testing.assert_allclose(costs, costs[0], rtol=0.02)
            heights.append(costs[0])
    np.testing.assert_allclose(np.divide(heights[:-1], heights[1:]), 2.5, rtol=0.02)


def test_a_run_that_diverges_leaves_the_picture_with_a_word(browser):
    move(browser, "multiple", 2.2)
    words = browser.run("return [...document.querySelectorAll('.widget svg text')].map(one => one.textContent)")
    assert any(re.fullmatch(r"outside: [\d,]+ × as far as the start", one) for one in words)
    assert any(re.fullmatch(r"leaves the picture at epoch \d+", one) for one in words)
    assert "diverges" in read(browser, "why")
    browser.run("document.getElementById('widget-whole').click()")
    move(browser, "epoch", 20)
    marks = browser.run(MARKS, "widget-path-picture")["marks"]
    box = browser.run("return document.getElementById('widget-path-picture').viewBox.baseVal.width")
    assert all(0 < x < box for x, _ in marks)
    assert not browser.run("return Boolean(document.querySelector('.widget .outside'))")


# Mouse, keys and touch


def reduce_motion(browser):
    """Ask for less motion, and wait until the page knows."""
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.send("Emulation.setEmulatedMedia", features=features)
    browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def test_sliders_and_choices_move_the_path(browser):
    pictures = []
    for act in (
        lambda: None,
        lambda: move(browser, "multiple", 0.4),
        lambda: move(browser, "kappa", 3),
        lambda: move(browser, "epoch", 30),
        lambda: pick(browser, "coordinates", "standardize"),
        lambda: pick(browser, "schedule", "silver"),
    ):
        act()
        pictures.append(
            json.dumps([browser.run(MARKS, f"widget-{name}-picture")["marks"] for name in ("path", "costs")])
        )
    assert len(set(pictures)) == len(pictures)
    found = browser.run("return fastgdWidget.settings()")
    assert found == found | {
        "kappa": 2,
        "multiple": 0.4,
        "epoch": 30,
        "coordinates": "standardize",
        "schedule": "silver",
    }
    assert browser.run("return document.getElementById('widget-multiple').disabled")


def test_the_numbers_are_shown_as_text(browser):
    move(browser, "epoch", 3)
    found = run(browser, kappa=5, multiple=1.8)
    _, path, costs = descend(found, "none", found["rates"][0])
    shown = read_numbers(browser)
    for name, value in (("cost", costs[3]), ("excess", costs[3] - found["least"])):
        assert float(shown[name]) == pytest.approx(value, rel=1e-3)
    np.testing.assert_allclose(list(map(float, shown["weights"].replace("−", "-").split(", "))), path[3], rtol=1e-3)
    gradient = fastgd.gradient(found["X"], found["y"], path[3])
    assert float(shown["gradient"]) == pytest.approx(np.linalg.norm(gradient), rel=1e-3)
    assert shown["rate"].endswith(" = 1.8/L")
    assert float(shown["rate"].split(" ")[0]) == pytest.approx(found["rates"][0], rel=1e-3)
    np.testing.assert_allclose(list(map(float, shown["curvature"].split(" and "))), found["spectrum"], rtol=1e-3)
    assert (shown["settings"], shown["epoch"], shown["kappa"]) == ("1.80/L, κ = 5", "3 of 64", "5")


CONTROLS = {
    f"widget-{name}" for name in ("play", "step", "reset", "epoch", "multiple", "kappa", "whole", "keep", "next")
}
CONTROLS |= {"schedule", "coordinates", "answer"}


def test_it_works_by_keys_alone(browser):
    seen = {}
    for _ in range(30):
        browser.press("Tab")
        active = browser.driver.switch_to.active_element
        seen[active.get_attribute("id") or active.get_attribute("name")] = active
    assert seen.keys() >= CONTROLS
    seen["widget-reset"].send_keys(Keys.ENTER)
    seen["widget-step"].send_keys(Keys.SPACE + Keys.SPACE)
    assert read(browser, "epoch-words") == "2 of 64"
    seen["widget-multiple"].send_keys(Keys.ARROW_RIGHT)
    assert read(browser, "multiple-words").startswith("1.85/L")
    seen["widget-multiple"].send_keys(Keys.HOME)
    assert "At a rate of 0" in read(browser, "why")
    seen["widget-kappa"].send_keys(Keys.END)
    assert read(browser, "kappa-words") == "κ = 30"
    seen["widget-epoch"].send_keys(Keys.ARROW_LEFT)
    assert read(browser, "epoch-words") == "1 of 64"
    seen["schedule"].send_keys(Keys.ARROW_RIGHT)
    assert browser.run("return fastgdWidget.settings().schedule") == "silver"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_stop_of_the_tab_key_is_in_view_and_marked(chromium, page, width):
    chromium.open(page, width)
    reduce_motion(chromium)  # no smooth scrolling
    for _ in range(len(CONTROLS) + 1):  # with the button that runs a question
        chromium.press("Tab")
        found = chromium.run(
            "const one = document.activeElement, hidden = one.matches('.widget-choice input');"
            "const mark = hidden ? one.nextElementSibling : one;"
            "const box = one.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;"
            "return [getComputedStyle(mark).outlineStyle, one.contains(document.elementFromPoint(x, y))]"
        )
        assert found == ["solid", True]


def test_it_works_by_touch(chromium, page):
    chromium.open(page, 400)
    targets = "button, input[type=range], label:has([type=radio], [type=checkbox])"
    sizes = chromium.run(
        "return [...document.querySelectorAll(`.widget :is(${arguments[0]})`)]"
        ".map(one => one.getBoundingClientRect().height)",
        targets,
    )
    assert len(sizes) > 15
    assert min(sizes) >= 44
    chromium.show(chromium.driver.find_element("id", "widget-multiple"))
    box = chromium.run("return document.getElementById('widget-multiple').getBoundingClientRect().toJSON()")
    chromium.touch(box["x"] + 8 + (box["width"] - 16) * 0.05 / 2.2, box["y"] + box["height"] / 2)
    assert read(chromium, "multiple-words").startswith("0.05/L")
    chromium.show(chromium.driver.find_element("css selector", "[value=whiten]"))
    box = chromium.run("return document.querySelector('[value=whiten]').getBoundingClientRect().toJSON()")
    chromium.touch(box["x"] + 20, box["y"] + 20)
    assert chromium.run("return fastgdWidget.settings().coordinates") == "whiten"
    assert chromium.complaints() == []


def test_play_runs_epoch_by_epoch_and_pauses(browser):
    play = browser.driver.find_element("id", "widget-play")
    play.click()
    seen = browser.driver.execute_async_script(
        "const done = arguments[0], seen = [], words = document.getElementById('widget-epoch-words');"
        "new MutationObserver(() => { seen.push(words.textContent); if (seen.length === 4) done(seen); })"
        ".observe(words, {childList: true})"
    )
    first = int(seen[0].split()[0])
    assert first < 10
    assert seen == [f"{first + k} of 64" for k in range(4)]
    assert read(browser, "play-word") == "Pause"
    play.click()
    stopped = read(browser, "epoch-words")
    assert read(browser, "play-word") == "Play"
    browser.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert read(browser, "epoch-words") == stopped
    assert read(browser, "announcement").startswith(f"Epoch {stopped}: J is ")


def test_without_motion_play_shows_the_end_at_once(browser):
    reduce_motion(browser)
    assert read(browser, "play-word") == "Run to the end"
    move(browser, "epoch", 5)
    counted = browser.run(
        "document.getElementById('widget-play').click();"
        "return [document.getElementById('widget-epoch-words').textContent, document.getAnimations().length]"
    )
    assert counted == ["64 of 64", 0]


def test_playing_pauses_when_motion_is_switched_off(browser):
    browser.run("document.getElementById('widget-play').click(); return null")
    assert read(browser, "play-word") == "Pause"
    reduce_motion(browser)
    browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert read(browser, "play-word") == "Run to the end"
    stopped = read(browser, "epoch-words")
    browser.driver.execute_async_script("setTimeout(arguments[0], 500)")
    assert read(browser, "epoch-words") == stopped


@pytest.mark.parametrize(
    ("width", "settings"),
    [(320, {"kappa": 0, "multiple": 2.2}), (1_400, {"kappa": 15, "multiple": 2.2, "coordinates": "standardize"})],
)
def test_no_word_of_a_picture_is_cut_off(chromium, page, width, settings):
    chromium.open(page, width)
    chromium.run("document.querySelector(`[value=${arguments[0]}]`).click()", settings.pop("coordinates", "none"))
    chromium.run("document.getElementById('widget-whole').click(); return null")
    for name, value in settings.items():
        move(chromium, name, value)
    cut = chromium.run(
        "const cut = [];"
        "for (const svg of document.querySelectorAll('.widget svg')) for (const text of svg.querySelectorAll('text')) {"
        "  const [inner, outer] = [text, svg].map(one => one.getBoundingClientRect());"
        "  if (inner.left < outer.left || inner.right > outer.right) cut.push(text.textContent);"
        "}"
        "return cut"
    )
    assert cut == []
    chromium.check_quiet()


def test_a_curve_can_be_kept_to_compare(browser):
    browser.run("document.getElementById('widget-keep').click()")
    points = "return document.querySelector('.widget .kept')?.getAttribute('points') ?? null"
    kept = browser.run(points)
    pick(browser, "schedule", "chebyshev")
    assert len(kept.split()) == EPOCHS + 1
    assert "dashed: 1.80/L, κ = 5" in browser.run("return document.getElementById('widget-costs-picture').textContent")
    browser.run("document.getElementById('widget-keep').click()")
    assert browser.run(points) is None


# Questions

RIGHT = {
    "small": 1,
    "zigzag": 1,
    "diverges": 2,
    "kappa": 2,
    "chebyshev": 1,
    "eigenvalues": 0,
    "standardize": 1,
    "whiten": 0,
}


def ask(browser, number, answer):
    """Answer a question, counted from 0, and wait until its run has ended; return the verdict."""
    for _ in range(number):
        browser.run("document.getElementById('widget-next').click()")
    browser.run("document.querySelectorAll('[name=answer]')[arguments[0]].click()", answer)
    browser.run("document.querySelector('#widget-quiz [type=submit]').click()")
    return read(browser, "verdict")


@pytest.mark.filterwarnings("ignore::fastgd.DivergenceWarning")
@pytest.mark.parametrize("name", RIGHT)
def test_questions_know_the_right_answer(browser, name):
    reduce_motion(browser)
    assert browser.run("return fastgdWidget.QUESTIONS.map(one => one.name)") == list(RIGHT)
    number, right = list(RIGHT).index(name), RIGHT[name]
    assert ask(browser, number, right).startswith("Right. ")
    settings = browser.run("return fastgdWidget.settings()")
    check_fact(name, run(browser, **settings), settings)
    browser.run("document.querySelectorAll('[name=answer]')[arguments[0]].click()", (right + 1) % 3)
    browser.run("document.querySelector('#widget-quiz [type=submit]').click()")
    assert re.match(r"Not so: “.+” is right\. ", read(browser, "verdict"))
    assert browser.run("return document.querySelectorAll('#widget-answers .wrong').length") == 1


def check_fact(name, found, settings):
    """Check by a run of the package that the right answer is right."""
    constant = settings["schedule"] == "constant"
    rate = found["rates"][0] if constant else settings["schedule"]
    _, path, costs = descend(found, settings["coordinates"], rate)
    X = np.array(found["X"])
    vectors = np.linalg.eigh(X.T @ X)[1]
    steep = ((path - [2, 1]) @ vectors)[:, 1]
    excess = costs - found["least"]
    if name == "small":
        assert (steep * steep[0] > 0).all()
        assert 0.05 < excess[-1] / excess[0] < 0.2
    elif name == "zigzag":
        assert (steep[1:] * steep[:-1] < 0).all()
        assert (np.diff(costs) < 0).all()
    elif name == "diverges":
        assert (np.diff(np.abs(steep)) > 0).all()
        assert costs[-1] > 1e5
    elif name == "kappa":
        assert count_epochs(found, 1 / found["spectrum"][0]) == 993
    elif name == "chebyshev":
        assert excess[1] > 500 * excess[0]
        assert excess[32] < 1e-10
    elif name == "eigenvalues":
        assert excess[1] > 1e-3
        assert excess[2] < 1e-15
    elif name == "standardize":
        assert np.linalg.cond(X / np.sqrt(np.mean(X**2, axis=0))) == pytest.approx(4)
    else:
        assert excess[1] < 1e-15


def count_epochs(found, rate):
    """Return the epochs that take off 99% of the distance to the minimum."""
    path = fastgd.gradient_descent(
        found["X"],
        found["y"],
        learning_rate=rate,
        epochs=2_000,
        fit_intercept=False,
        tol=0,
        check_every=1,
        history=True,
    ).path
    distances = np.linalg.norm(path - [2, 1], axis=1)
    return int(np.flatnonzero(distances > 0.01 * distances[0])[-1]) + 1


def test_a_question_without_an_answer_is_not_run(browser):
    before = browser.run("return fastgdWidget.settings()")
    browser.run("document.querySelector('#widget-quiz [type=submit]').click()")
    assert read(browser, "verdict") == ""
    assert browser.run("return fastgdWidget.settings()") == before


def test_the_first_question_names_the_true_number_of_epochs(browser):
    asked = browser.run("return fastgdWidget.QUESTIONS.find(one => one.name === 'kappa')")["ask"]
    found = run(browser, kappa=3)
    assert f"needs {count_epochs(found, 1 / found['spectrum'][0])} epochs" in asked


# Layout, print, and pages without scripts


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(chromium, page, width, scheme):
    chromium.open(page, width, scheme)
    for schedule, coordinates in (("constant", "none"), ("chebyshev", "standardize"), ("eigenvalues", "whiten")):
        pick(chromium, "schedule", schedule)
        pick(chromium, "coordinates", coordinates)
        assert chromium.run("document.documentElement.scrollWidth") <= width
    ask(chromium, 4, 0)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    beside = chromium.run(
        "const [one, other] = document.querySelectorAll('.widget-picture');"
        "return one.getBoundingClientRect().top === other.getBoundingClientRect().top"
    )
    assert beside == (width > 400)
    if os.environ.get("FASTGD_SCREENSHOTS"):
        chromium.save_picture(Path(os.environ["FASTGD_SCREENSHOTS"]) / f"widget-{width}-{scheme}.png")
    assert chromium.complaints() == []


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_no_serious_fault(chromium, page, width, scheme):
    chromium.open(page, width, scheme)
    ask(chromium, 4, 0)
    assert chromium.find_faults() == []


def test_letters_are_large_and_pictures_have_descriptions(chromium, page):
    chromium.open(page, 400)
    heights = chromium.run(
        "return [...document.querySelectorAll('.widget svg text')].map(one => one.getBoundingClientRect().height)"
    )
    assert len(heights) > 10
    assert min(heights) > 10
    for name in ("path", "costs"):
        picture = chromium.driver.find_element("id", f"widget-{name}-picture")
        assert len(picture.accessible_name) > 20
        assert "epoch 64" in read(chromium, f"{name}-words")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_print_has_a_still_picture_with_numbers_and_no_controls(browser, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.send("Emulation.setEmulatedMedia", media="print", features=features)
    seen = browser.run(
        "return Object.fromEntries(['svg', 'dd', 'button', 'input', 'fieldset'].map(name =>"
        " [name, [...document.querySelectorAll('.widget ' + name)].filter(one => one.checkVisibility()).length]))"
    )
    assert seen == {"svg": 2, "dd": 10, "button": 0, "input": 0, "fieldset": 0}
    colors = browser.run(
        "return ['--paper', '--halo'].map(name =>"
        " getComputedStyle(document.querySelector('.widget')).getPropertyValue(name))"
    )
    assert colors == ["#fdfdfb", "#fdfdfb"]  # paper is white, whatever the screen is
    browser.send("Emulation.setEmulatedMedia", media="", features=features)
    pdf = base64.b64decode(browser.send("Page.printToPDF", printBackground=True)["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_without_scripts_a_sentence_says_so(chromium, page):
    chromium.open(page, 400, scripts=False)
    assert chromium.run("return document.querySelector('.widget-note').checkVisibility()")
    assert not chromium.run("return document.querySelector('.widget').checkVisibility()")
    chromium.open(page, 400)
    assert not chromium.run("return Boolean(document.querySelector('.widget-note')?.checkVisibility())")


def test_a_frame_is_told_its_height(chromium, page, tmp_path):
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<!DOCTYPE html><iframe src="{page.as_uri()}" width="700"></iframe><script>'
        "onmessage = event => { document.querySelector('iframe').height = event.data.fastgdHeight; }</script>",
        encoding="utf-8",
    )
    chromium.open(outer, 1_000)
    chromium.driver.execute_async_script("setTimeout(arguments[0], 300)")
    told = chromium.run("Number(document.querySelector('iframe').height)")
    chromium.driver.switch_to.frame(0)
    inside = chromium.run("return [document.documentElement.scrollHeight, innerHeight]")
    chromium.driver.switch_to.default_content()
    assert told > 500
    assert inside[0] <= inside[1] == told


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"the widget's page needs Jinja2: pip install .*(?i:jinja2)"):
        standalone()
