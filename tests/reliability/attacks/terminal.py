"""Files, arguments and names that aim at the terminal, the page or a traceback, through the command line itself.

Each case writes one changed file (a model, a study or a CSV table) and calls `fastgd.cli.main.main` in this process. A
fault is an exception, an exit code that the case does not allow, no message beside exit code 2, or a character on the
terminal that it would obey.
"""

import io
import json
import random
import sys
import tempfile
import traceback
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from unittest.mock import patch

from tally import Tally

sys.path.insert(0, str(Path(__file__).parents[2]))
from test_study_files import WHOLE

from fastgd.cli import main as cli
from fastgd.report import Study

ROUNDS = 10_000  # changes of each kind of file, in two minutes
PAGES = 20  # of the studies that are accepted are also drawn and compared, which takes two seconds each
CODES = {0, 2, 3}
TABLE = "size,age,price\n1,2,3\n2,1,5\n3,5,6\n4,4,9\n5,2,11\n"
MODEL = {
    "schema": "fastgd.linear_model", "schema_version": 1, "target": "price", "features": ["size", "age"],
    "intercept": 1.0, "coef": [2.0, -0.5], "fit": {"converged": True, "tol": 1e-8, "epochs": 3},
}  # fmt: skip
# Values that replace others: of the wrong type or size, and text that a terminal, a page or a formula would obey.
TEXTS = [
    "", " ", "x" * 5000, "\x1b[31mred\x1b[0m", "\x9b2J", "a\r\nb", "\u202egnp.exe", "\u2028", "\u200b", "\x00",
    "e\u0301" * 9, "\ud800", "価格", "$\\frac$", "$x$", "_hidden", "\\", "'\"", "<script>alert(1)</script>",
    "</script>", "<!--", "-->", "]]>", '" onmouseover="alert(1)', "javascript:alert(1)", "{{ 7*7 }}", "{% raw %}",
    "&amp;", "[red]", "%s %n", "=1+1",
    'id="tip99"', "font-size: 0px", "#010203", "cython-0", "cython-" + "9" * 5000, "numba, \x1b[2J", "-1", "٣",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2**63, 10**30, 10**308, 10**400, -(10**400), 1e-320, 1e-300, 1e300, 1e308, -1e308, 0.0, -0.0, 0.1, 5e-324,
    1e-31, 1e29, 1e30,
]  # fmt: skip
OTHERS = [None, True, False, [], {}, [[]], {"a": {}}, [None], [1, "a"], {"": 0}]
RAW = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 4299, "9" * 5000, "1e-999", "[" * 500 + "]" * 500,
    '{"a":' * 300 + "1" + "}" * 300, "[" * 100_000, '"\\ud800"', '"\\u0000"', "+1", "0x1", "1_0", "'a'", "nul",
]  # fmt: skip
JUNK = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b'"', b",", b"\r", b"\x1b[2J", b"\x80", b"9" * 400, b"e999",
    b"nan",
]  # fmt: skip
OBEYED = {chr(code) for code in [*range(32), *range(127, 160), *range(0x202A, 0x202F), 0x2028, 0x2029]} - {"\n"}


