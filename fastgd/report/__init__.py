"""The study: the gains of vectorization, compilers, mathematics and step sizes, measured here and shown on a page."""

from fastgd.report.record import Study
from fastgd.report.run import study

__all__ = ["Study", "study"]
