"""The README's Python is what it says: every block runs, one after the other."""

import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.skipif(not README.exists(), reason="the wheel's tests run away from the source tree")
def test_the_blocks_run_and_agree(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert "gradient" in capsys.readouterr().out
    X, y = names["X"], names["y"]
    assert names["X_small"].shape == (22, 21)
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    np.testing.assert_allclose(names["result"].weights, exact, rtol=1e-9)
    small = np.linalg.lstsq(names["X_small"], names["y_small"], rcond=None)[0]
    np.testing.assert_allclose(small, exact, rtol=1e-9)
