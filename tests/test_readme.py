"""The Python in README and docs is what it says: every block runs, one after the other."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
in_the_source_tree = pytest.mark.skipif(
    not (ROOT / "README.md").exists(), reason="the wheel's tests run away from the source tree"
)
PAGES = {"scikit-learn.md": ["sklearn", "pandas", "skl2onnx"], "streaming.md": ["pyarrow", "dask"]}


def run_blocks(path):
    """Run a page's blocks; return their number, and the names that they leave."""
    blocks, names = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL), {}
    for block in blocks:
        exec(compile(block, path.name, "exec"), names)
    return len(blocks), names


@in_the_source_tree
def test_the_blocks_of_the_readme_run_and_agree(capsys):
    count, names = run_blocks(ROOT / "README.md")
    assert count >= 3
    assert "gradient" in capsys.readouterr().out
    X, y = names["X"], names["y"]
    assert names["X_small"].shape == (22, 21)
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    np.testing.assert_allclose(names["result"].weights, exact, rtol=1e-9)
    np.testing.assert_allclose(names["merged"].weights, exact, rtol=1e-9)
    small = np.linalg.lstsq(names["X_small"], names["y_small"], rcond=None)[0]
    np.testing.assert_allclose(small, exact, rtol=1e-9)


@in_the_source_tree
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_the_docs_run(page, tmp_path, monkeypatch, capsys):
    for module in PAGES[page]:
        pytest.importorskip(module, reason=f"the page {page} is about {module}, an extra")
    monkeypatch.chdir(tmp_path)
    count, _ = run_blocks(ROOT / "docs" / page)
    assert count > 0
    assert len(capsys.readouterr().out.splitlines()) >= count - 1
