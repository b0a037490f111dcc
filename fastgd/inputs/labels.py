"""Labels of groups of rows: their distinct values, and the group of each row as a number."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import Array
from fastgd.inputs.masks import check_masked
from fastgd.inputs.words import printable, quote

DENSE = 4  # integers are counted in a table, not sorted, if their range is at most this many times the rows
DIGITS = 1 << 16  # NumPy sorts integers of 16 bits by counting them


def find_groups(labels: ArrayLike, n_samples: int) -> tuple[Array, Array]:
    """Return the distinct labels in ascending order, and the position of each row's label among them.

    Examples
    --------
    >>> from fastgd.inputs.labels import find_groups
    >>> find_groups(["b", "a", "b"], 3)
    (array(['a', 'b'], dtype='<U1'), array([1, 0, 1]))
    """
    array = check_labels(labels, n_samples)
    heads = np.flatnonzero(np.append(True, array[1:] != array[:-1]))  # where a run of equal labels begins
    if 2 * len(heads) > n_samples:
        return number_labels(array)
    distinct, codes = number_labels(array[heads])
    return distinct, np.repeat(codes, np.diff(heads, append=n_samples))


def check_labels(labels: ArrayLike, n_samples: int) -> Array:
    """Return one label for each row; refuse labels that are missing."""
    check_masked("groups", labels)
    array = np.asarray(labels)
    if array.dtype.kind in "US" and isinstance(labels, list | tuple) and len(set(map(type, labels))) > 1:
        array = np.asarray(labels, dtype=object)  # NumPy makes texts of the numbers beside texts, and of NaN
    if array.shape != (n_samples,):
        raise ValueError(f"groups must have shape ({n_samples},), one label for each row; got shape {array.shape}")
    row = find_missing(array)
    if row is not None:
        raise ValueError(
            f"groups must have a label in every row; got {quote(array[row])} at row {row} (counted from 0)"
        )
    return array


def find_missing(array: Array) -> int | None:
    """Return the first row whose label is missing: None, NaN, NaT or the missing value of pandas; None if none is."""
    if array.dtype.kind == "O":
        labels = array.tolist()
        try:
            missing = any(map(is_missing, set(labels)))
        except TypeError as error:
            raise TypeError(f"groups must have labels that can be hashed; {printable(error)}") from error
        return next(row for row, label in enumerate(labels) if is_missing(label)) if missing else None
    if array.dtype.kind not in "fcmM":
        return None
    rows = np.flatnonzero(np.isnat(array) if array.dtype.kind in "mM" else np.isnan(array))
    return int(rows[0]) if len(rows) else None


def is_missing(label: Any) -> bool:
    """Return True if a label is missing."""
    return label is None or type(label).__name__ == "NAType" or bool(label != label)  # noqa: PLR0124 - NaN and NaT


def number_labels(array: Array) -> tuple[Array, Array]:
    """Return the distinct labels in ascending order, and the position of each label among them."""
    kind = array.dtype.kind
    if kind in "biu":
        least, most = int(array.min()), int(array.max())
        if most - least <= DENSE * len(array):
            return count_integers(array, least, most)
    if kind not in "OUST":
        distinct, codes = np.unique(array, return_inverse=True)
        return distinct, codes
    labels = array.tolist()
    try:
        ascending = sorted(set(labels))  # a table of hashes takes a fraction of the time of sorting all labels
    except TypeError as error:
        raise TypeError(f"groups must have labels that can be compared with each other; {printable(error)}") from error
    positions = {label: position for position, label in enumerate(ascending)}
    distinct = np.empty(len(ascending), dtype=array.dtype)
    distinct[:] = ascending
    return distinct, np.fromiter(map(positions.__getitem__, labels), np.intp, len(labels))


def count_integers(array: Array, least: int, most: int) -> tuple[Array, Array]:
    """Return what `number_labels` does for integers from `least` to `most`, by a table of this range."""
    wide = array.astype(np.uint64 if array.dtype.kind == "u" else np.int64)
    offsets = (wide - wide.dtype.type(least)).astype(np.intp)
    present = np.zeros(most - least + 1, dtype=np.intp)
    present[offsets] = 1
    distinct = np.flatnonzero(present).astype(wide.dtype) + wide.dtype.type(least)
    return distinct.astype(array.dtype), (np.cumsum(present) - 1)[offsets]


def order_by_group(codes: Array, n_groups: int) -> Array | None:
    """Return the order that puts the rows of a group next to each other, otherwise unchanged; None if they are.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.inputs.labels import order_by_group
    >>> order_by_group(np.array([1, 0, 1]), 2)
    array([1, 0, 2])
    """
    if (codes[1:] >= codes[:-1]).all():
        return None
    order = np.argsort(codes.astype(np.uint16), kind="stable")  # by the lower 16 bits
    if n_groups > DIGITS:
        order = order[np.argsort((codes[order] // DIGITS).astype(np.uint16), kind="stable")]
    return order


def match_labels(labels: Array, known: Array) -> Array:
    """Return the position of each label among the known ones; refuse labels that are not among them.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.inputs.labels import match_labels
    >>> match_labels(np.array(["b"]), np.array(["a", "b"]))
    array([1])
    """
    if labels.dtype.kind in "mM" and labels.dtype.kind == known.dtype.kind:
        unit = np.promote_types(labels.dtype, known.dtype)  # Python's dates depend on the unit
        labels, known = labels.astype(unit), known.astype(unit)
    positions = {label: position for position, label in enumerate(known.tolist())}
    found = [positions.get(label, -1) for label in labels.tolist()]
    if -1 in found:
        raise ValueError(f"groups must have labels of the fit; got {quote(labels.tolist()[found.index(-1)])}")
    return np.array(found, dtype=np.intp)
