"""A file that says how far a pass has come, so that it can go on after the process was killed.

It is replaced whole, never changed, and ends up on the disk before it takes the place of the one before. A checksum
covers all of it; numbers are kept bit by bit; nothing in it is ever run, as a pickle would be.

The file: a line ``fastgd checkpoint 1 SHA256``, where SHA256 is that of all the rest; a line of JSON; the arrays.
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
from fastgd.streaming.source import Seen
from fastgd.streaming.sums import State

SAVE_SECONDS = 5.0  # between two saves while a pass goes on
MAGIC = b"fastgd checkpoint 1 "
DIGEST = 64  # characters of the checksum
ADVICE = "delete it to begin anew, or name another file"


class Checkpoint:
    """Where a pass is kept; nowhere, if there is no path.

    Parameters
    ----------
    path : Path or None
        The file. One beside it, with ``.new`` at the end of its name, is what is being written.
    identity : dict
        What is being fitted, as plain values for JSON: a checkpoint of anything else is refused.
    """

    def __init__(self, path: Path | None, identity: dict[str, Any]) -> None:
        self.path = path
        self.identity = identity
        self.saved = monotonic()

    def load(self) -> State | None:
        """Return the state that an earlier run has left behind, if there is one.

        Raises
        ------
        ValueError
            If the file is not a whole checkpoint, or one of another fit.
        """
        if self.path is None or not self.path.exists():
            return None
        content = self.path.read_bytes()
        if not content.startswith(MAGIC):
            raise ValueError(f"{self.path}: expected a checkpoint of this version of fastgd; {ADVICE}")
        digest, body = content[len(MAGIC) : len(MAGIC) + DIGEST], content[len(MAGIC) + DIGEST :]
        if sha256(body).hexdigest().encode() != digest:
            raise ValueError(f"{self.path}: the checkpoint is damaged, its checksum is wrong; {ADVICE}")
        line, _, arrays = body[1:].partition(b"\n")
        header = json.loads(line)
        self.check_identity(header["identity"])
        return unpack(header, arrays)

    def check_identity(self, found: dict[str, Any]) -> None:
        """Refuse a checkpoint of another fit, and name what is different."""
        wanted = json.loads(json.dumps(self.identity))  # tuples are lists there
        for name in sorted(wanted.keys() | found.keys()):
            before, now = found.get(name), wanted.get(name)
            if before != now:
                if isinstance(before, list) and isinstance(now, list):  # the first entry that is another
                    before, now = next(pair for pair in zip_longest(before, now) if pair[0] != pair[1])
                raise ValueError(
                    f"{self.path}: the checkpoint is of another fit, with {name} {shorten(before)}; got "
                    f"{shorten(now)}; {ADVICE}"
                )

    def look(self, state: State) -> None:
        """Save the state if the last time was long enough ago."""
        if self.path is not None and monotonic() - self.saved >= SAVE_SECONDS:
            self.save(state)

    def save(self, state: State) -> None:
        """Write the state, so that there is a whole checkpoint at any moment."""
        if self.path is None or not state.batches:
            return
        body = b"\n" + pack(self.identity, state)
        new = self.path.with_name(self.path.name + ".new")
        with open(new, "wb") as file:
            file.write(MAGIC + sha256(body).hexdigest().encode() + body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)
        sync_folder(self.path.parent)
        self.saved = monotonic()

    def remove(self) -> None:
        """Remove the file: what it was kept for is done."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can tell."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def pack(identity: dict[str, Any], state: State) -> bytes:
    """Return a state as a line of JSON and the bytes of its arrays."""
    arrays = [np.array(state.seen, dtype="<i8").reshape(-1, len(Seen._fields))]
    if state.moments is not None:
        moments = state.moments
        arrays += [np.asarray(array, "<f8") for array in (moments.shift, np.array([moments.total]), moments.matrix)]
    header = {
        "identity": identity,
        "method": state.method,
        "skipped": state.skipped,
        "arrays": [(array.dtype.str, array.shape) for array in arrays],
    }
    return json.dumps(header).encode() + b"\n" + b"".join(array.tobytes() for array in arrays)


def unpack(header: dict[str, Any], content: bytes) -> State:
    """Return the state that was packed."""
    arrays: list[Array] = []
    start = 0
    for dtype, shape in header["arrays"]:
        count = int(np.prod(shape))
        array = np.frombuffer(content, dtype, count, start).reshape(shape)
        arrays.append(array.astype(array.dtype.newbyteorder("=")))
        start += array.nbytes
    log = [Seen(*entry) for entry in arrays[0].tolist()]
    moments = Moments(arrays[1], float(arrays[2][0]), arrays[3], 1) if len(arrays) > 1 else None
    return State(header["method"], moments, header["skipped"], len(log), log)
