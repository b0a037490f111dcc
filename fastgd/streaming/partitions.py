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
    return {name: read_value(unquote(folder.partition("=")[2])) for name, folder in list_folders(path).items()}


def list_folders(path: str) -> dict[str, str]:
    """Return the folders of a path that hold a column, by the name of the column."""
    folders = os.path.dirname(path).replace(os.altsep or os.sep, os.sep).split(os.sep)
    return {unquote(folder.partition("=")[0]): folder for folder in folders if folder.find("=") > 0}


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
    named = read_partition(head.path)
    found = {name: value for name, value in named.items() if name not in head.types}
    numbers = {name for name, value in found.items() if isinstance(value, float)}
    types = {name: "double" if name in numbers else "string" for name in found}
    shared = {name: folder for name, folder in list_folders(head.path).items() if name in head.types}
    return replace(head, types=head.types | types, numeric=head.numeric | numbers, constants=found, shared=shared)
