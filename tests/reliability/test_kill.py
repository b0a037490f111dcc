"""A fit that is killed at random moments and started again ends with the same bits as an undisturbed fit."""

import random

import pytest
from killing import KINDS, draw_moment, kill_at, prepare, run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_killed_fit_ends_with_the_same_bits(tmp_path, kind, times):
    if kind in ("parquet", "csv"):
        pytest.importorskip("pyarrow", reason="files need pyarrow, an extra")
    folder, path, chance = tmp_path / "data", tmp_path / "checkpoints" / "fit.checkpoint", random.Random(times)
    folder.mkdir()
    path.parent.mkdir()
    prepare(kind, folder)
    killed = sum(kill_at(draw_moment(chance), kind, folder, path) for _ in range(times))
    assert killed >= times // 2
    assert run(kind, folder, path) == run(kind, folder, None)
    assert not list(path.parent.iterdir())  # neither the lock nor half a file of a killed process
