"""Mutate signed checkpoints: each must be refused by one error, or give a state of the same fit.

Also fill a small disk, if a file system may be mounted here, and add parts of any weight to compressors in any order.
"""

import json
import os
import random
import subprocess
import sys
import warnings
from contextlib import suppress
from copy import deepcopy
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from oracle import solve_exactly
from test_streaming import SETTINGS, cut, make_data

import fastgd
from fastgd.streaming import array, checkpoint, fit_array, fit_batches, saved_state
from fastgd.streaming.checkpoint import REMEDY, Checkpoint

VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 5, 6, 7, 10**6, 2**31, 2**63, -(2**63), 10**30, 0.0, 1.0, -1.5, 1e308, 1e-320,
    float("nan"), float("inf"), "", "qr", "gram", "auto", "x" * 3000, "\x1b[2J", [], [0], [[]], {}, {"a": 1},
]  # fmt: skip
LARGEST_ERROR = 1e-13  # of predictions, relative to y
NUMBERS = [0, 1, -1, 2**31, 2**62, 2**63 - 1, -(2**63), 0x7FF0000000000000, 0x7FF8000000000001, 0x0000000000000001]


def attack(tally, rounds=10_000, seed=0):
    """Try `rounds` mutations, a full disk, and a hundredth as many orders of parts."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fit.checkpoint"
        fits = [leave(path, kind) for kind in ("batches", "array", "weightless")]
        loaded = sum(mutate(tally, path, *chance.choice(fits), chance) for _ in range(rounds))
        print(f"checkpoints: {rounds:,} mutations, {loaded:,} of them give a valid state")
        fill_disk(tally, Path(folder))
    for number in range(rounds // 100):
        add_in_any_order(tally, chance, number)


# ---- mutations


def leave(path, kind):
    """Return the header, the arrays, the identity and the columns of the checkpoint of a fit that ended early."""
    X, y = make_data()
    batches, known = [], []
    original = Checkpoint.load

    def spy(self, n_features=None, n_targets=1):
        known.append((self.identity, n_features))
        return original(self, n_features, n_targets)

    with patch.object(Checkpoint, "load", spy), patch.object(array, "BLOCK_BYTES", 1):
        try:
            if kind == "array":
                y[-1] = np.nan
                fit_array(X, y, checkpoint=path)
            else:
                weights = np.full(len(y), float(kind == "batches"))
                batches = [*list(cut(X, y, weights))[:4], None]
                fit_batches(batches, checkpoint=path)
        except (ValueError, TypeError):
            pass
    line, _, arrays = path.read_bytes()[saved_state.START :].partition(b"\n")
    path.unlink()
    return (json.loads(line), arrays, *known[0])


def mutate(tally, path, header, arrays, identity, n_features, chance):
    """Change a checkpoint at random, sign it, and load it; return True if it gives a state."""
    line = json.dumps(change_header(header, chance) if chance.random() < 0.6 else header).encode()
    if chance.random() < 0.15:
        line = change_bytes(line, chance)
    if chance.random() < 0.5:
        arrays = change_arrays(arrays, chance)
    body = line + b"\n" + arrays
    path.write_bytes(saved_state.MAGIC + sha256(body).hexdigest().encode() + b"\n" + body)
    case = f"header {line[:300]!r}, {len(arrays)} bytes of arrays"
    try:
        state = Checkpoint(path, identity).load(n_features)
    except ValueError as error:
        held = str(error).startswith(f"{path}: ") and str(error).endswith(REMEDY)
        tally.check(held and str(error).isprintable(), f"{case}: {error!r}")
        return False
    except Exception as error:  # any other error is the fault that is searched for
        tally.check(False, f"{case}: {error!r}")
        return False
    tally.check(is_state(state, n_features), f"{case}: a state that no pass saves")
    return True


def change_header(header, chance):
    """Return a copy of the header with a few values changed, removed or added, at any depth."""
    copy = json.loads(json.dumps(header))
    for _ in range(chance.randint(1, 2)):
        inner = copy
        while True:
            places = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not places:
                break
            place = chance.choice(places)
            if isinstance(inner[place], dict | list) and chance.random() < 0.7:
                inner = inner[place]
                continue
            if chance.random() < 0.15:
                del inner[place]
            else:
                inner[place] = nest(deepcopy(chance.choice(VALUES)), chance)  # a later change may reach into it
            break
    if chance.random() < 0.05:
        copy[chance.choice(["arrays", "code", ""])] = deepcopy(chance.choice(VALUES))
    return copy


def nest(value, chance):
    """Return the value, in rare cases deep in lists."""
    for _ in range(chance.choice([0] * 20 + [3, 300])):
        value = [value]
    return value


def change_bytes(line, chance):
    """Return the line with bytes replaced, removed, repeated, or so many brackets that a parser gives up."""
    start = chance.randrange(len(line))
    stop = min(len(line), start + chance.randrange(8))
    new = chance.choice([b"", bytes([chance.randrange(256)]), line[start:stop] * 3, b"[" * 100_000, b"9" * 5000, b"\n"])
    return line[:start] + new + line[stop:]


def change_arrays(arrays, chance):
    """Return the bytes of the arrays with a number replaced, cut off, or with more bytes."""
    kind = chance.randrange(4)
    if kind == 0:
        return arrays[: chance.randrange(len(arrays) + 1)]
    if kind == 1:
        return arrays + bytes(chance.choice([1, 7, 8, 24, 8000]))
    place = 8 * chance.randrange(len(arrays) // 8)
    number = chance.choice(NUMBERS) if kind == 2 else chance.getrandbits(64)
    return arrays[:place] + (number % (1 << 64)).to_bytes(8, "little") + arrays[place + 8 :]


def is_state(state, n_features):
    """Return True if a pass may go on from a state."""
    if state.method not in ("gram", "qr") or len(state.log) != state.batches or state.skipped < 0:
        return False
    if any(type(value) is not int or value < 0 for record in state.seen for value in record):
        return False
    moments = state.moments
    if moments is None:
        return True
    size = moments.n_features + 2
    fits = n_features in (None, moments.n_features) and moments.matrix.shape[1] == size and len(moments.matrix) <= size
    finite = np.isfinite(moments.matrix).all() and np.isfinite(moments.shift).all() and np.isfinite(moments.total)
    return bool(fits and finite and moments.total > 0 and 0 < moments.n_samples <= state.rows)


# ---- a full disk


def fill_disk(tally, folder):
    """Fit with a checkpoint on a disk of 64 KB, full from the beginning or from the third save on."""
    disk = folder / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        print("checkpoints: no file system may be mounted here; the full disk is left out")
        return
    try:
        expected = fit_batches(cut(*make_data()), **SETTINGS).weights
        for full in (0, 3):
            with warnings.catch_warnings(record=True) as caught, patch.object(checkpoint, "SAVE_SECONDS", 0):
                warnings.simplefilter("always")
                result = fit_batches(filling(disk / "filler", full), checkpoint=disk / "fit.checkpoint", **SETTINGS)
            tally.check(np.array_equal(result.weights, expected), "another answer on a full disk")
            tally.check(["could not be saved" in str(warning.message) for warning in caught] == [True], "one warning")
            tally.check(os.listdir(disk) == ["filler"], f"files left on a full disk: {os.listdir(disk)}")
            (disk / "filler").unlink()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def filling(filler, after):
    """Yield the batches, and fill the disk after some of them."""
    for number, batch in enumerate(cut(*make_data())):
        if number == after:
            with open(filler, "wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
        yield batch


# ---- compressors


def add_in_any_order(tally, chance, number):
    """Add parts of weights between 1e-12 and 1e12, some of them far away, in three orders; compare with fractions."""
    generator = np.random.default_rng(chance.getrandbits(32))
    parts = []
    for _ in range(chance.randint(2, 6)):
        far = chance.choice([0.0, 0.0, 1.0, 1e3, 1e6, 1e8])
        rows = generator.integers(-64, 64, (chance.randint(3, 12), 2)) / 64 + far
        target = rows @ [2.0, -1.0] + generator.integers(-64, 64, len(rows)) / 64
        parts.append((rows, target, np.full(len(rows), 4.0 ** chance.randint(-20, 20))))
    rows, target, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    roots = np.sqrt(weights)
    ones = np.column_stack([np.ones(len(rows)), rows])
    exact = solve_exactly(ones * roots[:, np.newaxis], target * roots, fit_intercept=False)
    if exact is None:
        return
    errors = []
    for _ in range(3):
        compressor = fastgd.Compressor()
        for part in chance.sample(parts, len(parts)):
            if chance.random() < 0.5:
                compressor.add(*part)
            else:
                other = fastgd.Compressor()
                other.add(*part)
                compressor.merge(other)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = fastgd.gradient_descent(compressor).weights
        errors.append(find_error(rows, target, weights, found, exact))
    tally.check(max(errors) <= LARGEST_ERROR, f"parts {number}: predictions are off by {max(errors):.1e} of their size")


def find_error(rows, target, weights, found, exact):
    """Return the weighted norm of the errors of the predictions, relative to that of y, without rounding."""
    change = [Fraction(value) - other for value, other in zip(found.tolist(), exact, strict=True)]
    errors = size = Fraction(0)
    for row, value, weight in zip(rows.tolist(), target.tolist(), weights.tolist(), strict=True):
        step = change[0] + sum((a * Fraction(b) for a, b in zip(change[1:], row, strict=True)), Fraction(0))
        errors += Fraction(weight) * step * step
        size += Fraction(weight) * Fraction(value) ** 2
    return float(errors / size) ** 0.5
