"""Build the compiled extension; pyproject.toml has everything else.

Environment switches:
FASTGD_REQUIRE_EXTENSION=1   a failed compilation fails the installation; without it, fastgd is installed as pure Python
FASTGD_BOUNDS_CHECKS=1       check each access to X (a bad one ends the process) and each index of the .pyx (IndexError)
FASTGD_SANITIZE=1            AddressSanitizer and UndefinedBehaviorSanitizer, not optimised (tests/sanitize.sh)
FASTGD_SANITIZE=thread       ThreadSanitizer (tests/sanitize_threads.sh)
FASTGD_NO_FETCH=1            no prefetching, to measure its worth (docs/kernel_steps.py)
FASTGD_PLAIN=1               plain loops, as compilers without vector extensions (MSVC) make them
FASTGD_PLANT_BUG=1           the kernel reads one element beyond X, to test that the checks and the sanitizers notice
"""

import os
import re
import runpy
import sysconfig
import tempfile
import tomllib
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CCompilerError, ExecError, PlatformError


def is_on(switch):
    """Return True if an environment switch is set."""
    return os.environ.get(switch) == "1"


KERNEL = "src_ext/_kernel.pyx"
SOURCES = (
    "atomics.h",
    "levels.h",
    "level.inc",
    "loops.inc",
    "targets.inc",
    "gram.inc",
    "triangle.inc",
    "measure.inc",
    "sums.pxi",
    "measure.pxi",
    "whiten.pxi",
    "targets.pxi",
    "sparse.pxi",
    "groups.pxi",
)
INCLUDED = [f"src_ext/{name}" for name in SOURCES]
COMPRESSION = ("gram.inc", "triangle.inc", "measure.inc", "sums.pxi", "measure.pxi", "whiten.pxi")
UPDATES = [source for source in INCLUDED if Path(source).name not in COMPRESSION]
BUILD_FAILURES = (CCompilerError, ExecError, PlatformError, OSError)
# The loops have explicit vectors and do not need -ffast-math, which makes the whole process flush denormals and assumes
# that there is no NaN: these flags are taken out of CFLAGS. Products are fused with sums where the source says so, and
# nowhere else, so that all compilers give the same bits. The kernel reads neither errno nor traps.
FAST_MATH = {
    "-Ofast", "-ffast-math", "-funsafe-math-optimizations", "-ffinite-math-only", "-fassociative-math",
    "-freciprocal-math", "-fno-signed-zeros", "-mdaz-ftz",
}  # fmt: skip
OPTIMISATION = (["-O3"], ["-g0"], ["-ffp-contract=off"], ["-fno-math-errno", "-fno-trapping-math"], ["-Wno-psabi"])
MSVC = ["/O2", "/fp:precise"]
SANITIZERS = {
    "1": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "thread": ["-fsanitize=thread"],
}.get(os.environ.get("FASTGD_SANITIZE", ""), [])
# With -O1 compiling takes three times as long, which is more than the tests gain.
SANITIZED = ["-O0", "-g", "-fno-omit-frame-pointer", "-Wno-psabi", *SANITIZERS]
SWITCHES = ("FASTGD_BOUNDS_CHECKS", "FASTGD_NO_FETCH", "FASTGD_PLAIN", "FASTGD_PLANT_BUG")
MACROS = [f"-D{switch}" for switch in SWITCHES if is_on(switch)]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": is_on("FASTGD_BOUNDS_CHECKS"),
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    "freethreading_compatible": True,  # calls share no state; what the threads of one call share is atomics.h
}


