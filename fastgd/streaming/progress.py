"""How far a pass has come, on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
from contextlib import ExitStack
from time import monotonic
from types import TracebackType
from typing import Any, Self

from fastgd.streaming.sums import State

LINE_SECONDS = 5.0  # between two lines where there is no terminal


class Progress:
    """Show how far a pass has come, as a context.

    Parameters
    ----------
    total : int or None
        How many rows there are, if that is known.
    state : State
        Where the pass begins.
    quiet : bool
        Whether to show nothing.
    """

    def __init__(self, total: int | None, state: State, quiet: bool) -> None:
        self.total = total
        self.quiet = quiet
        self.first = self.rows = state.rows
        self.title = "reading" if state.method == "gram" else "reading for a QR"
        self.began = self.shown = monotonic()
        self.bar: Any = None
        self.task: Any = None
        self.open = ExitStack()

    def __enter__(self) -> Self:
        if self.quiet:
            return self
        if self.first:
            print(f"fastgd: going on after {self.first:,} rows, by the checkpoint", file=sys.stderr)
        if sys.stderr.isatty():
            self.bar = make_bar()
        if self.bar is not None:
            self.open.enter_context(self.bar)
            self.task = self.bar.add_task(self.title, total=self.total, completed=self.first, speed="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.open.close()

    def add(self, rows: int) -> None:
        """Tell that so many rows more were read."""
        self.rows += rows
        now = monotonic()
        speed = (self.rows - self.first) / max(now - self.began, 1e-9)
        if self.bar is not None:
            self.bar.update(self.task, completed=self.rows, speed=f"{speed:,.0f} rows/s")
        elif not self.quiet and now - self.shown >= LINE_SECONDS:
            self.shown = now
            print(f"fastgd: {self.title}: {self.describe(speed)}", file=sys.stderr, flush=True)

    def describe(self, speed: float) -> str:
        """Return how far a pass is, how fast, and when it will be done."""
        if self.total is None:
            return f"{self.rows:,} rows, {speed:,.0f} rows/s"
        left = (self.total - self.rows) / max(speed, 1e-9)
        return f"{self.rows:,} of {self.total:,} rows, {speed:,.0f} rows/s, {left:,.0f} s left"


def make_bar() -> Any:
    """Return a bar of rich's on standard error; None where rich is not installed: lines do then."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError:
        return None
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    return Bar(*columns, console=Console(stderr=True), transient=True)
