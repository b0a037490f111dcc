"""`fastgd.study`: measure, section by section."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from fastgd.bench.conditions import summarize_moments, take_moment
from fastgd.bench.limits import measure_limits
from fastgd.bench.machine import describe_machine, describe_threads, describe_versions
from fastgd.bench.probe import SECONDS as PROBE_SECONDS
from fastgd.bench.probe import prepare_probe
from fastgd.bench.results import list_twins
from fastgd.bench.roofs import raise_limits
from fastgd.bench.timing import EPOCHS_A_CALL
from fastgd.inputs.extras import explain_lack, is_installed
from fastgd.inputs.words import count
from fastgd.progress import Progress
from fastgd.report import descents, ladder, starts
from fastgd.report import map as grid
from fastgd.report.reading import SCHEMA, SCHEMA_VERSION
from fastgd.report.record import Study
from fastgd.report.settings import SECTIONS, SIZED, Settings, Step, check_settings
from fastgd.report.sources import list_sources

BLAS_SECTIONS = ("ladder", "map", "roofline")
LIMITS_SECONDS = 0.4  # of a round, for each number of threads


class Section(NamedTuple):
    """A section of the study: a function that plans its steps, and one that makes its data of their results.

    The second one also gets the conditions under which they were measured.
    """

    plan: Callable[[Settings], list[Step]]
    gather: Callable[[list[Any], dict[str, Any]], dict[str, Any]]


def plan_limits(settings: Settings) -> list[Step]:
    """Return the one step of the roofline: all limits are measured in the same rounds."""
    counts, rounds = settings.thread_counts, settings.rounds
    seconds = LIMITS_SECONDS * rounds * len(counts)
    return [Step("the machine's limits", seconds, partial(measure_limits, counts, rounds))]


MEASURES = {
    "ladder": Section(ladder.plan_ladder, lambda found, _: {"shapes": found}),
    "map": Section(grid.plan_map, grid.gather_map),
    "roofline": Section(plan_limits, lambda found, _: {"limits": found[0]}),
    "price": Section(starts.plan_starts, lambda found, _: starts.summarize_starts(found)),
    "descents": Section(descents.plan_descents, lambda found, _: found[0]),
}


def study(
    *,
    quick: bool = False,
    sizes: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    sections: list[str] | None = None,
    quiet: bool = False,
) -> Study:
    """Measure the gains of vectorization, compilers, mathematics and step sizes on this machine.

    Parameters
    ----------
    quick : bool
        True to measure fewer sizes in fewer rounds: in under a minute instead of under ten.
    sizes : pair of tuples of int, optional
        The numbers of samples and the numbers of features of the map; shapes of more than 25 million numbers are left
        out. The ladder takes the largest shape that a Python loop can do. By default, the study chooses sizes.
    sections : list of str, optional
        One or more of "ladder", "map", "roofline", "price", "descents"; by default all.
    quiet : bool
        True to show no progress.

    Returns
    -------
    Study
        The results. The repr is a summary, in a notebook the whole page; `Study.save` writes the page or the data.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind above.
    ImportError
        If threadpoolctl is not installed, for sections that are timed with NumPy.

    Examples
    --------
    >>> import fastgd
    >>> found = fastgd.study(quick=True, sizes=((100, 1000), (5,)), sections=["map"], quiet=True)
    >>> [(entry["n_samples"], entry["n_features"]) for entry in found.data["map"]["shapes"]]
    [(100, 5), (1000, 5)]
    """
    settings = check_settings(quick, sizes, sections)
    return measure_study(settings, plan_study(settings), quiet)


def plan_study(settings: Settings) -> dict[str, list[Step]]:
    """Return the steps of each section."""
    return {name: MEASURES[name].plan(settings) for name in settings.sections}


def describe_plan(plans: dict[str, list[Step]]) -> str:
    """Return the number of steps of a study, and the seconds that they take together on an idle machine."""
    steps = [step for steps in plans.values() for step in steps]
    seconds = sum(step.seconds for step in steps) + PROBE_SECONDS * (len(steps) + 1)
    return f"{count(len(steps), 'step')}, about {seconds:,.0f} s on an idle machine"


def measure_study(settings: Settings, plans: dict[str, list[Step]], quiet: bool) -> Study:
    """Run the steps of each section, and return their results with all that was noted about the conditions."""
    check_blas(settings.sections)
    if not quiet:
        print(f"fastgd: {describe_plan(plans)}", file=sys.stderr)
    begin = perf_counter()
    probe, moments = prepare_probe(), []
    found = run_steps(plans, quiet, lambda: moments.append(take_moment(probe)))
    twins = list_twins([shape for name in SIZED for shape in found.get(name, [])])
    conditions, machine = summarize_moments(moments, twins), describe_machine()
    measured = {name: MEASURES[name].gather(results, conditions) for name, results in found.items()}
    if "roofline" in measured and "ladder" in measured:
        raise_limits(measured["roofline"]["limits"], measured["ladder"]["shapes"], machine)
    return Study(
        {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "command": describe_command(settings),
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": perf_counter() - begin,
            "machine": machine,
            "conditions": conditions,
            "versions": describe_versions(),
            "threads": describe_threads(settings.thread_counts[-1]),
            "settings": {
                "quick": settings.quick,
                "rounds": settings.rounds,
                "order": "C",
                "dtype": "float64",
                "most_epochs_per_call": EPOCHS_A_CALL,
            },
            "sources": [source._asdict() for source in list_sources()],
            **measured,
        }
    )


def check_blas(sections: Sequence[str]) -> None:
    """Refuse sections, before any work is done, whose contestants would wait for threads of BLAS that spin."""
    if not set(sections).isdisjoint(BLAS_SECTIONS) and not is_installed("threadpoolctl"):
        raise ImportError(explain_lack("a study's timings need threadpoolctl", "threadpoolctl"))


def run_steps(
    plans: dict[str, list[Step]], quiet: bool, between: Callable[[], object] = lambda: None
) -> dict[str, list[Any]]:
    """Return the results of the steps of each section; `between` is called before each step, and after the last."""
    found: dict[str, list[Any]] = {name: [] for name in plans}
    done = 0.0
    with Progress(sum(step.seconds for steps in plans.values() for step in steps), quiet=quiet) as progress:
        for name, steps in plans.items():
            for step in steps:
                progress.show(done, step.title)
                between()
                found[name].append(step.run())
                done += step.seconds
        between()
    return found


def describe_command(settings: Settings) -> str:
    """Return the command that makes the same study."""
    parts = ["fastgd study"]
    if settings.quick:
        parts.append("--quick")
    if settings.sizes:
        parts.append("--sizes " + "x".join(",".join(map(str, part)) for part in settings.sizes))
    if settings.sections != SECTIONS:
        parts.append("--sections " + ",".join(settings.sections))
    return " ".join(parts)
