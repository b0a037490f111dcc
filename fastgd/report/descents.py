"""The step size: the effect of a rate on cost and path, and the gain of schedules over a constant rate.

Nothing here is timed: the results are mathematics, the same on every machine.
"""

from typing import Any

import numpy as np

from fastgd import backends, rates
from fastgd.descent.cost import cost
from fastgd.inputs.arrays import Array
from fastgd.report.settings import Settings, Step

# Multiples of 1/smoothness: far too small, small, the safe choice, one that jumps over the minimum, one too large.
MULTIPLES = (0.02, 0.2, 1.0, 1.9, 2.05)
EPOCHS = 40
SCHEDULE_EPOCHS = 511  # 2⁹ − 1: whole cycles of the silver schedule
CONDITION = 1_000.0  # of XᵀX, for the schedules
DONE = 1e-13  # a curve ends where its cost is this share above the least cost
SCHEDULES = ("constant", "silver", "chebyshev", "eigenvalues")


def plan_descents(settings: Settings) -> list[Step]:
    """Return the one step of this section, which takes little time."""
    return [Step("rates and schedules", 0.2, run_descents)]


def run_descents() -> dict[str, Any]:
    """Return the section "descents" of a study: runs with every rate, and with every schedule."""
    return {"rates": compare_rates(), "schedules": compare_schedules()}


def compare_rates() -> dict[str, Any]:
    """Return costs and paths of two weights for rates from far too small to too large."""
    X, y, start = two_features()
    smoothness = float(np.linalg.eigvalsh(X.T @ X / len(y))[-1])
    runs = []
    for multiple in MULTIPLES:
        costs, path = follow(X, y, start, np.full(EPOCHS, multiple / smoothness))
        runs.append({"multiple": multiple, "rate": multiple / smoothness, "costs": costs, "path": path})
    return {"X": X.tolist(), "y": y.tolist(), "smoothness": smoothness, "least_cost": least_cost(X, y), "runs": runs}


def two_features() -> tuple[Array, Array, Array]:
    """Return data with two features of different scale, and a start that is off both axes of the valley."""
    generator = np.random.default_rng(7)
    X = generator.standard_normal((50, 2)) * (1.0, 0.4)
    return X, X @ (1.5, -1.0) + 0.3 * generator.standard_normal(50), np.array([-1.0, 2.5])


def follow(X: Array, y: Array, start: Array, steps: Array) -> tuple[list[float], list[list[float]]]:
    """Return the costs and the weights of a descent without stopping rules, from the start to the end."""
    weights, cost_of_epoch, gradient = start.copy(), np.empty(1), np.empty_like(start)
    costs, path = [], [weights.tolist()]
    for rate in steps:
        backends.descend(X, y, weights, np.array([rate]), cost_of_epoch, gradient)
        costs.append(float(cost_of_epoch[0]))
        path.append(weights.tolist())
    return [*costs, cost(X, y, weights)], path


def compare_schedules() -> dict[str, Any]:
    """Return the costs of schedules on one ill-conditioned problem."""
    X, y = ill_conditioned()
    eigenvalues = np.linalg.eigvalsh(X.T @ X / len(y))
    largest, smallest = float(eigenvalues[-1]), float(eigenvalues[0])
    least, curves = least_cost(X, y), {}
    for name in SCHEDULES:
        schedule = getattr(rates, name)
        known = (eigenvalues,) if name == "eigenvalues" else (largest, smallest)
        weights, costs, gradient = np.zeros(X.shape[1]), np.empty(SCHEDULE_EPOCHS), np.empty(X.shape[1])
        backends.descend(X, y, weights, schedule(SCHEDULE_EPOCHS, *known), costs, gradient)
        costs = np.append(costs, cost(X, y, weights))  # costs has those before updates: this one is after the last
        done = np.flatnonzero(costs <= least * (1 + DONE))
        curves[name] = costs[: done[0] + 1 if len(done) else None].tolist()
    return {
        "condition": (largest / smallest) ** 0.5,
        "least_cost": least,
        "n_features": X.shape[1],
        "epochs": SCHEDULE_EPOCHS,
        "costs": curves,
    }


def ill_conditioned() -> tuple[Array, Array]:
    """Return data whose XᵀX/n has eigenvalues from 1 down to 1/CONDITION, evenly on a logarithmic scale."""
    generator = np.random.default_rng(3)
    n, p = 400, 20
    left, _ = np.linalg.qr(generator.standard_normal((n, p)))
    right, _ = np.linalg.qr(generator.standard_normal((p, p)))
    X = np.ascontiguousarray(left * np.sqrt(n * np.geomspace(1.0, 1.0 / CONDITION, p)) @ right.T)
    return X, X @ generator.standard_normal(p) + 0.1 * generator.standard_normal(n)


def least_cost(X: Array, y: Array) -> float:
    """Return the least cost of all weights."""
    return cost(X, y, np.linalg.lstsq(X, y, rcond=None)[0])
