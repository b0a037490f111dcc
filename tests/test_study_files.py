"""The files of a study: saved and loaded again, refused with a message, shown with and without extras."""

import io
import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd import progress
from fastgd.bench.conditions import describe_conditions
from fastgd.cli import main as cli
from fastgd.report import Study, compare, reading, record, run, study
from fastgd.report.settings import check_settings
from fastgd.report.upgrade import upgrade

ONE = {
    "seconds": 1e-3,
    "quartiles": [9e-4, 2e-3],
    "extremes": [8e-4, 3e-3],
    "rounds": 5,
    "epochs_per_call": 10,
    "threads": 1,
    "variant": "",
}
WORK = {"bytes_per_epoch": 10, "operations_per_epoch": 10}
SHAPE = {"n_samples": 10, "n_features": 1, "bytes": 80}
CURVES = {name: [1.0, 0.2] for name in ("constant", "silver", "chebyshev", "eigenvalues")}
STARTS = {
    "import_numpy": 0.1,
    "import_fastgd": 0.1,
    "load": 1e-3,
    "first_call": 1e-3,
    "second_call": 1e-3,
    "wait": 2e-3,
}
START = {"seconds": STARTS, "extremes": {stage: [1e-4, 1.0] for stage in STARTS}}
# One entry of every kind: a page needs each of them.
WHOLE = {
    "schema": "fastgd.study",
    "schema_version": 3,
    "command": "fastgd study",
    "date": "2026-11-25",
    "seconds": 1.0,
    "machine": {
        "cpu": "made up",
        "cores": 2,
        "cpu_level": None,
        "caches": {"L1": 32768, "L2": 1048576},
        "cache_instances": {"L1": 2, "L2": 1},
        "system": "a system",
        "memory": 2**33,
        "governor": None,
        "blas": {"openblas": {"version": "0.3.31", "threads": 2}},
        "kernel": {"compiler": "GCC 12.2.0", "flags": "-O3"},
    },
    "conditions": {
        "load": {"start": 0.1, "end": 1.0},
        "cores": 2,
        "others_share": 0.01,
        "clock": {"lowest": 2600.0, "median": 2600.0, "highest": 2600.0},
        "noise_floor": 0.02,
        "drift": 0.02,
        "threads_drift": 0.02,
        "quiet": True,
        "reasons": [],
    },
    "versions": {"fastgd": "0.1.0", "python": "3.11.7", "numpy": "2.4.6"},
    "threads": {"backends": 2, "blas": "1 thread", "environment": {"OMP_NUM_THREADS": None}},
    "settings": {"quick": True, "rounds": 5, "order": "C", "dtype": "float64", "most_epochs_per_call": 1000},
    "sources": [
        {
            "backend": "numpy",
            "place": "a",
            "note": "",
            "language": "python",
            "text": "r = X @ w",
            "marks": {"r": ["r ="]},
        }
    ],
    "ladder": {
        "shapes": [
            {
                **SHAPE,
                "contestants": {name: {**ONE, **WORK} for name in ("numpy", "compressed", "whitened")},
                "order": ["numpy", "compressed", "whitened"],
                "differences": {"numpy": 0.0, "whitened": 0.0},
                "compress": ONE,
                "whiten": ONE,
                "targets": {"n_targets": 10, "contestants": {"numpy": ONE}},
                "sparse": {"density": 0.1, "entries": 1, "contestants": {"numpy": ONE}},
            }
        ]
    },
    "map": {
        "shapes": [
            {
                **SHAPE,
                "contestants": {"numpy": {**ONE, **WORK}},
                "fastest": "numpy",
                "best": "numpy",
                "auto": "numpy",
                "regret": 1.0,
            }
        ],
        "largest_regret": 1.0,
    },
    "roofline": {
        "limits": [
            {
                "threads": 1,
                "operations_per_second": 4e9,
                "bytes_per_second": {"memory": 1e9},
                "quartiles": {"operations": [3e9, 5e9], "bytes": {"memory": [8e8, 2e9]}},
            }
        ]
    },
    "price": {"shape": [1000, 20], "rounds": 3, "starts": {"python": START, "numpy": START}},
    "descents": {
        "rates": {
            "X": [[1.0, 2.0]],
            "y": [1.0],
            "smoothness": 1.0,
            "least_cost": 0.1,
            "runs": [{"multiple": 1.0, "rate": 1.0, "costs": [1.0], "path": [[0.0, 0.0]]}],
        },
        "schedules": {"condition": 10.0, "least_cost": 0.1, "n_features": 1, "epochs": 1, "costs": CURVES},
    },
}
OPTIONAL = [
    *[(name,) for name in ("ladder", "map", "roofline", "price", "descents")],
    *[("ladder", "shapes", 0, part) for part in ("whiten", "targets", "sparse")],
]
# Objects whose keys are names that the study found.
NAMED = (
    "caches",
    "cache_instances",
    "blas",
    "kernel",
    "environment",
    "marks",
    "differences",
    "bytes",
    "bytes_per_second",
)


