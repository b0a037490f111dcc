"""Pick the README's table from versus.md: the time of a fit, and how it compares with other libraries.

python docs/readme_table.py            print the table
python docs/readme_table.py --write    put it into README.md
"""

from pages import DOCS, show_or_write

# The row of versus.md, by the words in its columns "cell" and "X", and what the README calls it. All have one thread.
ROWS = {
    ("100 × 5", "float64, κ = 10"): "100 × 5",
    ("1,000 × 10", "float64, κ = 10"): "1,000 × 10",
    ("10,000 × 20", "float64, κ = 10"): "10,000 × 20",
    ("100,000 × 50", "float64, κ = 10"): "100,000 × 50",
    ("500,000 × 100", "float64, κ = 10"): "500,000 × 100",
    ("20,000 × 1,000", "float64, κ = 10,000"): "20,000 × 1,000, condition number 10,000",
    ("20,000 × 500, 1% filled", "float64"): "20,000 × 500, sparse, 1 % filled",
    ("100,000 × 600, one-hot, all levels", "float64"): "100,000 × 600, sparse, one-hot",
}
MISSING = "–"


def read_tables(text):
    """Yield the rows of all tables of a page, each as a dict from the name of a column to its cell."""
    head = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            head = None
        elif head is None:
            head = cells
        elif not set("".join(cells)) <= set("-: "):
            yield dict(zip(head, cells, strict=True))


def format_row(name, row):
    """Return a row of the README's table."""
    time = row["fastgd"].partition(": ")[2]
    peer = row["best peer"].partition(": ")[0]
    bare = row.get("best bare solver / fastgd", MISSING)
    linear = row.get("LinearRegression / fastgd", MISSING)
    return f"| {name} | {time} | {linear} | {peer}: {row['best peer / fastgd']} | {bare} |"


def make_table():
    """Return the README's table."""
    rows = list(read_tables((DOCS / "versus.md").read_text(encoding="utf-8")))
    lines = [
        "| rows × columns | fastgd | LinearRegression | the fastest other library | bare `lstsq` |",
        "|---|---:|---:|---:|---:|",
    ]
    for (cell, X), name in ROWS.items():
        [row] = [row for row in rows if row.get("threads") == "1" and row.get("cell") == cell and row.get("X") == X]
        lines.append(format_row(name, row))
    return "\n".join(lines)


if __name__ == "__main__":
    show_or_write(__doc__, make_table, "../README.md", "versus")
