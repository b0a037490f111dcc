"""Does a study on a busy machine claim anything that a study on an idle machine contradicts?

    python benchmarks/extras/noisy_study.py [--burners 2] [--keep FOLDER]

Runs `fastgd study --quick` alone, then again while other processes keep the cores busy. A claim is a pair of
contestants of one shape whose times the study tells apart; it is contradicted if the other study tells the same pair
apart in the other order. So are the waits of two backends' processes, if all starts of one are faster than all of the
other. Prints both badges, the numbers of claims, each contradiction, and what `--compare` says. Begin on an idle
machine.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations, permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from fastgd.bench.conditions import describe_conditions
from fastgd.bench.differences import differ
from fastgd.report import Study
from fastgd.report.compare import compare_studies
from fastgd.report.starts import WAIT

Claim = tuple[str, int, int, str, str]  # a section, its shape, and the faster and the slower contestant


def list_claims(data: dict[str, Any]) -> set[Claim]:
    """Return all pairs of contestants of one shape that a study tells apart."""
    claims = list_waits(data["price"]) if "price" in data else set()
    for section in ("ladder", "map"):
        for entry in data[section]["shapes"]:
            for (name, one), (other_name, other) in combinations(entry["contestants"].items(), 2):
                if differ(one, other, data["conditions"]):
                    names = (name, other_name) if one["seconds"] < other["seconds"] else (other_name, name)
                    claims.add((section, entry["n_samples"], entry["n_features"], *names))
    return claims


def list_waits(price: dict[str, Any]) -> set[Claim]:
    """Return all pairs of backends whose processes wait for different times, by all starts of both."""
    claims, (n_samples, n_features) = set(), price["shape"]
    for one, other in permutations(price["starts"], 2):
        if price["starts"][one]["extremes"][WAIT][1] < price["starts"][other]["extremes"][WAIT][0]:
            claims.add(("price", n_samples, n_features, one, other))
    return claims


def find_contradictions(claims: set[Claim], others: set[Claim]) -> list[Claim]:
    """Return the claims that the other study makes the other way round."""
    return sorted(claim for claim in claims if (*claim[:3], claim[4], claim[3]) in others)


@contextmanager
def keep_busy(burners: int) -> Iterator[None]:
    """Run processes that only compute, until the block ends."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(burners)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run_study(folder: Path, name: str) -> dict[str, Any]:
    """Return the data of a quick study in a process of its own, and print how long it took and its badge."""
    begin = perf_counter()
    outputs = ["--json", str(folder / f"{name}.json"), "--out", str(folder / f"{name}.html")]
    command = [sys.executable, "-m", "fastgd", "study", "--quick", "--quiet", *outputs]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    data = Study.load(folder / f"{name}.json").data
    print(f"{name}: {perf_counter() - begin:.0f} s; {describe_conditions(data['conditions'])}", flush=True)
    return data


def main() -> None:
    """Run both studies and print the comparison; exit with 1 if the busy study claims what the idle one contradicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--burners", type=int, default=2, metavar="N", help="processes that keep cores busy (default: 2)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the data and the pages of both in this folder"
    )
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        idle = run_study(folder, "idle")
        with keep_busy(options.burners):
            busy = run_study(folder, "busy")
    claims, others = list_claims(busy), list_claims(idle)
    found = find_contradictions(claims, others)
    for section, n_samples, n_features, faster, slower in found:
        print(f"contradicted: {section}, {n_samples:,} × {n_features:,}: {faster} is faster than {slower}")
    print(f"{len(claims)} claims of the busy study, {len(others)} of the idle one, {len(found)} contradicted")
    print(*compare_studies(idle, busy, "idle.json", "busy.json")[1], sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
