"""The page of the command line has every command and every option, and their explanations."""

import argparse
from importlib import import_module
from pathlib import Path

import pytest

from fastgd.cli.main import COMMANDS, make_parser

DOCS = Path(__file__).parents[1] / "docs"
pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the wheel's tests run away from the source tree")


@pytest.fixture
def commands(monkeypatch):
    pytest.importorskip("sphinx", reason="the site is built with Sphinx, an extra")
    monkeypatch.syspath_prepend(DOCS)
    return import_module("commands")


def list_explained(command):
    """Return each word of the options as they are written, with its explanation."""
    return {word: text for group in command.groups for written, text in group.options for word in split(written)}


def split(written):
    """Return the words of an option, such as -p and --plot of "-p FILE, --plot FILE"."""
    return [part.split()[0] for part in written.split(", ")]


def test_every_command_has_a_section_with_all_its_options(commands):
    first, *others = commands.list_commands()
    assert first.name == "fastgd"
    assert set(list_explained(first)) == {*COMMANDS, "--version"}
    assert [command.name for command in others] == [f"fastgd {name}" for name in COMMANDS]
    for command, parser in zip(others, commands.find_parsers(make_parser()).values(), strict=True):
        explained = list_explained(command)
        for action in parser._actions:
            if not isinstance(action, argparse._HelpAction):
                names = action.option_strings or [action.metavar]
                assert set(names) <= set(explained), command.name
                assert action.help.split("%")[0] in explained[names[0]], names


def test_the_usage_has_what_must_be_given(commands):
    usages = {command.name: command.usage for command in commands.list_commands()}
    assert usages["fastgd fit"] == "fastgd fit --target COLUMN [COLUMN ...] [FILE ...]"
    assert usages["fastgd predict"] == "fastgd predict MODEL.json FILE [FILE ...]"
    assert usages["fastgd config"] == "fastgd config"


def test_a_command_becomes_a_section_that_links_can_name(commands):
    section = commands.make_section(next(iter(commands.list_commands())))
    assert section["ids"] == ["fastgd"]
    assert "--version" in section.astext()
