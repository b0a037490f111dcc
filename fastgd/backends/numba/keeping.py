"""Where machine code of the Numba backend is kept, so that the next process need not compile.

Numba itself keeps it in the package's __pycache__, which then outlives an uninstall, and watches the file of the
compiled function alone. Here the folder is NUMBA_CACHE_DIR, or Numba's own in the user's cache folder, and a change in
any file that the code comes from is seen. Where the folder cannot be read or written, everything is compiled again.
"""

# Subclasses of the compiler's classes, in its types.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, attr-defined, misc, import-untyped"

import os
import tempfile
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.misc.appdirs import AppDirs

from fastgd.inputs.words import printable

HERE = Path(__file__).parent
LOOP_BYTES = 1 << 16  # more than the code of a loop


def keep_code(compiled, function):
    """Let a compiled function keep its machine code on disk, if there is a folder for it."""
    with suppress(OSError):  # no folder, or no source text
        compiled._cache = LenientCache(function)


def find_folder() -> str:
    """Return the folder of Numba's machine code; it need not exist."""
    folder = str(config.CACHE_DIR or AppDirs(appname="numba", appauthor=False).user_cache_dir)
    if not config.CACHE_DIR and not os.path.isabs(folder):  # ~ without a home, or an empty XDG_CACHE_HOME
        raise OSError("the user's cache folder is not known: set NUMBA_CACHE_DIR")
    return folder


def find_fault() -> str:
    """Return the reason why machine code cannot be kept on disk, or "" if it can."""
    try:
        folder = find_folder()
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(LOOP_BYTES))
    except OSError as error:
        return printable(str(error))
    return ""


@cache
def hash_sources(folder: Path = HERE) -> str:
    """Return a hash of all text that is compiled, and of the module whose constants it has."""
    texts = (file.read_bytes() for file in (*sorted(folder.glob("*.py")), folder.parent / "threads.py"))
    return sha256(b"\0".join(texts)).hexdigest()


class Locator(_CacheLocator):
    """Tells Numba the folder for a function's machine code, and whether kept code is stale."""

    def __init__(self, function, file):
        self._py_file = file  # Numba names it in a warning
        self.line = function.__code__.co_firstlineno
        self.folder = os.path.join(find_folder(), self.get_suitable_cache_subpath(file))

    @classmethod
    def from_function(cls, function, file):
        """Return the locator for a function of a file."""
        return cls(function, file)

    def ensure_cache_path(self):
        """Make the folder; this comes before the first file in it."""
        os.makedirs(self.folder, exist_ok=True)

    def get_cache_path(self):
        """Return the folder."""
        return self.folder

    def get_source_stamp(self):
        """Return the hash of the sources: code that was kept with another one is stale."""
        return hash_sources()

    def get_disambiguator(self):
        """Return the line of the function, which tells functions of one name apart."""
        return str(self.line)


class Files(CompileResultCacheImpl):
    """Numba's files of machine code, found by the locator above."""

    _locator_classes = [Locator]  # noqa: RUF012 - as Numba declares it


class LenientCache(FunctionCache):
    """A cache that has nothing where its files cannot be read, and keeps nothing where they cannot be written."""

    _impl_class = Files

    def load_overload(self, sig, target_context):
        """Load and return the code that is kept for a signature; None if it must be compiled."""
        try:
            return super().load_overload(sig, target_context)
        except OSError:
            return None
        except Exception:  # a damaged file can raise anything while it is unpickled
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        """Keep the code for a signature."""
        with suppress(OSError):
            super().save_overload(sig, data)
