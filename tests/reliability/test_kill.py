"""A fit that is killed at random moments and started again ends with the same bits as an undisturbed fit."""

import random
import time

import pytest
from processes import run_python, start_python
from test_streaming import SETTINGS, cut, make_data

from fastgd.streaming import array, fit_array, fit_batches

# Saving every batch and waiting a few milliseconds lets a kill fall into reading, summing or writing.
CODE = """
import sys, time
from test_streaming import SETTINGS, cut, make_data
from fastgd.streaming import array, checkpoint, fit_array, fit_batches

array.BLOCK_BYTES, array.ROWS_PER_COLUMN = 1, 4
checkpoint.SAVE_SECONDS = 0
save_if_due = checkpoint.Checkpoint.save_if_due

def save_slowly(self, state):
    save_if_due(self, state)
    time.sleep(0.003)

checkpoint.Checkpoint.save_if_due = save_slowly
X, y = make_data()
fit_array(X, y, **SETTINGS)  # imports everything, which takes longer than a fit: a kill shall not fall into that
options = dict(checkpoint={path!r}, **SETTINGS)
print("ready", flush=True)
result = {call}
print(result.weights.tobytes().hex(), result.n_samples)
"""
CALLS = {
    "batches": "fit_batches(cut(X, y, rows=9), **options)",
    "array": "fit_array(X, y, **options)",
}


def undisturbed(kind, monkeypatch):
    """Return the line that an undisturbed fit prints."""
    monkeypatch.setattr(array, "BLOCK_BYTES", 1)
    monkeypatch.setattr(array, "ROWS_PER_COLUMN", 4)
    X, y = make_data()
    result = fit_batches(cut(X, y, rows=9), **SETTINGS) if kind == "batches" else fit_array(X, y, **SETTINGS)
    return f"{result.weights.tobytes().hex()} {result.n_samples}"


def kill_again_and_again(code, path, times, seed):
    """Start the code and kill it, `times` times; return how often it left a checkpoint."""
    chance, left = random.Random(seed), 0
    for _ in range(times):
        with start_python(code) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.06))
            process.kill()
        left += path.exists()
    return left


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_fit_ends_with_the_same_bits(tmp_path, monkeypatch, kind, times):
    path = tmp_path / "fit.checkpoint"
    code = CODE.format(path=str(path), call=CALLS[kind])
    left = kill_again_and_again(code, path, times, seed=times)
    assert left > times // 2
    assert run_python(code).removeprefix("ready\n") == undisturbed(kind, monkeypatch)
    assert not path.exists()
