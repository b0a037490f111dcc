"""The Python on every page runs, its commands run or parse, and both print the output that the page shows.

Pages that Sphinx executes have their Python in cells: tests/test_site.py is about these.

The blocks of a page run in order, in one folder. A ```` ```text ```` block directly below another block is the output
of that block; white space does not count, and ``...`` stands for any text, as in doctests.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, Example, OutputChecker
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fastgd import backends
from fastgd.cli.main import make_parser
from fastgd.inputs.extras import is_installed

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel's tests run away from the source tree")
FILES = [*ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"), *ROOT.glob("docs/**/*.md")]
PAGES = sorted(str(path.relative_to(ROOT)) for path in FILES if "_build" not in path.parts)
# The extras that each page needs.
EXTRAS = {
    "README.md": ["sklearn", "matplotlib"],
    "docs/how-to/dask.md": ["dask"],
    "docs/study.md": ["matplotlib", "jinja2", "pygments", "threadpoolctl"],
}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
CHEAP = ("fit", "predict", "info", "config")  # these commands run; the options of the others are only parsed


class Block(NamedTuple):
    """A fenced block of a page, and the output that the page shows below it."""

    kind: str
    text: str
    line: int
    shown: str | None


def find_blocks(page):
    """Return the Python and shell blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))
    blocks = []
    for fence, after in zip_longest(fences, fences[1:]):
        below = after is not None and after[1] == "text" and not text[fence.end() : after.start()].strip()
        if fence[1] in ("python", "sh"):
            line = text.count("\n", 0, fence.start()) + 1
            blocks.append(Block(fence[1], fence[2], line, after[2] if below else None))
    return blocks


