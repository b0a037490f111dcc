"""Imports only point down the layers of the package, and no module imports itself on a detour."""

import ast
from pathlib import Path

import pytest

import fastgd

PACKAGE = Path(fastgd.__file__).parent
# Each layer may import from those below it. `__init__` and `__main__` hand the package's names on, and stand above all.
LAYERS = [
    ["__main__", "__init__"],
    ["cli"],
    ["report"],
    ["plots"],
    ["bench"],
    ["estimator", "streaming"],
    ["conventions"],
    ["descent"],
    ["problem"],
    ["rates"],
    ["files"],
    ["config"],
    ["backends"],
    ["inputs"],
    ["_version", "progress"],
    ["forks"],
]
FLOORS = {name: len(LAYERS) - k for k, layer in enumerate(LAYERS) for name in layer}
MOST_FLOORS = 8  # of folders and modules that import each other, one below the other
MOST_MODULES = 8  # beside the folders, at the top of the package
HEADS = {"__init__", "__main__"}
# The folders whose __init__ has more than names to hand on: the dispatch of the kernels.
WITH_LOGIC = {"backends"}


def list_modules():
    """Return the paths of all modules by their dotted names below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


MODULES = list_modules()


def find_imports(path):
    """Return the modules of the package that a module imports, wherever in its text, but for type checkers."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "fastgd":
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == "fastgd"}
    return {resolve(name) for name in names}


def resolve(name):
    """Return the module that a dotted name belongs to: the longest part of it that is one."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in MODULES:
        parts.pop()
    return ".".join(parts) or "__init__"


IMPORTS = {name: find_imports(path) - {name} for name, path in MODULES.items()}


def top(name):
    """Return the folder, or the module at the top of the package, that a module belongs to."""
    return name.split(".")[0]


def count_floors(graph):
    """Return the number of nodes of the longest path through a graph without cycles."""
    floors = {}

    def floor(node, path):
        assert node not in path, f"a cycle: {' → '.join([*path, node])}"
        if node not in floors:
            floors[node] = 1 + max((floor(other, [*path, node]) for other in graph[node]), default=0)
        return floors[node]

    return max(floor(node, []) for node in graph)


def test_every_module_has_a_layer():
    assert {top(name) for name in MODULES} == set(FLOORS)


@pytest.mark.parametrize("name", [name for name in MODULES if top(name) not in HEADS])
def test_imports_only_point_down(name):
    for imported in IMPORTS[name]:
        assert top(imported) == top(name) or FLOORS[top(imported)] < FLOORS[top(name)], imported


def test_no_module_imports_itself_on_a_detour():
    count_floors({name: imports for name, imports in IMPORTS.items() if name not in HEADS})


def test_the_layers_are_few():
    tops = {top(name) for name in MODULES} - HEADS
    graph = {
        one: {top(other) for name in MODULES if top(name) == one for other in IMPORTS[name]} - {one} - HEADS
        for one in tops
    }
    assert count_floors(graph) <= MOST_FLOORS


def test_the_top_of_the_package_has_few_modules():
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_MODULES


@pytest.mark.parametrize(
    "path", [p for p in MODULES.values() if p.name == "__init__.py" and p.parent != PACKAGE], ids=str
)
def test_the_init_of_a_folder_only_hands_names_on(path):
    if path.parent.name in WITH_LOGIC:
        return
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    for_types = [node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    kinds = {type(node) for node in nodes if node not in for_types} | {
        type(node) for block in for_types for node in block.body
    }
    assert kinds <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign}
