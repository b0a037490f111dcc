"""The installed source of each backend, with the lines that compute the formulas marked."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastgd import backends
from fastgd.backends import numpy as numpy_backend
from fastgd.backends import python as python_backend

# The letter of each formula; marked lines have it as their class.
FORMULAS = {"r": "residual", "j": "cost", "g": "gradient", "w": "update"}
# Notes on the pieces of a compiled backend.
FOLDS = "the sums of the blocks give cost and gradient; then the update"
PLAIN = "the plainest loop over a block of rows, used for rows that are left over: X is read once"
VECTORS = "the same for rows of few vectors: four rows at a time, in registers"


class Source(NamedTuple):
    """A piece of source.

    Attributes
    ----------
    backend : str
        The name of the backend.
    place : str
        The file, and the functions in it.
    note : str
        The part of the update that the piece computes.
    language : str
        The language, by its name in Pygments.
    text : str
        The source.
    marks : dict of str to list of str
        For each formula, the beginnings of the lines of the source that compute it.
    """

    backend: str
    place: str
    note: str
    language: str
    text: str
    marks: dict[str, list[str]]


def list_sources() -> list[Source]:
    """Return the main functions of every backend that is installed, the plainest backend first."""
    usable = backends.available()
    found = [*list_python(), *list_numpy()]
    if "numba" in usable:
        found += list_numba()
    if "cython" in usable:
        found += list_cython()
    return found


def list_python() -> list[Source]:
    """Return the specification."""
    return [
        Source(
            "python",
            "fastgd/backends/python.py: cost_and_gradient",
            "cost and gradient",
            "python",
            inspect.getsource(python_backend.cost_and_gradient),
            {
                "r": ["residual = -targets", "residual += w[0]", "residual += row[j] *"],
                "j": ["squares += residual", "return squares / (2 *"],
                "g": ["g[0] += residual", "g[j + intercepts] += residual"],
            },
        ),
        Source(
            "python",
            "fastgd/backends/python.py: descend",
            "the updates",
            "python",
            inspect.getsource(python_backend.descend),
            {"w": ["updated = [w[j] - rate", "w = updated"]},
        ),
    ]


def list_numpy() -> list[Source]:
    """Return the vectorized update."""
    return [
        Source(
            "numpy",
            "fastgd/backends/numpy.py: descend",
            "all of it",
            "python",
            inspect.getsource(numpy_backend.descend),
            {
                "r": ["residual = X @", "residual += weights[0]"],
                "j": ["costs[epoch] = cost ="],
                "g": ["gradient[0] = residual", "gradient[intercepts:] = residual @ X"],
                "w": ["updated = weights - rate", "weights[:] = updated"],
            },
        )
    ]


def list_numba() -> list[Source]:
    """Return the update, the plain loop, and the loop over rows that fit in registers."""
    from fastgd.backends.numba import epochs, loops

    return [
        Source(
            "numba",
            "fastgd/backends/numba/epochs.py: fold and update",
            FOLDS,
            "python",
            f"{source_of(epochs.fold)}\n\n{source_of(epochs.update)}",
            {
                "j": ["squares += partials", "return squares / (2"],
                "g": ["gradient[0] += partials", "gradient[j] += partials", "gradient /= n"],
                "w": ["weights[j] -= rate"],
            },
        ),
        Source(
            "numba",
            "fastgd/backends/numba/loops.py: add_rest",
            PLAIN,
            "python",
            source_of(loops.add_rest),
            {
                "r": ["r = intercept - y[i]", "r += X["],
                "j": ["out[0] += r * r"],
                "g": ["out[1] += r", "out[2 + j] += r * X["],
            },
        ),
        Source(
            "numba",
            "fastgd/backends/numba/loops.py: make_short_rows",
            VECTORS,
            "python",
            inspect.getsource(loops.make_short_rows),
            {
                "r": ["s = add_columns", "residual = add_lanes(s)"],
                "j": ["squares += residual"],
                "g": ["total += residual", "g += add_rows(x * r)", "g_tail += add_rows(x_tail * r)"],
            },
        ),
    ]


def list_cython() -> list[Source]:
    """Return the same pieces of the compiled extension."""
    kernel, loops = read_source("_kernel.pyx"), read_source("loops.inc")
    return [
        Source(
            "cython",
            "src_ext/_kernel.pyx: fold and update",
            FOLDS,
            "cython",
            f"{find_function(kernel, 'fold')}\n\n{find_function(kernel, 'update')}",
            {
                "j": ["squares += partials", "return squares / (2"],
                "g": ["gradient[0] += partials", "gradient[j] += partials", "gradient[j] /= n"],
                "w": ["weights[j] -= rate"],
            },
        ),
        Source(
            "cython",
            "src_ext/loops.inc: add_rest",
            PLAIN,
            "c",
            find_function(loops, "add_rest"),
            {
                "r": ["double r = intercept - y[i]", "r += a[j * step]"],
                "j": ["out[0] += r * r"],
                "g": ["out[1] += r", "for (ptrdiff_t j = 0; j < p; j++) out[2 + j] += r"],
            },
        ),
        Source(
            "cython",
            "src_ext/loops.inc: add_short_rows",
            VECTORS,
            "c",
            find_function(loops, "add_short_rows"),
            {
                "r": ["s0 += weight", "s1 += weight", "s2 += weight", "s3 += weight", "const four r = "],
                "j": ["squares += r * r"],
                "g": ["total += r", "g[k] += (r0 * load_x"],
            },
        ),
    ]


def read_source(name: str) -> str:
    """Return a file of the compiled kernel: from the package, or from the clone that the package stands in."""
    package = Path(backends.__file__).parent / "src_ext"
    folder = package if package.is_dir() else package.parents[2] / "src_ext"
    return (folder / name).read_text(encoding="utf-8")


def source_of(function: Callable[..., object]) -> str:
    """Return the source of a function that Numba has wrapped."""
    return inspect.getsource(getattr(function, "py_func", function))


def find_function(text: str, name: str) -> str:
    r"""Return one function of a C file, with the comment above it, or of a Cython file.

    Examples
    --------
    >>> from fastgd.report.sources import find_function
    >>> print(find_function("int f(int a) {\n}\n/* Two. */\nint g(int a) {\n    return 2;\n}\nint h;\n", "g"))
    /* Two. */
    int g(int a) {
        return 2;
    }
    <BLANKLINE>
    >>> print(find_function("cdef int f(int a):\n    return 1\n\n\ncdef int g(int a):\n    return 2\n", "f"))
    cdef int f(int a):
        return 1
    <BLANKLINE>
    """
    comment, head, body = r"(?:/\*(?:(?!\*/).)*\*/\n)?", rf"[^\n#/ ][^\n]*\b{name}\(", r"(?:(?!^}).)*^}\n"
    cython = rf"^cdef [^\n]*\b{name}\((?:(?!\n\n\n).)*\n"
    found = re.search(f"{cython}|^{comment}{head}{body}", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"no function {name} in the source")
    return found[0]


def highlight(source: Source) -> str:
    """Return a source as HTML, each marked line in an element with the class of its formula.

    Raises
    ------
    ValueError
        If the source lacks a line that should be marked.
    """
    import pygments
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(source.language, stripnl=False)
    plain = source.text.splitlines()
    lines = pygments.highlight(source.text, lexer, HtmlFormatter(nowrap=True)).splitlines()
    for letter, formula in FORMULAS.items():
        for beginning in source.marks.get(letter, []):
            places = [k for k, line in enumerate(plain) if line.strip().startswith(beginning)]
            if not places:
                raise ValueError(f"{source.place}: no line begins with {beginning!r}")
            for k in places:
                lines[k] = f'<mark class="{letter}" title="{formula}">{lines[k]}</mark>'
    return "\n".join(lines)