def list_keys(part, before=()):
    """Yield the path of every key of the data, and of the first entry of every array."""
    for key in part if isinstance(part, dict) else range(len(part[:1])) if isinstance(part, list) else ():
        yield (*before, key)
        yield from list_keys(part[key], (*before, key))


def change(path, value=None):
    """Return the whole data without the entry at a path, or with another value there."""
    data = json.loads(json.dumps(WHOLE))
    part = data
    for key in path[:-1]:
        part = part[key]
    if value is None:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return data


@pytest.fixture(scope="module")
def found():
    return fastgd.study(quick=True, sections=["descents"], quiet=True)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes data to a.json in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write_file(data):
        Path("a.json").write_text(json.dumps(data), encoding="utf-8")
        return "a.json"

    return write_file


# Names


def test_a_study_is_a_function_and_its_modules_have_other_names():
    assert fastgd.study is study is run.study
    assert fastgd.report.Study is Study is record.Study


def test_a_study_carries_the_sources_that_were_timed(found):
    assert {source["backend"] for source in found.data["sources"]} == set(fastgd.backends.available())
    assert all(isinstance(source["marks"], dict) and source["text"] for source in found.data["sources"])


# Files that are no study


def test_measured_data_can_be_saved_and_loaded(found, tmp_path):
    found.save(tmp_path / "a.json")
    assert Study.load(tmp_path / "a.json").data == json.loads(json.dumps(found.data))


def test_sections_may_be_missing_and_other_keys_may_be_there(write):
    assert Study.load(write(WHOLE)).data == WHOLE
    for path in OPTIONAL:
        data = change(path)
        assert Study.load(write({**data, "more": 1})).data == {**data, "more": 1}
    unknown = change(("roofline", "limits", 0, "operations_per_second"), 1.0)
    unknown["roofline"]["limits"][0] |= {"operations_per_second": None, "bytes_per_second": {}}
    unknown["roofline"]["limits"][0]["quartiles"] = {"operations": None, "bytes": {}}
    assert Study.load(write(unknown)).data == unknown


def test_what_the_system_does_not_tell_is_null(write):
    data = change(("machine", "governor"), "performance")
    data["machine"] |= {"memory": None, "blas": {}, "kernel": {}, "governor": None}
    data["conditions"] |= {"load": None, "others_share": None, "clock": None}
    assert Study.load(write(data)).data == data


def test_a_study_of_version_1_is_read_with_its_conditions_unknown(write):
    """Version 1 had no conditions, no extremes of times, and less about the machine."""
    old = change(("conditions",))
    old["schema_version"] = 1
    for name in ("system", "memory", "governor", "blas", "kernel"):
        del old["machine"][name]
    for entry in old["ladder"]["shapes"] + old["map"]["shapes"]:
        for one in [*entry["contestants"].values(), *(entry[work] for work in ("compress", "whiten") if work in entry)]:
            one.pop("extremes", None)
    found = Study.load(write(old)).data
    assert reading.find_fault(found) == ""
    assert found["schema_version"] == 3
    assert found["ladder"]["shapes"][0]["contestants"]["numpy"]["extremes"] == ONE["quartiles"]
    assert found["machine"]["system"] == "not recorded"
    assert found["conditions"]["quiet"] is False
    told = describe_conditions(found["conditions"])
    assert told == (
        "noisy: this study is of an earlier fastgd, which did not record the conditions; "
        "differences below 10 % mean nothing"
    )
    for path in list_keys(old):  # whatever is wrong in an old file is named as in a new one
        for wrong in ({"a": {}}, [[[]]], True, None):
            broken = json.loads(json.dumps(old))
            part = broken
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = wrong
            upgrade(broken)


