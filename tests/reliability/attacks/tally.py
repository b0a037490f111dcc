"""Counts the cases and the faults of one section of attacks."""

from dataclasses import dataclass, field


@dataclass
class Tally:
    """The cases tried in one section, and a line for each fault."""

    section: str
    cases: int = 0
    faults: list[str] = field(default_factory=list)

    def check(self, held: bool, case: str) -> None:
        """Count a case; print and keep it if fastgd did not hold."""
        self.cases += 1
        if not held:
            self.faults.append(case)
            print(f"FAULT in {self.section}: {case}", flush=True)

    def __str__(self) -> str:
        return f"{self.section}: {self.cases:,} cases, {len(self.faults):,} faults"
