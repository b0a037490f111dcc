"""The time of a fresh process until it can compute."""

import subprocess
import sys
from tempfile import TemporaryDirectory, mkdtemp

PREPARE = """
import os
os.environ["NUMBA_CACHE_DIR"] = {folder!r}
import numpy as np
from fastgd import backends
backends.load("numba")
X, y, weights, rates = np.ones((4, 2)), np.ones(4), np.zeros(3), np.full(1, 0.1)
costs, gradient = np.empty(1), np.empty(3)
"""
CALL = "backends.descend(X, y, weights, rates, costs, gradient, backend='numba')"


def timeraw_import_numpy():
    return "import numpy"


def timeraw_import_fastgd():
    return "import fastgd; fastgd.gradient_descent"  # names are imported when they are first used


def timeraw_import_numba_backend():
    return "backends.load('numba')", "from fastgd import backends"


class FirstCall:
    """The first call of the Numba kernel: compiled (cold), or loaded from disk (warm)."""

    param_names = ("cache",)
    params = (["cold", "warm"],)

    def setup(self, cache):
        self.folder = TemporaryDirectory()
        if cache == "warm":
            program = PREPARE.format(folder=self.folder.name) + CALL
            subprocess.run([sys.executable, "-c", program], check=True)

    def teardown(self, cache):
        self.folder.cleanup()

    def timeraw_numba(self, cache):
        folder = self.folder.name if cache == "warm" else mkdtemp(dir=self.folder.name)
        return CALL, PREPARE.format(folder=folder)