def test_a_study_of_version_2_had_one_noise_floor_and_the_condition_number_of_another_matrix(write):
    old = change(("descents", "schedules", "condition"), 1000.0)
    old["schema_version"] = 2
    del old["conditions"]["drift"], old["conditions"]["threads_drift"]
    found = Study.load(write(old)).data
    assert found["descents"]["schedules"]["condition"] == pytest.approx(1000.0**0.5)
    assert found["conditions"]["drift"] == found["conditions"]["noise_floor"] == old["conditions"]["noise_floor"]
    assert found["conditions"]["threads_drift"] is None
    assert Study.load(write(found)).data == found


@pytest.mark.parametrize(("times", "best", "regret"), [((1.0, 1.05), "numpy", 1.0), ((1.0, 1.5), "numba", 1.5)])
def test_the_map_of_a_study_of_version_1_claims_nothing_inside_the_assumed_noise(write, times, best, regret):
    """Version 1 told by quartiles alone which backend is the fastest: here they do not overlap."""
    old = change(("map", "shapes", 0, "fastest"), "numba")
    old["schema_version"] = 1
    contestants = {
        name: {**ONE, **WORK, "seconds": time, "quartiles": [time, time]}
        for name, time in zip(("numba", "numpy"), times, strict=True)
    }
    named = {"contestants": contestants, "best": "numba", "auto": "numpy", "regret": times[1] / times[0]}
    old["map"]["shapes"][0] |= named
    old["map"]["largest_regret"] = named["regret"]
    found = Study.load(write(old)).data["map"]
    assert (found["shapes"][0]["best"], found["largest_regret"]) == (best, regret)


@pytest.mark.parametrize("version", [True, "1", 1.5, 0, 4, None])
def test_other_versions_are_refused(write, version):
    with pytest.raises(ValueError, match=r"expected 'fastgd\.study' and 3; got 'fastgd\.study' and"):
        Study.load(write({**WHOLE, "schema_version": version}))


def test_the_kept_study_of_the_documentation_can_be_read():
    kept = Path(__file__).parents[1] / "docs/study.json"
    if not kept.exists():
        pytest.skip("the wheel's tests run away from the source tree")
    assert Study.load(kept).data["conditions"]["noise_floor"] > 0


def test_the_table_of_the_kernels_steps_is_that_of_the_kept_study(monkeypatch):
    """README's picture, the study and this table come from one file: they cannot contradict each other."""
    docs = Path(__file__).parents[1] / "docs"
    if not (docs / "study.json").exists():
        pytest.skip("the wheel's tests run away from the source tree")
    make_part = runpy.run_path(str(docs / "kernel_steps.py"))["make_part"]
    data = Study.load(docs / "study.json").data
    page = (docs / "explain/kernels.md").read_text(encoding="utf-8")
    assert page.partition("<!-- steps:begin -->")[2].partition("<!-- steps:end -->")[0].strip() == make_part(data)
    assert data["machine"]["cpu"] in page  # a time means nothing without its machine


def test_the_table_of_the_kernels_steps_by_hand():
    docs = Path(__file__).parents[1] / "docs"
    if not docs.exists():
        pytest.skip("the wheel's tests run away from the source tree")
    make_table = runpy.run_path(str(docs / "kernel_steps.py"))["make_table"]
    data = json.loads(json.dumps(WHOLE))
    (entry,) = data["ladder"]["shapes"]

    def timed(seconds, threads=1):
        return {**ONE, "seconds": seconds, "quartiles": [seconds] * 2, "threads": threads}

    entry["contestants"] = {"numpy": timed(4e-3), "cython": timed(1e-3), "cython-2": timed(0.99e-3, 2)}
    assert make_table(data).splitlines()[2:] == [
        "| NumPy |  | 4,000 |  |",
        "| the kernel |  | 1,000 | 4.00× |",
        "| the kernel, 2 threads | an idle core | 990 | ≈ 1 |",
    ]
    entry["others"] = {"two_products": timed(2e-3), "level": timed(0.5e-3)}
    assert make_table(data).splitlines()[3:6] == [
        "| two compiled products | temporaries, calls | 2,000 | 2.00× |",
        "| the same, None |  | 500 | 4.00× |",
        "| the kernel | waiting for memory | 1,000 | 0.500×, slower here |",
    ]


