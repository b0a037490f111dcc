"""Measure the study of the release machine, and write every figure that comes from it: they cannot contradict.

python docs/study_report.py                   run the study and print its summary and the table of the kernel's steps
python docs/study_report.py --write           also write docs/study.json, the pictures and the table
python docs/study_report.py --kept --write    write the pictures and the table again, from docs/study.json as it is
"""

import argparse
from pathlib import Path

from kernel_steps import list_between, make_part
from matplotlib import rc_context

from fastgd import plots
from fastgd.bench import replace_between_markers
from fastgd.plots import figures
from fastgd.report import Study
from fastgd.report.first import make_bars
from fastgd.report.headline import find_largest, headline
from fastgd.report.ladder import plan_ladder
from fastgd.report.run import measure_study, plan_study
from fastgd.report.settings import Settings
from fastgd.report.zoom import count_rows, draw_zoom

DOCS = Path(__file__).parent
DATA, PAGE = DOCS / "study.json", DOCS / "explain" / "kernels.md"
PICTURES = DOCS / "ladder.png", DOCS / "ladder.svg"  # of README.md; of a page, in the page's colours


def main():
    """Run the study or read the one that is kept, print it, and write the files if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kept", action="store_true", help="measure nothing: take docs/study.json")
    parser.add_argument(
        "--write", action="store_true", help="write docs/study.json, docs/ladder.png, ladder.svg and the table"
    )
    options = parser.parse_args()
    found = Study.load(DATA) if options.kept else measure()
    print(found, make_part(found.data), sep="\n\n")
    if options.write:
        if not options.kept:
            found.save(DATA)
        draw_fits(found, PICTURES[0])
        with rc_context(fname=DOCS / "matplotlibrc"):
            draw_fits(found, PICTURES[1])
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(replace_between_markers(text, make_part(found.data), PAGE.name, "steps"), encoding="utf-8")


def measure():
    """Return a study whose ladder has the steps between NumPy and the kernel in its rounds."""
    settings = Settings()
    return measure_study(
        settings, plan_study(settings) | {"ladder": plan_ladder(settings, list_between())}, quiet=False
    )


def draw_fits(found, path):
    """Save the picture of the page's first screen: whole fits at the largest shape of the ladder."""
    bars = make_bars(headline(found.data), find_largest(found.data))
    rows = count_rows([bar.seconds for bar in bars])
    figure = plots.new_figure(9, 0.5 + 0.36 * rows) if path.suffix == ".png" else plots.new_figure(7, 0.4 + 0.4 * rows)
    draw_zoom(bars, figure.add_subplot())
    figures.save_figure(figure, path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
