"""How far a pass has come: the sums of the rows so far, and which batches these came from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fastgd.problem.moments import Moments, add_moments
from fastgd.streaming.source import Seen
from fastgd.streaming.sums import Part


@dataclass(frozen=True, slots=True)
class State:
    """How far a pass has come. Never changed, so that an interrupt between two steps leaves a whole one.

    Attributes
    ----------
    method : {"gram", "qr"}
        What this pass sums up.
    moments : Moments or None
        The sums; None before the first row of positive weight.
    skipped : int
        How many rows were left out.
    batches : int
        How many batches were summed up.
    """

    method: str
    moments: Moments | None = None
    skipped: int = 0
    batches: int = 0
    log: list[Seen] = field(default_factory=list)  # of this state and of those after it

    @property
    def seen(self) -> Sequence[Seen]:
        """The batches that were summed up."""
        return self.log[: self.batches]

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(batch.rows for batch in self.seen)

    def after(self, part: Part) -> "State":
        """Return the state after one more batch."""
        moments = self.moments
        if part.moments is not None:
            moments = part.moments if moments is None else add_moments(moments, part.moments, self.method)
        del self.log[self.batches :]
        self.log.append(part.seen)
        return State(self.method, moments, self.skipped + part.skipped, self.batches + 1, self.log)
