"""An interrupted fit resumes after the last complete batch, to the same bits, or the error says why it cannot."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from processes import run_python
from test_streaming import SETTINGS, cut, make_data

from fastgd.streaming import array, checkpoint, fit_array, fit_batches


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.checkpoint"


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(array, "BLOCK_BYTES", 1)
    monkeypatch.setattr(array, "ROWS_PER_COLUMN", 16)


class CutShortError(Exception):
    """The error that ends a stream early."""


def cut_short(batches, after):
    """Yield the first batches, then fail."""
    for number, batch in enumerate(batches):
        if number == after:
            raise CutShortError
        yield batch


def leave_checkpoint(path, after=4, data=None, **options):
    """Start a fit that fails, and return the path of its checkpoint."""
    with pytest.raises(CutShortError):
        fit_batches(cut_short(cut(*(data or make_data())), after), checkpoint=path, **options, **SETTINGS)
    return path


def assert_same_bits(result, expected):
    assert result.weights.tobytes() == expected.weights.tobytes()
    assert result.cost_history.tobytes() == expected.cost_history.tobytes()
    assert (result.n_samples, result.skipped) == (expected.n_samples, expected.skipped)


@pytest.mark.parametrize("method", ["gram", "qr"])
@pytest.mark.parametrize("after", [0, 1, 4, 8])
def test_a_stream_resumes_to_the_same_bits(path, method, after):
    X, y = make_data()
    X[[3, 300, 499], 1] = np.nan
    expected = fit_batches(cut(X, y), method=method, missing="skip", **SETTINGS)
    options = {"method": method, "missing": "skip", "checkpoint": path, **SETTINGS}
    for stop in (after, after + 1):
        if stop <= 7:
            with pytest.raises(CutShortError):
                fit_batches(cut_short(cut(X, y), stop), **options)
            assert path.exists() == (stop > 0)
    assert_same_bits(fit_batches(cut(X, y), **options), expected)
    assert not list(path.parent.iterdir())


def test_a_stream_resumes_in_a_new_process(path):
    leave_checkpoint(path)
    code = f"""
