"""The peak memory of one fit, in a process of its own.

A backend adds to the reference its copies of X and the libraries that it loads: for Numba, a compiler.
"""

import numpy as np

import fastgd

N_SAMPLES, N_FEATURES = 100_000, 20  # 8 MB in float32


def make_problem(order):
    """Return float32 data, made without a second copy, which would hide the copies of a fit."""
    generator = np.random.default_rng(0)
    shape = (N_SAMPLES, N_FEATURES) if order == "C" else (N_FEATURES, N_SAMPLES)
    X = generator.standard_normal(shape, "float32")
    return X if order == "C" else X.T, generator.standard_normal(N_SAMPLES)


class Fit:
    param_names = ("order", "backend")
    params = (["C", "F"], list(fastgd.backends.MODULES))

    def peakmem_fit(self, order, backend):
        rows = {"learning_rate": "constant", "precondition": "none", "compress": False}
        fastgd.gradient_descent(*make_problem(order), epochs=1, tol=0, backend=backend, **rows)


def peakmem_reference(order):
    make_problem(order)


peakmem_reference.param_names = ("order",)
peakmem_reference.params = (["C", "F"],)
