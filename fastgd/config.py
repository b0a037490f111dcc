"""What this installation consists of."""

import platform
import sys

from fastgd import backends

LIBRARIES = ("numpy", "numba", "scikit-learn", "matplotlib")


def config() -> dict[str, object]:
    """Return what was built and what is installed, as plain values for JSON."""
    from fastgd import __version__  # here, since the package imports this module

    extension: dict[str, str] | None = None
    if "cython" in backends.available():
        from fastgd.backends import _kernel, cython

        levels = _kernel.levels()
        extension = {**_kernel.build_info(), "cpu_level": levels[cython.LEVEL], "cpu_levels": ", ".join(levels)}
    return {
        "fastgd": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "backends": backends.available(),
        "extension": extension,
        "libraries": {library: installed_version(library) for library in LIBRARIES},
    }


def installed_version(library: str) -> str | None:
    """Return the version of a library without importing it, None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # here: a quarter of `import fastgd` otherwise

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def show_config() -> None:
    """Print what was built and what is installed, for a look or for a bug report.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.show_config()  # doctest: +ELLIPSIS
    fastgd ...
    """
    shown = config()
    libraries = shown.pop("libraries")
    extension = shown.pop("extension")
    assert isinstance(libraries, dict)
    for name, value in {**shown, **libraries}.items():
        text = ", ".join(value) if isinstance(value, list) else value or "not installed"
        print(f"{name:14}{text}")
    if isinstance(extension, dict):
        for name, value in extension.items():
            print(f"{name:14}{value}")
    else:
        print(f"{'extension':14}not built")
