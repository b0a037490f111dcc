"""How many processors this process may use: those of its affinity, and no more than a container's CPU quota pays for.

The control groups of Linux keep quotas: a group may use a number of microseconds of processor time in each period,
and the groups above it have quotas too. /proc/self/cgroup names this process's group, and /proc/self/mountinfo the
folder where its files are. In a container, that folder is often the container's own group.
"""

from __future__ import annotations  # so that pathlib is not loaded to name its classes

import os
import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

# The files of a group with its quota and its period: of version 2, and of version 1.
QUOTA_FILES = (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))


def count_cores() -> int:
    """Return how many processors this process may use, at least 1."""
    if sys.version_info >= (3, 13):
        cores = os.process_cpu_count() or 1  # PYTHON_CPU_COUNT may say another number
    else:
        cores = len(list_cores())
    return min(cores, find_quota() or cores)


def list_cores() -> Collection[int]:
    """Return the numbers of the processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


@cache  # reading the files takes longer than a small fit
def find_quota(root: str = "/") -> int | None:
    """Return how many processors the quotas of the control groups pay for, rounded up; None without a quota."""
    from pathlib import Path  # imported here to keep `import fastgd` fast

    try:
        shares = [read_share(folder) for folder in list_groups(Path(root))]
    except ValueError:  # the files have another format than those of Linux
        return None
    found = [share for share in shares if share is not None]
    return max(ceil(min(found)), 1) if found else None


def list_groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups, and of the groups above each of them."""
    paths = dict(parse_group(line) for line in read_lines(root / "proc/self/cgroup"))
    for line in read_lines(root / "proc/self/mountinfo"):
        version, top, mounted = parse_mount(line)
        if version in paths:
            folder = root / mounted.relative_to("/")
            yield folder
            path = paths[version]
            # Outside the mounted part of the hierarchy, a group has no folder here.
            if path.is_relative_to(top) and ".." not in path.parts:
                for part in path.relative_to(top).parts:
                    folder /= part
                    yield folder


def parse_group(line: str) -> tuple[int, PurePosixPath]:
    """Return the version and the path of the group in a line of /proc/self/cgroup; version 0 does not limit the CPU."""
    from pathlib import PurePosixPath

    _, controllers, path = line.split(":", 2)
    version = 2 if not controllers else 1 if "cpu" in controllers.split(",") else 0
    return version, PurePosixPath(path)


def parse_mount(line: str) -> tuple[int, PurePosixPath, PurePosixPath]:
    """Return the version of control groups that a line of /proc/self/mountinfo mounts (-1: none of the CPU).

    The paths that follow are those of the top of its mounted part, and of the folder where it is mounted.
    """
    from pathlib import PurePosixPath

    before, _, after = line.partition(" - ")
    kind, _, options = after.split(" ", 2)
    version = 2 if kind == "cgroup2" else 1 if kind == "cgroup" and "cpu" in options.split(",") else -1
    top, mounted = (PurePosixPath(unescape(field)) for field in before.split(" ")[3:5])
    return version, top, mounted


def unescape(field: str) -> str:
    r"""Return a path of /proc/self/mountinfo, where \040 is a space."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file of the system; none where it is missing."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []


def read_share(folder: Path) -> float | None:
    """Return how many processors a control group's quota pays for; None without a quota."""
    for files in QUOTA_FILES:
        try:
            quota, period = " ".join((folder / file).read_text(encoding="ascii") for file in files).split()
            if int(quota) > 0:  # version 1 writes -1 for no quota, version 2 "max"
                return int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue
    return None
