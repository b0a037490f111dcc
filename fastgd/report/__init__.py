"""The study: what vectorization, compilers, mathematics and step sizes buy, measured here and shown on one page.

settings.py says what is measured; ladder.py, grid.py, roofline.py, price.py and descents.py measure, each a section, as
steps that run.py runs one after the other under a progress bar (progress.py). The result is record.py's Study: plain
values, as study.schema.json describes them and reading.py checks them. drawings.py (by pictures.py), sources.py,
tables.py, export.py and page.py make a page of it, compare.py one of two. command.py is `fastgd study`.
"""

from fastgd.report.record import Study
from fastgd.report.run import study

__all__ = ["Study", "study"]
