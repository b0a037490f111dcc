"""Progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""

import sys
from contextlib import ExitStack
from time import monotonic
from types import TracebackType
from typing import Any, Self

from fastgd.forks import import_safely

LINE_SECONDS = 5.0  # between two lines where there is no terminal


class Progress:
    """Show how far a task is, as a context.

    Parameters
    ----------
    total : float or None
        The amount of the whole task, if it is known: a number of units, or its estimated seconds.
    title : str
        The words for the task, or for its first step.
    unit : str
        The unit to show with the amounts, such as "rows"; "" shows a share of the total instead.
    first : float
        The amount that was done before.
    quiet : bool
        Whether to show nothing.
    """

    def __init__(
        self, total: float | None, *, title: str = "", unit: str = "", first: float = 0, quiet: bool = False
    ) -> None:
        self.total, self.title, self.unit, self.first, self.quiet = total, title, unit, first, quiet
        self.began = self.shown = monotonic()
        self.read: tuple[int, int] | None = None
        self.bar: Any = None
        self.task: Any = None
        self.open = ExitStack()

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr.isatty():
            self.bar = make_bar()
        if self.bar is not None:
            self.open.enter_context(self.bar)
            self.task = self.bar.add_task(self.title, total=self.total, completed=self.first, amount="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.open.close()

    def show(self, done: float, title: str = "", read: tuple[int, int] | None = None) -> None:
        """Show the amount that is done, and the title of the step that begins, if one does.

        If the total is not known, `read` may give the bytes read so far, and those of all files.
        """
        if self.quiet:
            return
        if read is not None and read[0]:
            self.read, self.total = read, round(done * read[1] / read[0])  # an estimate, which ends up right
        self.title = title or self.title
        now = monotonic()
        speed = (done - self.first) / max(now - self.began, 1e-9)
        amount = self.describe(done, speed)
        if self.bar is not None:
            self.bar.update(self.task, description=self.title, completed=done, total=self.total, amount=amount)
        elif now - self.shown >= LINE_SECONDS:
            self.shown = now
            left = f", {(self.total - done) / speed:,.0f} s left" if self.total is not None and speed else ""
            print(f"fastgd: {self.title}: {amount}{left}", file=sys.stderr, flush=True)

    def describe(self, done: float, speed: float) -> str:
        """Return the amount that is done: with its unit and speed, or as a share."""
        if not self.unit:
            return f"{done / self.total:.0%}" if self.total else ""
        if self.read is not None:
            part, whole = (size / 1e6 for size in self.read)
            amount = f"{done:,} {self.unit}, {part:,.0f} of {whole:,.0f} MB ({part / whole:.0%})"
        else:
            total = "" if self.total is None else f" of {self.total:,}"
            amount = f"{done:,}{total} {self.unit}"
        return f"{amount}, {speed:,.0f} {self.unit}/s"


def make_bar() -> Any:
    """Return a progress bar of rich on standard error; None where rich is not installed."""
    try:
        import_safely("rich.progress")
    except ImportError:
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeRemainingColumn()
    # The time left follows from the speed since the start: the steps of a study differ too much for anything shorter.
    return Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=3600.0)
