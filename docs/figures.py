"""Fill in the figures that sentences of the pages take from tables: those of versus.md and of certified.md.

python docs/figures.py            print each sentence with the figures of the tables
python docs/figures.py --write    put them into the pages
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pages import DOCS
from readme_table import read_tables

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from strd import PROBLEMS


class Sentence(NamedTuple):
    """Words of a page with a gap {} for each figure, and the function that returns the figures."""

    page: str
    words: str
    find: Callable[[], Sequence[str]]


def read(page):
    """Return the text of a page."""
    return (DOCS / page).read_text(encoding="utf-8")


def shorten(number, digits):
    """Return a number of 100 or more with so many digits."""
    return f"{float(f'{number:.{digits}g}'):,.0f}"


def search(pattern, *, below=""):
    """Return the groups of a pattern in versus.md, in the list below a line."""
    text = read("versus.md")
    found = re.search(pattern, text[text.index(below) :].partition("\n\n- ")[2].partition("\n\n")[0] if below else text)
    if found is None:
        raise ValueError(f"versus.md has no {pattern!r} below {below!r}: the sentence is no longer true")
    return found.groups()


def find_outcome():
    """Return in how many cells fastgd is faster than every peer, and of how many."""
    return search(r"faster than every peer in (\d+) of (\d+) cells")


def find_bare():
    """Return how many times as fast as fastgd NumPy's solver is, at least and at most, for two shapes."""
    figures = []
    for shape in ("100 × 5", "1,000 × 10"):
        shares = search(rf"- {shape}: NumPy lstsq takes ([\d.]+)× to ([\d.]+)× the time")
        speeds = sorted(1 / float(share) for share in shares)
        figures += [f"{speed:.0f}" if speed > 5 else f"{speed:.1f}" for speed in speeds]
    return figures


def find_level():
    """Return the ratio of the ill-conditioned problem, on which Ridge and fastgd are level."""
    cell = "20,000 × 1,000, float64, κ = 10,000, 1 thread: Ridge cholesky takes"
    return search(rf"{cell} .*\(([\d.]+)×\)", below="Level with the best peer:")


def find_sparse():
    """Return the ratios of two sparse problems on which LinearRegression is faster."""
    cells = "100,000 × 600, one-hot, all levels, float64, 1 thread", "50,000 × 5,000, 0.2% filled, float64, 1 thread"
    slower = "Slower than the best peer:"
    return [search(rf"{cell}: LinearRegression takes .*\(([\d.]+)×\)", below=slower)[0] for cell in cells]


def find_statsmodels():
    """Return the least and the largest ratio of the smallest problems on which statsmodels is faster."""
    found = read("versus.md").partition("Slower than the best peer:")[2].partition("Level with")[0]
    ratios = re.findall(r"- 100 × 5, .*: statsmodels OLS takes .*\(([\d.]+)×\)", found)
    return min(ratios, key=float), max(ratios, key=float)


def find_groups():
    """Return how many times as long a loop over the groups takes, for sorted and for shuffled rows, on one thread."""
    rows = [row for row in read_tables(read("versus.md")) if row.get("threads") == "1"]
    ratios = {row["cell"]: row["loop of LinearRegression / fastgd"] for row in rows if "groups of" in row["cell"]}
    cells = "10,000 groups of 50 × 5, sorted", "10,000 groups of 50 × 5, shuffled"
    return [shorten(float(ratios[cell].removesuffix("×")), 2) for cell in cells]


def find_digits():
    """Return how many problems get more digits than by NumPy's solver, how many more, and how many get fewer."""
    rows = list(read_tables(read("certified.md")))
    gains = [float(row["no options"].partition(" ")[0]) - float(row["NumPy lstsq"]) for row in rows]
    return str(sum(gain > 0 for gain in gains)), f"{max(gains):.1f}", str(sum(gain < 0 for gain in gains))


def measure_condition(name):
    """Return the condition number of the standardized columns of a problem."""
    X = PROBLEMS[name].X
    return np.linalg.cond((X - X.mean(axis=0)) / X.std(axis=0))


def find_conditions():
    """Return the condition numbers of Wampler's and of Longley's data."""
    return [shorten(measure_condition(name), 2) for name in ("Wampler1", "Longley")]


def find_filip():
    """Return the condition number of Filip's data, in thousands of millions."""
    return [f"{measure_condition('Filip') / 1e9:.0f}"]


DIGITS = "Compared with NumPy's lstsq, {} get more digits, up to {} more, and {} get fewer"
GROUPS = "takes {} times as long as `fit_groups`, and {} times if they are shuffled"
SENTENCES = [
    Sentence("index.md", "faster than every library that fits an intercept in {} of {} comparisons", find_outcome),
    Sentence("index.md", "{} to {} times as fast as fastgd at 100 × 5, and {} to {} times at 1,000 × 10", find_bare),
    Sentence("index.md", "as fast as fastgd at 20,000 × 1,000 ({}×)", find_level),
    Sentence("index.md", "at 100,000 × 600 it takes {}× the time of fastgd, at 50,000 × 5,000 {}×", find_sparse),
    Sentence("index.md", "it takes {}× to {}× the time of fastgd", find_statsmodels),
    Sentence("explain/one-epoch.md", GROUPS, find_groups),
    Sentence("certified.md", DIGITS, find_digits),
    Sentence("certified.md", "has a κ of {}·10⁹ even when standardized", find_filip),
    Sentence("certified.md", "κ is {} for Wampler's polynomials, and {} for Longley's economy", find_conditions),
]


def fill(text, sentence):
    """Return the text of a page with the figures of a sentence; the lines of the page may break between its words."""
    words = [re.escape(part).replace(r"\ ", r"\s+") for part in sentence.words.split("{}")]
    found = list(re.finditer(r"([\d.,]*\d)".join(words), text))
    if len(found) != 1:
        raise ValueError(f"{sentence.page} has {len(found)} times: {sentence.words}")
    for k, figure in reversed(list(enumerate(sentence.find(), start=1))):
        text = text[: found[0].start(k)] + figure + text[found[0].end(k) :]
    return text


def main():
    """Print the sentences, or with --write fill in their figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the figures into the pages")
    write = parser.parse_args().write
    for sentence in SENTENCES:
        print(f"{sentence.page}: {sentence.words.format(*sentence.find())}")
        if write:
            (DOCS / sentence.page).write_text(fill(read(sentence.page), sentence), encoding="utf-8")


if __name__ == "__main__":
    main()