def accepts(compiler, flags):
    """Return True if the compiler can compile an empty program with these flags."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("int main(void) { return 0; }\n")
        try:
            compiler.compile([str(source)], output_dir=folder, extra_postargs=["-Werror", *flags])
        except BUILD_FAILURES:
            return False
    return True


def choose_flags(compiler):
    """Return the optimisation flags that this compiler accepts, or the flags of a sanitizer build."""
    if compiler.compiler_type == "msvc":  # accepts any flag, with a warning
        return MSVC
    if SANITIZERS:
        return SANITIZED
    return [flag for group in OPTIMISATION if accepts(compiler, group) for flag in group]


def drop_fast_math(compiler):
    """Take the flags of fast mathematics out of the commands that compile and link; they come from CC and CFLAGS."""
    for command in {"compiler_so", "linker_so"} & vars(compiler).keys():
        setattr(compiler, command, [word for word in getattr(compiler, command) if word not in FAST_MATH])


def list_flags(flags):
    """Return the flags of the environment and of this build, for `fastgd config`; those with quotes are left out."""
    asked = [word for word in os.environ.get("CFLAGS", "").split() if word not in FAST_MATH]
    return " ".join(word for word in [*asked, *flags] if re.fullmatch(r"[-+\w=,./:]+", word))


class OptionalExtension(build_ext):
    """Generate the C file and build it with the flags that the compiler accepts; install without it if that fails."""

    def build_extensions(self):
        """Generate, choose the flags, then build. Commands that only ask for metadata generate nothing."""
        drop_fast_math(self.compiler)
        flags = [*choose_flags(self.compiler), *MACROS]
        # A .c file does not show the directives that it was generated with: keep the one with bounds checks apart.
        folder = "build/checked" if DIRECTIVES["boundscheck"] else None
        for extension in self.extensions:
            generated = cythonize([extension], compiler_directives=DIRECTIVES, build_dir=folder)
            extension.sources = generated[0].sources
            extension.extra_compile_args = flags
            extension.extra_link_args = [flag for flag in flags if flag in SANITIZERS]
            extension.define_macros.append(("FASTGD_FLAGS", f'"{list_flags(flags)}"'))
        try:
            super().build_extensions()
        except BUILD_FAILURES as error:
            if is_on("FASTGD_REQUIRE_EXTENSION"):
                raise
            self.go_on_without(error)

    def go_on_without(self, error):
        """Leave the kernel out and say what is missing; one of an earlier build may have had other sources."""
        for extension in self.extensions:
            extension.optional = True  # an editable installation copies what was built into the source tree
            name = self.get_ext_fullname(extension.name)
            Path(self.get_ext_fullpath(name)).unlink(missing_ok=True)
            if self.editable_mode:
                Path(self.get_ext_filename(name)).unlink(missing_ok=True)
        cause = str(error)  # may be a whole command: its beginning and its end tell
        cause = cause if len(cause) < 120 else f"{cause[:40]} … {cause[-60:]}"
        headers = Path(sysconfig.get_path("include"), "Python.h")
        missing = "a working C compiler" if headers.exists() else f"Python's header {headers}"
        self.warn(
            f"fastgd is installed WITHOUT its compiled kernel, so fits are slower: {missing} is missing ({cause}); "
            "once it is there, `fastgd config` shows the command that installs fastgd again, with the kernel"
        )


class PackageWithSources(build_py):
    """Copy the sources of the kernel's updates into the package, from where the study's page shows them."""

    def run(self):
        """Copy the package, then the sources. An editable installation shows the sources of its clone."""
        super().run()
        if not self.editable_mode:
            folder = str(Path(self.build_lib, "fastgd", "backends", "src_ext"))
            self.mkpath(folder)
            for source in (KERNEL, *UPDATES):
                self.copy_file(source, folder)


def make_page():
    """Return the README for an index of packages, where only absolute links lead to the repository's files."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = runpy.run_path("fastgd/_version.py")["__version__"]

    def lead_to_repository(link):
        kind = "raw" if link[1].startswith("!") else "blob"
        return f"{link[1]}({project['urls']['Source']}/{kind}/v{version}/{link[2]})"

    readme = Path("README.md").read_text(encoding="utf-8")
    return re.sub(r"(!?\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)", lead_to_repository, readme)


setup(
    long_description=make_page(),
    long_description_content_type="text/markdown",
    ext_modules=[
        Extension("fastgd.backends._kernel", sources=[KERNEL], include_dirs=["src_ext"], depends=INCLUDED),
    ],
    cmdclass={"build_ext": OptionalExtension, "build_py": PackageWithSources},
)
