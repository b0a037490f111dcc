"""Where the Numba backend keeps machine code: never in the package, and every failure of the disk is survived."""

import errno
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
from processes import run_python

from fastgd import backends

pytestmark = pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
PACKAGE = Path(backends.__file__).parent / "numba"

# A small loop, of the type of those that a fit compiles, and a kernel that calls it.
LOOP = """
import numpy as np
from fastgd.backends.numba import compiling, keeping
def add(X, y, rows, p, stride, far, near, w, intercept, out):
    out[0] = y[0] + w[0]
def double(x):
    x[0] *= 2.0
def run():
    loop, kernel, x = compiling.compile_loop(add, "d"), compiling.compile_kernel(double), np.ones(1)
    kernel(x)
    return loop, kernel, x[0]
"""
FIT = """
import fastgd, numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
result = fastgd.gradient_descent(X, X.sum(axis=1), learning_rate=0.1, epochs=5, tol=0, backend="numba", compress=False)
assert result.backend == "numba"
"""


def list_code(folder):
    return sorted(path.name for path in Path(folder).rglob("*.nb[ic]"))


@pytest.fixture(autouse=True)
def module(tmp_path_factory, monkeypatch):
    """The module `small_loop`: kept code names the module that it is of."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "small_loop.py").write_text(LOOP)
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop("small_loop", None)


def compile_here(folder, monkeypatch):
    """Compile a loop and a kernel with a folder for their code; return the loop, the kernel and what it computed."""
    from numba.core import config

    monkeypatch.setattr(config, "CACHE_DIR", str(folder))
    monkeypatch.delitem(sys.modules, "small_loop", raising=False)
    return import_module("small_loop").run()


def test_a_fit_writes_no_code_into_the_package(tmp_path):
    shutil.rmtree(PACKAGE / "__pycache__", ignore_errors=True)  # earlier versions did
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), str(tmp_path))
    run_python(FIT, NUMBA_CACHE_DIR="", **homes)
    assert list_code(PACKAGE) == []
    assert any(name.startswith("epochs.run_epochs") for name in list_code(tmp_path))
    assert any(name.startswith("loops.make_narrow") for name in list_code(tmp_path))


def test_kept_code_is_loaded(tmp_path, monkeypatch):
    for hits in (0, 1):
        loop, kernel, value = compile_here(tmp_path, monkeypatch)
        assert value == 2.0
        assert (loop.cache_hits, sum(kernel.stats.cache_hits.values())) == (hits, hits)
    assert len(list_code(tmp_path)) == 4


def test_a_change_of_any_source_makes_kept_code_stale(tmp_path, monkeypatch):
    from fastgd.backends.numba import keeping

    folder = tmp_path / "backends" / "numba"
    shutil.copytree(PACKAGE, folder)
    sources = [folder.parent / "threads.py", *sorted(folder.glob("*.py"))]
    shutil.copy(PACKAGE.parent / "threads.py", sources[0])
    hashes = [keeping.hash_sources.__wrapped__(folder)]
    assert hashes == [keeping.hash_sources()]
    for source in sources:
        source.write_text(source.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        hashes.append(keeping.hash_sources.__wrapped__(folder))
    assert len(set(hashes)) == len(sources) + 1 >= 7
    compile_here(tmp_path, monkeypatch)
    monkeypatch.setattr(keeping, "hash_sources", lambda: "another")
    loop, kernel, value = compile_here(tmp_path, monkeypatch)
    assert (loop.cache_hits, sum(kernel.stats.cache_hits.values()), value) == (0, 0, 2.0)


def test_damaged_code_is_compiled_again_and_replaced(tmp_path, monkeypatch):
    compile_here(tmp_path, monkeypatch)
    for damaged in ("*.nbi", "*.nbc"):
        for path in tmp_path.rglob(damaged):
            path.write_bytes(b"\x80\x05damaged")
        loop, kernel, value = compile_here(tmp_path, monkeypatch)
        assert (loop.cache_hits, sum(kernel.stats.cache_hits.values()), value) == (0, 0, 2.0)
        loop, kernel, _ = compile_here(tmp_path, monkeypatch)
        assert (loop.cache_hits, sum(kernel.stats.cache_hits.values())) == (1, 1)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_takes_no_code_costs_the_compilation_alone(tmp_path, monkeypatch, error):
    from numba.core.caching import IndexDataCacheFile

    def refuse(*_):
        raise OSError(error, "refused")

    monkeypatch.setattr(IndexDataCacheFile, "_open_for_write", refuse)
    assert compile_here(tmp_path, monkeypatch)[2] == 2.0
    assert list_code(tmp_path) == []


def test_a_folder_that_cannot_be_made_costs_the_compilation_alone(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    assert compile_here(tmp_path / "file", monkeypatch)[2] == 2.0


def test_kept_code_is_used_where_nothing_can_be_written(tmp_path, monkeypatch):
    from fastgd.backends.numba import keeping

    compile_here(tmp_path, monkeypatch)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(keeping.os, "makedirs", refuse)
    loop, kernel, value = compile_here(tmp_path, monkeypatch)
    assert (loop.cache_hits, sum(kernel.stats.cache_hits.values()), value) == (1, 1, 2.0)


def test_the_reason_is_told(tmp_path, monkeypatch):
    from numba.core import config

    from fastgd.backends.numba import keeping

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "new"))
    assert keeping.find_fault() == ""
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "file"))
    assert "exists" in keeping.find_fault()

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(keeping.tempfile, "TemporaryFile", refuse)
    assert "No space left" in keeping.find_fault()


CONFIG = "from fastgd.config import describe_installation\nprint(describe_installation()['numba_code'])"


def test_the_configuration_tells_the_folder_or_the_reason(tmp_path):
    assert run_python(CONFIG, NUMBA_CACHE_DIR=str(tmp_path)) == f"kept in {tmp_path}"
    (tmp_path / "file").write_text("no folder")
    reason = run_python(CONFIG, NUMBA_CACHE_DIR=str(tmp_path / "file"))
    assert reason.startswith("compiled in each process: ")
    assert str(tmp_path / "file") in reason


# Neither a variable nor the password file knows the home of this user.
NO_HOME = """
import os
os.path.expanduser = lambda path: path
if not os.environ["XDG_CACHE_HOME"]:
    del os.environ["XDG_CACHE_HOME"]
os.chdir({folder!r})
print(run()[2], keeping.find_fault())
"""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="no variable there gives the user's cache folder")
@pytest.mark.parametrize("cache", ["", "relative"])
def test_nothing_is_kept_where_the_users_cache_folder_is_not_known(tmp_path, cache):
    code = LOOP + NO_HOME.format(folder=str(tmp_path))
    output = run_python(code, NUMBA_CACHE_DIR="", XDG_CACHE_HOME=cache)
    assert output == "2.0 the user's cache folder is not known: set NUMBA_CACHE_DIR"
    assert list(tmp_path.iterdir()) == []
