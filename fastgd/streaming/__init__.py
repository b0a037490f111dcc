"""Fit data larger than memory: batches of rows, memory maps, Parquet and CSV files."""

from typing import TYPE_CHECKING

from fastgd.forks import hand_on

if TYPE_CHECKING:
    from fastgd.streaming.array import fit_array as fit_array
    from fastgd.streaming.batches import fit_batches as fit_batches
    from fastgd.streaming.files import fit_files as fit_files
    from fastgd.streaming.result import StreamResult as StreamResult

__all__ = ["StreamResult", "fit_array", "fit_batches", "fit_files"]
# `fastgd predict` reads files by modules of this folder, and needs none of those that fit.
HOMES = {"StreamResult": "result", "fit_array": "array", "fit_batches": "batches", "fit_files": "files"}
__getattr__ = hand_on(__name__, HOMES)
