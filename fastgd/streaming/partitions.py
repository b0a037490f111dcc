"""Columns in the names of folders, as Hive writes them: ``sales/year=2024/month=7/part.parquet``."""

import os
from dataclasses import replace
from math import nan
from urllib.parse import unquote

from fastgd.files.cells import to_number
from fastgd.streaming.columns import Head

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def read_partition(path: str) -> dict[str, float | str]:
    """Return the columns that the folders of a path name, with their values: numbers, or text.

    Examples
    --------
    >>> from fastgd.streaming.partitions import read_partition
    >>> read_partition("sales/year=2024/shop=North%20Gate/part.csv")
    {'year': 2024.0, 'shop': 'North Gate'}
    """
    folders = os.path.dirname(path).replace(os.altsep or os.sep, os.sep).split(os.sep)
    pairs = [folder.partition("=") for folder in folders]
    return {unquote(name): read_value(unquote(value)) for name, mark, value in pairs if name and mark}


def read_value(text: str) -> float | str:
    """Return the value of a partition: a number, NaN where there is none, or text."""
    if text == NO_VALUE:
        return nan
    try:
        return to_number(text)
    except ValueError:
        return text


def add_partition(head: Head) -> Head:
    """Return the description of a file with the columns that the names of its folders hold."""
    found = {name: value for name, value in read_partition(head.path).items() if name not in head.types}
    numbers = {name for name, value in found.items() if isinstance(value, float)}
    types = {name: "double" if name in numbers else "string" for name in found}
    return replace(head, types=head.types | types, numeric=head.numeric | numbers, constants=found)
