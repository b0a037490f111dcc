"""Each backend's own source, as it is installed, with the lines that are the formulas marked."""

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fastgd import backends
from fastgd.backends import numpy as numpy_backend
from fastgd.backends import python as python_backend

# The formulas, and by which letter a marked line belongs to one.
FORMULAS = {"r": "residual", "j": "cost", "g": "gradient", "w": "update"}


class Source(NamedTuple):
    """A piece of source.

    Attributes
    ----------
    backend : str
        Whose it is.
    place : str
        Where it stands in the package.
    language : str
        Its name for Pygments.
    text : str
        The source.
    marks : dict of str to str
        For each formula, the beginning of a line of the source that computes it.
    """

    backend: str
    place: str
    language: str
    text: str
    marks: dict[str, str]


def list_sources() -> list[Source]:
    """Return the heart of every backend that is installed."""
    found = [
        Source(
            "python",
            "fastgd/backends/python.py: cost_and_gradient",
            "python",
            inspect.getsource(python_backend.cost_and_gradient),
            {"r": "residual += row[j] *", "j": "return squares / (2 *", "g": "g[j + intercepts] += residual"},
        ),
        Source(
            "python",
            "fastgd/backends/python.py: descend",
            "python",
            inspect.getsource(python_backend.descend),
            {"w": "updated = [w[j] - rate"},
        ),
        Source(
            "numpy",
            "fastgd/backends/numpy.py: descend",
            "python",
            inspect.getsource(numpy_backend.descend),
            {
                "r": "residual = X @",
                "j": "costs[epoch] = cost =",
                "g": "gradient[intercepts:] = residual @ X",
                "w": "updated = weights - rate",
            },
        ),
    ]
    usable = backends.available()
    if "numba" in usable:
        found += list_numba()
    if "cython" in usable:
        found += list_cython()
    return found


def list_numba() -> list[Source]:
    """Return the loop over rows that fit in registers, and what folds and updates."""
    from fastgd.backends import jit, numba

    return [
        Source(
            "numba",
            "fastgd/backends/numba.py: make_short",
            "python",
            inspect.getsource(numba.make_short),
            {"r": "residual = add_lanes(s)", "g": "g += add_rows(x * r)"},
        ),
        Source(
            "numba",
            "fastgd/backends/jit.py: fold and update",
            "python",
            f"{source_of(jit.fold)}\n\n{source_of(jit.update)}",
            {"j": "return squares / (2", "w": "weights[j] -= rate"},
        ),
    ]


def source_of(function: Callable[..., object]) -> str:
    """Return the source of a function that Numba has wrapped."""
    return inspect.getsource(getattr(function, "py_func", function))


def list_cython() -> list[Source]:
    """Return the same of the compiled extension, which carries the files that it was built from."""
    from fastgd.backends import _kernel

    files = _kernel.sources()
    return [
        Source(
            "cython",
            "src_ext/loops.h: add_short_rows",
            "c",
            c_function(files["loops.h"], "add_short_rows"),
            {"r": "const four r = ", "g": "g[k] += (r0 * load_x"},
        ),
        Source(
            "cython",
            "src_ext/descend.h: fold and update",
            "c",
            f"{c_function(files['descend.h'], 'fold')}\n{c_function(files['descend.h'], 'update')}",
            {"j": "return squares / (2", "w": "for (ptrdiff_t j = 0; j < size; j++) d->weights[j] -= rate"},
        ),
    ]


def c_function(text: str, name: str) -> str:
    r"""Return one function of a C file with the comment above it.

    Examples
    --------
    >>> from fastgd.report.sources import c_function
    >>> print(c_function("int f(int a) {\n}\n/* Two. */\nint g(int a) {\n    return 2;\n}\nint h;\n", "g"))
    /* Two. */
    int g(int a) {
        return 2;
    }
    <BLANKLINE>
    """
    comment, head, body = r"(?:/\*(?:(?!\*/).)*\*/\n)?", rf"[^\n#/ ][^\n]*\b{name}\)?\(", r"(?:(?!^}).)*^}\n"
    found = re.search(f"^{comment}{head}{body}", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"no function {name} in the source")
    return found[0]


def highlight(source: Source) -> str:
    """Return a source as HTML, each marked line in a span of its formula's class.

    Raises
    ------
    ValueError
        If a line that should be marked is not there any more.
    ImportError
        If Pygments is not installed.
    """
    pygments = import_highlighter()
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(source.language, stripnl=False)
    plain = source.text.splitlines()
    lines = pygments.highlight(source.text, lexer, HtmlFormatter(nowrap=True)).splitlines()
    for letter, beginning in source.marks.items():
        places = [k for k, line in enumerate(plain) if line.strip().startswith(beginning)]
        if not places:
            raise ValueError(f"{source.place}: no line begins with {beginning!r}")
        for k in places:
            lines[k] = f'<mark class="{letter}" title="{FORMULAS[letter]}">{lines[k]}</mark>'
    return "\n".join(lines)


def import_highlighter() -> Any:
    """Return Pygments, or say what to install."""
    try:
        import pygments
    except ImportError as error:
        raise ImportError("the study's page needs Pygments: pip install 'fastgd[study]'") from error
    return pygments
