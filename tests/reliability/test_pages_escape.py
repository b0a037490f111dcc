"""Script that is planted in names, files and studies stays text on every page."""

import io
import json
import sys
from html import escape
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fastgd import plots
from fastgd.inputs.words import printable
from fastgd.report import Study, reading
from fastgd.report.compare import compare_studies

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_study_files import WHOLE

plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is an extra")
for extra in ("jinja2", "pygments"):
    pytest.importorskip(extra, reason=f"{extra} is an extra")

# Each gets a number, so that all are different, and is shorter than the longest name that is shown whole.
PAYLOADS = [
    "<script>alert(1)</script>", '" onmouseover="alert(1)', "' onfocus='alert(1)", "</script><img src=x>", "<!--",
    "--><svg onload=alert(1)>", "]]><blink>", "javascript:alert(1)", "</title></style><s>", "{{ 7*7 }}{% raw %}",
    "&lt;u&gt;", "</text></svg><q>", "</code></pre><a href=x>", "</iframe><del>", "\x1b[2J\u202e", "$\\frac$<ins>",
    'id="tip0" <kbd>',
]  # fmt: skip
KEPT = ("schema", "language", "marks")  # that have to be what they are
NAMES = ("fastest", "best", "auto", "order")  # of contestants
FREE = ("caches", "cache_instances", "environment", "versions", "differences", "bytes", "bytes_per_second")


def plant(part, make, key=""):
    """Return a part of a study with made texts, and with a made name where a study may have any."""
    if key in (*KEPT, *NAMES):
        return part
    if isinstance(part, dict):
        planted = {name: plant(value, make, name) for name, value in part.items()}
        if key in FREE and part:
            planted[make()] = next(reversed(planted.values()))
        return planted
    if isinstance(part, list):
        return [plant(value, make) for value in part]
    return make() if isinstance(part, str) else part


def make_study():
    """Return a whole study in which every text and every free name is a payload."""
    numbers = count()

    def make():
        k = next(numbers)
        return f"{PAYLOADS[k % len(PAYLOADS)]}{k}"

    data = plant(WHOLE, make)
    data["machine"]["cache_instances"] |= dict.fromkeys(data["machine"]["caches"], 1)
    limit = data["roofline"]["limits"][0]
    limit["quartiles"]["bytes"] |= {level: [8e8, 2e9] for level in limit["bytes_per_second"]}
    for entry in (data["ladder"]["shapes"][0], data["map"]["shapes"][0]):
        names = [make() for _ in PAYLOADS[:9]]
        entry["contestants"] |= dict.fromkeys(names, entry["contestants"]["numpy"])
        if "order" in entry:
            entry["order"] = [*entry["order"], *names]
        else:
            entry |= {"best": names[0], "auto": names[1], "fastest": names[2]}
    data["price"]["starts"] |= dict.fromkeys([make() for _ in PAYLOADS[:5]], data["price"]["starts"]["numpy"])
    data["descents"]["schedules"]["costs"] |= {make(): [1.0, 0.5] for _ in PAYLOADS[:5]}
    source = data["sources"][0]
    source["text"] = "\n".join(make() for _ in PAYLOADS)
    source["marks"] = {"r": [source["text"].splitlines()[1].strip()], make(): ["x"]}
    assert reading.find_fault(data) == ""
    return data


SCRIPTED = make_study()


class Elements(HTMLParser):
    """The elements of a page with the names of their attributes, its links, scripts, comments and declarations."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.links, self.scripts, self.others, self.texts, self.inside = [], [], [], [], [], False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, [name for name, _ in attrs]))
        self.links += [value for name, value in attrs if name in ("href", "src", "action", "xlink:href", "srcdoc")]
        self.inside = tag == "script"
        self.scripts += [""] * self.inside

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1] += data
        else:
            self.texts.append(data)

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


@pytest.fixture(scope="module")
def page():
    return Study(SCRIPTED).to_html()


def kinds_of(found):
    """Return the elements of a page, each kind once."""
    return {(tag, *sorted(names)) for tag, names in found.elements}


def assert_only_text(planted, plain):
    """Check that a page has the kinds of elements and attributes and the scripts of a plain page, but for its data."""
    found, expected = Elements(planted), Elements(plain)
    assert kinds_of(found) - kinds_of(expected) == set()
    assert found.others == expected.others == ["DOCTYPE html"]
    assert all(link.startswith(("#", "data:")) for link in found.links)
    changed = [one for one, other in zip(found.scripts, expected.scripts, strict=True) if one != other]
    assert all(type(json.loads(one)) is dict for one in changed)  # data run nothing
    assert "<script>alert" not in planted
    assert "\x1b" not in planted
    assert "\u202e" not in planted
    assert planted.encode("utf-8")
    return found, changed


def test_the_page_of_a_study_full_of_script(page):
    found, [data] = assert_only_text(page, Study(WHOLE).to_html())
    assert json.loads(data) == SCRIPTED
    assert "<" not in data
    shown = " ".join(found.texts)
    missing = [payload for payload in PAYLOADS if printable(payload) not in shown]
    assert len(missing) < 5, missing  # they are there, as text; some stand in the data alone


def test_the_page_that_compares_studies_full_of_script():
    names = "<script>alert(1)</script>.json", '" onclick="alert(1)\udcff.json'
    page, sentences = compare_studies(SCRIPTED, SCRIPTED, *names)
    assert assert_only_text(page, compare_studies(WHOLE, WHOLE, "a.json", "b.json")[0])[1] == []
    assert escape(names[0]) in page
    assert all(sentence.isprintable() for sentence in sentences)


def test_a_notebook_shows_a_study_full_of_script_in_one_frame(page, monkeypatch):
    monkeypatch.setattr(Study, "to_html", lambda study: page)
    shown = Elements(Study(SCRIPTED)._repr_html_())
    assert shown.elements == [("iframe", ["title", "srcdoc", "width", "height"])]
    assert shown.links == [page]


@pytest.mark.parametrize("section", reading.SECTIONS)
def test_a_summary_full_of_script_is_one_line_a_sentence(section):
    data = {name: part for name, part in SCRIPTED.items() if name not in reading.SECTIONS or name == section}
    assert all(line.isprintable() for line in repr(Study(data)).split("\n"))


def test_pictures_full_of_script_are_well_formed():
    curves = {f"{payload}{k}": [4.0, 2.0, 1.0 + k] for k, payload in enumerate(PAYLOADS)}
    file = io.StringIO()
    ax = plots.learning_rates(curves, ax=plt.figure(figsize=(8, 8)).add_subplot())
    ax.figure.savefig(file, format="svg")
    plt.close("all")
    tags = {element.tag.partition("}")[2] for element in ElementTree.fromstring(file.getvalue()).iter()}
    assert tags.isdisjoint({"script", "img", "blink", "a", "s", "q", "del", "ins", "kbd"})


def test_json_of_a_study_full_of_script_is_ascii(tmp_path):
    Study(SCRIPTED).save(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert Study.load(tmp_path / "a.json").data == SCRIPTED
