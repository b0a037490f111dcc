"""The time of an epoch, in calls of many."""

from statistics import median
from time import perf_counter

import numpy as np

from fastgd import backends

# The loop takes 0.2 µs for each element of X and epoch: larger problems show nothing new.
LOOP_ELEMENTS = 1_000_000
SECONDS_A_CALL = 0.03
CALLS = 9


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
    # asv draws the times of calls. Calls of one backend have 400 epochs and of another three, so it gets the seconds of
    # an epoch, which can be compared in one graph.
    unit = "seconds"
    version = "1"  # a new one begins a new history in every graph: when what is timed changes

    def setup(self, backend, n_samples, n_features, order, dtype, threads):
        if backend in ("numpy", "python") and threads > 1:
            raise NotImplementedError("this backend has no threads")
        if backend == "python" and n_samples * n_features > LOOP_ELEMENTS:
            raise NotImplementedError("too slow")
        # Roughly what an epoch and an element of X take, in seconds. Fixed, so that commits compare.
        epoch, element = {
            "cython": (2e-7, 7e-10),
            "numba": (2e-7, 7e-10),
            "numpy": (2e-5, 1e-9),
            "python": (1e-5, 2e-7),
        }.get(backend, (2e-5, 1e-9))
        self.epochs = max(1, round(SECONDS_A_CALL / (epoch + element * n_samples * n_features)))
        generator = np.random.default_rng(0)
        X = np.asarray(generator.standard_normal((n_samples, n_features), dtype), order=order)
        y, weights = generator.standard_normal(n_samples), np.zeros(n_features + 1)
        # Filled, not empty: the page faults belong here.
        rates, costs, gradient = np.full(self.epochs, 1e-3), np.ones(self.epochs), np.ones(n_features + 1)
        backends.descend(X, y, weights, rates[:1], costs[:1], gradient, threads, backend)  # compiles
        self.arguments = X, y, weights, rates, costs, gradient, threads, backend

    def track_epoch(self, *parameters):
        """Return the seconds of an epoch: the median of several calls, over the epochs of a call."""
        return median(self.measure_call() for _ in range(CALLS)) / self.epochs

    def measure_call(self):
        """Return the seconds of one call, from weights of zero."""
        self.arguments[2][:] = 0.0
        start = perf_counter()
        epochs = backends.descend(*self.arguments)
        seconds = perf_counter() - start
        assert epochs == self.epochs
        return seconds
