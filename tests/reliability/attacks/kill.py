"""Kill fits of every kind of source at random moments: the fit that goes on must end with the same bits."""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from killing import KINDS, draw_moment, kill_at, prepare, run

AGAIN = 0.2  # the share of fits that are killed a second time before they go on


def attack(tally, rounds=100, seed=0):
    """Kill `rounds` fits; each goes on from what the kill left, and leaves no file."""
    chance, loaded, unfinished = random.Random(seed), 0, 0
    with TemporaryDirectory() as place:
        for kind in KINDS:
            (Path(place) / kind).mkdir()
            prepare(kind, Path(place) / kind)
        expected = {kind: run(kind, Path(place) / kind, None) for kind in KINDS}
        path = Path(place) / "checkpoints" / "fit.checkpoint"
        path.parent.mkdir()
        for number in range(rounds):
            kind = KINDS[number % len(KINDS)]
            folder, moment = Path(place) / kind, draw_moment(chance)
            unfinished += kill_at(moment, kind, folder, path)
            if chance.random() < AGAIN:
                kill_at(draw_moment(chance), kind, folder, path)
            loaded += path.exists()
            case = f"{kind}, killed after {moment:.4f} s"
            tally.check(run(kind, folder, path) == expected[kind], f"{case}: other bits")
            tally.check(not list(path.parent.iterdir()), f"{case}: files left")
    print(f"kill: {rounds} fits, {unfinished} killed before their end, {loaded} of them with a checkpoint")
