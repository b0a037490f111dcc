"""Run the tests that scikit-learn and statsmodels ship for their linear models, with fits by fastgd.

`python tests/adapters` runs all suites, `python tests/adapters ridge` one of them. Further arguments are pytest's:
`python tests/adapters ridge -k sparse`.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import from_sklearn
import from_statsmodels
import pytest
from plugin import Adapters

SUITES = {
    "base": "sklearn.linear_model.tests.test_base",
    "ridge": "sklearn.linear_model.tests.test_ridge",
    "intercept": "statsmodels.regression.tests.test_regression",
    "column": "statsmodels.regression.tests.test_regression",
}


def run(suite, *options):
    """Run one suite, and return pytest's exit code."""
    if suite in {"base", "ridge"}:
        from_sklearn.install()
    else:
        from_statsmodels.install(suite)
    tests = find_spec(SUITES[suite]).origin
    own = ["-c", str(Path(__file__).with_name("pytest.ini")), "--rootdir", str(Path(tests).parents[3])]
    return pytest.main([*own, "-q", "-p", "no:cacheprovider", "--disable-warnings", tests, *options], [Adapters(suite)])


def main(arguments):
    """Run the suite that is named, or all suites, each in a process of its own; return the worst exit code."""
    if arguments and arguments[0] in SUITES:
        return run(*arguments)
    codes = []
    for suite, tests in SUITES.items():
        print(f"{suite}: {tests}", flush=True)
        codes.append(subprocess.run([sys.executable, __file__, suite, *arguments], check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
