"""Two studies side by side: paired rows, their differences, and rows that only one study has."""

import json
import re

import pytest
from test_study_files import ONE, START, WHOLE, WORK

from fastgd.report import compare

for module in ("matplotlib", "jinja2", "pygments"):
    pytest.importorskip(module, reason=f"{module} is an extra")

SECTIONS = "ladder", "map", "roofline", "price", "descents"


def only(*sections):
    """Return the whole study with these sections alone."""
    data = json.loads(json.dumps(WHOLE))
    return {name: part for name, part in data.items() if name not in SECTIONS or name in sections}


def timed(seconds, half=0.0, threads=1):
    """Return the entry of a contestant, with samples at a distance of up to `half` on either side."""
    spread = [seconds - half, seconds + half]
    return {**ONE, **WORK, "seconds": seconds, "quartiles": spread, "extremes": spread, "threads": threads}


def noisy(data, floor=0.02, share=None):
    """Return a study that was made on a machine that was not quiet."""
    changed = {"noise_floor": floor, "drift": floor, "others_share": share, "quiet": False, "reasons": ["of a test"]}
    return {**data, "conditions": {**data["conditions"], **changed}}


def map_of(**shapes):
    """Return a study with a map of these numbers of samples, each with its contestants."""
    data = only("map")
    (entry,) = data["map"]["shapes"]
    data["map"]["shapes"] = [
        {**entry, "n_samples": int(name[1:]), "contestants": contestants} for name, contestants in shapes.items()
    ]
    return data


def sentence_of(first, second, caption="The map"):
    """Return the sentence about a section."""
    sentences = compare.compare_studies(first, second, "a.json", "b.json")[1]
    (found,) = [sentence for sentence in sentences if sentence.startswith(caption)]
    return found


def last_cells(html):
    """Return the text of the last cell of each row, and the value that sorts it."""
    rows = re.findall(r"<tr>(<td.*?)</tr>", html)
    return [re.findall(r'data-value="([^"]*)">([^<]*)</td>$', row)[0][::-1] for row in rows]


def test_rows_whose_spreads_overlap_are_no_difference():
    first = map_of(n10={"numpy": timed(1.0, 0.1)}, n20={"numpy": timed(3.0, 0.1), "numba": timed(2.0, 0.5)})
    second = map_of(n10={"numpy": timed(1.1, 0.1)}, n20={"numpy": timed(1.0, 0.1), "numba": timed(2.5, 0.5)})
    told = sentence_of(first, second)
    assert told == (
        "The map: time per epoch: A takes 3.00× the time of B in 1 of 3 rows, "
        "and there is no reliable difference in the other 2."
    )
    html, _ = compare.compare_studies(first, second, "a.json", "b.json")
    cells = last_cells(html)
    # 2.9 over 1.1 and 3.1 over 0.9, with 10 % of each process.
    assert [text for text, _ in cells] == ["no reliable difference", "2.18× to 4.17×", "no reliable difference"]
    assert [float(value) for _, value in cells] == pytest.approx([1 / 1.1, 3.0, 0.8])
    assert "drifts" in re.search(r'<p class="muted">(.*?)</p>', html)[1]


def test_spreads_that_touch_overlap():
    assert sentence_of(map_of(n1={"numpy": timed(1.0, 0.5)}), map_of(n1={"numpy": timed(2.0, 0.5)})) == (
        "The map: time per epoch: no reliable difference in 1 row."
    )


def test_a_difference_within_the_drifts_of_both_is_not_told():
    first, second = map_of(n1={"numpy": timed(1.0)}), map_of(n1={"numpy": timed(1.3)})
    assert "A takes 0.769× the time of B in 1 of 1 row" in sentence_of(first, second)
    for pair in ((noisy(first, 0.3), second), (first, noisy(second, 0.3)), (noisy(first, 0.15), noisy(second, 0.15))):
        assert sentence_of(*pair) == "The map: time per epoch: no reliable difference in 1 row."
    # Even two quiet processes differ by some per cent.
    near = map_of(n1={"numpy": timed(1.09)})
    assert sentence_of(first, near) == "The map: time per epoch: no reliable difference in 1 row."


def test_a_machine_that_others_used_may_have_been_slower_throughout():
    first, second = map_of(n1={"numpy": timed(2.5)}), map_of(n1={"numpy": timed(1.0)})
    assert "A takes 2.50× the time of B" in sentence_of(first, second)
    assert "no reliable difference" in sentence_of(noisy(first, share=0.6), second)
    assert "A takes 2.50× the time of B" in sentence_of(noisy(first, share=0.1), second)


def test_several_threads_are_not_compared_if_other_processes_used_the_cores():
    first, second = (
        map_of(n1={"numpy": timed(1.0), "cython-2": timed(seconds, threads=2)}) for seconds in (180.0, 1.0)
    )
    assert "A takes 180× the time of B in 1 of 2 rows" in sentence_of(first, second)
    assert "no reliable difference in 2 rows" in sentence_of(noisy(first), second)
    assert "no reliable difference in 2 rows" in sentence_of(first, noisy(second, share=0.5))
    assert "A takes 180× the time of B in 1 of 2 rows" in sentence_of(noisy(first, share=0.01), second)


def test_a_study_and_itself_differ_in_nothing():
    _, sentences = compare.compare_studies(WHOLE, WHOLE, "a.json", "a.json")
    assert sum("no reliable difference in" in one for one in sentences) == 4
    assert not any("times of B" in one or "the time of B" in one for one in sentences)


