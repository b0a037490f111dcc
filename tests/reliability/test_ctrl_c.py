"""Ctrl-C at random moments of a command: `ctrl_c.py`, a few times."""

import os
import random

import pytest
from ctrl_c import COMMANDS, try_kind, write_data

pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")
if os.name != "posix":
    pytest.skip("the tests send a signal of POSIX", allow_module_level=True)


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize(("rows", "tries"), [(50_000, 2), pytest.param(1_000_000, 15, marks=pytest.mark.slow)])
def test_each_ctrl_c_is_answered(tmp_path, kind, rows, tries):
    write_data(tmp_path, rows)
    found = try_kind(tmp_path, kind, tries, random.Random(rows))
    assert [one.faults for one in found if one.faults] == []
    assert len(found) == tries
