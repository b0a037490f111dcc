"""What the scripts of this folder share: a table that is printed, or put between the markers of a page."""

import argparse
from pathlib import Path

from fastgd.bench import replace_between_markers

DOCS = Path(__file__).parent


def show_or_write(description, make_table, page, marker):
    """Print a table, or with --write replace what stands between the page's markers of that name."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"replace the table in {page}")
    options = parser.parse_args()
    path = DOCS / page
    table = make_table()
    print(table)
    if options.write:
        text = path.read_text(encoding="utf-8")
        path.write_text(replace_between_markers(text, table, page, marker), encoding="utf-8")
