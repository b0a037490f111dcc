"""Time backends side by side: one process, interleaved rounds, medians with their spread."""

from fastgd.bench.markdown import format_table, replace_between_markers
from fastgd.bench.results import SHAPES, measure
from fastgd.bench.timing import ROUNDS, time_epochs

__all__ = ["ROUNDS", "SHAPES", "format_table", "measure", "replace_between_markers", "time_epochs"]
