"""The machine that measurements come from: processor, caches, system, memory, kernel, versions and threads."""

import os
import platform
import sys
from math import inf
from pathlib import Path
from typing import Any

from fastgd import backends
from fastgd._version import __version__
from fastgd.backends.cores import count_cores, list_cores
from fastgd.config import describe_blas, describe_extension, installed_version
from fastgd.inputs.extras import is_installed
from fastgd.inputs.words import printable

LIBRARIES = ("numpy", "numba", "cython", "jax", "scikit-learn", "threadpoolctl")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS")
CACHES = Path("/sys/devices/system/cpu")
PROCESSORS = Path("/proc/cpuinfo")
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


def describe_machine() -> dict[str, Any]:
    """Return the processor, its caches, the system, the memory, BLAS and the kernel's build, as far as they are known.

    "memory" is in bytes and None where the system does not tell, as are "cpu_level" without a compiled kernel and
    "governor", the rule by which the system chooses the clock. "blas" has the version and the threads of each BLAS by
    its name. "kernel" has the compiler of the kernel and its flags; it is empty without a kernel.
    """
    caches = find_caches()
    built = describe_extension() or {}
    return {
        "cpu": cpu_name(),
        "cores": count_cores(),
        "cpu_level": cpu_level(),
        "caches": {level: size for level, (size, _) in caches.items()},
        "cache_instances": {level: instances for level, (_, instances) in caches.items()},
        "system": describe_system(),
        "memory": find_memory(),
        "governor": find_governor(),
        "blas": {one["name"]: {"version": one["version"], "threads": one["threads"]} for one in describe_blas()},
        "kernel": {part: built[part] for part in ("compiler", "flags", "loops") if part in built},
    }


def describe_system() -> str:
    """Return the operating system and its kernel, such as Debian GNU/Linux 12 (Linux 6.1.0)."""
    kernel = f"{platform.system()} {platform.release()}"
    try:
        return printable(f"{platform.freedesktop_os_release()['PRETTY_NAME']} ({kernel})")
    except (OSError, KeyError):
        return printable(kernel)


def find_memory() -> int | None:
    """Return the bytes of the machine's memory; None where the system does not tell."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no such function
        return None
    return size if size > 0 else None  # a container may hide the number of pages, which is then -1


def find_governor() -> str | None:
    """Return the rule by which the system chooses the clock of the cores; None where it does not tell."""
    return ", ".join(sorted(set(read_cores("cpufreq/scaling_governor")))) or None


def read_clock() -> float | None:
    """Return the MHz of the fastest core that this process may use; None where the system does not tell."""
    try:
        clocks = [int(kilohertz) / 1000 for kilohertz in read_cores("cpufreq/scaling_cur_freq")]
        if not clocks:
            lines = PROCESSORS.read_text(encoding="utf-8").splitlines()
            clocks = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    except (OSError, ValueError):
        return None
    # A virtual machine may say 0 MHz.
    return max((clock for clock in clocks if 0 < clock < inf), default=None)


def read_cores(file: str) -> list[str]:
    """Return the text of a file of each core that this process may use, where it can be read."""
    found = []
    for core in list_cores():
        try:
            found.append(printable((CACHES / f"cpu{core}" / file).read_text(encoding="ascii").strip()))
        except (OSError, ValueError):
            continue
    return found


def cpu_name() -> str:
    """Return the processor's name."""
    try:
        lines = PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    named = next(filter(None, names), "")
    return printable(named or platform.processor() or platform.machine() or "a processor without a name")


def cpu_level() -> str | None:
    """Return the CPU level that the compiled kernel runs at; None without that kernel."""
    if "cython" not in backends.available():
        return None
    from fastgd.backends import _kernel, cython

    return _kernel.levels()[cython.LEVEL]


def find_caches() -> dict[str, tuple[int, int]]:
    """Return the bytes of a data cache of each level, and the number of such caches that this process can use.

    Empty where the system does not tell.
    """
    sizes: dict[str, int] = {}
    sharers: dict[str, set[str]] = {}
    for folder in sorted(folder for core in list_cores() for folder in CACHES.glob(f"cpu{core}/cache/index*")):
        try:
            level, kind, size = ((folder / file).read_text().strip() for file in ("level", "type", "size"))
            shared = (folder / "shared_cpu_list").read_text().strip()
            known = int(size.rstrip("KMG")) * UNITS.get(size[-1], 1)
            if kind != "Instruction" and known > 0:  # a virtual machine may say 0K
                sizes[f"L{level}"] = known
                sharers.setdefault(f"L{level}", set()).add(shared)
        except (OSError, ValueError):
            continue
    return {level: (sizes[level], len(sharers[level])) for level in sorted(sizes)}


def describe_versions() -> dict[str, str | None]:
    """Return the versions of fastgd, Python and the libraries, None for a library that is not installed."""
    versions = {library: installed_version(library) for library in LIBRARIES}
    return {"fastgd": __version__, "python": platform.python_version(), **versions}


def describe_threads(threads: int) -> dict[str, object]:
    """Return the number of threads of the backends, and the settings of BLAS, OpenMP and XLA."""
    found = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    environment = {name: None if value is None else printable(value) for name, value in found.items()}
    if "jax" not in sys.modules and environment["XLA_FLAGS"] is None:
        environment.pop("XLA_FLAGS")
    blas = "1 thread, set by threadpoolctl, unless a contestant's name has a number of threads"
    if not is_installed("threadpoolctl"):
        blas = "as the environment says, since threadpoolctl is not installed"
    return {"backends": threads, "blas": blas, "environment": environment}
