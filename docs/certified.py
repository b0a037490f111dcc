"""Fit NIST's certified problems, without options and with every schedule; write their digits into certified.md.

python docs/certified.py            print the table
python docs/certified.py --write    replace it in docs/certified.md
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from pages import show_or_write

import fastgd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from strd import PROBLEMS, lre  # the data are kept with the tests

SCHEDULES = ("eigenvalues", "chebyshev", "silver", "constant")
SETTINGS = {"epochs": 100_000, "tol": 1e-12, "precondition": "standardize", "compress": True}


def descend(problem, **options):
    """Return the cell of a call: digits, epochs, and whether the run says that it has converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.ConvergenceWarning)  # the table says "not converged"
        result = fastgd.gradient_descent(problem.X, problem.y, fit_intercept=problem.fit_intercept, **options)
    state = "" if result.converged else ", not converged"
    return f"{lre(result.weights, problem.weights):.1f} ({result.epochs:,}{state})"


def solve(problem):
    """Return the digits of NumPy's and scikit-learn's solvers, the latter "–" where it is not installed."""
    ones = np.ones((len(problem.y), int(problem.fit_intercept)))
    exact = np.linalg.lstsq(np.column_stack([ones, problem.X]), problem.y, rcond=None)[0]
    cells = [f"{lre(exact, problem.weights):.1f}"]
    try:
        from sklearn.linear_model import LinearRegression
    except ImportError:
        return [*cells, "–"]
    model = LinearRegression(fit_intercept=problem.fit_intercept).fit(problem.X, problem.y)
    weights = [model.intercept_, *model.coef_] if problem.fit_intercept else model.coef_
    return [*cells, f"{lre(weights, problem.weights):.1f}"]


def make_table():
    """Return the table in Markdown."""
    lines = [
        "| problem | no options | " + " | ".join(SCHEDULES) + " | NumPy lstsq | LinearRegression |",
        "|---|" + "---:|" * (len(SCHEDULES) + 3),
    ]
    for name, problem in PROBLEMS.items():
        schedules = [descend(problem, learning_rate=schedule, **SETTINGS) for schedule in SCHEDULES]
        cells = [descend(problem), *schedules, *solve(problem)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    show_or_write(__doc__, make_table, "certified.md", "certified")
