"""scikit-learn's and statsmodels' own tests of linear models pass with fits by fastgd, but for named conventions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is an extra")
pytest.importorskip("statsmodels", reason="statsmodels is an extra")

ADAPTERS = Path(__file__).parent / "adapters"
# The least number of tests whose fits are fastgd's: with less, an adapter no longer reaches the classes under test.
LEAST = {"base": 20, "ridge": 700, "intercept": 350, "column": 350}
# The adapters, but with coefficients that are off by a part in a thousand.
OFF = f"""
import runpy, sys
from fastgd import GradientDescentRegressor
fit = GradientDescentRegressor.fit
def fit_off(self, X, y, sample_weight=None):
    fit(self, X, y, sample_weight).coef_ *= 1.001
    return self
GradientDescentRegressor.fit = fit_off
runpy.run_path({str(ADAPTERS)!r}, run_name="__main__")
"""


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=3600)


@pytest.mark.slow
@pytest.mark.parametrize("suite", LEAST)
def test_nothing_but_conventions_fails(suite):
    done = run(ADAPTERS, suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"passed with fits by fastgd: (\d+)", done.stdout)[1]) >= LEAST[suite]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suite", "tests"),
    [
        ("base", "test_linear_regression_sample_weights"),
        ("ridge", "test_ridge_regression_sample_weights and svd"),
        ("intercept", "TestOLS and test_params"),
        ("column", "TestOLS and test_params"),
    ],
)
def test_adapters_notice_wrong_coefficients(suite, tests):
    done = run("-c", OFF, suite, "-k", tests)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
