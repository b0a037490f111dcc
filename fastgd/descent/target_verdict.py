"""The verdict on a run of several targets: which have converged, and why the others have not."""

from typing import NamedTuple

import numpy as np

from fastgd.descent.loop import Ending
from fastgd.descent.options import DescentOptions
from fastgd.descent.target_rules import TargetRules
from fastgd.descent.verdict import (
    COLLINEAR,
    DOUBTS,
    LEAST_ERROR,
    ROUNDING,
    Verdict,
    describe_ending,
    find_excessive_condition,
)
from fastgd.inputs.arrays import EPSILON, Array, column_norms
from fastgd.inputs.words import count, quote
from fastgd.problem.coordinates import Coordinates
from fastgd.problem.prepared import Prepared
from fastgd.rates.schedules import Rates

MOST_TARGETS = 5  # named in a message


class Fate(NamedTuple):
    """The targets that ended in the same way: their numbers, and the verdict on each."""

    targets: Array
    verdict: Verdict


def judge_targets(
    prepared: Prepared,
    rates: Rates,
    ending: Ending,
    weights: Array,
    rules: TargetRules,
    options: DescentOptions,
    names: list[str] | None,
) -> Verdict:
    """Return the verdict on a run that ended with these weights, in the units of the data.

    `converged` has an entry for each target. The message and the condition number begin with the targets that have not
    converged, if there are any. The message has the names of the targets, if they are known, or else their numbers.
    """
    fates = list_fates(prepared, rates, ending, weights, rules, options)
    converged = np.ones(weights.shape[1], dtype=bool)
    for fate in fates:
        converged[fate.targets] = fate.verdict.converged
    fates.sort(key=lambda fate: (fate.verdict.converged, int(fate.targets[0])))
    if len(fates) == 1:
        message = fates[0].verdict.message
    else:
        message = "; ".join(f"{fate.verdict.message}, for {name_targets(fate.targets, names)}" for fate in fates)
    return Verdict(converged, message, fates[0].verdict.condition)


def list_fates(
    prepared: Prepared, rates: Rates, ending: Ending, weights: Array, rules: TargetRules, options: DescentOptions
) -> list[Fate]:
    """Return the ways in which the targets ended, with the targets of each."""
    fates: list[Fate] = []
    reasons, k = ending.reasons, weights.shape[1]
    doubts = np.zeros(k, dtype=int)
    if prepared.coordinates and reasons & {"cost", "gradient"}:
        doubts = find_doubts(prepared, prepared.coordinates, ending, weights, rules)
    for reason in sorted(reasons):
        condition = find_excessive_condition(prepared, rates, reason, options)
        settled, mine = reason in ("cost", "gradient") and condition is None, np.ones(k, dtype=bool)
        if len(reasons) > 1:
            mine = np.array(ending.reason, dtype=object) == reason
        doubted = settled and bool(doubts.any())
        for doubt in set(doubts[mine].tolist()) if doubted else [0]:
            targets = np.flatnonzero(mine & (doubts == doubt) if doubted else mine)
            message = describe_ending(reason, len(ending.costs), condition, DOUBTS[doubt])
            fates.append(Fate(targets, Verdict(settled and not doubt, message, condition)))
    return fates


def find_doubts(
    prepared: Prepared, coordinates: Coordinates, ending: Ending, weights: Array, rules: TargetRules
) -> Array:
    """Return the number in `DOUBTS` of the reason why each minimum is not that in the data's units, as `find_doubt`."""
    largest = np.sqrt(2) * np.maximum(LEAST_ERROR * np.sqrt(rules.variation), rules.negligible)
    magnitudes = coordinates.magnitudes
    terms = np.concatenate([np.ones(1), magnitudes]) if prepared.fit_intercept else magnitudes
    rounding = EPSILON * column_norms(weights * terms[:, np.newaxis])
    collinear = COLLINEAR * EPSILON * coordinates.amplification * np.sqrt(2 * ending.cost)
    loses = (rounding + collinear > largest) & (ending.cost > 0)
    doubts = np.zeros(len(largest), dtype=int)
    if prepared.precondition == "whiten":
        doubts[~rules.is_least(ending.cost, column_norms(ending.gradient), ROUNDING * rounding)] = 4
    if loses.any():
        doubts[loses] = np.where(rounding > collinear, 2, 3)[loses]
    doubts[prepared.doubtful > largest] = 1
    return doubts


def name_targets(targets: Array, names: list[str] | None = None) -> str:
    """Return the number of the targets, and the names of the first ones, or their numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.descent.target_verdict import name_targets
    >>> name_targets(np.arange(7)), name_targets(np.array([1]), ["rent", "price"])
    ('7 targets (0, 1, 2, 3, 4, …)', "1 target ('price')")
    """
    shown = ", ".join(name_target(k, names) for k in targets[:MOST_TARGETS].tolist())
    more = ", …" if len(targets) > MOST_TARGETS else ""
    return f"{count(len(targets), 'target')} ({shown}{more})"


def name_target(target: int, names: list[str] | None) -> str:
    """Return the name of a target in quotes, or its number."""
    return str(target) if names is None else quote(names[target])
