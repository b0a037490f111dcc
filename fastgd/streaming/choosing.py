"""Choose the columns of files by the names that a user gives, and check that every file has them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastgd.files.cells import describe_unnamed
from fastgd.files.csv import check_columns
from fastgd.files.dialect import PLAIN, Dialect
from fastgd.files.lines import TableError, TextError
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.words import kind_of, printable, quote, quote_names
from fastgd.streaming.columns import Columns, Head

# A column may have different types of this set in different files: pandas writes whole numbers as double if one is
# missing, and null if all are.
WHOLE_OR_DOUBLE = {"double", "null"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
NESTED = ("list", "large_list", "fixed_size_list", "struct", "map")  # the types of several values in a cell


@dataclass(frozen=True, slots=True)
class Request:
    """What to read from files, as the user says it; `choose_columns` checks the names.

    Attributes
    ----------
    target, features, weight, one_hot, missing : object
        The arguments of `fit_files`.
    dialect : Dialect
        How CSV files are written.
    partitioned : bool or None
        True if the names of folders hold columns; None if they do for several files.
    """

    target: Any
    features: Any = None
    weight: Any = None
    one_hot: Any = None
    missing: str = "error"
    dialect: Dialect = PLAIN
    partitioned: bool | None = None


def choose_columns(heads: list[Head], request: Request) -> Columns:
    """Return the columns to read; refuse files that lack one, or whose columns differ.

    The columns to encode have no levels yet.
    """
    first, weight = heads[0], request.weight
    targets = check_column_names(request.target, request.features, weight)
    named = [*([] if request.features is None else request.features), *targets, *([] if weight is None else [weight])]
    check_columns(first.path, first.types, named)
    features = choose_features(first.path, first.columns, targets, request.features, weight)
    if request.features is None:
        for head in heads[1:]:
            check_columns(head.path, head.types, first.columns)
            refuse_more_columns(first, head)
        left_out = [name for name in first.types if name in first.index - {*targets, weight}]
        if left_out:
            warn_caller(UserWarning(describe_index(first.path, left_out)))
    levels = check_one_hot(first, request.one_hot, features)
    columns = Columns(features, targets, weight, levels, gaps=request.missing == "skip")
    for head in heads:
        check_head(head, first, columns)
    return columns


def choose_features(path: str, names: Sequence[str], targets: list[str], features: Any, weight: Any) -> list[str]:
    """Return the features: the columns that are named, or else all of a file but the targets and the weight."""
    if features is not None:
        return list(features)
    taken = {*targets, weight}
    features = [name for name in names if name not in taken]
    if not features:
        raise TableError(f"{printable(path)}: expected columns beside the {name_target(targets)}")
    return features


def describe_index(path: str, names: list[str]) -> str:
    """Return the message that columns are no features because they are the index of a pandas frame."""
    if names == [""]:
        return describe_unnamed(path)
    columns = f"column{'s' * (len(names) > 1)} {quote_names(names)}"
    return f"{printable(path)}: left out the {columns}, the index of a pandas frame"


def name_target(targets: list[str]) -> str:
    """Return the target, or the targets, in words."""
    return f"target{'s' * (len(targets) > 1)} {quote_names(targets)}"


def check_column_names(target: Any, features: Any, weight: Any) -> list[str]:
    """Return the names of the targets; refuse arguments that are no names of columns, and a column named twice."""
    targets = [target] if isinstance(target, str) else target
    if not are_names(targets):
        raise TypeError(
            f"target must be the name of a column, or a list of names; got {quote(target)}, {kind_of(target)}"
        )
    if weight is not None and not isinstance(weight, str):
        raise TypeError(f"weight must be None or the name of a column; got {quote(weight)}, {kind_of(weight)}")
    check_different("target must be different columns", targets)
    if weight in targets:
        raise ValueError(f"weight must be another column than target; got {quote(weight)} for both")
    if features is not None:
        if not are_names(features):
            raise TypeError(f"features must be None or a list of names of columns; got {quote(features)}")
        rule = "features must be different columns, without target and weight"
        for role, names in (("target", targets), ("weight", [weight])):
            for name in names:
                if name in features:
                    raise ValueError(f"{rule}; got {quote(name)} twice: it is the {role}")
        check_different(rule, features)
    return list(targets)


def are_names(values: Any) -> bool:
    """Return True for a list, or another sequence, of one or more texts; a text itself is none."""
    listed = isinstance(values, Sequence) and not isinstance(values, str)
    return listed and len(values) > 0 and all(isinstance(name, str) for name in values)


def check_one_hot(first: Head, one_hot: Any, features: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns to encode, without levels yet; refuse those that are no features."""
    if one_hot is None:
        return {}
    if not are_names(one_hot):
        raise TypeError(f"one_hot must be None or a list of names of columns; got {quote(one_hot)}")
    check_columns(first.path, first.types, one_hot)
    for name in one_hot:
        if name not in features:
            raise ValueError(f"one_hot must be some of the features, {quote_names(list(features))}; got {quote(name)}")
    return {name: [] for name in one_hot}


def check_different(rule: str, names: Sequence[Any]) -> None:
    """Refuse a name that occurs twice; the message begins with the rule."""
    for name, number in Counter(names).items():
        if number > 1:
            raise ValueError(f"{rule}; got {quote(name)} twice")


def check_head(head: Head, first: Head, columns: Columns) -> None:
    """Refuse a file that lacks a column, or in which a column has no numbers or another type than in the first file."""
    where = printable(head.path)
    check_columns(head.path, head.types, columns.names)
    for name in columns.names:
        if name in head.shared:
            both = f"one in the file and one in the name of the folder {quote(head.shared[name])}"
            raise TableError(f"{where}: expected one column {quote(name)}; got {both}")
        kind = head.types[name]
        if name in columns.levels:  # text, or numbers that are names
            if kind.startswith(NESTED):
                raise TableError(f"{where}, column {quote(name)}: expected text; got the type {printable(kind)}")
            continue
        if name not in head.numeric:
            raise TextError(f"{where}, column {quote(name)}: expected numbers; got the type {printable(kind)}", name)
        if kind != first.types[name] and not {kind, first.types[name]} <= WHOLE_OR_DOUBLE:
            expected = f"expected the type {first.types[name]}, as in {printable(first.path)}"
            raise TableError(f"{where}, column {quote(name)}: {expected}; got {kind}")


def refuse_more_columns(first: Head, head: Head) -> None:
    """Refuse a file with a column that the first file lacks; the error names the column."""
    new = [name for name in head.columns if name not in first.types]
    if new:
        expected = f"expected the columns of {printable(first.path)}"
        raise TableError(f"{printable(head.path)}: {expected}; got {quote(new[0])} too")
