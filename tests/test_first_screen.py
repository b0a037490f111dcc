"""The first screen of a study's page: its sentence, its large numbers, and bars on magnified linear scales."""

import json
import re

import numpy as np
import pytest
from test_study_files import ONE, WHOLE, WORK

from fastgd.report import Study, first
from fastgd.report.variants import list_bars
from fastgd.report.zoom import SEEN, SHORT, Bar, count_rows, draw_zoom, split_panels

for module in ("matplotlib", "jinja2", "pygments"):
    pytest.importorskip(module, reason=f"{module} is an extra")

TIMES = {"arrays": 0.3, "python": 0.1, "numpy": 1e-3, "numba": 5e-4, "cython": 4e-4, "cython-2": 3e-4}
SMALL = {"compressed": 1e-6, "whitened": 1e-6}


def study_of(times, shape=(20_000, 50), compress=2e-3):
    """Return a study with a ladder of these times of an epoch."""
    data = json.loads(json.dumps(WHOLE))
    (entry,) = data["ladder"]["shapes"]
    entry |= {"n_samples": shape[0], "n_features": shape[1], "bytes": 8 * shape[0] * shape[1], "order": list(times)}
    entry["contestants"] = {
        name: {
            **ONE,
            **WORK,
            "seconds": seconds,
            "quartiles": [seconds, seconds],
            "threads": int(name[7:] or 1) if name.startswith("cython-") else 1,
        }
        for name, seconds in times.items()
    }
    entry["compress"] = entry["whiten"] = {**ONE, "seconds": compress}
    return data


def test_the_large_numbers_are_the_times_of_whole_fits_with_the_work_of_once():
    found = first.make_first(study_of({**TIMES, **SMALL}))
    assert [(one.time, one.step) for one in found.numbers] == [
        ("100 s", "Python loop over lists"),
        ("1.00 s", "NumPy"),
        ("300 ms", "Cython, 2 threads"),
        ("3.00 ms", "compressed problem"),  # 2 ms once and 1,000 epochs of 1 µs
    ]
    assert found.numbers[-1].caption == (
        "52 rows in place of 20,000, with the same cost J; 2.00 ms of it to compress once"
    )


def test_the_sentence_has_the_first_and_the_last_number():
    html = Study(study_of({**TIMES, **SMALL})).to_html()
    lead = re.search(r'<p class="lead">(.*?)</p>', html, re.DOTALL)[1]
    assert " ".join(re.sub("<[^>]*>", "", lead).split()) == (
        "1,000 epochs on 20,000 × 50 numbers take 100 s in a Python loop, and 3.00 ms on the compressed problem: "
        "the same update, the same path, the same weights."
    )


def test_the_largest_shape_is_on_the_first_screen():
    data = study_of({**TIMES, **SMALL})
    small = study_of({**TIMES, **SMALL}, (10, 2))["ladder"]["shapes"][0]
    data["ladder"]["shapes"] = [data["ladder"]["shapes"][0], small]
    assert "20,000 × 50" in first.make_first(data).work


def test_a_study_without_backends_or_ladder_has_fewer_numbers_or_none():
    found = first.make_first(study_of({"numpy": 1e-3, "compressed": 1e-6}))
    assert [one.step for one in found.numbers] == ["NumPy", "compressed problem"]
    data = {name: part for name, part in WHOLE.items() if name != "ladder"}
    assert first.make_first(data) is None
    html = Study(data).to_html()
    assert 'class="numbers"' not in html
    assert "<li>Measured on made up, 2 cores" in html[: html.index("<nav")]


def test_the_badge_says_whether_the_machine_was_quiet():
    data = json.loads(json.dumps(WHOLE))
    assert '<p class="badge quiet">quiet; differences below 2 % mean nothing</p>' in Study(data).to_html()
    data["conditions"] |= {"quiet": False, "reasons": ["<b>busy"], "noise_floor": 0.3}
    told = '<p class="badge noisy">noisy: &lt;b&gt;busy; differences below 30 % mean nothing</p>'
    assert told in Study(data).to_html()


# Bars on magnified scales


def bars_of(*seconds, once=0.0):
    return [Bar(f"bar {k}", one, once * one, "#0072B2", f"tip {k}") for k, one in enumerate(seconds)]


