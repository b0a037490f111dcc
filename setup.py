"""The compiled part of the build; everything else stands in pyproject.toml.

Environment switches:
FASTGD_REQUIRE_EXTENSION=1   a failed compilation fails the installation, which otherwise goes on without it
"""

import os
import tempfile
import warnings
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

SOURCES = Path("src_ext")
BUILD_FAILURES = (CCompilerError, ExecError, PlatformError, OSError)
# The loops are written with vectors, so no -ffast-math: that links start-up code which makes the whole process flush
# denormals, and assumes that there is no NaN. The last two only say that nobody reads errno or traps.
OPTIMISATION = (["-O3"], ["-g0"], ["-fno-math-errno", "-fno-trapping-math"], ["-Wno-psabi"])
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}


def accepts(compiler, flags):
    """Tell whether the compiler takes the flags, by compiling an empty program with them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("int main(void) { return 0; }\n")
        try:
            compiler.compile([str(source)], output_dir=folder, extra_postargs=["-Werror", *flags])
        except BUILD_FAILURES:
            return False
    return True


class OptionalExtension(build_ext):
    """Build with the flags this compiler takes; without a working compiler, go on without the extension."""

    def build_extensions(self):
        """Probe the flags, then build."""
        flags = [flag for group in OPTIMISATION if accepts(self.compiler, group) for flag in group]
        for extension in self.extensions:
            extension.extra_compile_args = flags
            extension.define_macros.append(("FASTGD_FLAGS", '"{}"'.format(" ".join(flags))))
        try:
            super().build_extensions()
        except BUILD_FAILURES as error:
            if os.environ.get("FASTGD_REQUIRE_EXTENSION") == "1":
                raise
            warnings.warn(f"fastgd goes on without its compiled kernel: {error}", stacklevel=1)


kernel = Extension(
    "fastgd.backends._kernel",
    sources=[str(SOURCES / "_kernel.pyx")],
    depends=[str(header) for header in SOURCES.glob("*.h")],
)

setup(
    ext_modules=cythonize([kernel], compiler_directives=DIRECTIVES),
    cmdclass={"build_ext": OptionalExtension},
)
