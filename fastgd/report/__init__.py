"""The study: what vectorization, compilers, mathematics and step sizes buy, measured here and shown on one page."""

from fastgd.report.record import Study
from fastgd.report.run import study

__all__ = ["Study", "study"]
