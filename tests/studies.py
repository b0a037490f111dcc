"""The study that browser tests show: the one of the documentation, with every part that a page can have."""

from pathlib import Path

from test_study_files import WHOLE

from fastgd.report import Study

KEPT = Path(__file__).parents[1] / "docs/study.json"


def load_whole():
    """Return the kept study; parts of a ladder that it lacks, since an earlier fastgd made it, have made-up times."""
    found = Study.load(KEPT)
    (whole,) = WHOLE["ladder"]["shapes"]
    for entry in found.data["ladder"]["shapes"]:
        for part in ("whiten", "targets", "sparse"):
            entry.setdefault(part, whole[part])
        if "whitened" not in entry["order"]:
            entry["order"].append("whitened")
            entry["contestants"]["whitened"] = entry["contestants"]["compressed"]
            entry["differences"]["whitened"] = 1e-15
    return found
