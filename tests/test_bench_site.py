"""asv's pages by `make bench-site`: they load nothing from the network, and a browser shows them from a file."""

import json
import os
import re
import runpy
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "pages" / "offline_site.py"
KEPT = ROOT / "benchmarks" / "results"
NAME = "epochs.time_made_up"
# The beginnings of addresses on other hosts.
REMOTE = ("http:", "https:", "//")

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the wheel's tests run away from the source tree")


def git(*arguments):
    """Return the output of git, None if it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def has_history():
    """Return True if the repository has the branch main with all its commits."""
    return git("rev-parse", "main") is not None and git("rev-parse", "--is-shallow-repository") == "false"


def make_results(folder):
    """Write the results that asv would write after a run of one benchmark at the newest commit."""
    params = [["'cython'", "'numpy'"]]
    benchmark = {"name": NAME, "code": "", "param_names": ["backend"], "params": params, "type": "time"}
    benchmark |= {"unit": "seconds", "version": "1"}
    result = {"commit_hash": git("rev-parse", "main"), "env_name": "made-up", "date": 0, "version": 2}
    result |= {"params": {"machine": "release-made-up", "python": "3.11"}, "python": "3.11", "requirements": {}}
    result |= {"env_vars": {}, "result_columns": ["result", "params", "version"], "durations": {}}
    result["results"] = {NAME: [[1e-3, 2e-3], params, "1"]}
    machine = folder / "release-made-up"
    machine.mkdir(parents=True)
    for path, content in (
        (folder / "benchmarks.json", {NAME: benchmark, "version": 2}),
        (machine / "machine.json", {"machine": machine.name, "version": 1}),
        (machine / "made-up.json", result),
    ):
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def script():
    """Return the functions of the script; skip the test if the script lacks a program."""
    pytest.importorskip("asv", reason="asv publishes the pages")
    if not shutil.which("npm"):
        pytest.skip("npm has the scripts of asv's pages")
    if not shutil.which("git") or not has_history():
        pytest.skip("asv needs the history of the branch main")
    functions = runpy.run_path(str(SCRIPT))
    try:
        functions["install_packages"]()
    except SystemExit as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"npm could not install: {error}")
    return functions


@pytest.fixture(scope="module", params=["kept", "made up"])
def site(request, script, tmp_path_factory):
    """Return the folder of the pages."""
    folder = tmp_path_factory.mktemp("site")
    if request.param == "made up":
        results = make_results(folder / "results")
    elif KEPT.exists():
        results = KEPT
    else:
        pytest.skip("no results are kept")
    return script["build"](results, folder / "html").parent


class Loads(HTMLParser):
    """Collects the addresses that a page loads; links do not count."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag != "a":
            self.found += [value for name, value in attrs if name in ("src", "href")]


def test_the_pages_load_nothing_from_another_host(site):
    loads = {path: Loads(path.read_text(encoding="utf-8")).found for path in site.glob("*.html")}
    assert len(loads[site / "index.html"]) > 20
    loads |= {
        path: re.findall(r"(?:url\(|@import\s)\s*['\"]?([^'\")]+)", path.read_text(encoding="utf-8"))
        for path in site.rglob("*.css")
    }
    for path, addresses in loads.items():
        for address in addresses:
            assert not address.startswith(REMOTE), f"{path.name} loads {address}"
            assert address.startswith("data:") or (path.parent / re.split("[?#]", address)[0]).is_file(), address
    for path in set(site.glob("*.js")) - {site / "data.js"}:
        assert "://" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["", "#/summarylist", "#{}?x-axis=backend"])
