"""How often a fit without options is wrong, and how often it is wrong without a warning, on the tests' data sets.

    python benchmarks/extras/right_by_default.py [--names]

Wrong means that a prediction of a row is off by more than a thousandth of a deviation of y. The right answers, and the
data sets, are those of tests/test_right_by_default.py; scikit-learn and statsmodels bring the real ones.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from datasets import DATASETS
from front_ends import WRONG, by_estimator, by_function, judge


def by_linear_regression(dataset: Any) -> tuple[Any, None, tuple[str, ...]]:
    """Return the weights of scikit-learn's LinearRegression."""
    model = LinearRegression(fit_intercept=dataset.fit_intercept).fit(dataset.X, dataset.y)
    return (np.append(model.intercept_, model.coef_) if dataset.fit_intercept else model.coef_), None, ()


CALLS: dict[str, Callable[[Any], Any]] = {
    "`gradient_descent(X, y)`": by_function,
    "`GradientDescentRegressor().fit(X, y)`": by_estimator,
    '`GradientDescentRegressor("eigenvalues").fit(X, y)`': partial(by_estimator, learning_rate="eigenvalues"),
    '`GradientDescentRegressor("eigenvalues", precondition="standardize").fit(X, y)`': partial(
        by_estimator, learning_rate="eigenvalues", precondition="standardize"
    ),
    "`LinearRegression().fit(X, y)`": by_linear_regression,
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", action="store_true", help="print the data sets that a call fits wrong")
    options = parser.parse_args()
    names = [name for name, dataset in DATASETS.items() if dataset.alpha == 0]  # LinearRegression has no ridge
    print(f"| on {len(names)} data sets | off by more than {WRONG:g} of a deviation | of these without a warning |")
    print("|---|---:|---:|")
    found = {}
    for call, fit in CALLS.items():
        verdicts = {name: judge(DATASETS[name], fit) for name in names}
        found[call] = {name: verdict for name, verdict in verdicts.items() if not verdict.right}
        print(f"| {call} | {len(found[call])} | {sum(verdict.silent for verdict in found[call].values())} |")
    for call, wrong in found.items() if options.names else ():
        print(f"\n{call}")
        for name, verdict in wrong.items():
            print(f"  {name}: {verdict.error:.1g}", *verdict.warnings)


if __name__ == "__main__":
    main()