def split_commands(text):
    """Yield each line of a shell block that begins with fastgd, and the arguments of its fastgd commands."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        commands, skip = [[]], False
        for word in words:
            if set(word) <= set(";|&"):
                commands.append([])
            elif skip or set(word) <= set("<>"):
                skip = not skip  # the file name of a redirection
            else:
                commands[-1].append(word)
        if commands[0][:1] == ["fastgd"]:
            yield line, [words[1:] for words in commands if words[:1] == ["fastgd"]]


def is_cheap(arguments):
    """Return True if a command may run in a test."""
    return arguments[:1] and arguments[0] in CHEAP and "--scheduler" not in arguments


def compare(page, block, printed):
    """Fail if a block printed other output than its page shows."""
    if block.shown is not None:
        checker, flags = OutputChecker(), ELLIPSIS | NORMALIZE_WHITESPACE
        if not checker.check_output(block.shown, printed, flags):
            difference = checker.output_difference(Example(block.text, block.shown), printed, flags)
            pytest.fail(f"{page}, line {block.line}\n{difference}", pytrace=False)


def run_page(page):
    """Run the blocks of a page in the current folder, and return the variables of its Python."""
    names = {"__name__": "__main__"}
    for block in find_blocks(page):
        if block.kind == "python":
            code = compile("\n" * block.line + block.text, page, "exec")  # errors name the line of the page
            with redirect_stdout(io.StringIO()) as printed:
                exec(code, names)
            compare(page, block, printed.getvalue())
        else:
            lines = list(split_commands(block.text))
            runs = [line for line, commands in lines if all(map(is_cheap, commands))]
            assert block.shown is None or len(runs) == len(lines), f"{page}, line {block.line}: too slow to be shown"
            compare(page, block, "".join(run_command(line, block.shown is not None) for line in runs))
    return names


def run_command(line, shown):
    """Run a line in the shell and return its output and errors; it may fail only if the page shows the output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    finished = subprocess.run(
        ["bash", "-c", line],
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert shown or finished.returncode == 0, f"{line}\n{finished.stdout}"
    return finished.stdout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Go to a folder with the files that pages use; afterwards, remove the backends and modules that a page added."""
    rng = np.random.default_rng(0)
    size, age = rng.uniform(40, 200, 60), rng.integers(0, 60, 60)
    price = 30 + 2.5 * size - age + rng.standard_normal(60)
    table = {"size": size, "age": age, "price": price}
    rows = np.column_stack(list(table.values()))
    np.savetxt(tmp_path / "houses.csv", rows, "%.3f", ",", header="size,age,price", comments="")
    np.savetxt(tmp_path / "new-houses.csv", rows[:5, :2], "%.3f", ",", header="size,age", comments="")
    if is_installed("pyarrow"):
        import pyarrow as pa
        import pyarrow.parquet

        (tmp_path / "houses").mkdir()
        pa.parquet.write_table(pa.table(table), tmp_path / "houses" / "1.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(backends, "MODULES", dict(backends.MODULES))
    modules = set(sys.modules)
    yield tmp_path
    for name in [name for name in sys.modules.keys() - modules if getattr(sys.modules[name], "__spec__", None) is None]:
        del sys.modules[name]  # a module that a page made
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def import_extras(page):
    """Skip the test if an extra that the page needs is not installed."""
    for module in EXTRAS.get(page, ()):
        pytest.importorskip(module, reason=f"{page} is about {module}, an extra")


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md" and find_blocks(page)])
def test_the_blocks_of_a_page_run(page, folder):
    import_extras(page)
    run_page(page)


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.kind == "sh" for block in find_blocks(page))])
def test_the_commands_of_a_page_parse(page, monkeypatch):
    monkeypatch.setattr("fastgd.cli.bench.count_cores", lambda: 64)  # pages may ask for threads
    for block in [block for block in find_blocks(page) if block.kind == "sh"]:
        for line, commands in split_commands(block.text):
            for arguments in commands:
                try:
                    make_parser().parse_args(arguments)
                except SystemExit:
                    pytest.fail(f"{page}, line {block.line}: {line}")


@pytest.mark.filterwarnings("ignore::fastgd.ConvergenceWarning")  # the README shows a run that has too few epochs
def test_the_blocks_of_the_readme_run_and_agree_with_a_direct_solver(folder):
    import_extras("README.md")
    names = run_page("README.md")
    X, y = names["X"], names["y"]
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    np.testing.assert_allclose(names["result"].weights, exact, rtol=1e-9)


def test_the_readme_is_short_and_its_table_is_that_of_the_comparison(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("\n") < 120
    assert f"<!-- versus:begin -->\n\n{import_module('readme_table').make_table()}\n" in readme


def test_the_figures_in_sentences_are_those_of_the_tables(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    figures = import_module("figures")
    assert len(figures.SENTENCES) >= 7
    for sentence in figures.SENTENCES:
        text = figures.read(sentence.page)
        assert figures.fill(text, sentence) == text, f"{sentence.page}: python docs/figures.py --write"


def test_a_ratio_on_the_first_page_stands_in_a_sentence_that_is_filled_in(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    figures = import_module("figures")
    text = figures.read("index.md")
    for sentence in [sentence for sentence in figures.SENTENCES if sentence.page == "index.md"]:
        text = text.replace(sentence.words.format(*sentence.find()), "")
    assert re.findall(r"[\d.]+×|[\d.]+ times as", text) == []


def test_a_figure_that_its_table_does_not_have_is_replaced_and_a_lost_sentence_noticed(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    figures = import_module("figures")
    sentence = figures.Sentence("page.md", "faster in {} of {} cells", lambda: ("84", "1,098"))
    assert figures.fill("It is faster\nin 3 of 5 cells, slower in 2.", sentence) == (
        "It is faster\nin 84 of 1,098 cells, slower in 2."
    )
    with pytest.raises(ValueError, match=r"page\.md has 0 times: faster in"):
        figures.fill("It is slower in 2 of 5 cells.", sentence)
    with pytest.raises(ValueError, match="no longer true"):
        figures.search("10 × 10: NumPy", below="Level with the best peer:")


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page):
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_extras_belong_to_pages_that_exist():
    assert set(EXTRAS) <= set(PAGES)


def test_a_wrong_output_is_noticed():
    block = Block("python", "print(1)", 1, "2\n")
    with pytest.raises(pytest.fail.Exception, match=r"page.md, line 1"):
        compare("page.md", block, "1\n")
    compare("page.md", block._replace(shown="1.5 ...\n"), "1.5   and more\n")


def test_commands_are_found_in_shell_blocks():
    text = "fastgd fit a.csv --target 'b c' \\\n  --json > out  # a comment\nmake demo\nfastgd demo; fastgd config\n"
    assert [commands for _, commands in split_commands(text)] == [
        [["fit", "a.csv", "--target", "b c", "--json"]],
        [["demo"], ["config"]],
    ]