def test_every_key_that_is_missing_is_named():
    paths = [path for path in list_keys(WHOLE) if path not in OPTIONAL and isinstance(path[-1], str)]
    paths = [path for path in paths if not set(NAMED) & set(path[:-1])]
    assert len(paths) > 90
    for path in paths:
        fault = reading.find_fault(change(path))
        assert path[-1] in fault, path


def test_every_value_of_another_type_is_named_with_its_place():
    for path in list_keys(WHOLE):
        for wrong in ({"a": {}}, [[[]]], True):
            if type(wrong) is bool and path[-1] in ("quick", "quiet"):
                continue
            fault = reading.find_fault(change(path, wrong))
            assert str(path[0]) in fault, (path, wrong)
            assert "\n" not in fault
            assert len(fault) < 400


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("machine",), None, "top level: 'machine' is missing"),
        (("ladder", "shapes", 0, "compress"), None, "ladder.shapes[0]: 'compress' is missing"),
        (("map", "shapes", 0, "regret"), "1", "map.shapes[0].regret: expected a number above 0; got '1'"),
        (
            ("price", "starts", "numpy", "seconds", "load"),
            0,
            "price.starts.numpy.seconds.load: expected a number above 0; got 0",
        ),
        (("roofline", "limits"), [], "roofline.limits: expected a list with at least one entry; got []"),
        (("roofline", "limits", 0, "bytes_per_second", "memory"), "x", "bytes_per_second.memory: expected a number"),
        (("settings",), "x" * 999, "settings: expected an object; got 'xxx"),
        (("ladder", "shapes", 0, "order"), ["numpy", "abacus"], "ladder.shapes[0].contestants: 'abacus' is missing"),
        (("map", "shapes", 0, "auto"), "numba", "map.shapes[0].contestants: 'numba' is missing"),
        (("map", "shapes", 0, "best"), "numba", "map.shapes[0].contestants: 'numba' is missing"),
        (("map", "shapes", 0, "fastest"), "numba", "map.shapes[0].contestants: 'numba' is missing"),
        (("machine", "caches", "L3"), 9, "machine.cache_instances: 'L3' is missing"),
        (("machine", "cache_instances", "L2"), 0, "machine.cache_instances.L2: expected a whole number from 1 up; got"),
        (("ladder", "shapes", 0, "contestants", "numpy", "quartiles"), [0, 1], "contestants.numpy.quartiles: expected"),
        (
            ("ladder", "shapes", 0, "compress", "quartiles"),
            [1, -1],
            "ladder.shapes[0].compress.quartiles: expected two",
        ),
        (("ladder", "shapes", 0, "whiten", "seconds"), 0, "ladder.shapes[0].whiten.seconds: expected a number above 0"),
        (("roofline", "limits", 0, "quartiles", "bytes", "memory"), [0, 1], "quartiles.bytes.memory: expected two"),
        (("roofline", "limits", 0, "quartiles", "operations"), [0, 1], "limits[0].quartiles.operations"),
        (("roofline", "limits", 0, "operations_per_second"), 0, "limits[0].operations_per_second: expected a number"),
        (("price", "starts", "numpy", "extremes", "wait"), [0, 1], "starts.numpy.extremes.wait: expected two numbers"),
        (("descents", "schedules", "costs", "chebyshev"), None, "descents.schedules.costs: 'chebyshev' is missing"),
        (("sources", 0, "marks", "r"), [1], "sources[0].marks.r[0]: expected a text; got 1"),
        (("conditions",), None, "top level: 'conditions' is missing"),
        (("conditions", "reasons"), [1], "conditions.reasons: expected a list of texts; got [1]"),
        (("conditions", "load"), [1, 2], "conditions.load: expected an object; got [1, 2]"),
        (("conditions", "clock", "lowest"), 0, "conditions.clock.lowest: expected a number above 0; got 0"),
        (("conditions", "noise_floor"), -1, "conditions.noise_floor: expected a number above 0; got -1"),
        (("machine", "memory"), 0.5, "machine.memory: expected a whole number from 1 up; got 0.5"),
        (("machine", "blas", "openblas"), "1", "machine.blas.openblas: expected an object; got '1'"),
        (("price", "starts", "numpy", "seconds", "tea"), 9.9, "price.starts.numpy.extremes: 'tea' is missing"),
    ],
)
def test_a_message_has_the_file_the_place_and_the_fault_in_one_line(write, path, value, message):
    name = write(change(path, value))
    with pytest.raises(ValueError, match=r"a\.json: expected a study \(fastgd study --json\); ") as raised:
        Study.load(name)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"seconds": NaN}', "not JSON: Out of range float"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", r"top level: expected an object; got \[1, 2\]"),
        (
            '{"schema": "fastgd.bench", "schema_version": 1}',
            "schema and schema_version: expected 'fastgd.study' and 3; got 'fastgd.bench' and 1",
        ),
        ('{"schema": "fastgd.study", "schema_version": 9}', "got 'fastgd.study' and 9"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json: expected a study \(fastgd study --json\); .*" + message):
        Study.load(tmp_path / "a.json")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nope\.json: expected a study .*; no such file$"):
        Study.load(tmp_path / "nope.json")


def test_the_command_names_the_option_of_a_file_that_is_no_study(write, capsys):
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")
    assert cli.main(["study", "--compare", "nope.json", write(WHOLE)]) == 2
    assert re.fullmatch(r"fastgd: --compare: nope\.json: .*no such file\n", capsys.readouterr().err)
    assert cli.main(["study", "--compare", write(change(("machine",))), "nope.json"]) == 2
    assert re.fullmatch(r"fastgd: --compare: a\.json: .*'machine' is missing\n", capsys.readouterr().err)
    assert [path.name for path in Path().iterdir()] == ["a.json"]


# Pages and summaries


@pytest.fixture
def page_extras():
    for extra in ("matplotlib", "jinja2", "pygments"):
        pytest.importorskip(extra, reason=f"{extra} is an extra")


def test_one_of_everything_has_a_summary():
    told = repr(Study(WHOLE))
    assert told.startswith("Measured on made up, 2 cores")
    assert len(told.splitlines()) >= 6


@pytest.mark.usefixtures("page_extras")
@pytest.mark.parametrize("left_out", [(), *OPTIONAL])
def test_one_of_everything_can_be_shown_and_compared(left_out):
    data = change(left_out) if left_out else WHOLE
    html = Study(data).to_html()
    assert html.startswith("<!DOCTYPE html>")
    sections = [path[0] for path in OPTIONAL if len(path) == 1]
    assert [f'<h2 id="{name}">' in html for name in sections] == [name in data for name in sections]
    page, sentences = compare.compare_studies(data, data, "a.json", "b.json")
    assert page.startswith("<!DOCTYPE html>")
    assert sum("no reliable difference in" in one for one in sentences) == 4 - (left_out in OPTIONAL[:4])


@pytest.mark.usefixtures("page_extras")
@pytest.mark.parametrize("order", [["numpy"], ["numpy", "compressed", "whitened"]])
def test_a_ladder_of_several_threads_alone_on_busy_cores_can_be_shown(write, order):
    data = json.loads(json.dumps(WHOLE))
    data["conditions"] |= {"quiet": False, "others_share": 0.5, "reasons": ["of a test"]}
    (entry,) = data["ladder"]["shapes"]
    entry["order"], entry["contestants"]["numpy"]["threads"] = order, 2
    shown = Study.load(write(data))
    assert "One epoch of 10 × 1: NumPy 1.00 ms." in repr(shown)
    assert shown.to_html().startswith("<!DOCTYPE html>")
    assert shown.to_slides().startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("page_extras")
def test_limits_that_could_not_be_measured_can_be_shown_and_compared():
    data = json.loads(json.dumps(WHOLE))
    data["roofline"]["limits"][0] |= {"operations_per_second": None, "bytes_per_second": {}}
    data["roofline"]["limits"][0]["quartiles"] = {"operations": None, "bytes": {}}
    assert reading.find_fault(data) == ""
    assert Study(data).to_html()
    assert compare.compare_studies(data, data, "a.json", "b.json")


@pytest.mark.usefixtures("page_extras")
@pytest.mark.parametrize(
    "change_limit",
    [
        lambda limit: limit["quartiles"].update(operations=None),
        lambda limit: limit["bytes_per_second"].update(L2=1e9),
        lambda limit: limit.update(bytes_per_second={"L2": 1e9}),
    ],
)
def test_limits_without_memory_or_quartiles_can_be_shown_and_compared(write, change_limit):
    data = json.loads(json.dumps(WHOLE))
    change_limit(data["roofline"]["limits"][0])
    assert Study.load(write(data)).to_html()
    assert compare.compare_studies(data, data, "a.json", "b.json")


@pytest.mark.usefixtures("page_extras")
@pytest.mark.parametrize("path", [("sources", 0, "more"), ("sources", 0, "marks", "x")])
def test_sources_with_more_keys_can_be_shown(write, path):
    more = change(path, ["r ="])
    assert Study.load(write(more)).to_html().count("<pre tabindex") == 1


# Without the extras


@pytest.mark.parametrize("module", ["jinja2", "pygments", "matplotlib"])
def test_a_notebook_shows_the_summary_if_the_page_lacks_an_extra(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    data = json.loads(json.dumps(WHOLE))
    data["machine"]["cpu"] = "<b>CPU & co</b>"
    shown = Study(data)._repr_html_()
    assert shown.startswith("<pre>Measured on &lt;b&gt;CPU &amp; co&lt;/b&gt;, ")
    assert shown.endswith("</pre>")
    assert f"pip install &quot;{module}&gt;=" in shown.splitlines()[-1]


# Sizes


def test_sizes_may_be_integers_of_numpy():
    sizes = check_settings(True, (list(np.array([1000, 10])), [np.uint8(5)]), ["map"]).sizes
    assert sizes == ((10, 1000), (5,))
    assert all(type(number) is int for part in sizes for number in part)
    with pytest.raises(ValueError, match=r"^sizes must"):
        check_settings(True, ([np.True_], [1]), None)


@pytest.mark.parametrize("sections", [["price"], "roofline", ["descents", "price"]])
def test_sizes_without_a_section_that_has_sizes(monkeypatch, capsys, sections):
    monkeypatch.setattr(run, "run_steps", lambda *given: pytest.fail("it measured"))
    with pytest.raises(ValueError, match=r"^sizes must go with the section ladder or map; got sections [a-z, ]*$"):
        fastgd.study(sizes=((10,), (1,)), sections=sections, quiet=True)
    listed = sections if isinstance(sections, str) else ",".join(sections)
    assert cli.main(["study", "--sizes", "10x1", "--sections", listed, "--json", "-"]) == 2
    assert "sizes must go with the section ladder or map; got sections" in capsys.readouterr().err


# A terminal


def test_a_bar_on_a_terminal_shows_title_share_and_time_left(monkeypatch):
    console = pytest.importorskip("rich.console", reason="rich is an extra")
    terminal, clock = io.StringIO(), [0.0]
    make = console.Console
    given = {"file": terminal, "force_terminal": True, "width": 100, "get_time": lambda: clock[0]}
    monkeypatch.setattr(console, "Console", lambda stderr: make(**given))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")  # dumb ones get no bar
    with progress.Progress(100.0) as shown:
        for done in (0.0, 25.0, 50.0):
            shown.show(done, f"ladder: {done:.0f}")
            clock[0] += 10.0
    # 25 of 100 took ten seconds, so the other half takes 20.
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue()).strip().splitlines()[-1]
    assert last.startswith("ladder: 50 ")
    assert re.search(r" 50% 0:00:20$", last.rstrip())
