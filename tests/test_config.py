"""`fastgd config`: what is shown, on one screen, of a whole installation and of one that lacks something."""

import json
import os
import re
import subprocess
import sys
from types import ModuleType

import pytest

import fastgd
from fastgd import backends, config
from fastgd.backends.threads import read_openmp_threads

SCREEN = 24, 100  # lines and columns
RUN = """
import sys
for module in {missing!r}:
    sys.modules[module] = None
from fastgd.cli.main import main
sys.exit(main(["config", *{options!r}]))
"""
needs_extension = pytest.mark.skipif("cython" not in backends.available(), reason="the extension is not built")
needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")


def run_config(*options, missing=(), **environment):
    """Return what `fastgd config` prints without some modules, in a changed environment."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN.format(missing=list(missing), options=list(options))],
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def read_config(**changes):
    return json.loads(run_config("--json", **changes))


@pytest.mark.parametrize("missing", [[], ["fastgd.backends._kernel", "numba", "threadpoolctl"]], ids=["whole", "bare"])
def test_everything_stands_on_one_screen(missing):
    text = run_config(missing=missing)
    lines, columns = SCREEN
    assert sum(-(-len(line) // columns) for line in text.splitlines()) <= lines
    # A command is not broken into lines: it is there to be copied.
    assert all(
        len(line) <= columns for line in text.splitlines() if "not usable" not in line and "fastgd  " not in line
    )
    for name in ("fastgd", "python", "platform", "backends", "threads", "BLAS", "libraries"):
        assert text.count(f"\n{name:14}") + text.startswith(f"{name:14}") == 1


def test_the_text_and_the_json_say_the_same():
    shown, text = read_config(), run_config()
    assert shown["fastgd"] == fastgd.__version__
    assert shown["backends"] == backends.list_loadable()
    told = [shown["folder"], shown["python"], shown["platform"], str(shown["threads"]["most"]), *shown["backends"]]
    told += [value for value in (shown["extension"] or {}).values() if value]
    told += [f"{name} {version}" for name, version in shown["libraries"].items() if version]
    for part in told:
        assert part in text.replace("\n" + " " * 14, " ")


def test_a_missing_kernel_is_shown_with_the_command_that_installs_it():
    shown = read_config(missing=["fastgd.backends._kernel", "numba"])
    assert (shown["backends"], shown["extension"]) == (["numpy", "python"], None)
    assert list(shown["unusable"]) == ["cython", "numba"]
    assert re.search("install a C compiler.*, then run: pip install", shown["unusable"]["cython"])
    assert "needs Numba: pip install" in shown["unusable"]["numba"]


def test_a_kernel_of_another_version_of_fastgd_is_shown_as_not_usable(monkeypatch):
    monkeypatch.setitem(sys.modules, backends.REQUIRES["cython"][0], ModuleType("_kernel"))
    assert config.describe_extension() is None


@needs_extension
def test_a_wrong_cpu_level_is_shown_beside_those_there_are():
    shown = read_config(FASTGD_CPU_LEVEL="9")
    assert "cython" not in shown["backends"]
    assert "FASTGD_CPU_LEVEL must be one of" in shown["unusable"]["cython"]
    assert shown["extension"]["cpu_level"] is None
    assert "baseline" in shown["extension"]["cpu_levels"]
    assert "compiler" in shown["extension"]
    assert f"CPU level     none of {shown['extension']['cpu_levels']}\n" in run_config(FASTGD_CPU_LEVEL="9")


@needs_extension
def test_a_lower_cpu_level_is_shown():
    assert read_config(FASTGD_CPU_LEVEL="baseline")["extension"]["cpu_level"] == "baseline"


def test_the_number_of_threads_is_that_of_openmp():
    assert read_config(OMP_NUM_THREADS="3,2")["threads"] == {"most": 3, "reason": "OMP_NUM_THREADS"}


@needs_affinity
def test_the_number_of_threads_is_that_of_the_processors_this_process_may_use(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3})
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(config, "find_quota", lambda: None)
    assert read_openmp_threads() is None
    assert config.find_most_threads() == (2, "the processors that this process may use, of 4")
    monkeypatch.setattr(config, "find_quota", lambda: 1)
    monkeypatch.setattr(config, "count_cores", lambda: 1)
    assert config.find_most_threads() == (1, "the CPU quota of this process, on 2 processors")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(config, "find_quota", lambda: 7)
    monkeypatch.setattr(config, "count_cores", lambda: 2)
    assert config.find_most_threads() == (2, "the processors of this machine")


def test_blas_is_told_with_and_without_threadpoolctl():
    [numpys] = read_config(missing=["threadpoolctl"])["blas"]
    assert numpys["name"]
    assert numpys["threads"] is None
    if backends.is_installed("threadpoolctl"):
        assert read_config(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")["blas"][0]["threads"] == 1