@pytest.fixture
def ax():
    from matplotlib import pyplot

    yield pyplot.figure().add_subplot()
    pyplot.close("all")


def test_a_bar_that_is_too_short_begins_a_panel():
    assert split_panels([1.0, 1.01 * SHORT]) == [[0, 1]]
    assert split_panels([1.0, 0.99 * SHORT, 0.5 * SHORT]) == [[0, 1], [1, 2]]
    assert split_panels([1.0, 0.01, 0.005, 1e-5, 2e-5]) == [[0, 1], [1, 2, 3], [3, 4]]
    assert split_panels([2.0]) == [[0]]
    assert count_rows([1.0, 0.01, 0.005]) == 5.0  # four bars, one of them twice, and a gap


def test_bars_have_lengths_in_proportion_to_their_times(ax):
    draw_zoom(bars_of(8.0, 4.0, 0.01, 0.005), ax)
    lengths = [patch.get_width() for patch in ax.patches if hasattr(patch, "get_width")]
    np.testing.assert_allclose(lengths, [1.0, 0.5, SEEN, 1.0, 0.5])
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["8.00 s", "4.00 s", "10.0 ms", "the same bar, drawn 800 times as long", "10.0 ms", "5.00 ms"]


def test_a_slower_bar_is_the_longest_of_its_panel(ax):
    draw_zoom(bars_of(8.0, 0.01, 0.02), ax)
    lengths = [patch.get_width() for patch in ax.patches if hasattr(patch, "get_width")]
    np.testing.assert_allclose(lengths, [1.0, SEEN, 0.5, 1.0])
    assert "the same bar, drawn 400 times as long" in [text.get_text() for text in ax.texts]


def test_the_work_of_once_is_the_light_part_of_a_bar(ax):
    draw_zoom(bars_of(8.0, 4.0, once=0.25), ax)
    parts = [(patch.get_x(), patch.get_width(), patch.get_alpha()) for patch in ax.patches]
    np.testing.assert_allclose(parts, [(0, 0.25, 0.45), (0.25, 0.75, 1), (0, 0.125, 0.45), (0.125, 0.375, 1)])


def test_the_picture_has_words_for_every_bar():
    picture = first.make_first(study_of({**TIMES, **SMALL})).picture
    told = re.search(r"<desc[^>]*>[^.]*\. (.*)\.</desc>", picture.svg)[1]
    assert told == (
        "Python loop over lists 100 s; NumPy 1.00 s; Cython 400 ms; Cython, 2 threads 300 ms; "
        "compressed problem 3.00 ms; whitened: one epoch 2.00 ms"
    )
    tips = set(re.findall(r'data-tip="([^"]*)"', picture.svg))
    assert "NumPy: 1.00 s for 1,000 epochs" in tips
    assert "compressed problem: 3.00 ms, of which 2.00 ms to compress once, then 1,000 epochs" in tips
    assert "whitened problem: 2.00 ms, of which 2.00 ms to whiten once, then one epoch, which is enough" in tips


# Many targets and sparse rows


def test_many_targets_and_sparse_rows_stand_beside_one_target_and_dense_rows():
    data = study_of({**TIMES, **SMALL})
    (entry,) = data["ladder"]["shapes"]
    del entry["targets"]
    html = Study(data).to_html()
    assert 'id="variants"' not in html
    assert 'href="#variants"' not in html
    entry["targets"] = {"n_targets": 10, "contestants": {name: {**ONE, "seconds": 2e-4} for name in ("numpy", "numba")}}
    entry["sparse"] = {"density": 0.1, "entries": 5, "contestants": {"numpy": {**ONE, "seconds": 5e-4}}}
    assert [(bar.name, bar.seconds) for bar in list_bars(entry)] == [
        ("NumPy, one target", 1e-3),
        ("NumPy, each of 10 targets", 2e-4),
        ("NumPy, 10 % of entries", 5e-4),
        ("Numba, one target", 5e-4),
        ("Numba, each of 10 targets", 2e-4),
    ]
    html = Study(data).to_html()
    assert '<h2 id="variants">' in html
    assert 'href="#variants"' in html
