"""A file that keeps the state of a pass, so that the fit can resume after its process was killed.

Each save writes a new file to the disk, which then replaces the old one: the file is complete at any moment. A checksum
covers the content; numbers keep all their bits; loading runs no code, as loading a pickle would.

The file holds a line ``fastgd checkpoint 2 SHA256``, where SHA256 is the checksum of the rest; a line of JSON; the
arrays.
"""

import json
import os
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from reprlib import repr as shorten
from time import monotonic
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.moments import Moments
from fastgd.streaming.source import SeenBatch
from fastgd.streaming.sums import State

SAVE_SECONDS = 5.0  # the least time between two saves during a pass
MAGIC = b"fastgd checkpoint 2 "
DIGEST = 64  # the length of the checksum, in characters
REMEDY = "delete it to begin anew, or name another file"


class Checkpoint:
    """The checkpoint of a pass; without a path, it keeps nothing.

    The identity describes the data and their sums, as plain values for JSON: a checkpoint of others is refused.
    """

    def __init__(self, path: Path | None, identity: dict[str, Any]) -> None:
        self.path = path
        self.identity = identity
        self.saved = monotonic()

    def load(self) -> State | None:
        """Return the state that an earlier run has saved; None if there is no file. Refuse a file of another fit."""
        if self.path is None or not self.path.exists():
            return None
        content = self.path.read_bytes()
        if not content.startswith(MAGIC):
            raise ValueError(f"{self.path}: expected a checkpoint of this version of fastgd; {REMEDY}")
        digest, body = content[len(MAGIC) : len(MAGIC) + DIGEST], content[len(MAGIC) + DIGEST :]
        if sha256(body).hexdigest().encode() != digest:
            raise ValueError(f"{self.path}: the checkpoint is damaged, its checksum is wrong; {REMEDY}")
        line, _, arrays = body[1:].partition(b"\n")
        header = json.loads(line)
        self.check_identity(header["identity"])
        return unpack_state(header, arrays)

    def check_identity(self, found: dict[str, Any]) -> None:
        """Refuse a checkpoint of another fit, and name the first difference."""
        wanted = json.loads(json.dumps(self.identity))  # JSON turns tuples into lists
        for name in sorted(wanted.keys() | found.keys()):
            before, now = found.get(name), wanted.get(name)
            if before != now:
                if isinstance(before, list) and isinstance(now, list):  # show the first entries that differ
                    before, now = next(pair for pair in zip_longest(before, now) if pair[0] != pair[1])
                raise ValueError(
                    f"{self.path}: the checkpoint is of another fit, with {name} {shorten(before)}; got "
                    f"{shorten(now)}; {REMEDY}"
                )

    def save_if_due(self, state: State) -> None:
        """Save the state if the last save was long enough ago."""
        if self.path is not None and monotonic() - self.saved >= SAVE_SECONDS:
            self.save(state)

    def save(self, state: State) -> None:
        """Write the state to a new file, then replace the old one by it."""
        if self.path is None or not state.batches:
            return
        body = b"\n" + pack_state(self.identity, state)
        new = self.path.with_name(self.path.name + ".new")
        with open(new, "wb") as file:
            file.write(MAGIC + sha256(body).hexdigest().encode() + body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)
        sync_folder(self.path.parent)
        self.saved = monotonic()

    def remove(self) -> None:
        """Remove the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, on systems that offer this."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def pack_state(identity: dict[str, Any], state: State) -> bytes:
    """Return a state as a line of JSON and the bytes of its arrays."""
    arrays = [np.array(state.seen, dtype="<i8").reshape(-1, len(SeenBatch._fields))]
    if state.moments is not None:
        moments = state.moments
        counts = np.array([moments.total, moments.n_samples])
        arrays += [np.asarray(array, "<f8") for array in (moments.shift, counts, moments.matrix)]
    header = {
        "identity": identity,
        "method": state.method,
        "skipped": state.skipped,
        "arrays": [(array.dtype.str, array.shape) for array in arrays],
    }
    return json.dumps(header).encode() + b"\n" + b"".join(array.tobytes() for array in arrays)


def unpack_state(header: dict[str, Any], content: bytes) -> State:
    """Return the state from the header and the bytes of the arrays."""
    arrays: list[Array] = []
    start = 0
    for dtype, shape in header["arrays"]:
        count = int(np.prod(shape))
        array = np.frombuffer(content, dtype, count, start).reshape(shape)
        arrays.append(array.astype(array.dtype.newbyteorder("=")))
        start += array.nbytes
    log = [SeenBatch(*entry) for entry in arrays[0].tolist()]
    moments = Moments(arrays[1], float(arrays[2][0]), int(arrays[2][1]), arrays[3], 1) if len(arrays) > 1 else None
    return State(header["method"], moments, header["skipped"], len(log), log)
