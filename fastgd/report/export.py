"""A study's times as CSV, for whoever goes on with them."""

import csv
import io
from typing import Any

from fastgd.report.words import shapes_of

CSV_COLUMNS = (
    "section", "n_samples", "n_features", "contestant", "threads", "seconds", "lower", "upper", "spread", "rounds"
)  # fmt: skip


def to_csv(data: dict[str, Any]) -> str:
    """Return every time of a study, one a line; "spread" says what its lower and upper end are."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(CSV_COLUMNS)
    for section in ("ladder", "map"):
        for entry in shapes_of(data, section):
            once = {"compress": entry["compress"]} if "compress" in entry else {}
            for name, one in {**entry["contestants"], **once}.items():
                times = one["threads"], one["seconds"], *one["quartiles"], "quartiles", one["rounds"]
                lines.writerow([section, entry["n_samples"], entry["n_features"], name, *times])
    price = data.get("price", {"starts": {}})
    for name, one in price["starts"].items():
        for stage, seconds in one["seconds"].items():
            times = 1, seconds, *one["extremes"][stage], "extremes", price["rounds"]
            lines.writerow(["price", *price["shape"], f"{name}: {stage}", *times])
    return text.getvalue()
