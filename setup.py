"""The compiled part of the build; everything else stands in pyproject.toml.

Environment switches:
FASTGD_REQUIRE_EXTENSION=1   a failed compilation fails the installation, which otherwise goes on without it
FASTGD_BOUNDS_CHECKS=1       every access to X, and every index of the .pyx, is checked; a bad one ends the process
FASTGD_SANITIZE=1            AddressSanitizer and UndefinedBehaviorSanitizer, not optimised (tests/sanitize.sh)
FASTGD_NO_FETCH=1            nothing is fetched ahead, to see what that is worth (docs/kernel_steps.py)
FASTGD_PLANT_BUG=1           the kernel reads one element beyond X, to see that the two above notice
"""

import os
import tempfile
import warnings
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError


def is_on(switch):
    """Tell whether an environment switch is set."""
    return os.environ.get(switch) == "1"


SOURCES = Path("src_ext")
BUILD_FAILURES = (CCompilerError, ExecError, PlatformError, OSError)
# The loops are written with vectors, so no -ffast-math: that links start-up code which makes the whole process flush
# denormals, and assumes that there is no NaN. The last two only say that nobody reads errno or traps.
OPTIMISATION = (["-O3"], ["-g0"], ["-fno-math-errno", "-fno-trapping-math"], ["-Wno-psabi"])
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
# Not -O1: the compiler takes three times as long, more than the tests gain.
SANITIZED = ["-O0", "-g", "-fno-omit-frame-pointer", "-Wno-psabi", *SANITIZERS]
MACROS = [f"-D{switch}" for switch in ("FASTGD_BOUNDS_CHECKS", "FASTGD_NO_FETCH", "FASTGD_PLANT_BUG") if is_on(switch)]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": is_on("FASTGD_BOUNDS_CHECKS"),
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


def choose_flags(compiler):
    """Return the flags to compile with: those that this compiler takes, but all of them where safety is asked for."""
    if is_on("FASTGD_SANITIZE"):
        return SANITIZED
    return [flag for group in OPTIMISATION if accepts(compiler, group) for flag in group]


class OptionalExtension(build_ext):
    """Build with the flags this compiler takes; without a working compiler, go on without the extension."""

    def build_extensions(self):
        """Probe the flags, then build."""
        flags = [*choose_flags(self.compiler), *MACROS]
        for extension in self.extensions:
            extension.extra_compile_args = flags
            extension.extra_link_args = [flag for flag in flags if flag in SANITIZERS]
            extension.define_macros.append(("FASTGD_FLAGS", '"{}"'.format(" ".join(flags))))
        try:
            super().build_extensions()
        except BUILD_FAILURES as error:
            if is_on("FASTGD_REQUIRE_EXTENSION"):
                raise
            warnings.warn(f"fastgd goes on without its compiled kernel: {error}", stacklevel=1)


def embed_sources():
    """Write the sources into a header, so that the module can show just what it was built from; return its folder."""
    folder = Path("build", "embedded")
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted([*SOURCES.glob("*.pyx"), *SOURCES.glob("*.h")])
    # Read as text: a checkout with other ends of lines carries the same, and what looks for functions finds them.
    texts = [", ".join(map(str, [*file.read_text(encoding="utf-8").encode(), 0])) for file in files]
    lines = [f"static const unsigned char SOURCE_{k}[] = {{{text}}};" for k, text in enumerate(texts)]
    lines.append("static const char *const SOURCE_NAMES[] = {{{}, 0}};".format(", ".join(f'"{f.name}"' for f in files)))
    lines.append(
        f"static const unsigned char *const SOURCE_TEXTS[] = {{{', '.join(f'SOURCE_{k}' for k in range(len(files)))}}};"
    )
    (folder / "sources.h").write_text("\n".join([*lines, ""]))
    return str(folder)


kernel = Extension(
    "fastgd.backends._kernel",
    sources=[str(SOURCES / "_kernel.pyx")],
    include_dirs=[str(SOURCES), embed_sources()],
    depends=[str(header) for header in SOURCES.glob("*.h")],
)

setup(
    # A .c file with checks is kept apart, for it does not tell which directives it was made with.
    ext_modules=cythonize(
        [kernel], compiler_directives=DIRECTIVES, build_dir="build/checked" if DIRECTIVES["boundscheck"] else None
    ),
    cmdclass={"build_ext": OptionalExtension},
)