def attack(tally: Tally, rounds: int = ROUNDS, seed: int = 0) -> None:
    """Change models, studies and tables at random, and give them to every command that reads them."""
    rng = random.Random(seed)
    parser = cache(cli.make_parser)  # making it takes longer than most cases
    with tempfile.TemporaryDirectory() as folder, chdir(folder), patch.object(cli, "make_parser", parser):
        Path("data.csv").write_text(TABLE)
        Path("model.json").write_text(json.dumps(MODEL))
        Path("whole.json").write_text(json.dumps(WHOLE))
        for k in range(rounds):
            attack_model(tally, rng, f"{seed}/{k}")
            attack_table(tally, rng, f"{seed}/{k}")
        accepted = [found for k in range(rounds) for found in attack_study(tally, rng, f"{seed}/{k}")]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for case, data in rng.sample(accepted, min(PAGES, len(accepted))):
                attack_page(tally, case, data)
        attack_arguments(tally, rng, rounds // 10, seed)
    print(f"  {len(accepted):,} changed studies accepted, {min(PAGES, len(accepted)):,} of them drawn", flush=True)


def attack_model(tally: Tally, rng: random.Random, case: str) -> None:
    """Give a changed model to predict."""
    Path("changed.json").write_bytes(change_json(rng, MODEL))
    call(tally, f"model {case}", ["predict", "changed.json", "data.csv", *rng.choice([[], ["--json"]])])


def attack_table(tally: Tally, rng: random.Random, case: str) -> None:
    """Give a changed table to fit or predict."""
    content = bytearray(TABLE.encode())
    for _ in range(rng.choice([1, 1, 2, 5])):
        start = rng.randrange(len(content) + 1)
        put = rng.choice([*JUNK, rng.choice(TEXTS).encode(errors="surrogatepass"), rng.randbytes(3)])
        content[start : start + rng.choice([0, 0, 1, 4, 20])] = put
    if rng.random() < 0.02:
        content = bytearray(bytes(content).decode("latin-1").encode("utf-16"))
    Path("changed.csv").write_bytes(bytes(content))
    fit = ["fit", "changed.csv", "--target", rng.choice(["price", "age"]), *rng.choice([[], ["--json"]])]
    call(tally, f"table {case}", rng.choice([fit, ["predict", "model.json", "changed.csv"]]))


def attack_study(tally: Tally, rng: random.Random, case: str) -> list[tuple[str, dict]]:
    """Read a changed study; return it with its name if it was accepted."""
    Path("changed.json").write_bytes(change_json(rng, WHOLE))
    try:
        found = Study.load("changed.json")
    except ValueError as error:
        text = str(error)
        held = text.startswith("changed.json: ") and len(text) < 2000 and not shows(text)
        tally.check(held, f"study {case}: {text!r}")
        return []
    except Exception as error:
        tally.check(False, f"study {case}: {error!r}")
        return []
    tally.check(not shows(repr(found)), f"study {case}: {found!r}")
    return [(case, found.data)]


def attack_page(tally: Tally, case: str, data: dict) -> None:
    """Draw an accepted study, and compare it with another one by the command."""
    try:
        Study(data).to_html().encode()
        tally.check(True, case)
    except Exception:
        tally.check(False, f"page of study {case}: {traceback.format_exc()}")
    Path("changed.json").write_text(json.dumps(data))
    call(tally, f"compare {case}", ["study", "--compare", "changed.json", "whole.json"])


def attack_arguments(tally: Tally, rng: random.Random, rounds: int, seed: int) -> None:
    """Put odd text in place of arguments of the commands."""
    commands = [
        ["fit", "data.csv", "--target", "price", "--alpha", "1", "--tol", "0", "--epochs", "3", "--features", "age"],
        ["predict", "model.json", "data.csv"],
        ["bench", "--shapes", "0x1", "--rounds", "2"],  # two faults: a number of rounds may be as large as one likes
        ["study", "--sizes", "0x1", "--sections", "map"],
        ["study", "--compare", "whole.json", "nope.json"],
        ["config", "--json"],
    ]
    odd = [text for text in TEXTS if "\x00" not in text] + [str(one) for one in NUMBERS if abs(one) < 1e300]
    odd += ["9" * 5000, "nan", "inf", "-", "/dev/zero"]
    for k in range(rounds):
        command = list(rng.choice(commands))
        command[rng.randrange(len(command))] = rng.choice([*odd, f"--{rng.choice(odd)}"])
        call(tally, f"arguments {seed}/{k}", command)


def change_json(rng: random.Random, document: dict) -> bytes:
    """Return a document with one to three changes: in its values, its names, or its bytes."""
    data = json.loads(json.dumps(document))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        change_value(rng, data)
    text = json.dumps(data, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1 and '"PUT"' not in text:  # a value that json.dumps would not write
        text = text.replace(rng.choice(["1.0", "0.1", "3"]), rng.choice(RAW), 1)
    if rng.random() < 0.1:
        start = rng.randrange(len(text) + 1)
        text = text[:start] + rng.choice(RAW + TEXTS) + text[start + rng.choice([0, 1, 5, 50]) :]
    coding = "utf-16" if rng.random() < 0.02 else "utf-8"
    return text.encode(coding, errors="surrogatepass")


def change_value(rng: random.Random, data: dict) -> None:
    """Replace, remove, rename or repeat one entry at a random place."""
    part = data
    while True:
        keys = list(part) if isinstance(part, dict) else range(len(part))
        if not keys:
            return
        key = rng.choice(list(keys))
        if not isinstance(part[key], dict | list) or not part[key] or rng.random() < 0.15:
            break
        part = part[key]
    way = rng.random()
    if way < 0.15:
        del part[key]
    elif way < 0.3 and isinstance(part, dict):
        part[rng.choice(TEXTS)] = part[key] if rng.random() < 0.5 else part.pop(key)
    elif way < 0.4 and isinstance(part, list):
        part.insert(key, part[key])
    elif isinstance(part[key], str) and way < 0.8:
        part[key] = rng.choice(TEXTS)
    elif isinstance(part[key], int | float) and way < 0.85:
        part[key] = rng.choice(NUMBERS)
    else:
        part[key] = rng.choice(OTHERS + TEXTS + NUMBERS)


def call(tally: Tally, case: str, arguments: list[str]) -> None:
    """Run a command; check its exit code and its output."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            code = cli.main(arguments)
    except SystemExit as ended:
        code = ended.code
    except Exception:
        tally.check(False, f"{case}: {arguments}: {traceback.format_exc()}")
        return
    shown = errors.getvalue() + ("" if arguments[0] == "predict" else output.getvalue())  # predictions are data
    held = code in CODES and (code != 2 or errors.getvalue()) and not shows(shown) and len(errors.getvalue()) < 5000
    tally.check(bool(held), f"{case}: {arguments}: exit code {code}, {shows(shown)!r} in {shown[-500:]!r}")


def shows(text: str) -> str:
    """Return the characters of a text that a terminal would obey or that it cannot encode."""
    return "".join(sorted(c for c in set(text) if c in OBEYED or "\ud800" <= c <= "\udfff"))
