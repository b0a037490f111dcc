"""Describe this installation: versions, backends, and how the extension was built."""

import platform
import sys

from fastgd import backends
from fastgd._version import __version__

LIBRARIES = ("numpy", "numba", "scikit-learn", "matplotlib")


def describe_installation() -> dict[str, object]:
    """Return the versions, the backends and the build of the extension, as plain values for JSON."""
    faults = {name: backends.find_fault(name) for name in backends.list_installed()}
    usable = [name for name, fault in faults.items() if not fault]
    extension: dict[str, str] | None = None
    if "cython" in usable:
        from fastgd.backends import _kernel, cython

        levels = _kernel.levels()
        extension = {**_kernel.build_info(), "cpu_level": levels[cython.LEVEL], "cpu_levels": ", ".join(levels)}
    return {
        "fastgd": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "backends": usable,
        "unusable": {name: fault for name, fault in faults.items() if fault},
        "extension": extension,
        "libraries": {library: installed_version(library) for library in LIBRARIES},
    }


def installed_version(library: str) -> str | None:
    """Return the version of a library without importing it; None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # imported here to keep `import fastgd` fast

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def show_config() -> None:
    """Print the versions, the backends and the build of the extension, for example for a bug report.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.show_config()  # doctest: +ELLIPSIS
    fastgd ...
    """
    shown = describe_installation()
    libraries, extension, unusable = (shown.pop(name) for name in ("libraries", "extension", "unusable"))
    assert isinstance(libraries, dict)
    assert isinstance(unusable, dict)
    for name, value in {**shown, **libraries}.items():
        text = ", ".join(value) if isinstance(value, list) else value or "not installed"
        print(f"{name:14}{text}")
    for name, fault in unusable.items():
        print(f"{name:14}not usable: {fault}")
    if isinstance(extension, dict):
        for name, value in extension.items():
            print(f"{name:14}{value}")
    elif "cython" not in unusable:
        print(f"{'extension':14}not built")
