"""Timing backends side by side: one process, interleaved rounds, medians with their spread.

contestants.py and readers.py say what runs, timing.py how it is timed, results.py what is made of the samples, table.py
writes Markdown, and command.py is `fastgd bench`.
"""

from fastgd.bench.markdown import format_table, replace_between_markers
from fastgd.bench.results import SHAPES, measure
from fastgd.bench.timing import ROUNDS, time_epochs

__all__ = ["ROUNDS", "SHAPES", "format_table", "measure", "replace_between_markers", "time_epochs"]
