"""The roofline's roofs: how fast this machine reads and computes, with one thread and with all."""

from functools import partial
from typing import Any

from fastgd.bench.limits import measure_limits
from fastgd.report.settings import Settings, Step

SECONDS_A_ROUND = 0.4  # for each number of threads


def plan(settings: Settings) -> list[Step]:
    """Return one step: all roofs are measured in the same rounds."""
    counts = settings.thread_counts
    measure = partial(measure_limits, counts, settings.rounds)
    return [Step("the machine's limits", SECONDS_A_ROUND * settings.rounds * len(counts), measure)]


def gather(found: list[Any]) -> dict[str, Any]:
    """Return what the step found as the section's part of a study."""
    return {"limits": found[0]}
