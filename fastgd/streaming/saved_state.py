"""The format of a checkpoint: the state of a pass as bytes, and back.

A line ``fastgd checkpoint 5 SHA256``, where SHA256 is the checksum of the rest; a line of JSON, the header; the arrays,
whose shapes follow from the header. Numbers keep all their bits, and loading runs no code, as loading a pickle would.

A file may be damaged, or be made by somebody else. So everything is checked before it is used, and sizes before memory
is taken; an error is a ValueError that says what is wrong.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite, prod
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.words import printable, quote
from fastgd.problem.moments import Moments, are_sums_by
from fastgd.streaming.source import SeenBatch
from fastgd.streaming.sums import State

MAGIC = b"fastgd checkpoint 5 "
DIGEST = 64  # the length of the checksum, in characters
START = len(MAGIC) + DIGEST + 1  # the length of the first line
# The fields of the header, and of its sums (null before the first row of positive weight), with their types.
FIELDS = {"identity": (dict,), "method": (str,), "skipped": (int,), "batches": (int,), "sums": (dict, type(None))}
SUMS = {"total": (float,), "n_samples": (int,), "n_features": (int,), "n_targets": (int,), "rows": (int,)}
# Bounds of what is read into memory where the data do not give a closer one: 3 GB of records, 34 GB of sums.
MOST_BATCHES = 1 << 27
MOST_FEATURES = 1 << 16
SPARE_HEADER = 1 << 16  # bytes of a header beside its identity
PIECE = 1 << 20  # bytes of a piece that is read for the checksum alone


class Shapes(NamedTuple):
    """The shapes of the arrays of a checkpoint: the records of the batches, the shift and the matrix of the sums."""

    seen: tuple[int, int]
    shift: tuple[int]
    matrix: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays, whose numbers have 8 bytes each."""
        return 8 * (self.seen[0] * self.seen[1] + self.shift[0] + self.matrix[0] * self.matrix[1])


def pack_state(identity: dict[str, Any], state: State) -> list[Any]:
    """Return the content of a checkpoint in pieces, each of them bytes; arrays are not copied."""
    moments, sums, arrays = state.moments, None, [np.array(state.seen, "<i8").reshape(-1, len(SeenBatch._fields))]
    if moments is not None:
        sums = {
            "total": float(moments.total),
            "n_samples": moments.n_samples,
            "n_features": moments.n_features,
            "n_targets": moments.n_targets,
            "rows": len(moments.matrix),
        }
        arrays += [np.ascontiguousarray(array, "<f8") for array in (moments.shift, moments.matrix)]
    header = {"identity": identity, "method": state.method, "skipped": state.skipped, "batches": state.batches}
    body: list[Any] = [
        json.dumps(header | {"sums": sums}).encode() + b"\n",
        *(array.data for array in arrays if array.size),
    ]
    digest = sha256()
    for piece in body:
        digest.update(piece)
    return [MAGIC, digest.hexdigest().encode(), b"\n", *body]


def unpack_state(file: BinaryIO, size: int, identity: dict[str, Any], columns: tuple[int | None, int]) -> State:
    """Return the state in a file of the given size; refuse a file of another fit, and one that is damaged.

    `columns` are the numbers of columns of X and y, if that of X is known.
    """
    start = file.read(START)
    if not start.startswith(MAGIC):
        raise ValueError("expected a checkpoint of this version of fastgd")
    longest = 2 * len(json.dumps(identity)) + SPARE_HEADER
    line = file.readline(longest)
    if not line.endswith(b"\n"):
        refuse_damage(f"its header does not end within {longest:,} bytes")
    header = parse_header(line)
    shapes = find_shapes(header)
    if START + len(line) + shapes.nbytes != size:
        refuse_damage(f"it has {size:,} bytes instead of {START + len(line) + shapes.nbytes:,}")
    digest = sha256(line)
    while piece := file.read(PIECE):
        digest.update(piece)
    if start != MAGIC + digest.hexdigest().encode() + b"\n":
        refuse_damage("its checksum is wrong")
    check_identity(header["identity"], identity)
    if columns[0] is not None and header["sums"] is not None:
        for name, noun, number in zip(("n_features", "n_targets"), ("columns", "targets"), columns, strict=True):
            if header["sums"][name] != number:
                refuse_damage(f"its sums have {header['sums'][name]} {noun} instead of {number}")
    file.seek(START + len(line))
    return make_state(header, read_arrays(file, shapes))


def refuse_damage(reason: str) -> NoReturn:
    """Raise the error of a damaged checkpoint."""
    raise ValueError(f"the checkpoint is damaged: {reason}")


