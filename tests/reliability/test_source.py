"""No code in the package runs code from a file or builds objects that a file names."""

import ast
from pathlib import Path

import pytest

import fastgd

# Functions that run code or build named objects, and modules whose loaders do so.
RUNS = {"eval", "exec", "compile", "__import__", "execfile", "unpickle", "read_pickle", "unsafe_load", "full_load"}
LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "jsonpickle", "torch"}


def dangers(source):
    """Yield the line and the name of every dangerous call or import in a source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            yield from ((node.lineno, module) for module in modules if module.partition(".")[0] in LOADERS)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in RUNS:
                yield node.lineno, node.func.id
            elif isinstance(node.func, ast.Attribute) and node.func.attr in RUNS - {"compile", "eval"}:
                yield node.lineno, node.func.attr
            for keyword in node.keywords:
                shell = keyword.arg in ("allow_pickle", "shell") and getattr(keyword.value, "value", True) is not False
                if shell or (keyword.arg == "parse_constant"):
                    yield node.lineno, keyword.arg


def test_no_code_in_the_package_runs_code_from_a_file():
    sources = sorted(Path(fastgd.__file__).parent.rglob("*.py"))
    assert len(sources) > 20
    found = [f"{source}:{line}: {name}" for source in sources for line, name in dangers(source.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import load",
        "import yaml as y",
        "from joblib import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "eval(text)",
        "exec(text)",
        "builtins.exec(text)",
        "pandas.read_pickle(path)",
        "run(text, shell=True)",
    ],
)
def test_the_search_itself_sees_dangerous_code(source):
    assert len(list(dangers(source))) == 1