def test_a_browser_shows_the_pages_from_a_file(site, page, tmp_path):
    browser = shutil.which("chromium")
    if not browser:
        pytest.skip("chromium is not installed")
    benchmarks = json.loads((site / "index.json").read_text(encoding="utf-8"))["benchmarks"]
    name = next(name for name, benchmark in benchmarks.items() if "backend" in benchmark["param_names"])
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += [f"--user-data-dir={tmp_path}", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"]
    options += ["--virtual-time-budget=3000", "--dump-dom", (site / "index.html").as_uri() + page.format(name)]
    done = subprocess.run([browser, *options], capture_output=True, text=True, check=True, timeout=60)
    assert "CONSOLE" not in done.stderr
    assert name in done.stdout
    assert "cython" in done.stdout or not page
    assert "Error fetching content" not in done.stdout
    assert "No data for this" not in done.stdout


def load_suite():
    """Return the module of the suite that times epochs, without the others, which need variables that are set."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks" / "time_epochs.py")))


def test_an_epoch_is_tracked_however_many_a_call_has(monkeypatch):
    """Calls of 429 epochs beside calls of three would stand in one graph."""
    clock, calls = [0.0], []

    def descend(X, y, weights, rates, costs, gradient, threads, backend):
        calls.append(len(rates))
        clock[0] += 2.0 * len(rates) + (100.0 if len(calls) == 4 else 0.0)  # one call is interrupted
        weights += 1.0
        return len(rates)

    suite = load_suite()
    monkeypatch.setattr(suite.backends, "descend", descend)
    monkeypatch.setitem(suite.Epochs.measure_call.__globals__, "perf_counter", lambda: clock[0])
    for backend in ("numpy", "python"):
        calls.clear()
        bench = suite.Epochs()
        bench.setup(backend, 100, 5, "C", "float64", 1)
        assert bench.track_epoch() == 2.0
        first, *others = calls
        assert (first, len(others)) == (1, suite.CALLS)
        assert set(others) == {bench.epochs}
    assert suite.Epochs.unit == "seconds"


def test_the_kept_results_of_an_epoch_compare_across_backends():
    files = sorted(KEPT.glob("release-*/*-*.json"))
    if not files:
        pytest.skip("no results are kept")
    kept = json.loads((KEPT / "benchmarks.json").read_text(encoding="utf-8"))
    for path in files:
        found = json.loads(path.read_text(encoding="utf-8"))["results"]
        assert set(found) <= set(kept)
        assert all(found[name][2] == kept[name]["version"] for name in found), path.name
        seconds, params, _ = found["time_epochs.Epochs.track_epoch"][:3]
        times = dict(zip(product(*params), seconds, strict=True))
        both = [key for key in times if key[0] == "'python'" and times[key] == times[key]]  # NaN: not timed
        assert len(both) >= 20
        assert all(times[key] > times["'numpy'", *key[1:]] for key in both)


def test_the_kept_results_name_no_computer_and_no_path():
    files = sorted(KEPT.rglob("*.json"))
    if not files:
        pytest.skip("no results are kept")
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"/(?:home|root|tmp|usr|work|Users)\b[^\"]*", text) == []
        machines = {path.parent.name, *re.findall(r'"machine": "([^"]*)"', text)} - {KEPT.name}
        assert all(name.startswith("release-") for name in machines), machines


def test_a_page_that_asks_for_something_new_is_refused(script, tmp_path):
    tag = script["TAG"].match('<script src="https://host.example/new.js" integrity="sha256-AA"></script>')
    with pytest.raises(SystemExit, match=r"host\.example/new\.js.*offline_site\.py"):
        script["localize"](tag, tmp_path, tmp_path / "vendor")


def test_a_file_with_another_hash_is_refused(script, tmp_path):
    (tmp_path / "jquery" / "dist").mkdir(parents=True)
    (tmp_path / "jquery" / "dist" / "jquery.min.js").write_text("another")
    tag = script["TAG"].match('<script src="https://host.example/jquery-3.3.1.min.js" integrity="sha256-AA"></script>')
    with pytest.raises(SystemExit, match="does not have the hash"):
        script["localize"](tag, tmp_path, tmp_path / "vendor")
