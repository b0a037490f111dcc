"""Each backend's own source, as it is installed, with the lines that are the formulas marked."""

import inspect
import re
from collections.abc import Callable
from typing import NamedTuple

from fastgd import backends
from fastgd.backends import numpy as numpy_backend
from fastgd.backends import python as python_backend

# The formulas, and by which letter a marked line belongs to one.
FORMULAS = {"r": "residual", "j": "cost", "g": "gradient", "w": "update"}
# What the pieces of a compiled backend do.
PLAIN = "a block of rows in its plainest form, as it is used for rows that are left over: X is read once"
VECTORS = "the same for rows of few vectors: four rows at a time, in registers"
FOLDS = "sums of the blocks, and the update"


class Source(NamedTuple):
    """A piece of source.

    Attributes
    ----------
    backend : str
        Whose it is.
    place : str
        Where it stands in the package.
    note : str
        What it does, where that is not all of the update.
    language : str
        Its name for Pygments.
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
    """Return the heart of every backend that is installed, the plainest form first."""
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
    """Return the plain loop, the one over rows that fit in registers, and what folds and updates."""
    from fastgd.backends.numba import epochs as jit
    from fastgd.backends.numba import loops as numba

    return [
        Source(
            "numba",
            "fastgd/backends/numba/loops.py: add_rest",
            PLAIN,
            "python",
            source_of(numba.add_rest),
            {
                "r": ["r = intercept - y[i]", "r += X["],
                "j": ["out[0] += r * r"],
                "g": ["out[1] += r", "out[2 + j] += r * X["],
            },
        ),
        Source(
            "numba",
            "fastgd/backends/numba/loops.py: make_short",
            VECTORS,
            "python",
            inspect.getsource(numba.make_short),
            {
                "r": ["s = add_columns", "residual = add_lanes(s)"],
                "j": ["squares += residual"],
                "g": ["total += residual", "g += add_rows(x * r)", "g_tail += add_rows(x_tail * r)"],
            },
        ),
        Source(
            "numba",
            "fastgd/backends/numba/epochs.py: fold and update",
            FOLDS,
            "python",
            f"{source_of(jit.fold)}\n\n{source_of(jit.update)}",
            {
                "j": ["squares += partials", "return squares / (2"],
                "g": ["gradient[0] += partials", "gradient[j] += partials", "gradient /= n"],
                "w": ["weights[j] -= rate"],
            },
        ),
    ]


def list_cython() -> list[Source]:
    """Return the same of the compiled extension, which carries the files that it was built from."""
    from fastgd.backends import _kernel

    files = _kernel.sources()
    each = "for (ptrdiff_t j = 0; j < d->p; j++) g[j]"
    return [
        Source(
            "cython",
            "src_ext/loops.h: add_rest",
            PLAIN,
            "c",
            c_function(files["loops.h"], "add_rest"),
            {
                "r": ["double r = intercept - y[i]", "r += a[j * step]"],
                "j": ["out[0] += r * r"],
                "g": ["out[1] += r", "for (ptrdiff_t j = 0; j < p; j++) out[2 + j] += r"],
            },
        ),
        Source(
            "cython",
            "src_ext/loops.h: add_short_rows",
            VECTORS,
            "c",
            c_function(files["loops.h"], "add_short_rows"),
            {
                "r": ["s0 += weight", "s1 += weight", "s2 += weight", "s3 += weight", "const four r = "],
                "j": ["squares += r * r"],
                "g": ["total += r", "g[k] += (r0 * load_x"],
            },
        ),
        Source(
            "cython",
            "src_ext/descend.h: fold and update",
            FOLDS,
            "c",
            f"{c_function(files['descend.h'], 'fold')}\n{c_function(files['descend.h'], 'update')}",
            {
                "j": ["squares += partial", "return squares / (2"],
                "g": [
                    "total += partial",
                    f"{each} += partial",
                    f"{each} /= d->n",
                    "if (d->intercepts) d->gradient",
                ],
                "w": ["for (ptrdiff_t j = 0; j < size; j++) d->weights[j] -= rate"],
            },
        ),
    ]


def source_of(function: Callable[..., object]) -> str:
    """Return the source of a function that Numba has wrapped."""
    return inspect.getsource(getattr(function, "py_func", function))


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
    """
    import pygments
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(source.language, stripnl=False)
    plain = source.text.splitlines()
    lines = pygments.highlight(source.text, lexer, HtmlFormatter(nowrap=True)).splitlines()
    for letter, beginning in ((letter, one) for letter, several in source.marks.items() for one in several):
        places = [k for k, line in enumerate(plain) if line.strip().startswith(beginning)]
        if not places:
            raise ValueError(f"{source.place}: no line begins with {beginning!r}")
        for k in places:
            lines[k] = f'<mark class="{letter}" title="{FORMULAS[letter]}">{lines[k]}</mark>'
    return "\n".join(lines)