def parse_header(line: bytes) -> dict[str, Any]:
    """Return the header; its fields have the right types, and values that are possible."""
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        refuse_damage("its header is no JSON")
    check_fields(header, FIELDS)
    sums, gram = header["sums"], header["method"] == "gram"
    possible = gram or header["method"] == "qr"
    possible = possible and header["skipped"] >= 0 and 0 < header["batches"] <= MOST_BATCHES
    if sums is not None:
        check_fields(sums, SUMS)
        size, k = sums["n_features"] + 2, sums["n_targets"]
        possible = (
            possible
            and 0 < k <= MOST_FEATURES
            and 2 < size <= MOST_FEATURES + 2
            and (size if gram else 1) <= sums["rows"] <= size
        )
        possible = possible and sums["n_samples"] > 0 and sums["total"] > 0 and isfinite(sums["total"])
    if not possible:
        refuse_damage("its header has impossible values")
    return header


def check_fields(values: Any, kinds: Mapping[str, tuple[type, ...]]) -> None:
    """Refuse anything but an object of JSON with these fields, of these types: true is no integer here."""
    if type(values) is not dict or values.keys() != kinds.keys():
        refuse_damage(f"its header must have the fields {', '.join(kinds)}")
    for name, kind in kinds.items():
        if type(values[name]) not in kind:
            refuse_damage(f"its header has {name} {quote(values[name])}")


def find_shapes(header: dict[str, Any]) -> Shapes:
    """Return the shapes of the arrays that follow a header."""
    sums, seen = header["sums"], (header["batches"], len(SeenBatch._fields))
    if sums is None:
        return Shapes(seen, (0,), (0, 0))
    columns = sums["n_features"] + sums["n_targets"]
    return Shapes(seen, (columns,), (sums["rows"], 1 + columns))


def read_arrays(file: BinaryIO, shapes: Shapes) -> tuple[Array, Array, Array]:
    """Return the records, the shift and the matrix, in the byte order of this machine."""
    seen, shift, matrix = (
        np.frombuffer(file.read(8 * prod(shape)), kind).reshape(shape).astype(kind[1:])
        for shape, kind in zip(shapes, ("<i8", "<f8", "<f8"), strict=True)
    )
    return seen, shift, matrix


def make_state(header: dict[str, Any], arrays: tuple[Array, Array, Array]) -> State:
    """Return the state; refuse arrays that no pass could have saved."""
    seen, shift, matrix = arrays
    sums = header["sums"]
    fitted = 0 if sums is None else sums["n_samples"]
    rows = seen[:, 1].sum(dtype=np.float64)
    possible = seen.min() >= 0 and (np.diff(seen[:, 0]) >= 0).all() and header["skipped"] + fitted <= rows
    moments = None
    if sums is not None:
        moments = Moments(shift, sums["total"], fitted, matrix, sums["n_targets"])
        possible = possible and are_sums(moments, header["method"])
    if not possible:
        refuse_damage("its arrays have impossible values")
    log = [SeenBatch(*entry) for entry in seen.tolist()]
    return State(header["method"], moments, header["skipped"], len(log), log)


def are_sums(moments: Moments, method: str) -> bool:
    """Return True if the matrix may be the Gram matrix, or the R of a QR, of rows of this total weight."""
    matrix = moments.matrix
    if not np.isfinite(moments.shift).all() or not np.isfinite(matrix).all():
        return False
    if method == "qr" and np.tril(matrix, -1).any():
        return False
    return are_sums_by(moments, method)


def check_identity(found: dict[str, Any], identity: dict[str, Any]) -> None:
    """Refuse a checkpoint of another fit, and name the first difference, in the order of the identity."""
    wanted = json.loads(json.dumps(identity))  # JSON turns tuples into lists
    for name in [*wanted, *sorted(found.keys() - wanted.keys())]:
        before, now = found.get(name), wanted.get(name)
        if are_unequal(before, now):
            raise ValueError(f"the checkpoint is of another fit, {describe_difference(printable(name), before, now)}")


def are_unequal(before: Any, now: Any) -> bool:
    """Return True if two values of JSON differ; 1 is not true, and nothing equals values too deep to be compared."""
    try:
        return json.dumps(before, sort_keys=True) != json.dumps(now, sort_keys=True)
    except RecursionError:
        return True


def describe_difference(name: str, before: Any, now: Any) -> str:
    """Return how two values differ: of lists the first entry, of descriptions of files the name and the rest."""
    if isinstance(before, list) and isinstance(now, list):
        pair = next((pair for pair in zip(before, now, strict=False) if are_unequal(*pair)), None)
        if pair is not None:
            return describe_difference(name, *pair)
        if len(now) > len(before):
            return f"without {quote(now[len(before)])} in {name}"
        if len(before) > len(now):
            return f"with {quote(before[len(now)])} in {name} too"
    if isinstance(before, dict) and isinstance(now, dict):
        same = {name for name in before.keys() & now.keys() if not are_unequal(before[name], now[name])} - {"file"}
        before, now = ({name: values[name] for name in values if name not in same} for values in (before, now))
    return f"with {name} {quote(before)}; got {quote(now)}"
