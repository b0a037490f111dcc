"""The list of backends, the choice of one, and the messages when one is missing."""

import doctest
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from urllib.request import url2pathname

import numpy as np
import pytest

import fastgd
from fastgd import backends
from fastgd.backends import lacks


def run_python(code, **environment):
    """Run code in a fresh interpreter and return its output, read as JSON."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_available_is_in_the_order_of_preference():
    names = backends.available()
    own = [name for name in names if name in ("cython", "numba", "numpy", "python")]
    assert names[: len(own)] == own == [name for name in ("cython", "numba", "numpy", "python") if name in own]
    assert own[-2:] == ["numpy", "python"]


def test_every_backend_exports_the_same_function(backend):
    module = backends.load(backend)
    assert module.__name__ == backends.MODULES[backend]
    names = module.descend.__code__.co_varnames[: module.descend.__code__.co_argcount]
    assert names == ("X", "y", "weights", "rates", "costs", "gradient", "threads")
    assert module.descend.__defaults__ == (1,)
    assert module.descend.__doc__ == backends.load("python").descend.__doc__


def test_resolve(backend):
    assert backends.resolve(backend) == backend
    assert backends.resolve("auto") == backends.available()[0]


@pytest.mark.parametrize("choose", [backends.resolve, backends.load])
def test_an_unknown_name_lists_those_there_are(choose):
    with pytest.raises(ValueError, match=r"'auto', 'cython', 'numba', 'numpy', 'python'.*; got 'fortran'"):
        choose("fortran")


def test_dispatch_by_name(monkeypatch, backend):
    called = []
    for name in backends.available():
        monkeypatch.setattr(
            backends.load(name), "descend", lambda *arguments, name=name: called.append((name, arguments)) or 0
        )
    arguments = (np.zeros((2, 3)), np.zeros(2), *(np.zeros(3) for _ in range(4)))
    backends.descend(*arguments, 4, backend)
    backends.descend(*arguments)
    assert called == [(backend, (*arguments, 4)), (backends.available()[0], (*arguments, 1))]


MISSING = """
import json, sys, warnings
sys.modules[{module!r}] = None
import fastgd
warnings.simplefilter("ignore", fastgd.backends.BackendWarning)
try:
    fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], backend={backend!r})
    message = "no error"
except ImportError as error:
    message = str(error)
result = fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0])
print(json.dumps([message, fastgd.backends.available(), result.backend]))
"""


@pytest.mark.parametrize(
    ("name", "module", "what_to_do"),
    [
        ("numba", "numba", "backend 'numba' needs Numba: pip install .*numba"),
        ("cython", "fastgd.backends._kernel", "backend 'cython' needs the compiled kernel.*C compiler.*pip install"),
    ],
)
def test_a_missing_backend(name, module, what_to_do):
    message, available, used = run_python(MISSING.format(module=module, backend=name))
    with pytest.raises(ImportError, match=what_to_do):
        raise ImportError(message)
    assert available == [other for other in backends.available() if other != name]
    assert used == available[0]


WARNED = """
import json, sys, warnings
for module in {missing!r}:
    sys.modules[module] = None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastgd
    seen = [len(caught)]
    X, y = [[1.0], [2.0]], [1.0, 2.0]
    fastgd.gradient_descent(X, y, backend="numpy")
    fastgd.gradient_descent(X, y, backend="python")
    seen.append(len(caught))
    used = [fastgd.gradient_descent(X, y).backend, fastgd.gradient_descent(X, y, tol=0, epochs=1).backend]
    fastgd.backends.load("auto")
    seen.append(len(caught))
