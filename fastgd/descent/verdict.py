"""The verdict on a run that has ended: whether it converged, and if not, why not and what would help."""

from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

from fastgd.descent.loop import Ending
from fastgd.descent.options import DescentOptions
from fastgd.descent.stopping import StoppingRules
from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.inputs.words import count
from fastgd.problem.coordinates import Coordinates
from fastgd.problem.curvature import EXACT_FEATURES
from fastgd.problem.prepared import Prepared
from fastgd.problem.sparse_rows import SparseRows
from fastgd.rates.schedules import Rates

HOPELESS_CONDITION = 1e5  # beyond, the best rates need millions of epochs
ORDINARY_CONDITION = 1e3  # up to this condition number, too few epochs are not its fault
LEAST_ERROR = 5e-4  # of predictions, in standard deviations of y: from here on, the digits of a fit are in doubt
COLLINEAR = 2.5  # the largest errors by near collinearity are this many times further above their estimate
ROUNDING = 4  # the error of a prediction, in rounding errors of its terms
ENDINGS = {
    "cost": "the cost settled after {}",
    "gradient": "the gradient vanished after {}",
    "epochs": "all {} ran",
    "diverged": "the cost grew after {}",
    "callback": "the callback ended the run after {}",
    "interrupted": "the run was interrupted after {}",
}


# Why the minimum in other coordinates may not be that in the units of the data, by number.
DOUBTS = (
    "",
    "a column is so far from zero that rounding hides the best weights",
    "columns far from zero, or nearly collinear ones, leave too few digits for predictions",
    "the columns are so nearly collinear that rounding changes the weights",
    "the weights in the units of the data miss the least cost",
)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The verdict on a run.

    Attributes
    ----------
    converged : bool, or ndarray of shape (k,) for k targets
        True if the weights are those of the least cost, within the tolerance.
    message : str
        Why the run ended, in words.
    condition : float or None
        The condition number of X if it is too large for the tolerance or the number of epochs, else None.
    """

    converged: Any
    message: str
    condition: float | None


def judge_ending(
    prepared: Prepared, rates: Rates, ending: Ending, weights: Array, rules: StoppingRules, options: DescentOptions
) -> Verdict:
    """Return the verdict on a run that ended with these weights, in the units of the data."""
    epochs = len(ending.costs)
    condition = find_excessive_condition(prepared, rates, ending.reason, options)
    converged = ending.reason in ("cost", "gradient") and condition is None
    if converged and prepared.coordinates:
        doubt = find_doubt(prepared, prepared.coordinates, ending, weights, rules)
        return Verdict(not doubt, describe_ending(ending.reason, epochs, None, DOUBTS[doubt]), None)
    return Verdict(converged, describe_ending(ending.reason, epochs, condition), condition)


def describe_ending(reason: str, epochs: int, condition: float | None, doubt: str = "") -> str:
    """Return why a run ended, in words."""
    message = ENDINGS[reason].format(count(epochs, "epoch"))
    if reason == "epochs" and epochs == 1:
        message = "the only epoch ran"
    if condition is not None:
        limit = "so few epochs" if reason == "epochs" else "tol"
        return f"{message}, but the condition number of X is {condition:.3g}, too large for {limit}"
    return f"{message}, but {doubt}" if doubt else message


def find_doubt(
    prepared: Prepared, coordinates: Coordinates, ending: Ending, weights: Array, rules: StoppingRules
) -> int:
    """Return the number in `DOUBTS` of why the minimum in other coordinates is not that in the data's units.

    There rounding to float64 costs digits, which no further epoch brings back: those of the terms of a prediction, and
    those of the residuals along directions in which the columns are nearly collinear.
    """
    largest = sqrt(2) * max(LEAST_ERROR * sqrt(rules.variation), rules.negligible)
    if prepared.doubtful > largest:
        return 1
    intercept = int(prepared.fit_intercept)
    terms = coordinates.magnitudes * weights[intercept:]
    rounding = EPSILON * hypot(norm(terms), *weights[:intercept].tolist())
    collinear = EPSILON * coordinates.amplification * sqrt(2 * ending.cost)
    if rounding + COLLINEAR * collinear > largest and ending.cost > 0:
        return 2 if rounding > COLLINEAR * collinear else 3
    whitened = prepared.precondition == "whiten"
    if whitened and not rules.is_least(ending.cost, norm(ending.gradient), ROUNDING * rounding):
        return 4
    return 0


def find_excessive_condition(prepared: Prepared, rates: Rates, reason: str, options: DescentOptions) -> float | None:
    """Return the condition number of X if it is too large for tol or for the number of epochs, else None.

    Rounding limits the accuracy of the weights to about condition·eps, relative to their size; and even with the best
    rates, the number of epochs grows with the condition number. A run that has settled where the least cost is known
    needs no such check. Elsewhere `converged` may depend only on the problem and the rates. So after a run that has
    settled, the condition number is computed, unless that takes long and the rates do not need it. After a run that has
    used all epochs, it is used if it is known, and never computed.
    """
    if options.tol == 0 or reason in ("diverged", "callback", "interrupted"):
        return None
    curvature, settled = prepared.curvature, reason != "epochs"
    if settled and (prepared.precondition == "whiten" or prepared.summarize is not None):
        return None
    cheap = curvature.rank_bound <= EXACT_FEATURES or rates.ends is not None or reason == "cost"
    if not (cheap if settled else curvature.extremes_known):
        return None
    condition = curvature.condition
    if condition is None:
        return None
    digits = condition * EPSILON > options.tol
    blamed = digits if settled else condition > ORDINARY_CONDITION and (digits or condition > options.epochs)
    return condition if blamed else None


def list_remedies(
    prepared: Prepared, options: DescentOptions, batch_size: int | None, reason: str, condition: float | None
) -> list[str]:
    """Return what would help a run that has not converged, and is not set yet."""
    if options.tol < EPSILON:
        return [f"a tol above the rounding of float64, {EPSILON:.2g}"]
    if batch_size is not None:
        return ["tol=0: mini-batches seldom settle within tol"]
    unset = {
        "compress='auto'": options.compress is False,
        "learning_rate='auto'": options.rate_named,
        "precondition='auto'": options.precondition not in ("auto", "whiten"),
    }
    remedies = [" and ".join(name for name, helps in unset.items() if helps)] if any(unset.values()) else []
    if options.rate_named and options.schedule is not None and options.precondition == "auto":
        remedies.append("precondition='standardize'")
    if not remedies and isinstance(prepared.problem.X, SparseRows) and prepared.precondition != "whiten":
        remedies.append("precondition='whiten'")
    if reason != "epochs":
        far = prepared.precondition != "none"
        remedies.append("columns of X minus a number near their mean" if far else "fewer columns")
    elif condition is None or condition <= HOPELESS_CONDITION:
        remedies.append("more epochs")
    return remedies or ["a larger tol"]
