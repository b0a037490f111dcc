"""Every example runs by itself, tells something, warns of nothing and leaves nothing behind; every page has one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
pytestmark = pytest.mark.skipif(
    not (ROOT / "examples").exists(), reason="the wheel's tests run away from the source tree"
)
# The pages of the documentation that are about code, and what shows it.
PAGES = {
    "tutorial.md": "tutorial.py",
    "guide.md": "guide.py",
    "how-it-works.md": "how_it_works.py",
    "benchmarks.md": "benchmarks.py",
    "scikit-learn.md": "scikit_learn.py",
    "streaming.md": "streaming_and_dask.py",
    "adding-a-backend.md": "adding_a_backend.py",
    "study.md": "study.py",
}
# What an example needs that fastgd does without.
EXTRAS = {
    "scikit_learn.py": ["sklearn"],
    "streaming_and_dask.py": ["dask", "distributed", "pyarrow"],
    "study.py": ["matplotlib", "jinja2", "pygments"],
}
SLOW = ("benchmarks.py", "streaming_and_dask.py")  # more than a few seconds, by the libraries they start


@pytest.mark.parametrize(
    "example",
    [pytest.param(path, id=path.name, marks=[pytest.mark.slow] * (path.name in SLOW)) for path in EXAMPLES],
)
def test_an_example_runs(example, tmp_path):
    for module in EXTRAS.get(example.name, ()):
        pytest.importorskip(module, reason=f"{example.name} is about {module}, an extra")
    pictures, here = tmp_path / "pictures", tmp_path / "here"
    pictures.mkdir()
    here.mkdir()
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(example), str(pictures)],
        cwd=here,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert not finished.stderr
    assert finished.stdout.strip()
    assert not list(here.iterdir())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_a_notebook_about_a_page(example):
    text = example.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    assert text.count("# %%\n") >= 3
    pages = [page for page, name in PAGES.items() if name == example.name]
    assert pages, f"add {example.name} to PAGES"
    assert any(f"docs/{page}" in text for page in pages)


def test_every_page_has_its_example():
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    for page, example in PAGES.items():
        assert (ROOT / "docs" / page).exists(), page
        assert (ROOT / "examples" / example).exists(), example
        assert f"| `{example}` |" in listed
        assert f"(../docs/{page})" in listed


def test_extras_and_slow_ones_are_those_of_examples():
    assert {*EXTRAS, *SLOW} <= {path.name for path in EXAMPLES}
