"""What to say where the compiled kernel is missing or cannot be loaded, and the command that installs it."""

import os
from functools import cache
from importlib.util import find_spec
from typing import Any

from fastgd.inputs.extras import quote_for_shells
from fastgd.inputs.words import printable

KERNEL = "fastgd.backends._kernel"
HOME = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # where fastgd is: site-packages, or a clone
AGAIN = "pip install --force-reinstall --no-deps"
ANEW = f"{AGAIN} --no-cache-dir"  # pip's cache has the wheel without a kernel, unless it came from a folder


class BackendWarning(RuntimeWarning):
    """Fits are slower than they could be: "auto" runs NumPy, since no compiled backend can be used.

    The warning is given once in a process. It says what is missing and how to install it.

    Examples
    --------
    >>> import warnings
    >>> from fastgd.backends import BackendWarning
    >>> warnings.simplefilter("ignore", BackendWarning)  # NumPy is fast enough for me
    """


def explain_kernel(error: Exception) -> str:
    """Return the message that the compiled kernel was not built, or why it cannot be loaded, and what to do."""
    if find_spec(KERNEL) is None:
        import sysconfig  # imported here to keep `import fastgd` fast

        header = os.path.join(sysconfig.get_path("include"), "Python.h")
        headers = "" if os.path.exists(header) else " and Python's headers"
        remedy = f"install a C compiler{headers}, then run: {find_command()}"
        if is_clone():
            return (
                "backend 'cython' needs the compiled kernel, which was not built in the source folder that was "
                f"imported, {printable(HOME)}: if fastgd was installed from it, start Python in another folder; else "
                f"{remedy}"
            )
        return "backend 'cython' needs the compiled kernel, which was not built when fastgd was installed: " + remedy
    return (
        f"backend 'cython' needs the compiled kernel, which is there but cannot be loaded ({printable(error)}): to "
        f"compile it here, with a C compiler, run: {find_command()}"
    )


def is_clone() -> bool:
    """Return True if fastgd was imported from its source folder, as Python does when it is started there."""
    return os.path.isfile(os.path.join(HOME, "setup.py")) and os.path.isdir(os.path.join(HOME, "src_ext"))


@cache
def find_command() -> str:
    """Return the command that compiles the kernel and installs fastgd again, from where it came from."""
    if is_clone():
        return f"{AGAIN} -e {quote_for_shells(HOME)}"
    origin = read_origin()
    url = origin.get("url", "")
    if "dir_info" in origin:
        from urllib.parse import urlsplit  # imported here to keep `import fastgd` fast
        from urllib.request import url2pathname

        return f"{AGAIN} {quote_for_shells(url2pathname(urlsplit(url).path))}"
    if vcs := origin.get("vcs_info"):
        commit = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
        return f"{ANEW} {quote_for_shells(commit)}"
    if url and not url.endswith(".whl"):
        return f"{ANEW} {quote_for_shells(url)}"
    return f"{ANEW} --no-binary=fastgd fastgd"


def read_origin() -> dict[str, Any]:
    """Return where pip took fastgd from (PEP 610); empty for an index, or if fastgd is not installed."""
    import json  # imported here to keep `import fastgd` fast
    from importlib.metadata import distributions

    texts = [found.read_text("direct_url.json") for found in distributions(name="fastgd", path=[HOME])]
    return json.loads(texts[0]) if texts and texts[0] else {}
