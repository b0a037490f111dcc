"""Make the study of the release machine: its data for the documentation, and its ladder for README.

python docs/study_report.py            run the study and print its summary
python docs/study_report.py --write    also write docs/study.json and docs/ladder.png
"""

import argparse
from pathlib import Path

import fastgd
from fastgd import plots
from fastgd.report import Study

DOCS = Path(__file__).parent


def main():
    """Run the study, print it, and write the files if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/study.json and docs/ladder.png")
    options = parser.parse_args()
    found = fastgd.study()
    print(found)
    if options.write:
        found.save(DOCS / "study.json")
        draw_ladder(Study.load(DOCS / "study.json"), DOCS / "ladder.png")


def draw_ladder(found, path):
    """Save the ladder of the largest shape."""
    largest = max(found.data["ladder"]["shapes"], key=lambda entry: entry["bytes"])
    figure = plots.new_figure(9, 4.5)
    results = {**found.data, **found.data["ladder"]}
    plots.ladder(results, (largest["n_samples"], largest["n_features"]), ax=figure.add_subplot())
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