print(json.dumps([used, seen, [[w.category.__name__, str(w.message), w.filename] for w in caught]]))
"""


def test_auto_warns_once_that_numpy_computes_and_says_what_is_missing():
    used, seen, [[category, message, file]] = run_python(WARNED.format(missing=["fastgd.backends._kernel", "numba"]))
    assert (used, seen) == (["numpy", "numpy"], [0, 0, 1])
    assert (category, file) == ("BackendWarning", "<string>")
    assert message.startswith("fastgd computes with NumPy")
    assert "\n" not in message
    for part in ("kernel, which was not built", "install a C compiler", ", then run: pip install --force"):
        assert part in message
    assert ("needs Numba: pip" in message) == (sys.implementation.name == "cpython")  # Numba runs there alone


@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_nothing_warns_while_numba_serves():
    used, seen, caught = run_python(WARNED.format(missing=["fastgd.backends._kernel"]))
    assert (used, seen, caught) == (["numba", "numba"], [0, 0, 0], [])


@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_numba_that_compiles_nothing_is_not_used(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    used, _, [[_, message, _]] = run_python(WARNED.format(missing=["fastgd.backends._kernel"]))
    assert used == ["numpy", "numpy"]
    assert "backend 'numba' cannot be loaded: NUMBA_DISABLE_JIT" in message


def test_a_module_that_is_called_numba_and_is_not_is_told(monkeypatch, tmp_path):
    (tmp_path / "numba.py").touch()
    fault = run_python(FAULT.format(folder=str(tmp_path), backend="numba"))[1]
    assert fault.startswith("backend 'numba' needs Numba, and the one installed cannot be imported (wanted: numba")
    assert "numba.py" in fault


FAULT = """
import json, sys
sys.path.insert(0, {folder!r})
import fastgd
print(json.dumps([fastgd.__file__, fastgd.backends.find_fault({backend!r})]))
"""


@pytest.fixture
def copied(tmp_path):
    """Copy the package without its kernel; return the place of the kernel, and a function that returns its fault."""
    shutil.copytree(Path(fastgd.__file__).parent, tmp_path / "fastgd", ignore=shutil.ignore_patterns("*.so", "*.pyd"))

    def find_fault():
        file, fault = run_python(FAULT.format(folder=str(tmp_path), backend="cython"))
        assert Path(file).parent == tmp_path / "fastgd"
        return fault

    return tmp_path / "fastgd" / "backends" / f"_kernel{sysconfig.get_config_var('EXT_SUFFIX')}", find_fault


def test_a_kernel_that_was_not_built_is_called_so(copied):
    _, find_fault = copied
    fault = find_fault()
    assert fault.startswith("backend 'cython' needs the compiled kernel, which was not built when fastgd was installed")
    assert ", then run: pip install --force-reinstall" in fault


def test_a_clone_without_a_kernel_is_named_and_both_remedies(copied):
    kernel, find_fault = copied
    clone = kernel.parents[2]
    (clone / "setup.py").touch()
    (clone / "src_ext").mkdir()
    fault = find_fault()
    begin = "backend 'cython' needs the compiled kernel, which was not built in the source folder that was imported, "
    assert fault.startswith(f"{begin}{clone}: if fastgd was installed from it, start Python in another folder; else ")
    assert ", then run: pip install --force-reinstall --no-deps -e " in fault


@pytest.mark.parametrize(("there", "wanted"), [(True, "a C compiler"), (False, "a C compiler and Python's headers")])
def test_pythons_headers_are_wanted_where_they_are_missing(monkeypatch, tmp_path, there, wanted):
    if there:
        (tmp_path / "Python.h").touch()
    monkeypatch.setattr(lacks, "KERNEL", "fastgd.no_kernel")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert f"install {wanted}, then run: pip install" in lacks.explain_kernel(ImportError())


def test_a_kernel_of_another_version_of_fastgd_is_called_so(copied):
    kernel, find_fault = copied
    (kernel.parent / "_kernel.py").touch()
    fault = find_fault()
    assert fault.startswith("backend 'cython' needs the compiled kernel, which is there but cannot be loaded (")
    assert "with a C compiler, run: pip install --force-reinstall" in fault


def test_a_kernel_that_cannot_be_loaded_quotes_the_cause(copied):
    kernel, find_fault = copied
    kernel.write_text("no library")
    fault = find_fault()
    assert fault.startswith("backend 'cython' needs the compiled kernel, which is there but cannot be loaded (")
    assert kernel.name in fault
    assert "with a C compiler, run: pip install --force-reinstall" in fault


AGAIN, ANEW = "pip install --force-reinstall --no-deps", "pip install --force-reinstall --no-deps --no-cache-dir"


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({}, f"{ANEW} --no-binary=fastgd fastgd"),
        ({"url": "file:///a%20b/fastgd", "dir_info": {}}, f'{AGAIN} "{url2pathname("/a%20b/fastgd")}"'),
        ({"url": "file:///a/fastgd-1.tar.gz", "archive_info": {}}, f'{ANEW} "file:///a/fastgd-1.tar.gz"'),
        ({"url": "file:///a/fastgd-1-py3.whl", "archive_info": {}}, f"{ANEW} --no-binary=fastgd fastgd"),
        (
            {"url": "https://host.example/fastgd", "vcs_info": {"vcs": "git", "commit_id": "1f2e"}},
            f'{ANEW} "git+https://host.example/fastgd@1f2e"',
        ),
    ],
)
def test_the_command_installs_the_kernel_from_where_fastgd_came_from(monkeypatch, tmp_path, origin, command):
    monkeypatch.setattr(lacks, "HOME", str(tmp_path))
    installed = tmp_path / "fastgd-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: fastgd\nVersion: 0.1.0\n")
    if origin:
        (installed / "direct_url.json").write_text(json.dumps(origin))
    assert lacks.find_command.__wrapped__() == command


def test_the_command_installs_a_clone_in_place(monkeypatch, tmp_path):
    clone = tmp_path / "a b"
    (clone / "src_ext").mkdir(parents=True)
    (clone / "setup.py").touch()
    monkeypatch.setattr(lacks, "HOME", str(clone))
    assert lacks.find_command.__wrapped__() == f'{AGAIN} -e "{clone}"'


@pytest.mark.skipif(os.name == "nt", reason="Windows' shells expand none of these, and its paths have no quotes")
@pytest.mark.parametrize("name", ["it's", 'a"b', "a $HOME", "a`pwd`", "a\\b", "a!b c"])
def test_a_shell_reads_the_path_of_the_command_as_it_is(monkeypatch, tmp_path, name):
    clone = tmp_path / name
    (clone / "src_ext").mkdir(parents=True)
    (clone / "setup.py").touch()
    monkeypatch.setattr(lacks, "HOME", str(clone))
    command = lacks.find_command.__wrapped__()
    read = subprocess.run(["sh", "-c", f'printf "%s\\n" {command}'], capture_output=True, encoding="utf-8", check=True)
    assert read.stdout.splitlines()[-1] == str(clone)


HEAVY = [
    "numba",
    "matplotlib",
    "sklearn",
    "scipy",
    "pandas",
    "importlib.metadata",
    "numpy.random",
    "fastgd.files.model",
]


def test_the_import_loads_nothing_heavy():
    used = "fastgd.gradient_descent; fastgd.backends.available()"
    loaded = run_python(f"import fastgd, json, sys; {used}; print(json.dumps(sorted(sys.modules)))")
    assert "fastgd.descent.fit" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_a_name_is_imported_when_it_is_first_used():
    loaded = "'numpy' in sys.modules"
    code = f"import fastgd, json, sys; print(json.dumps([{loaded}, fastgd.cost.__name__, {loaded}]))"
    assert run_python(code) == [False, "cost", True]
    with pytest.raises(AttributeError, match="module 'fastgd' has no attribute 'mode'"):
        fastgd.mode  # noqa: B018 - the attribute is the test


# Root can write to every folder, so the test takes away the folders that Numba would use.
NO_CACHE = """
import json
import numba
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []
try:
    numba.njit(lambda x: x, cache=True)
    raised = ""
