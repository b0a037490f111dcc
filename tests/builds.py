"""Other builds of the compiled kernel, beside the one in use: other compilers, flags and switches of setup.py."""

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "fastgd.backends._kernel"


def build_kernel(folder, **environment):
    """Build the kernel in a folder, with variables of the environment that setup.py reads, and load it."""
    places = [f"--build-lib={folder}", f"--build-temp={folder}/objects"]
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--force", *places]
    settings = {**os.environ, "FASTGD_REQUIRE_EXTENSION": "1", **environment}
    built = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"{environment} cannot build the kernel:\n{built.stderr[-2000:]}")
    return load_kernel(next(Path(folder, "fastgd", "backends").glob("_kernel.*")))


def load_kernel(path):
    """Load a built kernel; several live beside each other under one name, and imports go on to find the package's own.

    Cython's code puts the module among the imported ones if no other of its name is there yet.
    """
    own = sys.modules.get(NAME)
    spec = spec_from_file_location(NAME, path)
    kernel = module_from_spec(spec)
    spec.loader.exec_module(kernel)
    sys.modules.pop(NAME, None)
    if own is not None:
        sys.modules[NAME] = own
    return kernel