def test_a_section_in_which_all_rows_differ_has_a_mean():
    first = map_of(n1={"numpy": timed(1.0)}, n2={"numpy": timed(1.0)})
    second = map_of(n1={"numpy": timed(2.0)}, n2={"numpy": timed(8.0)})
    told = sentence_of(first, second)
    assert told.endswith("A takes 0.125× to 0.500× the time of B in 2 of 2 rows (geometric mean: 0.250×).")


def test_each_study_is_told_with_its_conditions():
    _, (first, second, *_) = compare.compare_studies(noisy(WHOLE, 0.18), WHOLE, "a.json", "b.json")
    assert first.endswith("noisy: of a test")
    assert second.endswith("2026-11-25, quiet")


def test_the_margin_between_two_studies_is_told():
    margin = "Between these two studies a time must differ by more than {} to count."
    assert margin.format("1.21×") in compare.compare_studies(WHOLE, WHOLE, "a.json", "b.json")[1]
    assert margin.format("1.65×") in compare.compare_studies(noisy(WHOLE, 0.5), WHOLE, "a.json", "b.json")[1]


def test_starts_and_limits_have_spreads_of_their_own():
    first, second = only("roofline", "price"), only("roofline", "price")
    second["roofline"]["limits"][0] |= {"operations_per_second": 16e9, "bytes_per_second": {"memory": 2e9}}
    second["roofline"]["limits"][0]["quartiles"] = {"operations": [15e9, 16e9], "bytes": {"memory": [1e9, 2e9]}}
    # The limits of A are 4 and 1 billion a second at best, and usually 3 and 0.8.
    assert sentence_of(first, second, "The machines' limits") == (
        "The machines' limits: A takes 4.00× the time of B in 1 of 2 rows, "
        "and there is no reliable difference in the other."
    )
    second["price"]["starts"]["numpy"] = json.loads(json.dumps(START))
    second["price"]["starts"]["numpy"]["seconds"]["wait"] = 4.0
    second["price"]["starts"]["numpy"]["extremes"]["wait"] = [3.0, 5.0]
    assert "in 1 of 2 rows, and there is no reliable difference in the other" in sentence_of(
        first, second, "The time of a fresh process"
    )


def test_shapes_that_only_one_has_are_counted():
    numpy = {"numpy": timed(1.0)}
    first = map_of(n1=numpy, n2=numpy, n3=numpy)
    assert sentence_of(first, map_of(n3=numpy)).endswith("; 2 shapes of A and 0 of B are not in the other.")
    assert sentence_of(map_of(n3=numpy), first).endswith("; 0 shapes of A and 2 of B are not in the other.")
    assert "not in the other" not in sentence_of(first, first)


def test_contestants_that_only_one_has_are_counted_at_the_shapes_of_both():
    few, many = {"numpy": timed(1.0)}, {"numpy": timed(1.0), "cython-2": timed(1.0), "cython-4": timed(1.0)}
    first, second = map_of(n1=few, n2=few), map_of(n2=many, n3=many)
    assert sentence_of(first, second).endswith(
        "; 1 shape of A and 1 of B are not in the other; "
        "at the shapes of both, 0 rows of A and 2 of B are not in the other."
    )
    assert sentence_of(map_of(n2=few), map_of(n2=many)).endswith(
        "; at the shapes of both, 0 rows of A and 2 of B are not in the other."
    )


def test_starts_and_limits_that_only_one_has_are_counted():
    first, second = only("roofline", "price"), only("roofline", "price")
    first["price"]["starts"]["cython"] = START
    first["roofline"]["limits"] += [{**first["roofline"]["limits"][0], "threads": 2}]
    second["roofline"]["limits"][0]["bytes_per_second"] = {}
    assert "1 row of A and 0 of B are not in the other" in sentence_of(first, second, "The time of a fresh process")
    assert "3 rows of A and 0 of B are not in the other" in sentence_of(first, second, "The machines' limits")


def test_a_section_with_nothing_in_common_has_a_sentence():
    first = {**map_of(n1={"numpy": timed(1.0)}), "price": only("price")["price"]}
    second = {**map_of(n2={"numpy": timed(1.0)}), "price": only("price")["price"]}
    html, sentences = compare.compare_studies(first, second, "a.json", "b.json")
    told = "The map: time per epoch: nothing to compare; 1 shape of A and 1 of B are not in the other."
    assert told in sentences
    assert 'id="table-compare-price"' in html
    assert 'id="table-compare-map"' not in html
    with pytest.raises(ValueError, match=r"^nothing was timed in both a\.json and b\.json$"):
        compare.compare_studies({**first, "price": {"starts": {}}}, second, "a.json", "b.json")


def test_sections_that_only_one_has_are_named():
    _, sentences = compare.compare_studies(
        only("map", "price", "ladder"), only("price", "roofline"), "a.json", "b.json"
    )
    assert "Only A has: ladder, map." in sentences
    assert "Only B has: roofline." in sentences
    assert not any("Only" in one for one in compare.compare_studies(WHOLE, WHOLE, "a.json", "b.json")[1])


def test_headings_of_pictures_depend_on_pictures():
    html, _ = compare.compare_studies(only("price"), only("price"), "a.json", "b.json")
    assert 'id="pictures"' not in html
    assert "<h3>" not in html
    assert 'class="pair"' not in html
    html, _ = compare.compare_studies(only("price", "map"), only("price"), "a.json", "b.json")
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["A"]
    assert html.count('<h2 id="pictures">') == 1
    html, _ = compare.compare_studies(WHOLE, WHOLE, "a.json", "b.json")
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["A", "B"]
