"""How far a study has come: a bar with the time left on a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

LINE_SECONDS = 5.0  # between two lines where there is no terminal

Show = Callable[[str, float], None]  # takes the title of what begins, and the estimated seconds of all that is done


@contextmanager
def show_progress(total: float, quiet: bool) -> Iterator[Show]:
    """Give a function that shows how far it is; `total` is the sum of all estimates, in seconds."""
    if quiet:
        yield lambda title, done: None
        return
    bar = make_bar() if sys.stderr.isatty() else None
    if bar is None:
        yield make_lines(total)
        return
    with bar:
        task = bar.add_task("", total=total)
        yield lambda title, done: bar.update(task, description=title, completed=done)


def make_lines(total: float) -> Show:
    """Return what prints a line every few seconds."""
    began = shown = monotonic()

    def show(title: str, done: float) -> None:
        nonlocal shown
        if monotonic() - shown >= LINE_SECONDS:
            shown = monotonic()
            # Estimates are corrected by how wrong they have been so far.
            left = (total - done) * (shown - began) / done if done else total
            print(f"fastgd: {title} ({done / total:.0%}, about {left:.0f} s left)", file=sys.stderr, flush=True)

    return show


def make_bar() -> Any:
    """Return a bar of rich's on standard error; None where rich is not installed: lines do then."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    except ImportError:
        return None
    columns = (TextColumn("{task.description:32}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # The time left by the speed of the whole study: steps differ too much for that of the last ones.
    return Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=3600.0)
