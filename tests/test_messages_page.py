"""Every message on the page of messages is one that fastgd has."""

import ast
import re
from pathlib import Path

import pytest

import fastgd

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "messages.md"
PACKAGE = Path(fastgd.__file__).parent
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the wheel's tests run away from the source tree")
GAP = "…"


def read_source():
    """Return the texts in the package's code, one a line, with a gap for each value that is put into a text."""
    texts = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value.replace("{}", GAP))
    return "\n".join(texts)


def find_messages(page):
    """Return the messages in the first column of the page's tables."""
    cells = re.findall(r'^\| ([^|]*"[^|]*) \|', page, re.MULTILINE)
    return [message for cell in cells for message in re.findall(r'"([^"]+)"', cell)]


def find_unknown(message, source):
    """Return the parts of a message, between its gaps, that are nowhere in the source."""
    parts = [part.strip(" ;:,") for part in message.split(GAP)]
    return [part for part in parts if re.search(r"\w", part) and part not in source]


def test_every_message_on_the_page_is_in_the_code():
    source = read_source()
    messages = find_messages(PAGE.read_text(encoding="utf-8"))
    assert len(messages) > 60
    assert {message: unknown for message in messages if (unknown := find_unknown(message, source))} == {}


def test_a_message_that_fastgd_does_not_have_is_noticed():
    page = '| message | cause |\n|---|---|\n| "X must be round; got …" (`Warning`), "… must be 1 or more" | `"no"` |\n'
    assert find_messages(page) == ["X must be round; got …", "… must be 1 or more"]
    source = read_source()
    assert [find_unknown(message, source) for message in find_messages(page)] == [["X must be round; got"], []]
