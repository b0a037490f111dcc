"""Ctrl-C at random moments of a command: how many tries end as they should, and how fast.

    python tests/reliability/ctrl_c.py [--tries 100]

Each try starts a command and interrupts it at a random moment: while Python imports, reads, sums or writes. It must end
with the exit code 130 and one line of a message. The file of `--out` is then as it was, or complete, with no other one
beside it.
A fit with a checkpoint goes on in the next try, and ends with the same bits as an undisturbed one. A command that has
done its work before its Ctrl-C is no try. The moments begin when Python calls the entry point of fastgd.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROWS = 1_500_000
LONGEST = 60.0  # seconds after which a command that does not answer is killed
OLD = "an old file\n"
# The checkpoints, and their lock files, which lock nobody out when their process has ended.
KEPT = {f"kept.{kind}{end}" for kind in ("csv", "parquet") for end in ("", ".lock")}
ANSWER = re.compile(r"fastgd: interrupted( after \d+ epochs?; no model saved)?\n")
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores Ctrl-C
from fastgd.__main__ import main
print("ready", file=sys.stderr, flush=True)
sys.exit(main())
"""
COMMANDS = {
    "CSV in parts": "fit a.csv --target y --quiet --checkpoint kept.csv --out out",
    "Parquet": "fit a.parquet --target y --quiet --checkpoint kept.parquet --out out",
    "CSV, whole": "fit a.csv --target y --compress no --out out",
    "a pipe": "fit - --target y --quiet --out out",
    "a pipe that stalls": "fit - --target y --quiet --out out",
    "predictions": "predict model.json a.csv --out out",
}


class Try(NamedTuple):
    """A command that was interrupted, or has ended before: its faults, and the seconds that its answer took."""

    faults: list[str]
    seconds: float


def write_data(folder: Path, rows: int = ROWS) -> None:
    """Write the same rows as CSV and as Parquet, and a model that predicts them."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv, parquet

    from fastgd.files.model import Model, save

    X = np.random.default_rng(3).standard_normal((rows, 2))
    table = pa.table({"a": X[:, 0], "b": X[:, 1], "y": 1 + X @ [2.0, 3.0]})
    csv.write_csv(table, folder / "a.csv")
    parquet.write_table(table, folder / "a.parquet", row_group_size=20_000)
    save(Model("y", ["a", "b"], 0.5, [2.0, 3.0]), folder / "model.json")


@contextmanager
def open_input(folder: Path, kind: str) -> Iterator[int]:
    """Open the standard input of a command: a pipe that another program fills, or nothing."""
    if kind == "a pipe":
        with subprocess.Popen(["cat", "a.csv"], cwd=folder, stdout=subprocess.PIPE) as feeder:
            assert feeder.stdout is not None
            yield feeder.stdout.fileno()
            feeder.stdout.close()  # else the feeder would wait for ever
        return
    source, end = os.pipe()
    try:
        os.write(end, b"a,b,y\n1,2,3\n2,1,")
        if kind != "a pipe that stalls":
            os.close(end)
        yield source
    finally:
        os.close(source)
        if kind == "a pipe that stalls":
            os.close(end)


def run(folder: Path, kind: str, moment: float | None = None) -> tuple[int | None, str, float]:
    """Run a command, and interrupt it after some seconds; return its exit code, its messages, and the seconds it took.

    With a moment, these are the seconds from the Ctrl-C on; the code is None if the command had ended before.
    """
    words = [sys.executable, "-c", START, *COMMANDS[kind].split()]
    with (
        open_input(folder, kind) as source,
        subprocess.Popen(
            words, cwd=folder, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        first, begin, ended = process.stderr.readline(), time.monotonic(), False
        if moment is not None:
            time.sleep(moment)
            ended, begin = process.poll() is not None, time.monotonic()
            process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
    assert first == "ready\n", first + errors
    return None if ended else process.returncode, errors, time.monotonic() - begin


def interrupt(folder: Path, kind: str, moment: float, result: bytes) -> Try | None:
    """Interrupt a command at a moment; return None if it ended before, with the right result."""
    (folder / "out").write_text(OLD)
    before = {*os.listdir(folder)}
    code, errors, seconds = run(folder, kind, moment)
    written = (folder / "out").read_bytes()
    if code in (None, 0) and written == result:
        return None
    faults = [] if code == 130 and ANSWER.fullmatch(errors) else [f"exit code {code}: {errors}"]
    if written not in (OLD.encode(), result):  # a complete result may be in place before the Ctrl-C
        faults.append(f"the old file was changed to {written[:40]!r}")
    more = {*os.listdir(folder)} - before - KEPT
    if more:
        faults.append(f"left {sorted(more)}")
    return Try(faults, seconds)


def try_kind(folder: Path, kind: str, tries: int, chance: random.Random) -> list[Try]:
    """Interrupt a command this many times; then let it go on to its end, to the same bits."""
    result, longest = b"", 1.0
    if kind != "a pipe that stalls":
        code, errors, longest = run(folder, kind)
        assert code == 0, errors
        result = (folder / "out").read_bytes()
    found: list[Try] = []
    while len(found) < tries:
        one = interrupt(folder, kind, chance.uniform(0, longest), result)
        if one is not None:
            found.append(one)
    if "--checkpoint" in COMMANDS[kind]:
        code, errors, _ = run(folder, kind)
        if code != 0 or (folder / "out").read_bytes() != result:
            found[-1].faults.append(f"the fit did not go on to the same bits: {errors}")
    return found


def main() -> None:
    """Print how many tries of each kind were answered, how fast, and what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=100, help="of each kind")
    parser.add_argument("--kinds", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        for kind in options.kinds:
            tries = try_kind(Path(folder), kind, options.tries, random.Random(options.seed))
            good = sum(not one.faults for one in tries)
            fast = sum(one.seconds <= 1 for one in tries)
            slowest = max(one.seconds for one in tries)
            print(f"{kind}: {good} of {len(tries)} answered, {fast} within a second, the slowest in {slowest:.2f} s")
            for one in tries:
                for fault in one.faults:
                    print(f"  {fault}")


if __name__ == "__main__":
    main()
