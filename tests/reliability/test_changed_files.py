"""A file that changes between the look at all files and its turn, or while it is read, is refused by its name."""

import os

import numpy as np
import pytest

from fastgd.files import csv, csv_blocks, opening
from fastgd.files.opening import open_unchanged, state_of
from fastgd.streaming import columns, files, fit_files
from fastgd.streaming.choosing import Request

pa = pytest.importorskip("pyarrow", reason="files in parts need pyarrow, an extra")
parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow, an extra")
ROWS = np.random.default_rng(0).integers(0, 99, (300, 2)).astype(float)
LONG_AGO = (1, 1)  # an edit within a tick of the clock after the last one cannot be seen


@pytest.fixture(params=[".csv", ".parquet"])
def paths(request, tmp_path, monkeypatch):
    """Return the paths of three files, each of which is read in several batches."""
    monkeypatch.setattr(columns, "BATCH_BYTES", 40 * 16)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 200)
    found = [tmp_path / f"{name}{request.param}" for name in "abc"]
    for path in found:
        write(path, ["x", "y"])
    return found


def write(path, names):
    """Write the rows under these names."""
    if path.suffix == ".csv":
        np.savetxt(path, ROWS, "%02.0f", ",", header=",".join(names), comments="")
    else:
        parquet.write_table(pa.table(dict(zip(names, ROWS.T, strict=True))), path, row_group_size=100)
    os.utime(path, LONG_AGO)


def replace(path):
    """Move another file of the same size to the path, with its columns in the other order."""
    other = path.with_name(f"other{path.suffix}")
    write(other, ["y", "x"])
    os.replace(other, path)


def rewrite(path):
    """Write the columns in the other order into the file, whose size stays."""
    content = path.read_bytes()
    replace(other := path.with_name(f"new{path.suffix}"))
    swapped = other.read_bytes()
    other.unlink()
    assert len(swapped) == len(content)
    with path.open("r+b") as file:
        file.write(swapped)


def append(path):
    with path.open("ab") as file:
        file.write(b"1,2\n" * 300)


def truncate(path):
    os.truncate(path, path.stat().st_size * 2 // 3 // 6 * 6)


def delete(path):
    path.unlink()


CHANGES = {
    replace: "another file stands in its place",
    rewrite: "it was written to",
    append: r"it had [\d,]+ bytes, now it has [\d,]+",
    truncate: r"it had [\d,]+ bytes, now it has [\d,]+",
    delete: "No such file or directory",
}


def change_after(monkeypatch, number, change, path):
    """Change a file after this many batches of a pass."""
    batches_after = files.FileBatchSource.batches_after

    def read(self, seen):
        if number == 0:
            change(path)
        for count, batch in enumerate(batches_after(self, seen), 1):
            yield batch
            if count == number:
                change(path)

    monkeypatch.setattr(files.FileBatchSource, "batches_after", read)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("which", [0, 2])
def test_a_file_that_changes_before_its_turn_is_named(paths, monkeypatch, change, which):
    change_after(monkeypatch, 0 if which == 0 else 3, change, paths[which])
    changed = rf"{paths[which].name}: the file changed while it was in use: {CHANGES[change]}; try again when it is"
    with pytest.raises(ValueError, match=changed):
        fit_files(paths, "y")


@pytest.mark.parametrize("change", [rewrite, append, truncate])
def test_a_file_that_changes_while_it_is_read_is_named(paths, monkeypatch, change):
    change_after(monkeypatch, 2, change, paths[0])
    with pytest.raises(ValueError, match=rf"{paths[0].name}: the file changed while it was in use: {CHANGES[change]}"):
        fit_files(paths, "y")


@pytest.mark.parametrize("change", [replace, delete])
@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the names of open files")
def test_a_file_whose_name_is_gone_is_read_to_its_end(paths, monkeypatch, change):
    expected = fit_files(paths, "y", method="gram")  # in one pass
    change_after(monkeypatch, 2, change, paths[0])
    assert fit_files(paths, "y", method="gram").weights.tobytes() == expected.weights.tobytes()


def test_a_file_that_changes_before_the_second_pass_is_named(paths, monkeypatch):
    monkeypatch.setattr("fastgd.streaming.passes.choose_method_for", lambda *given: "qr")
    assert fit_files(paths, "y").method == "qr"
    last = 3 * len(list(files.FileBatchSource(list(map(str, paths[:1])), Request("y")).batches_after([])))
    change_after(monkeypatch, last, replace, paths[1])
    with pytest.raises(ValueError, match=rf"{paths[1].name}: the file changed while it was in use: another file"):
        fit_files(paths, "y")


def test_a_file_that_changed_leaves_a_checkpoint_that_is_refused(paths, monkeypatch, tmp_path):
    kept = tmp_path / "checkpoint"
    with monkeypatch.context() as patch:
        change_after(patch, 2, append, paths[0])
        with pytest.raises(ValueError, match="the file changed while it was in use"):
            fit_files(paths, "y", checkpoint=kept)
    write(paths[0], ["x", "y"])
    os.utime(paths[0])
    with pytest.raises(ValueError, match="the checkpoint is of another fit, with files"):
        fit_files(paths, "y", checkpoint=kept)


def test_a_checkpoint_of_unchanged_files_goes_on_where_another_inode_has_them(paths, monkeypatch, tmp_path):
    kept, expected = tmp_path / "checkpoint", fit_files(paths, "y")
    with monkeypatch.context() as patch:
        change_after(patch, 5, delete, tmp_path / "missing")
        with pytest.raises(FileNotFoundError):
            fit_files(paths, "y", checkpoint=kept)
    assert kept.exists()
    for path in paths:  # as after a copy to another disk
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        os.utime(path, LONG_AGO)
    result = fit_files(paths, "y", checkpoint=kept)
    assert result.weights.tobytes() == expected.weights.tobytes()


def test_a_csv_file_that_changes_while_it_is_read_whole_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    write(path, ["x", "y"])
    read_names = csv.read_names

    def change_and_read(*given):
        append(path)
        return read_names(*given)

    monkeypatch.setattr(csv, "read_names", change_and_read)
    with pytest.raises(ValueError, match=r"a\.csv: the file changed while it was in use: it had"):
        csv.read_csv(path)


def test_an_error_of_reading_gives_way_to_the_change_that_caused_it(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    with opening.open_regular(path) as file:
        state = state_of(file)
    with pytest.raises(ValueError, match="no table"), open_unchanged(path, state):
        raise ValueError("no table")
    with pytest.raises(ValueError, match="the file changed"):
        append_and_fail(path, state)


def append_and_fail(path, state):
    with open_unchanged(path, state):
        append(path)
        raise ValueError("no table")
