"""Describe this installation: versions, backends, how the kernel was built, threads, BLAS."""

import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

from fastgd import backends
from fastgd._version import __version__
from fastgd.backends.cores import count_cores, find_quota, list_cores
from fastgd.backends.threads import read_openmp_threads
from fastgd.forks import import_safely
from fastgd.inputs.words import printable

LIBRARIES = (
    "numpy", "numba", "scikit-learn", "dask", "matplotlib", "pyarrow", "rich", "jinja2", "pygments", "threadpoolctl",
    "jax",
)  # fmt: skip
MARGIN = 14  # columns of the names
WIDTH = 100  # columns of the lines that are wrapped


def describe_installation() -> dict[str, Any]:
    """Return the versions, the backends, the build of the extension, threads and BLAS, as plain values for JSON."""
    faults = {name: backends.find_fault(name) for name in backends.MODULES}
    most, reason = find_most_threads()
    return {
        "fastgd": __version__,
        "folder": printable(os.path.dirname(__file__), None),
        "python": platform.python_version(),
        "implementation": name_implementation(),
        "platform": f"{sys.platform} {platform.machine()}",
        "backends": [name for name, fault in faults.items() if not fault],
        "unusable": {name: fault for name, fault in faults.items() if fault},
        "extension": describe_extension(),
        "numba_code": None if faults["numba"] else describe_numba_code(),
        "threads": {"most": most, "reason": reason},
        "blas": describe_blas(),
        "libraries": {library: installed_version(library) for library in LIBRARIES},
    }


def name_implementation() -> str:
    """Return the name of this kind of Python."""
    import sysconfig  # imported here to keep `import fastgd` fast

    free = " without the global lock" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return platform.python_implementation() + free


def describe_extension() -> dict[str, str | None] | None:
    """Return how the extension was built, its CPU levels, and the one in use: None if FASTGD_CPU_LEVEL is wrong.

    Return None if the extension cannot be loaded.
    """
    try:
        kernel: Any = import_safely(backends.REQUIRES["cython"][0])
        levels, built = kernel.levels(), kernel.build_info()
    except (ImportError, AttributeError):
        return None
    usable = not backends.find_fault("cython")
    level = levels[backends.load("cython").LEVEL] if usable else None
    return {**built, "cpu_level": level, "cpu_levels": ", ".join(levels)}


def describe_numba_code() -> str:
    """Return the folder where the Numba backend keeps machine code, or the reason why it keeps none."""
    keeping = import_safely("fastgd.backends.numba.keeping")
    fault = keeping.find_fault()
    return f"compiled in each process: {fault}" if fault else f"kept in {printable(keeping.find_folder(), None)}"


def find_most_threads() -> tuple[int, str]:
    """Return the most threads that fastgd chooses for a fit, and why."""
    asked = read_openmp_threads()
    if asked:
        return asked, "OMP_NUM_THREADS"
    most, allowed, quota = count_cores(), len(list_cores()), find_quota()
    if quota == most < allowed:
        return most, f"the CPU quota of this process, on {allowed} processors"
    if most < (os.cpu_count() or most):
        return most, f"the processors that this process may use, of {os.cpu_count()}"
    return most, "the processors of this machine"


def describe_blas() -> list[dict[str, Any]]:
    """Return the name, version and threads of each BLAS that is loaded, or of NumPy's without threadpoolctl."""
    try:
        threadpoolctl: Any = import_safely("threadpoolctl")
    except ImportError:
        import numpy as np

        built: Any = np.show_config(mode="dicts")
        blas = built.get("Build Dependencies", {}).get("blas", {})
        return [{"name": blas.get("name", "unknown"), "version": blas.get("version"), "threads": None}]
    return [
        {"name": one["internal_api"], "version": one["version"], "threads": one["num_threads"]}
        for one in threadpoolctl.threadpool_info()
        if one["user_api"] == "blas"
    ]


def installed_version(library: str) -> str | None:
    """Return the version of a library without importing it; None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # imported here to keep `import fastgd` fast

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def show_config() -> None:
    """Print versions, backends, how the kernel was built, threads and BLAS, for example for a bug report.

    A backend that cannot be used has a line that says why, and how to install what it needs.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.show_config()  # doctest: +ELLIPSIS
    fastgd ...
    """
    for name, text in list_rows(describe_installation()):
        print(f"{name:{MARGIN}}{text}")


def list_rows(shown: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names and the texts of the lines that describe an installation."""
    from textwrap import wrap

    yield "fastgd", f"{shown['fastgd']}, in {shown['folder']}"
    yield "python", f"{shown['python']} ({shown['implementation']})"
    yield "platform", shown["platform"]
    yield "backends", f"{', '.join(shown['backends'])}; auto takes the first"
    for name, fault in shown["unusable"].items():
        yield name, f"not usable: {fault}"
    extension = dict(shown["extension"] or {})
    if extension:
        level, levels = extension.pop("cpu_level"), extension.pop("cpu_levels")
        yield from extension.items()
        yield "CPU level", f"{level or 'none'} of {levels}"
    if shown["numba_code"]:
        yield "Numba's code", shown["numba_code"]
    yield "threads", f"at most {shown['threads']['most']}: {shown['threads']['reason']}"
    for blas in shown["blas"]:
        threads = "" if blas["threads"] is None else f", threads: {blas['threads']}"
        yield "BLAS", f"{blas['name']} {blas['version'] or ''}{threads}"
    versions = shown["libraries"]
    for name, found in (
        ("libraries", [f"{library} {version}" for library, version in versions.items() if version]),
        ("not installed", [library for library, version in versions.items() if not version]),
    ):
        for k, line in enumerate(wrap(", ".join(found), WIDTH - MARGIN, break_on_hyphens=False)):
            yield ("" if k else name), line
