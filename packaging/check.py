"""Check an sdist and a wheel for faults that twine, check-wheel-contents and check-manifest do not find.

usage: check.py FOLDER
"""

import email
import re
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile

LARGEST_WHEEL = 1_000_000
NEWEST_GLIBC = (2, 28)
KERNEL = re.compile(r"fastgd/backends/_kernel\.[^/]*\.so")
# Targets of links, pictures included, in Markdown and in HTML; #section leads to the page itself.
LINK = re.compile(r"""\]\(\s*<?([^)\s>]+)|\b(?:href|src)=["']?([^"'\s>]+)""")
ABSOLUTE = ("https://", "mailto:", "#")


def find_relative_links(description):
    """Return the links of a page that lead nowhere on an index of packages."""
    targets = [first or second for first, second in LINK.findall(description)]
    return [target for target in targets if not target.startswith(ABSOLUTE)]


def check_sdist(path):
    """Yield the faults of an sdist."""
    with tarfile.open(path) as archive:
        for name in archive.getnames():
            if name.endswith(("_kernel.c", ".so", ".pyc")):
                yield f"{name} is generated: it does not belong into {path.name}"


def check_wheel(path):
    """Yield the faults of a wheel."""
    if path.stat().st_size >= LARGEST_WHEEL:
        yield f"{path.name} has {path.stat().st_size:,} bytes; less than {LARGEST_WHEEL:,} are allowed"
    glibc = [(int(major), int(minor)) for major, minor in re.findall(r"manylinux_(\d+)_(\d+)", path.stem)]
    if not glibc or min(glibc) > NEWEST_GLIBC:
        yield f"{path.name} is for no Linux as old as manylinux_{NEWEST_GLIBC[0]}_{NEWEST_GLIBC[1]}"
    with zipfile.ZipFile(path) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        description = email.message_from_bytes(archive.read(metadata)).get_payload()
        for target in find_relative_links(description):
            yield f"the page of {path.name} has a relative link: {target}"
        kernels = [name for name in archive.namelist() if KERNEL.fullmatch(name)]
        if len(kernels) != 1:
            yield f"{path.name} has {len(kernels)} compiled kernels"
        for name in kernels:
            yield from check_kernel(name, ELFFile(BytesIO(archive.read(name))))


def check_kernel(name, elf):
    """Yield the faults of a compiled kernel."""
    if elf.get_section_by_name(".symtab") is not None:
        yield f"{name} is not stripped"
    for tag in elf.get_section_by_name(".dynamic").iter_tags():
        if tag.entry.d_tag in ("DT_RPATH", "DT_RUNPATH"):
            yield f"{name} names a folder of the machine that built it"


def main():
    """Print sizes and faults; return 1 if there are faults."""
    folder = Path(sys.argv[1])
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    for path in (sdist, wheel):
        print(f"{path.name}: {path.stat().st_size / 1000:,.0f} kB")
    faults = [*check_sdist(sdist), *check_wheel(wheel)]
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main())
