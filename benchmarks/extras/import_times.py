"""How long `from fastgd import gradient_descent` takes in a fresh process, beside `import numpy`, which it contains.

    python benchmarks/extras/import_times.py [--rounds 30]

Medians over interleaved rounds, in milliseconds of a processor, which other programs disturb less than the clock: of
the import alone, and of the whole process, with the start of Python. Run it where fastgd is installed as for a user.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

MODULES = {"numpy": "import numpy", "fastgd": "from fastgd import gradient_descent"}  # which imports the rest
IMPORT = "from time import process_time as now; begin = now(); {statement}; print(now() - begin, now())"


def time_import(module: str) -> tuple[float, float]:
    """Return the seconds of an import, and of its whole process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", IMPORT.format(statement=MODULES[module])]
    done = subprocess.run(command, capture_output=True, check=True, env=environment, text=True)
    alone, whole = done.stdout.split()
    return float(alone), float(whole)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a line for each kind of time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args(arguments).rounds
    for module in MODULES:
        time_import(module)  # writes bytecode, and reads the files into the system's cache
    taken = {module: [] for module in MODULES}
    for _ in range(rounds):
        for module in MODULES:
            taken[module].append(time_import(module))
    for k, name in enumerate(("import", "process")):
        numpy, fastgd = (median(times[k] for times in taken[module]) for module in MODULES)
        print(f"{name:8} numpy {numpy * 1e3:6.1f} ms, fastgd {fastgd * 1e3:6.1f} ms, ratio {fastgd / numpy:.2f}")


if __name__ == "__main__":
    main()
