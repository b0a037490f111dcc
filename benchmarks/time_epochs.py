"""The time of a backend for one call of many epochs."""

import numpy as np

from fastgd import backends

# The loop takes 0.2 µs for each element of X and epoch: larger problems show nothing new.
LOOP_ELEMENTS = 1_000_000


class Epochs:
    param_names = ("backend", "n_samples", "n_features", "order", "dtype", "threads")
    params = (
        list(backends.MODULES),
        [100, 10_000, 100_000],
        [5, 50],
        ["C", "F"],
        ["float32", "float64"],
        [1, 2],
    )
    number = 1  # calls a sample, each after a setup of its own

    def setup(self, backend, n_samples, n_features, order, dtype, threads):
        if backend in ("numpy", "python") and threads > 1:
            raise NotImplementedError("this backend has no threads")
        if backend == "python" and n_samples * n_features > LOOP_ELEMENTS:
            raise NotImplementedError("too slow")
        # Roughly what an epoch and an element of X take, in seconds, so that a call takes some 30 ms. Fixed, so that
        # commits compare, and in this function, because asv begins a new history when its source changes.
        epoch, element = {
            "cython": (2e-7, 7e-10),
            "numba": (2e-7, 7e-10),
            "numpy": (2e-5, 1e-9),
            "python": (1e-5, 2e-7),
        }.get(backend, (2e-5, 1e-9))
        self.epochs = max(1, round(0.03 / (epoch + element * n_samples * n_features)))
        generator = np.random.default_rng(0)
        X = np.asarray(generator.standard_normal((n_samples, n_features), dtype), order=order)
        y, weights = generator.standard_normal(n_samples), np.zeros(n_features + 1)
        # Filled, not empty: the page faults belong here.
        rates, costs, gradient = np.full(self.epochs, 1e-3), np.ones(self.epochs), np.ones(n_features + 1)
        backends.descend(X, y, weights, rates[:1], costs[:1], gradient, threads, backend)  # compiles
        self.arguments = X, y, weights, rates, costs, gradient, threads, backend

    def time_descend(self, *parameters):
        assert backends.descend(*self.arguments) == self.epochs
