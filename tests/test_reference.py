"""The API reference has every public name, and every public docstring has its sections."""

import inspect
import re
import runpy
import sys
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def read_conf():
    """Return the settings of Sphinx without a change of sys.path; an empty dict outside the source tree."""
    before = sys.path.copy()
    try:
        return runpy.run_path(str(DOCS / "conf.py")) if DOCS.exists() else {}
    finally:
        sys.path[:] = before


CONF = read_conf()
in_the_source_tree = pytest.mark.skipif(not CONF, reason="the wheel's tests run away from the source tree")
MODULES = {  # public modules, and the extras that each needs
    "fastgd": ["sklearn"],
    "fastgd.backends": [],
    "fastgd.bench": [],
    "fastgd.files.model": [],
    "fastgd.plots": ["matplotlib"],
    "fastgd.rates": [],
    "fastgd.report": ["matplotlib"],
    "fastgd.report.widget": ["jinja2"],
    "fastgd.streaming": [],
}
UNLISTED = {"fastgd.files.model": ["Model", "ModelError", "load", "save"]}  # the other functions are internal
DIRECTIVE = re.compile(r"^\.\. ([a-z]+):: +(\S+)\n((?: +:.*\n)*)", re.MULTILINE)


def public_names(module):
    """Return `__all__` of a module, or the names it defines without a leading underscore."""
    if module in UNLISTED:
        return UNLISTED[module]
    loaded = import_module(module)
    if hasattr(loaded, "__all__"):
        return list(loaded.__all__)
    found = {name: value for name, value in vars(loaded).items() if not name.startswith("_")}
    return [name for name, value in found.items() if name.isupper() or getattr(value, "__module__", None) == module]


def documented_names():
    """Return the full names that the pages of the reference document."""
    names = set()
    for page in sorted(DOCS.glob("api/*.rst")):
        module = ""
        for directive, argument, options in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            members = re.search(r":members: *(.*)", options)
            if directive in ("currentmodule", "automodule"):
                module = argument
            if directive == "automodule":
                names.add(module)
                listed = [] if members is None else members[1].split(", ") if members[1] else public_names(module)
                names.update(f"{module}.{name}" for name in listed)
            elif directive in ("autofunction", "autoclass", "autoexception", "autodata", "data"):
                names.add(argument if argument.startswith("fastgd.") else f"{module}.{argument}")
    return names


def list_docstrings():
    """Return the module and full name of every public function, class and method that conf.py does not exclude."""
    excluded = re.compile("|".join(CONF.get("numpydoc_validation_exclude", ["$^"])))
    return ((module, name) for module, name in list_callables() if not excluded.search(name))


def list_callables():
    """Yield the module and full name of every public function, class and method."""
    for module in MODULES:
        for name in public_names(module):
            if module == "fastgd" and name in ("GradientDescentRegressor", "study"):  # lazy: not imported here
                yield module, f"{module}.{name}"
                continue
            value = getattr(import_module(module), name)
            if not callable(value):
                continue
            yield module, f"{module}.{name}"
            if inspect.isclass(value):
                own = [key for key, method in vars(value).items() if not key.startswith("_") and is_method(method)]
                yield from ((module, f"{module}.{name}.{key}") for key in own)
    for key in ("fit", "partial_fit", "predict", "save", "load"):
        yield "fastgd", f"fastgd.GradientDescentRegressor.{key}"


def is_method(value):
    """Return True if an attribute of a class is a method, a class method or a static method."""
    return inspect.isfunction(value) or isinstance(value, classmethod | staticmethod)


def find(module, name):
    """Return the object with this full name; starting at the module avoids submodules that share a name."""
    value = import_module(module)
    for part in name.removeprefix(f"{module}.").split("."):
        value = getattr(value, part)
    return value


@in_the_source_tree
@pytest.mark.parametrize("module", [module for module in MODULES if module != "fastgd.report"])
def test_every_public_name_is_on_a_page(module):
    missing = {f"{module}.{name}" for name in public_names(module)} - documented_names()
    assert not missing


@in_the_source_tree
def test_every_name_on_a_page_exists():
    for name in documented_names() - set(MODULES):
        module = max((module for module in MODULES if name.startswith(f"{module}.")), key=len)
        for extra in MODULES[module]:
            pytest.importorskip(extra, reason=f"{module} is about {extra}, an extra")
        assert find(module, name) is not None


@in_the_source_tree
@pytest.mark.parametrize(("module", "name"), list(list_docstrings()), ids=lambda value: value)
def test_a_public_docstring_has_its_sections(module, name):
    pytest.importorskip("numpydoc", reason="numpydoc, an extra, reads the sections")
    from numpydoc.docscrape import get_doc_object
    from numpydoc.validate import validate

    for extra in MODULES[module]:
        pytest.importorskip(extra, reason=f"{module} is about {extra}, an extra")
    errors = validate(get_doc_object(find(module, name)))["errors"]
    assert [f"{code}: {text}" for code, text in errors if code in CONF["numpydoc_validation_checks"]] == []


@in_the_source_tree
def test_a_missing_section_is_noticed():
    pytest.importorskip("numpydoc", reason="numpydoc, an extra, reads the sections")
    from numpydoc.docscrape import get_doc_object
    from numpydoc.validate import validate

    def halve(number):
        """Return the half."""
        return number / 2

    found = {code for code, _ in validate(get_doc_object(halve))["errors"]}
    assert {"PR01", "RT01", "EX01"} <= found & CONF["numpydoc_validation_checks"]