from test_streaming import SETTINGS, cut, make_data
from fastgd.streaming import fit_batches
result = fit_batches(cut(*make_data()), checkpoint={str(path)!r}, quiet=False, **SETTINGS)
print(result.weights.tobytes().hex())
"""
    assert run_python(code) == fit_batches(cut(*make_data()), **SETTINGS).weights.tobytes().hex()
    assert not path.exists()


def test_an_array_resumes_after_the_last_block(path, small_blocks, monkeypatch):
    X, y = make_data()
    expected = fit_array(X, y, **SETTINGS)
    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 0)
    failing = y.copy()
    failing[300] = np.nan
    with pytest.raises(ValueError, match="row 300"):
        fit_array(X, failing, checkpoint=path, **SETTINGS)
    assert_same_bits(fit_array(X, y, checkpoint=path, threads=3, **SETTINGS), expected)


def test_a_second_pass_resumes_too(path, small_blocks, monkeypatch):
    X, y = make_data()
    X = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 2]])
    expected = fit_array(X, y, **SETTINGS)
    saved = []

    def fail(self, state):
        original(self, state)
        saved.append((state.method, state.batches))
        if state.method == "qr" and state.batches == 3:
            raise CutShortError

    original = checkpoint.Checkpoint.save_if_due
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.Checkpoint, "save_if_due", fail)
        with pytest.raises(CutShortError):
            fit_array(X, y, checkpoint=path, **SETTINGS)
    assert b'"method": "qr"' in path.read_bytes()
    result = fit_array(X, y, checkpoint=path, **SETTINGS)
    assert result.method == "qr"
    assert_same_bits(result, expected)


def test_options_of_the_descent_may_change_after_an_interrupt(path):
    def interrupt(*_):
        raise KeyboardInterrupt

    X, y = make_data()
    result = fit_batches(cut(X, y), checkpoint=path, callback=interrupt, **SETTINGS)
    assert result.reason == "interrupted"
    again = fit_batches(cut(X, y), checkpoint=path, fit_intercept=False, alpha=0.1, **SETTINGS)
    assert_same_bits(again, fit_batches(cut(X, y), fit_intercept=False, alpha=0.1, **SETTINGS))
    assert not path.exists()


def test_every_damaged_checkpoint_is_refused(path):
    content = leave_checkpoint(path).read_bytes()
    cut_off = [content[:size] for size in range(0, len(content), 7)]
    flipped = [content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :] for k in range(0, len(content), 5)]
    for bad in (*cut_off, *flipped, content + b"\0"):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=r"fit\.checkpoint: .*; delete it to begin anew, or name another file"):
            fit_batches(cut(*make_data()), checkpoint=path, **SETTINGS)
    assert path.read_bytes() == bad  # the file stays as it is


@pytest.mark.parametrize("content", [b"", b"a,b,y\n1,2,3\n", b"\x80\x04N.", b"PK\x03\x04", json.dumps({}).encode()])
def test_a_file_that_is_no_checkpoint_is_refused_and_stays(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected a checkpoint of this version of fastgd"):
        fit_batches(cut(*make_data()), checkpoint=path)
    assert path.read_bytes() == content


def test_checkpoint_of_other_options_is_refused(path, small_blocks):
    X, y = make_data()
    leave_checkpoint(path)
    with pytest.raises(ValueError, match="of another fit, with method 'auto'; got 'gram'; delete it"):
        fit_batches(cut(X, y), checkpoint=path, method="gram")
    with pytest.raises(ValueError, match="of another fit, with missing 'error'; got 'skip'; delete it"):
        fit_batches(cut(X, y), checkpoint=path, missing="skip")
    with pytest.raises(ValueError, match="of another fit, with X None; got"):
        fit_array(X, y, checkpoint=path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: cut(X, y, rows=71), r"batch 0 .* of 70 rows; got one of 71 rows"),
        (lambda X, y: cut(X[::-1], y), r"batch 0 .* got one of other values"),
        (lambda X, y: cut(X, y + 1), r"batch 0 .* got one of other values"),
        (lambda X, y: [next(cut(X, y)), *list(cut(X, y))[:1:-1]], r"batch 1 .* got one of"),
        (lambda X, y: cut(X[:100], y[:100]), r"batch 1 .* of 70 rows; got one of 30 rows"),
        (lambda X, y: cut(X[:140], y[:140]), r"batches must be those of the checkpoint, 4 or more; got 2"),
    ],
)
def test_batches_that_differ_from_those_seen_are_refused(path, change, message):
    leave_checkpoint(path)
    with pytest.raises(ValueError, match=message + ".*; delete the checkpoint to begin anew"):
        fit_batches(change(*make_data()), checkpoint=path)


def test_arrays_that_differ_from_those_seen_are_refused(path, tmp_path, small_blocks):
    X, y = make_data()
    failing = y.copy()
    failing[300] = np.nan
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="row 300"):
        fit_array(mapped, failing, checkpoint=path)
    with pytest.raises(ValueError, match="of another fit, with X"):
        fit_array(X[:400], y[:400], checkpoint=path)
    with pytest.raises(ValueError, match="X and y must be those of the checkpoint; got other values in rows 0 to 47"):
        fit_array(mapped, y + 1, checkpoint=path)
    os.utime(tmp_path / "X.npy", ns=(1, 1))
    with pytest.raises(ValueError, match="of another fit, with X"):
        fit_array(mapped, y, checkpoint=path)


def test_the_state_is_saved_every_few_seconds(path, monkeypatch):
    times = []

    def watch():
        for batch in cut(*make_data()):
            times.append(path.stat().st_mtime_ns if path.exists() else 0)
            yield batch

    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 0)
    fit_batches(watch(), checkpoint=path, **SETTINGS)
    assert times == sorted(times)
    assert len(set(times)) > 2
    times.clear()
    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 1000)
    fit_batches(watch(), checkpoint=path, **SETTINGS)
    assert set(times) == {0}


def test_a_relative_path_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    leave_checkpoint("here", after=2)
    assert Path("here").exists()
    assert_same_bits(
        fit_batches(cut(*make_data()), checkpoint=Path("here"), **SETTINGS), fit_batches(cut(*make_data()), **SETTINGS)
    )


# ---- a checkpoint of other rows, weights or batches


ROWS = [(np.arange(80.0).reshape(40, 2) % 7 + k, np.arange(40.0) % 5 - k, np.linspace(1, 2, 40)) for k in range(4)]


@pytest.mark.parametrize("changed", ["a row inside", "weights", "no weights"])
def test_changed_values_and_weights_are_refused(tmp_path, changed):
    path = tmp_path / "checkpoint"
    with pytest.raises(CutShortError):
        fit_batches(cut_short(ROWS, 2), checkpoint=path)
    X, y, weights = (array.copy() for array in ROWS[1])
    X[20] += changed == "a row inside"
    other = (X, y) if changed == "no weights" else (X, y, weights[::-1] if changed == "weights" else weights)
    with pytest.raises(ValueError, match=r"batch 1 \(counted from 0\): expected the batch of the checkpoint"):
        fit_batches([ROWS[0], other, *ROWS[2:]], checkpoint=path)
    result = fit_batches(ROWS, checkpoint=path)
    np.testing.assert_array_equal(result.weights, fit_batches(ROWS).weights)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_that_are_cut_into_other_batches_are_refused(tmp_path, monkeypatch, kind):
    pa = pytest.importorskip("pyarrow", reason="files need pyarrow, an extra")
    pq, csv = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.csv")
    from fastgd.files import csv_blocks
    from fastgd.streaming import columns, files

    generator = np.random.default_rng(0)
    table = pa.table({"a": generator.standard_normal(4000), "y": generator.standard_normal(4000)})
    data, path = tmp_path / f"data.{kind}", tmp_path / "checkpoint"
    (pq.write_table if kind == "parquet" else csv.write_csv)(table, data)
    monkeypatch.setattr(columns, "BATCH_BYTES", 300 * 16)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 14)
    batches_after = files.FileBatchSource.batches_after
    with monkeypatch.context() as patch:
        patch.setattr(files.FileBatchSource, "batches_after", lambda *given: cut_short(batches_after(*given), 3))
        with pytest.raises(CutShortError):
            files.fit_files(data, "y", checkpoint=path)
    assert path.exists()
    with monkeypatch.context() as patch:
        patch.setattr(columns, "BATCH_BYTES", 700 * 16)
        patch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 15)
        with pytest.raises(ValueError, match="the checkpoint is of another fit, with reader"):
            files.fit_files(data, "y", checkpoint=path)
    assert files.fit_files(data, "y", checkpoint=path).n_samples == 4000


def test_a_checkpoint_that_ends_inside_a_batch_is_refused():
    from fastgd.streaming.columns import check_boundary

    check_boundary("a.csv", 0, 300, 300)
    check_boundary("a.csv", 300, 300, 300)
    with pytest.raises(ValueError, match="ends at row 301, inside a batch of rows 300 to 599"):
        check_boundary("a.csv", 300, 301, 300)
