"""The installed source of each backend, with the lines that compute the formulas marked."""

import re
from pathlib import Path, PurePath
from typing import NamedTuple

from fastgd import backends
from fastgd.inputs.words import printable, quote

# The letter of each formula; marked lines have it as their class.
FORMULAS = {"r": "residual", "j": "cost", "g": "gradient", "w": "update"}
LANGUAGES = {".py": "python", ".pyx": "cython", ".inc": "c"}  # by their names in Pygments
# Notes on the pieces of a compiled backend.
FOLDS = "the sums of the blocks give cost and gradient; then the update"
PLAIN = "the plainest loop over a block of rows, used for rows that are left over: X is read once"
VECTORS = "the same for rows of few vectors: four rows at a time, in registers"
# Backend, file, functions, note, and the beginnings of the lines that compute each formula.
PIECES: list[tuple[str, str, list[str], str, dict[str, list[str]]]] = [
    ("python", "python.py", ["cost_and_gradient"], "cost and gradient", {
        "r": ["residual = -targets", "residual += w[0]", "residual += row[j] *"],
        "j": ["squares += residual", "return squares / (2 *"],
        "g": ["g[0] += residual", "g[j + intercepts] += residual"],
    }),
    ("python", "python.py", ["descend"], "the updates", {"w": ["updated = [[w[k][j] - rate", "w = updated"]}),
    ("numpy", "numpy.py", ["descend"], "all of it", {
        "r": ["residual = X @", "residual += weights[0]"],
        "j": ["costs[epoch] = cost ="],
        "g": ["gradient[0] = residual", "gradient[intercepts:] = (residual.T @ X).T"],
        "w": ["updated = weights - rate", "weights[:] = updated"],
    }),
    ("numba", "numba/epochs.py", ["fold", "update"], FOLDS, {
        "j": ["squares += partials", "return squares / (2"],
        "g": ["gradient[0] += partials", "gradient[j] += partials", "gradient /= n"],
        "w": ["weights[j] -= rate"],
    }),
    ("numba", "numba/loops.py", ["add_rest"], PLAIN, {
        "r": ["r = intercept - y[i]", "r += X["],
        "j": ["out[0] += r * r"],
        "g": ["out[1] += r", "out[2 + j] += r * X["],
    }),
    ("numba", "numba/loops.py", ["make_short_rows"], VECTORS, {
        "r": ["s = add_columns", "residual = add_lanes(s)"],
        "j": ["squares += residual"],
        "g": ["total += residual", "g += add_rows(x * r)", "g_tail += add_rows(x_tail * r)"],
    }),
    ("cython", "_kernel.pyx", ["fold", "update"], FOLDS, {
        "j": ["squares += sums", "return squares / (2"],
        "g": ["gradient[0] += sums", "gradient[j] += sums", "gradient[j] /= blocks.n"],
        "w": ["weights[j] -= rate"],
    }),
    ("cython", "loops.inc", ["add_rest"], PLAIN, {
        "r": ["double r = intercept - y[i]", "r += a[j * step]"],
        "j": ["out[0] += r * r"],
        "g": ["out[1] += r", "for (ptrdiff_t j = 0; j < p; j++) out[2 + j] += r"],
    }),
    ("cython", "loops.inc", ["add_short_rows"], VECTORS, {
        "r": [*(f"s[{k}] = FUSED(weight" for k in range(4)), "add_lanes(s, r)", "r[k] += start - load_doubles"],
        "j": ["squares[k] = FUSED(r[k]"],
        "g": ["total[k] += r[k]", "g[k] = FUSED(r1, load_x", "g[k] = FUSED(r3, load_x"],
    }),
]  # fmt: skip


class Source(NamedTuple):
    """A piece of the source of a backend, with a note on the part of the update that it computes.

    The language is a name of Pygments; `marks` has the beginnings of the lines that compute each formula.
    """

    backend: str
    place: str
    note: str
    language: str
    text: str
    marks: dict[str, list[str]]


def list_sources() -> list[Source]:
    """Return the main functions of every backend that is installed, the plainest backend first."""
    usable, found = backends.available(), []
    for backend, file, functions, note, marks in PIECES:
        if backend in usable:
            source, language = read_source(file), LANGUAGES[PurePath(file).suffix]
            place = f"{'fastgd/backends' if language == 'python' else 'src_ext'}/{file}: {' and '.join(functions)}"
            text = "\n\n".join(find_function(source, name) for name in functions)
            found.append(Source(backend, place, note, language, text, marks))
    return found


def read_source(file: str) -> str:
    """Return a file of a backend: from the package or, of the extension, from the clone that the package stands in."""
    package = Path(backends.__file__).parent
    paths = [folder / file for folder in (package, package / "src_ext", package.parents[1] / "src_ext")]
    return next((path for path in paths if path.is_file()), paths[-1]).read_text(encoding="utf-8")


def find_function(text: str, name: str) -> str:
    r"""Return one function of a C file, with the comment above it, or of a Python or Cython file, with decorators.

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
    python = rf"(?:^@[^\n]*\n)*^c?def [^\n]*\b{name}\((?:(?!\n\n\n).)*\n"
    found = re.search(f"{python}|^{comment}{head}{body}", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"no function {name} in the source")
    return found[0]


def highlight(source: Source) -> str:
    """Return a source as HTML, each marked line in an element with the class of its formula."""
    import pygments
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(source.language, stripnl=False)
    plain = source.text.splitlines()
    # Pygments ends lines at fewer characters than Python does, and shows controls as they are.
    shown = "\n".join(printable(line.expandtabs(), None) for line in plain)
    lines = pygments.highlight(shown, lexer, HtmlFormatter(nowrap=True)).removesuffix("\n").split("\n")
    for letter, formula in FORMULAS.items():
        for beginning in source.marks.get(letter, []):
            places = [k for k, line in enumerate(plain) if line.strip().startswith(beginning)]
            if not places:
                raise ValueError(f"{printable(source.place)}: no line begins with {quote(beginning)}")
            for k in places:
                lines[k] = f'<mark class="{letter}" title="{formula}">{lines[k]}</mark>'
    return "\n".join(lines)
