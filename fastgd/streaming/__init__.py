"""Fit data larger than memory: batches of rows, memory maps, Parquet and CSV files."""

from fastgd.streaming.array import fit_array
from fastgd.streaming.batches import fit_batches
from fastgd.streaming.files import fit_files
from fastgd.streaming.result import StreamResult

__all__ = ["StreamResult", "fit_array", "fit_batches", "fit_files"]
