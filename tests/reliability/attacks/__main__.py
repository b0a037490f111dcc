"""Attack fastgd on purpose: ``python tests/reliability/attacks [SECTION ...] [--rounds N] [--seed N]``.

Each section is a module of this folder with a function ``attack(tally, rounds, seed)``. A fault is a wrong answer, a
traceback, a hang, or something lost; the exit code is 1 if there is any. The right behaviour of each case is a test in
the folder above.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from tally import Tally

SECTIONS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__main__", "tally"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Attack fastgd, and count cases and faults.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, help="rounds of random cases; each section has its own default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    unknown = sorted(set(options.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"SECTION must be one of {', '.join(SECTIONS)}; got {', '.join(unknown)}")
    faults = 0
    for section in options.sections or SECTIONS:
        tally = Tally(section)
        attack = import_module(section).attack
        attack(tally, *([] if options.rounds is None else [options.rounds]), seed=options.seed)
        print(tally, flush=True)
        faults += len(tally.faults)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
