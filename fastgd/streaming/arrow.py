"""pyarrow, which is loaded when a file is read."""

from importlib import import_module
from typing import Any


def import_pyarrow(part: str) -> Any:
    """Return pyarrow, with its module `part` loaded."""
    try:
        import_module(f"pyarrow.{part}")
        return import_module("pyarrow")
    except ImportError as error:
        raise ImportError("Parquet, and CSV in parts, need pyarrow: pip install 'fastgd[parquet]'") from error
