"""The data of the comparison: dense rows, many targets, sparse rows, groups."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Data:
    """Features and targets; for the cells of groups also the label of each row."""

    X: Any
    y: Any
    groups: Any = None

    @cached_property
    def frame(self) -> Any:
        """Return the same data as Polars keeps them; made before any clock runs."""
        import polars

        columns = {f"x{k}": column for k, column in enumerate(self.X.T)}
        return polars.DataFrame({**columns, "y": self.y, "group": self.groups})


def make_data(
    n: int, p: int, kappa: float, dtype: str, targets: int | None = None, order: str = "C"
) -> tuple[Any, Any]:
    """Return rows with the spectrum 1 … 1/κ in random directions, columns off zero, and as much noise as signal."""
    generator = np.random.default_rng(0)
    left, right = (np.linalg.qr(generator.standard_normal((p, p)))[0] for _ in range(2))
    spread = (left * np.geomspace(1, 1 / kappa, p)) @ right
    X = generator.standard_normal((n, p)) @ spread + 3 * generator.standard_normal(p)
    signal = X @ generator.standard_normal(p if targets is None else (p, targets))
    y = 1 + signal + signal.std(axis=0) * generator.standard_normal(signal.shape)
    return X.astype(dtype, order=order), y.astype(dtype)


def make_dense(n: int, p: int, **options: Any) -> Data:
    """Return the data of `make_data` as one object."""
    return Data(*make_data(n, p, **options))


def make_sparse(n: int, p: int, density: float) -> Data:
    """Return rows of which a share of the entries, at random places, are normal and the others zero."""
    from scipy import sparse

    generator = np.random.default_rng(0)
    normal = generator.standard_normal
    X = sparse.random_array((n, p), density=density, rng=generator, format="csr", data_sampler=normal)
    return Data(X, 1 + X @ normal(p) + normal(n))


def make_one_hot(n: int, p: int, factors: int = 6) -> Data:
    """Return factors with all their levels as columns: those of each factor sum to one, so the rank is less than p."""
    from scipy import sparse

    generator, levels = np.random.default_rng(0), p // factors
    columns = generator.integers(levels, size=(n, factors)) + levels * np.arange(factors)
    places = np.arange(0, n * factors + 1, factors, dtype=np.int32)  # as OneHotEncoder has them
    X = sparse.csr_array((np.ones(n * factors), columns.ravel().astype(np.int32), places), shape=(n, p))
    return Data(X, 1 + X @ generator.standard_normal(p) + generator.standard_normal(n))


def make_groups(count: int, rows: int, p: int, shuffled: bool) -> Data:
    """Return groups of equal size, each with weights of its own: one after the other, or in random order."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((count, rows, p)) + 3 * generator.standard_normal(p)
    signal = (X @ generator.standard_normal((count, p, 1)))[:, :, 0]
    y = generator.standard_normal((count, 1)) + signal + generator.standard_normal((count, rows))
    groups = np.repeat(np.arange(count), rows)
    places = generator.permutation(count * rows) if shuffled else np.arange(count * rows)
    return Data(X.reshape(-1, p)[places], y.ravel()[places], groups[places])
