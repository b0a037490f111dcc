"""Everything beyond NumPy is an extra: what its absence says, and what a plain install can do all the same."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastgd
from fastgd.inputs.extras import explain_import, explain_lack

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
METADATA = [
    "numpy>=2.0",
    'scikit-learn>=1.6; extra == "sklearn"',
    'Dask[array,distributed]>=2024.5 ; python_version < "4" and extra == "dask"',
    'fastgd[plot]; extra == "study"',
    'build; extra == "dev"',
]


@pytest.fixture
def metadata(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: METADATA if name == "fastgd" else None)


# ---- the message


@pytest.mark.usefixtures("metadata")
@pytest.mark.parametrize(
    ("modules", "command"),
    [
        (["sklearn"], 'pip install "scikit-learn>=1.6"'),
        (["dask", "sklearn"], 'pip install "Dask[array,distributed]>=2024.5" "scikit-learn>=1.6"'),
        (["build"], "pip install build"),
        (["fastapi"], "pip install fastapi"),
    ],
)
def test_the_command_names_what_fastgd_requires_of_the_libraries(modules, command):
    assert explain_lack("this needs more", *modules) == f"this needs more: {command}"


def test_the_command_names_the_libraries_where_fastgd_has_no_metadata(monkeypatch):
    def find_nothing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", find_nothing)
    assert explain_lack("this needs more", "sklearn", "numba") == "this needs more: pip install scikit-learn numba"


@pytest.mark.usefixtures("metadata")
@pytest.mark.parametrize(
    "cause",
    [
        ImportError("Numba needs NumPy 2.3 or less. Got NumPy 2.5."),
        ImportError("cannot import name 'validate_data'", name="sklearn.utils.validation"),
        ModuleNotFoundError("No module named 'joblib'", name="joblib"),
        ModuleNotFoundError("No module named 'sklearn.model'", name="sklearn.model"),
        ValueError("numpy.dtype size changed"),
    ],
    ids=str,
)
def test_a_library_that_is_installed_but_broken_is_not_to_be_installed(cause, monkeypatch):
    monkeypatch.setattr("fastgd.inputs.extras.is_installed", lambda module: True)
    error = explain_import("this needs scikit-learn", cause, "sklearn")
    assert "pip" not in str(error)
    assert str(error).startswith("this needs scikit-learn, and the one installed cannot be imported")
    assert "scikit-learn>=1.6" in str(error)
    assert str(error).endswith(f"{type(cause).__name__}: {cause}")


@pytest.mark.usefixtures("metadata")
def test_a_missing_library_is_to_be_installed():
    with pytest.raises(ModuleNotFoundError) as caught:
        import sklearn_that_nobody_has  # noqa: F401
    told = explain_import("this needs it", caught.value, "sklearn_that_nobody_has")
    assert str(told) == "this needs it: pip install sklearn_that_nobody_has"


def test_no_other_line_of_the_package_tells_how_to_install():
    """fastgd[…] would be looked for in an index; the kernel is no library (fastgd/backends/lacks.py)."""
    package = Path(fastgd.__file__).parent
    lines = {
        f"{path.relative_to(package)}: {line.strip()}"
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "pip install" in line
    }
    allowed = ("inputs/extras.py: ", "backends/lacks.py: ")
    assert [line for line in lines if not line.startswith(allowed)] == []


# ---- the extras of pyproject.toml


def test_numpy_is_the_only_requirement():
    assert [re.match(r"[\w-]+", one)[0] for one in PROJECT["dependencies"]] == ["numpy"]


def test_every_library_has_one_floor():
    """The message names the one that it finds first."""
    floors = {}
    for requirement in (one for extra in EXTRAS.values() for one in extra if not one.startswith("fastgd[")):
        floors.setdefault(re.match(r"[\w-]+", requirement)[0], set()).add(requirement)
    assert {name: found for name, found in floors.items() if len(found) > 1} == {}


def names_of(extra):
    """Return the extras of fastgd that an extra consists of."""
    return {name for one in EXTRAS[extra] if one.startswith("fastgd[") for name in one[7:-1].split(",")}


def test_all_has_every_extra_for_users():
    for_work_on_fastgd = {"all", "dev", "docs", "peers", "test"}
    assert names_of("all") == set(EXTRAS) - for_work_on_fastgd
    assert names_of("dev") == {"all", "docs", "test"}


def test_the_table_of_the_docs_lists_the_extras():
    page = ROOT / "docs" / "how-to" / "install.md"
    if not page.exists():
        pytest.skip("the pages are not shipped with the tests of a wheel")
    section = re.search(r"^## Extras\n(.*?)(?=^## |\Z)", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE)
    assert [name for name, _ in rows] == list(EXTRAS)
    for name, installs in rows:
        libraries = {re.match(r"[\w-]+", one)[0] for one in EXTRAS[name] if not one.startswith("fastgd[")}
        libraries = set() if name == "dev" else libraries  # the tools of the project are many
        assert set(re.findall(r"`([\w-]+)`", installs)) == libraries | names_of(name), name


# ---- a plain install


def run_without(modules, code):
    """Run code in a process that finds none of some modules, and return what it prints."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))\n"
    done = subprocess.run([sys.executable, "-c", hide + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


BEYOND_NUMPY = [
    "numba", "sklearn", "scipy", "dask", "distributed", "matplotlib", "pyarrow", "rich", "jinja2", "pygments",
    "threadpoolctl", "jax", "pandas", "polars",
]  # fmt: skip


def test_a_plain_install_hands_all_names_on_and_fits():
    code = """
from fastgd import *
import fastgd, pydoc
X = [[float(k), float(k * k % 7)] for k in range(20)]
result = gradient_descent(X, [3 * a - b + 2 for a, b in X])
assert result.converged and fastgd.backends.available()[-2:] == ["numpy", "python"]
assert set(fastgd.__all__) <= set(globals())
pydoc.render_doc(fastgd)  # help() asks for each name of dir()
print(result.backend, result.weights.round(6).tolist())
"""
    backend, weights = run_without(BEYOND_NUMPY, code).split(" ", 1)
    assert backend != "numba"
    assert weights.strip() == "[2.0, 3.0, -1.0]"


ERRORS = {
    "numba": "fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], backend='numba')",
    "scikit-learn": "fastgd.GradientDescentRegressor",
    "matplotlib": "fastgd.plots.new_figure()",
    "pyarrow": "fastgd.streaming.fit_files('a.parquet', 'y')",
    "threadpoolctl": "fastgd.study(quick=True, sections=['map'], quiet=True)",
}


@pytest.mark.parametrize("library", ERRORS)
def test_each_use_of_a_missing_library_tells_how_to_install_it(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.parquet").write_bytes(b"PAR1")
    code = f"import fastgd\ntry: {ERRORS[library]}\nexcept ImportError as error: print(error)"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert re.search(rf'needs? {library}: pip install "?{library}', run_without(BEYOND_NUMPY, code), re.IGNORECASE)


def test_no_metadata_are_read_where_nothing_is_missing():
    fit = "fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], backend='numpy')"
    assert run_without(["numba"], f"import fastgd; {fit}; print('importlib.metadata' in sys.modules)") == "False\n"
