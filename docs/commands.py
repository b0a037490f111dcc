"""The directive that writes a section for each command of the command line, from the help that its parser prints."""

import argparse
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from fastgd.cli.main import COMMANDS, make_parser

# So wide that the help of an option is one line, and its explanation stands beside it.
ONE_LINE = partial(argparse.HelpFormatter, width=100_000, max_help_position=1_000)
HELP = "-h, --help"  # an option of all commands
OPTIONAL = re.compile(
    r" \[-(?:[^][]|\[[^][]*\])*\]"
)  # an option in the usage, with the brackets that it may have inside


class Group(NamedTuple):
    """A group of options: its title, and for each option how it is written, and what it does."""

    title: str
    options: list[tuple[str, str]]


class Command(NamedTuple):
    """A command: its name, its usage without the options that may be left out, its description and its options."""

    name: str
    usage: str
    paragraphs: list[str]
    groups: list[Group]


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def list_commands() -> Iterator[Command]:
    """Yield the command `fastgd` itself, and each of its commands."""
    parser = make_parser()
    yield read_help(parser)
    for name, command in find_parsers(parser).items():
        found, task = read_help(command), COMMANDS[name]
        yield found._replace(paragraphs=[f"{task[0].upper()}{task[1:]}.", *found.paragraphs])


def find_parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands, by their names."""
    [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return commands.choices


def read_help(parser: argparse.ArgumentParser) -> Command:
    """Return a command from the help that its parser prints."""
    parser.formatter_class = ONE_LINE  # type: ignore[assignment]  # it is called like the class
    usage, *blocks = parser.format_help().strip().split("\n\n")
    paragraphs, groups = [], []
    for block in blocks:
        title, *lines = block.split("\n")
        if lines:
            rows = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in lines]
            options = [(row[0], row[1]) for row in rows if len(row) == 2 and row[0] != HELP]
            groups += [Group(title.rstrip(":").removeprefix("positional "), options)] if options else []
        else:
            paragraphs.append(title)
    return Command(parser.prog, OPTIONAL.sub("", usage.removeprefix("usage: ")), paragraphs, groups)


class Commands(SphinxDirective):
    """The directive ``commands``, without arguments."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each command."""
        return list(map(make_section, list_commands()))


def make_section(command: Command) -> nodes.section:
    """Return the section of a command."""
    section = nodes.section(ids=[command.name.replace(" ", "-")])
    section += nodes.title(text=command.name)
    section += nodes.literal_block(command.usage, command.usage, language="none")
    section += map(make_paragraph, command.paragraphs)
    for group in command.groups:
        section += nodes.rubric(text=group.title[0].upper() + group.title[1:])
        section += nodes.definition_list("", *(make_option(*option) for option in group.options))
    return section


def make_option(written: str, explained: str) -> nodes.definition_list_item:
    """Return the entry of an option."""
    term = nodes.term("", "", nodes.literal(text=written))
    return nodes.definition_list_item("", term, nodes.definition("", make_paragraph(explained)))


def make_paragraph(text: str) -> nodes.paragraph:
    """Return a paragraph with the names of options as code: Sphinx would make dashes of their hyphens."""
    parts = re.split(r"(--[\w-]+)", text)
    return nodes.paragraph(
        "", "", *(nodes.literal(text=part) if part[:2] == "--" else nodes.Text(part) for part in parts)
    )
