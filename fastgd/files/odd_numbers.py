"""What a cell that is no number seems to mean, and what to do about it: for messages."""

import re

from fastgd.inputs.words import quote

THOUSANDS = r"[-+]?\d{{1,3}}({mark}\d{{3}})+({decimal}\d*)?"
DECIMAL = r"[-+]?\d*{mark}\d+([eE][-+]?\d+)?"
POINTS = {".": "point", ",": "comma"}
# Words and signs that people write into cells without a value; NA and the like are read as such.
NO_VALUE = {"none", "missing", "n.a.", "n.a", "nil", "unknown"}
GAP = "only an empty cell, NA, NaN, null and the like stand for a missing value"
UNIT = re.compile(r"([^\w\s.,:;/+-]*)\s*[-+]?\d[\d.,]*\s*([^\w\s.,:;/+-]*)")


def explain_cell(cell: str, decimal: str) -> str:
    """Return the end of the message about a cell that is no number; "" for ordinary text, and for dates.

    Examples
    --------
    >>> from fastgd.files.odd_numbers import explain_cell
    >>> explain_cell("2.65", ",")
    'the decimal mark is a comma, and this cell has a point'
    >>> explain_cell("1,234.50", "."), explain_cell("north", ".")
    ('the comma may stand between thousands', '')
    """
    text = cell.strip()
    doubt = explain_marks(text, decimal)
    if doubt:
        return doubt
    if re.fullmatch(r"[-+]?\d[\d.,]*(_\d[\d.,]*)+", text):
        return "a number must have no underscores"
    if text.casefold() in NO_VALUE or not any(map(str.isalnum, text)):
        return GAP
    unit = UNIT.fullmatch(text)
    beside = unit and (unit[1] or unit[2])
    return f"a number must stand alone in its cell, without {quote(beside)}" if beside else ""


def explain_marks(text: str, decimal: str) -> str:
    """Return what a point or a comma may mean in a number that has the other decimal mark; "" for another text."""
    other = "," if decimal == "." else "."
    marks = {"mark": re.escape(other), "decimal": re.escape(decimal)}
    if re.fullmatch(THOUSANDS.format(**marks), text):
        if decimal == "." or text.count(other) > 1 or decimal in text:
            return f"the {POINTS[other]} may stand between thousands"
        return "the decimal mark is a comma, and this cell has a point, which may stand between thousands"
    if re.fullmatch(DECIMAL.format(**marks), text):
        return "decimal=',' reads it" if decimal == "." else "the decimal mark is a comma, and this cell has a point"
    return ""
