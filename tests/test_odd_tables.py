"""Odd CSV files give the same answer or the same error by every reader: `benchmarks/extras/files_and_frames.py`."""

# ruff: noqa: E402  (the script stands in benchmarks/, which an installation lacks)

import sys
from pathlib import Path

import pytest

for module in ("pandas", "polars", "pyarrow"):
    pytest.importorskip(module, reason=f"the script needs {module}")
FOLDER = Path(__file__).parents[1] / "benchmarks" / "extras"
if not FOLDER.is_dir():
    pytest.skip("an installation has no benchmarks", allow_module_level=True)
sys.path.append(str(FOLDER))

import files_and_frames as script

REFUSED_ROWS = {
    "a short row": "got 2",
    "a long row": "got 4",
    "no names": "got the numbers",
    "semicolons": "--delimiter ';'",
}


@pytest.mark.parametrize("name", script.ODD)
def test_all_readers_give_the_same_answer(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    text, *options = script.ODD[name]
    code, expected = script.fit_odd("whole", text, options)
    assert code in (0, 2, 3)
    for reader in script.READERS:
        assert script.fit_odd(reader, text, options) == (code, expected), reader
    if name in REFUSED_ROWS:
        assert REFUSED_ROWS[name] in expected
    if name in ("plain", "lines of Windows", "UTF-16, named", "semicolons, named", "decimal commas, named"):
        features, numbers, errors = expected
        assert (features, numbers[-1], errors) == (["a", "b"], 5, "")
