"""Build harness.c with every compiler that is here, run it on its machine or an emulated one, and print a table.

    python3 tests/portability/matrix.py            what is installed; `make portability` first installs what it can
    python3 tests/portability/matrix.py clang      the builds whose name has "clang" in it

Each build compares the kernel's loops with plain ones at every CPU level of the machine (some 30,000 cases) and prints
a hash of all results. Builds with the same hash give the same bits: those of one level must agree, whatever compiled
them. Levels of other instructions have bits of their own: products are fused with sums at avx2, avx512 and on AArch64.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
SOURCES = FOLDER.parents[1] / "src_ext"
# As setup.py has them, which a test holds; -static, so that an emulator needs no other library.
FLAGS = ["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"]
PLAIN = ["-DFASTGD_PLAIN"]
COMPILE_ONLY = """
#include "levels.h"
#include "atomics.h"
const void *const used[] = {cpu_levels, read_entry, write_entry, add_to_entry, replace_entry, give_way, highest_level};
"""
ZIG = [f"{FOLDER.parents[1]}/build/portability/bin/python", "-m", "ziglang", "cc"]
WINE = ["/usr/lib/wine/wine64"]
NATIVE = [*(f"gcc-{version}" for version in range(9, 16)), *(f"clang-{version}" for version in range(11, 24))]
CROSS = {  # of the toolchain: the machine, and the emulator
    "aarch64-linux-gnu": ("AArch64", "qemu-aarch64-static"),
    "arm-linux-gnueabihf": ("armhf (32-bit)", "qemu-arm-static"),
    "i686-linux-gnu": ("i686 (32-bit, x87)", "qemu-i386-static"),
    "powerpc64le-linux-gnu": ("ppc64le", "qemu-ppc64le-static"),
    "riscv64-linux-gnu": ("riscv64", "qemu-riscv64-static"),
    "s390x-linux-gnu": ("s390x (big-endian)", "qemu-s390x-static"),
}
SECONDS = 1200  # most for a build or a run: zig builds its C library first


class Build(NamedTuple):
    """A compiler with its flags, and how to run what it builds: None where nothing here can."""

    name: str
    machine: str
    command: list[str]
    flags: list[str]
    runner: list[str] | None


def list_builds():
    """Return all builds, also those whose compiler is missing."""
    threads = ["-static", "-pthread", "-lm"]
    found = [Build(name, "x86-64", [name], threads, []) for name in NATIVE]
    found += [
        Build("gcc, plain loops", "x86-64", ["gcc"], [*PLAIN, *threads], []),
        Build("musl-gcc", "x86-64, musl", ["musl-gcc"], threads, []),
    ]
    for cpu in ("Nehalem", "Haswell"):
        found.append(Build("gcc", f"x86-64, emulated {cpu}", ["gcc"], threads, ["qemu-x86_64-static", "-cpu", cpu]))
    for toolchain, (machine, emulator) in CROSS.items():
        found.append(Build(f"{toolchain}-gcc", machine, [f"{toolchain}-gcc"], threads, [emulator]))
    mingw = "x86_64-w64-mingw32-gcc"
    found += [
        Build("MinGW gcc", "x86-64, Windows (Wine)", [mingw], ["-static"], WINE),
        Build("MinGW gcc, plain loops", "x86-64, Windows (Wine)", [mingw], [*PLAIN, "-static"], WINE),
        Build("zig cc", "x86-64, Windows (Wine)", ZIG, ["-target", "x86_64-windows-gnu"], WINE),
        Build("zig cc", "AArch64, Windows", ZIG, ["-target", "aarch64-windows-gnu"], None),
        Build("zig cc", "x86-64, musl", ZIG, ["-target", "x86_64-linux-musl"], []),
        Build("zig cc", "AArch64, musl", ZIG, ["-target", "aarch64-linux-musl"], ["qemu-aarch64-static"]),
        Build("zig cc", "x86-64, macOS", ZIG, ["-target", "x86_64-macos"], None),
        Build("zig cc", "AArch64, macOS", ZIG, ["-target", "aarch64-macos"], None),
    ]
    msvc = ["--target=x86_64-pc-windows-msvc", "-ffreestanding", "-c"]
    for version in (14, 19, 22):
        clang, machine = f"clang-{version}", "x86-64, Windows (MSVC's ABI)"
        found.append(Build(clang, machine, [clang], msvc, None))
        found.append(Build(f"{clang}, plain loops", machine, [clang], [*PLAIN, *msvc], None))
    return found


def is_here(build):
    """Return True if the compiler of a build is installed."""
    return shutil.which(build.command[0]) is not None and (build.command is not ZIG or Path(ZIG[0]).exists())


def run(command):
    """Run a command to its end; one that takes too long has failed."""
    quiet = {**os.environ, "WINEDEBUG": "-all"}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=quiet)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -1, "", f"error: no end after {SECONDS} s")


def try_build(build, folder):
    """Build and run; return the cells of the table: builds, cases and faults, hashes by level."""
    program = Path(folder, "harness.exe")
    source = FOLDER / "harness.c"
    if "-c" in build.flags:  # without the headers of the system there is no harness
        source = Path(folder, "loops.c")
        source.write_text(COMPILE_ONLY, encoding="utf-8")
    libraries = [flag for flag in build.flags if flag.startswith("-l")]
    flags = [flag for flag in build.flags if flag not in libraries]
    built = run([*build.command, *FLAGS, *flags, f"-I{SOURCES}", str(source), "-o", str(program), *libraries])
    if built.returncode:
        lines = built.stderr.strip().splitlines() or [f"status {built.returncode}"]
        return f"no: {next((line for line in lines if 'error' in line), lines[-1])}", "", {}
    if build.runner is None:
        return "yes", "not run", {}
    if build.runner and not shutil.which(build.runner[0]):
        return "yes", f"not run: {build.runner[0]} is missing", {}
    ran = run([*build.runner, str(program)])
    hashes = dict(re.findall(r"level (\w+) ([0-9a-f]{16})", ran.stdout))
    cases = re.search(r"cases (\d+) faults (\d+)", ran.stdout)
    if not cases:
        return "yes", f"FAILED with status {ran.returncode}: {(ran.stdout + ran.stderr)[-200:].strip()}", hashes
    return "yes", "{}, {} wrong".format(*cases.groups()), hashes


def compare_bits(build, hashes, seen):
    """Say which levels have the bits of the first build that had this level with the same kind of loops."""
    cells = []
    for level, found in hashes.items():
        kind = "plain" if "plain" in build.name else level
        if "x87" in build.machine:
            kind += " with x87"  # its registers have 80 bits
        elif level == "baseline" and "AArch64" in build.machine:
            kind += " with FMA"
        first, of = seen.setdefault(kind, (found, build.name))
        cells.append(f"{level} {'=' if first == found else '≠'} {of}" if of != build.name else f"{kind} {found[:8]}")
    return "; ".join(cells)


def main():
    """Print the table and exit with 1 if a build that ran was wrong."""
    wanted = [build for build in list_builds() if all(word in build.name for word in sys.argv[1:])]
    here = [build for build in wanted if is_here(build)]
    print("| compiler | machine | builds | parity | bits |\n|---|---|---|---|---|")
    seen, failures = {}, 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [Path(folder, str(number)) for number in range(len(here))]
        for path in folders:
            path.mkdir()
        for build, (builds, parity, hashes) in zip(here, pool.map(try_build, here, folders), strict=True):
            bits = compare_bits(build, hashes, seen)
            print(f"| {build.name} | {build.machine} | {builds} | {parity} | {bits} |", flush=True)
            failures += builds != "yes" or not re.fullmatch(r"not run.*|\d+, 0 wrong", parity) or "≠" in bits
    missing = sorted({build.name for build in wanted if not is_here(build)})
    print(f"\n{len(here)} builds, {failures} failed; not installed here: {', '.join(missing) or 'none'}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