except RuntimeError as error:
    raised = str(error)
import fastgd
result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], backend="numba")
print(json.dumps([raised, result.weights.tolist()]))
"""


@pytest.mark.slow  # Numba compiles everything again
@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_numba_computes_where_nothing_can_be_cached():
    raised, weights = run_python(NO_CACHE)
    assert "no locator available" in raised
    np.testing.assert_allclose(weights, [1.0, 2.0], atol=1e-6)


DENORMALS = """
import json
import numpy as np
def smallest():
    tiny = np.array([5e-324])
    return [float(tiny[0]) * 1.0, float((tiny * 3.0)[0]), 2.5e-308 / 1e10]
before = smallest()
import fastgd
{register}
result = fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], backend={backend!r})
print(json.dumps([before, smallest()]))
"""


def test_denormals_of_the_process_survive(backend):
    module = backends.MODULES[backend]
    before, after = run_python(DENORMALS.format(backend=backend, register=f"import {module}"))
    assert before == after == [5e-324, 1.5e-323, 2.5e-318]


EXTRAS = {
    "fastgd.backends.numba": ["numba"],
    "fastgd.plots": ["matplotlib"],
    "fastgd.conventions": ["sklearn"],
    "fastgd.estimator": ["sklearn"],
    "fastgd.problem.dask": ["dask.array"],
    "fastgd.inputs.frames": ["pandas"],
    "fastgd.report.record": ["matplotlib", "jinja2", "pygments"],
    "fastgd.report.run": ["matplotlib", "jinja2", "pygments", "threadpoolctl"],
    "fastgd.report.widget": ["jinja2"],
    "fastgd.files.arrow": ["pyarrow"],
    "fastgd.streaming.files": ["pyarrow"],
}
MODULES = [module.name for module in pkgutil.walk_packages(fastgd.__path__, "fastgd.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    needed = {module for part in EXTRAS if f"{name}.".startswith(f"{part}.") for module in EXTRAS[part]}
    for module in needed:
        pytest.importorskip(module, reason=f"{module} is an extra")
    assert doctest.testmod(import_module(name)).failed == 0


def test_public_functions_have_examples():
    finder = doctest.DocTestFinder(recurse=False)
    for name in ("gradient_descent", "cost", "gradient", "show_config"):
        assert any(test.examples for test in finder.find(getattr(fastgd, name), name)), name
