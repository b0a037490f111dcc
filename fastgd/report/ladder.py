"""The ladder: one epoch of one problem, from a loop over array scalars to coordinates in which one is enough."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastgd import backends
from fastgd.backends.cores import count_cores
from fastgd.backends.threads import count_members
from fastgd.bench.conditions import is_contended
from fastgd.bench.contestants import Contestant, list_backends, make_backend
from fastgd.bench.differences import differ
from fastgd.bench.problem import make_problem
from fastgd.bench.results import make_entry, time_with_twin
from fastgd.bench.text import format_shape, threads_of
from fastgd.report.agreement import check_agreement, check_minimum
from fastgd.report.rungs import time_sparse, time_targets
from fastgd.report.settings import LOOP_ELEMENTS, Settings, Step
from fastgd.report.steps import (
    prepare_arrays,
    prepare_compress,
    prepare_compressed,
    prepare_in_place,
    prepare_whiten,
    prepare_whitened,
)

LOOP_SECONDS = 6e-7  # of a loop over array scalars, for an element
OTHER_SECONDS = 3.0  # of all other steps together, of many targets and of sparse rows, for a shape

# The cost that each step of the ladder removes.
REMOVES = {
    "arrays": "",
    "python": "an object for every number that is read",
    "numpy": "the interpreter for each number: it still runs about ten lines an epoch",
    "in_place": "temporaries: new memory for the residuals in every epoch",
    "numba": "NumPy's calls, and a pass over memory: rows are used twice while they are in cache",
    "cython": "the compiler at the first call (see its price): the same loop, compiled at build time",
    "threads": "a core's idleness",
    "compressed": "the rows: a problem with at most n_features + 2 rows has the same cost for all weights",
    "whitened": "all epochs but one: where the Hessian of J is the identity, the rate 1 leads to the minimum",
}


def plan_ladder(settings: Settings, others: Sequence[Contestant] = ()) -> list[Step]:
    """Return a step for each shape, with other contestants to be timed in the same rounds."""
    return [
        Step(
            f"ladder, {format_shape(n, p)}",
            (settings.rounds + 3) * (min(n * p, LOOP_ELEMENTS) * LOOP_SECONDS) + OTHER_SECONDS,
            partial(climb, n, p, settings.rounds, others),
        )
        for n, p in settings.ladder_shapes
    ]


def climb(n_samples: int, n_features: int, rounds: int, others: Sequence[Contestant] = ()) -> dict[str, Any]:
    """Time every step of the ladder at one shape, after a check of its weights.

    Returns
    -------
    dict
        The shape and its "contestants", as in the results of `fastgd.bench.measure`. "order" has the names of the
        steps. "differences" has the distance of each step's weights from those of the first step after two epochs, as
        a share of the largest weight; for the whitened problem, their distance from the weights of least squares after
        one epoch. "compress" and "whiten" are entries like that of a contestant, for the work of once. "twin" has the
        times of a twin, "targets" and "sparse" those of many targets and of sparse rows, and "others" those of other
        contestants, if any.
    """
    problem = make_problem(n_samples, n_features)
    steps = list_steps(count_members(n_samples, n_features, count_cores()))
    # Loops are left out of problems that are too large for them.
    steps = [step for step in steps if problem.X.size <= (step.most_elements or problem.X.size)]
    alike = [step for step in [*steps, *others] if step.name != "whitened"]
    differences = {**check_agreement(alike, problem), "whitened": check_minimum(problem)}
    works = [Contestant("compress", prepare_compress), Contestant("whiten", prepare_whiten)]
    found, twin = time_with_twin([*steps, *works, *others], problem, rounds)
    once = {work.name: found.pop(work.name) for work in works}
    more = {"others": {other.name: found.pop(other.name) for other in others}} if others else {}
    return {
        **make_entry(problem.X, found),
        **twin,
        "order": [step.name for step in steps],
        "differences": differences,
        **once,
        **more,
        "targets": time_targets(problem, rounds),
        "sparse": time_sparse(n_samples, n_features, rounds),
    }


def list_steps(threads: int) -> list[Contestant]:
    """Return the steps of the ladder that this machine has, with up to a number of threads, the slowest first."""
    loop, numpy, *compiled = list_backends(loop_elements=LOOP_ELEMENTS)
    fastest = backends.resolve("auto")
    if threads > 1 and compiled:
        compiled.append(make_backend(fastest, threads))
    return [
        Contestant("arrays", prepare_arrays, most_elements=LOOP_ELEMENTS),
        loop,
        numpy,
        Contestant("in_place", prepare_in_place),
        *compiled,
        Contestant("compressed", prepare_compressed),
        Contestant("whitened", prepare_whitened),
    ]


def removed(name: str, before: str | None) -> str:
    """Return the cost of the step before that a step of the ladder removes; "" for a step that is not known here."""
    if threads_of(name) > 1:
        return REMOVES["threads"]
    # Both compiled kernels run the same loop: where there is only one, it removes all that Numba's would.
    return REMOVES.get("numba" if name == "cython" and before != "numba" else name, "")


def describe_step(entry: dict[str, Any], name: str, conditions: dict[str, Any]) -> str:
    """Return the cost that a step of the ladder removes, or that it is no faster than the step before."""
    found, order = entry["contestants"], entry["order"]
    k = order.index(name)
    if k == 0:
        return ""
    cost, before = removed(name, order[k - 1]), order[k - 1]
    # A whitened epoch may take as long as one of the step before: it removes all other epochs.
    if name == "whitened":
        return cost
    if is_contended(conditions) and found[name]["threads"] == 1:  # several threads wait for cores that others use
        before = next((one for one in reversed(order[:k]) if found[one]["threads"] == 1), before)
    if not differ(found[name], found[before], conditions):
        return f"no reliable difference here; elsewhere it removes {cost}"
    return cost if found[name]["seconds"] < found[before]["seconds"] else "slower here"
