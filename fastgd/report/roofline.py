"""The roofline's roofs: how fast this machine reads and computes, with one thread and with all."""

from functools import partial
from typing import Any

from fastgd.bench.limits import measure_limit
from fastgd.report.settings import Settings, Step

SECONDS_A_ROUND = 0.2


def plan(settings: Settings) -> list[Step]:
    """Return a step for each number of threads."""
    return [
        Step(
            f"the machine's limits, {threads} thread{'s' * (threads > 1)}",
            SECONDS_A_ROUND * settings.rounds,
            partial(measure_limit, threads, settings.rounds),
        )
        for threads in settings.thread_counts
    ]


def gather(found: list[Any]) -> dict[str, Any]:
    """Return what the steps found as the section's part of a study."""
    return {"limits": found}
