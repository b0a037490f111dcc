"""The one message about a library that fastgd can do without, where it is missing, and where it cannot be imported."""

import os
import re
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from fastgd.inputs.words import printable

NAMES = {"sklearn": "scikit-learn"}  # the libraries that pip knows by another name than that of their module


def is_installed(module: str) -> bool:
    """Return True if a module can be found, without importing it."""
    return sys.modules.get(module) is not None or find_spec(module) is not None


def explain_lack(need: str, *modules: str) -> str:
    """Return the message that something needs libraries which are not installed, and how to install them.

    The command names the libraries themselves, not an extra of fastgd: so it is right for a wheel and in a clone, where
    ``fastgd[…]`` would be looked for in an index.

    Parameters
    ----------
    need : str
        The beginning of the message, such as "pictures need matplotlib".
    *modules : str
        The libraries, by the names of their modules.

    Returns
    -------
    str
        The need and the command.

    Examples
    --------
    >>> from fastgd.inputs.extras import explain_lack
    >>> explain_lack("pictures need matplotlib", "matplotlib")  # doctest: +ELLIPSIS
    'pictures need matplotlib: pip install ...matplotlib...'
    """
    return f"{need}: pip install {' '.join(map(quote_for_shells, find_requirements(modules)))}"


def explain_import(need: str, error: Exception, *modules: str) -> ImportError:
    """Return the ImportError to raise after libraries could not be imported: only missing ones are to be installed.

    Parameters
    ----------
    need : str
        The beginning of the message, such as "pictures need matplotlib".
    error : Exception
        The error of the import; a library that is too old or broken may raise any kind.
    *modules : str
        The libraries, by the names of their modules.

    Returns
    -------
    ImportError
        The message of `explain_lack` if a library is missing, else one with the versions to have and the cause.

    Examples
    --------
    >>> from fastgd.inputs.extras import explain_import
    >>> print(explain_import("it needs NumPy", ValueError("the size changed"), "numpy"))  # doctest: +ELLIPSIS
    it needs NumPy, and the one installed cannot be imported (wanted: numpy...): ValueError: the size changed
    """
    missing = [module for module in modules if not is_installed(module)]
    if missing:
        return ImportError(explain_lack(need, *missing))
    wanted = ", ".join(find_requirements(modules))
    cause = printable(f"{type(error).__name__}: {error}")
    return ImportError(f"{need}, and the one installed cannot be imported (wanted: {wanted}): {cause}")


def find_requirements(modules: Sequence[str]) -> list[str]:
    """Return what fastgd requires of libraries; their names alone if fastgd runs from its sources, without metadata."""
    from importlib.metadata import PackageNotFoundError, requires  # imported here to keep `import fastgd` fast

    try:
        texts = [requirement.partition(";")[0].strip() for requirement in requires("fastgd") or []]
    except PackageNotFoundError:
        texts = []
    required = {re.split(r"[^\w.-]", text, maxsplit=1)[0].lower(): text for text in texts}
    names = [NAMES.get(module, module) for module in modules]
    return [required.get(name, name) for name in names]


def quote_for_shells(text: str) -> str:
    """Return an argument in double quotes, which all shells know, that of Windows too, if it has special characters.

    What a shell other than that of Windows would read otherwise in double quotes gets single ones.
    """
    if os.name != "nt" and re.search(r'["$`\\!]', text):
        from shlex import quote  # imported here to keep `import fastgd` fast

        return quote(text)
    return text if re.fullmatch(r"[\w.-]+", text) else f'"{text}"'
