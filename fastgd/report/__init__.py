"""The study: what vectorization, compilers, mathematics and step sizes buy, measured here and shown on one page.

settings.py says what is measured; ladder.py, grid.py, price.py and descents.py measure, each a section, as steps that
study.py runs one after the other under a progress bar; the result is plain values for JSON. drawings.py (by
pictures.py), sources.py, tables.py and page.py make a page of it, compare.py one of two. command.py is `fastgd study`.
"""

from fastgd.report.study import Study, study

__all__ = ["Study", "study"]
