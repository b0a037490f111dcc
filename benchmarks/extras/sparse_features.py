"""Find the number of sparse features from which on a descent on the rows is faster than a fit of their Gram matrix.

    python benchmarks/extras/sparse_features.py

Prints the times of GradientDescentRegressor for both, as medians of interleaved rounds, on well-conditioned rows.
Above `MOST_COMPRESSED` of fastgd/problem/sparse.py, estimates of the curvature choose between them. One thread.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from statistics import median
from time import perf_counter

import numpy as np
from scipy import sparse

from fastgd import GradientDescentRegressor

SHAPES = [(20_000, 0.001), (20_000, 0.01), (100_000, 0.005)]
FEATURES = [300, 600, 800, 1_000, 1_500, 2_000, 3_000]
ROUNDS = 3
ROWS = {"precondition": "standardize", "learning_rate": "chebyshev", "compress": False}


def main() -> None:
    """Print a line for each shape and number of features."""
    generator = np.random.default_rng(0)
    print(f"{'rows':>8} {'density':>8} {'features':>8} {'sums':>10} {'rows':>10}")
    for n, density in SHAPES:
        for p in FEATURES:
            X = sparse.random_array((n, p), density=density, rng=generator, format="csr")
            y = X @ generator.standard_normal(p) + generator.standard_normal(n)
            models = GradientDescentRegressor(precondition="whiten"), GradientDescentRegressor(**ROWS)
            samples: list[list[float]] = [[], []]
            for _ in range(ROUNDS):
                for model, taken in zip(models, samples, strict=True):
                    start = perf_counter()
                    model.fit(X, y)
                    taken.append(perf_counter() - start)
            small, rows = (1e3 * median(taken) for taken in samples)
            print(f"{n:8,} {density:8} {p:8,} {small:7.1f} ms {rows:7.1f} ms")


if __name__ == "__main__":
    main()
