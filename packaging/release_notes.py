"""Print what CHANGELOG.md says of the version that a tag releases; refuse a tag that does not fit.

usage: release_notes.py TAG, such as v1.2.3
"""

import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def read_version():
    """Return the version of the package, without importing it."""
    return runpy.run_path(str(ROOT / "fastgd" / "_version.py"))["__version__"]


def find_notes(changelog, version):
    """Return what stands in brackets after a version, and the text below it."""
    heading = rf"^## {re.escape(version)} \((?P<date>[^)]*)\)\n"
    section = re.search(heading + r"(?P<text>.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None:
        raise SystemExit(f"CHANGELOG.md has no section '## {version} (date)'")
    return section["date"], section["text"].strip()


def release(tag, version, changelog):
    """Return the notes of a tag; end the program with a message if it must not be released."""
    if tag != f"v{version}":
        raise SystemExit(f"the tag {tag} is not v{version}, the version in fastgd/_version.py")
    date, text = find_notes(changelog, version)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        raise SystemExit(f"CHANGELOG.md says {version} ({date}): put the day of the release there")
    if not text:
        raise SystemExit(f"CHANGELOG.md says nothing about {version}")
    return text


if __name__ == "__main__":
    print(release(sys.argv[1], read_version(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
