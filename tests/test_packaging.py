"""What a release consists of agrees: versions, addresses, notes; and the checks of `make dist` notice faults."""

import io
import re
import runpy
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import fastgd
from fastgd import backends

ROOT = Path(__file__).parents[1]
VERSION = fastgd.__version__
SUFFIXES = {".cff", ".md", ".py", ".toml", ".yaml", ".yml"}

pytestmark = pytest.mark.skipif(not (ROOT / "packaging").exists(), reason="these tests are about the source tree")


def load_yaml(name):
    """Return the content of a YAML file of the project."""
    yaml = pytest.importorskip("yaml", reason="reads the files that other programs read")
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture
def project():
    """Return the table [project] of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def notes():
    """Return the functions of packaging/release_notes.py."""
    return runpy.run_path(str(ROOT / "packaging" / "release_notes.py"))


@pytest.fixture
def check():
    """Return the functions of packaging/check.py."""
    pytest.importorskip("elftools", reason="auditwheel brings it, on Linux")
    return runpy.run_path(str(ROOT / "packaging" / "check.py"))


def test_every_file_that_must_repeat_the_version_has_the_same(notes):
    assert notes["read_version"]() == VERSION
    assert load_yaml("CITATION.cff")["version"] == VERSION
    assert load_yaml("packaging/conda/recipe.yaml")["context"]["version"] == VERSION
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0] == VERSION


def test_there_is_one_address_of_the_repository(project):
    source = project["urls"]["Source"]
    files = [path for folder in (".", "docs", "fastgd", "packaging") for path in (ROOT / folder).glob("*")]
    files += [*ROOT.glob("fastgd/**/*"), *ROOT.glob("docs/api/*"), *ROOT.glob("packaging/**/*")]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.suffix in SUFFIXES}
    addresses = {
        (str(path.relative_to(ROOT)), address)
        for path, text in texts.items()
        for address in re.findall(r"https://github\.com/[\w.-]+/[\w-]+", text)
        if address != source
    }
    assert addresses == set()
    assert sum(source in text for text in texts.values()) >= 3


def test_the_recipe_asks_for_what_the_package_asks_for(project):
    requirements = load_yaml("packaging/conda/recipe.yaml")["requirements"]
    needed = {re.sub(r"\s", "", requirement) for requirement in requirements["run"]} - {"python"}
    assert needed == {re.sub(r"\s", "", requirement) for requirement in project["dependencies"]}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert {re.sub(r"\s", "", requirement) for requirement in requirements["host"]} >= set(build)


def test_notes_of_a_release_are_its_section_of_the_changelog(notes):
    changelog = "# Changelog\n\n## 1.1.0 (2030-02-03)\n\n- new\n- newer\n\n## 1.0.0 (2029-01-01)\n\n- old\n"
    assert notes["release"]("v1.1.0", "1.1.0", changelog) == "- new\n- newer"
    assert notes["release"]("v1.0.0", "1.0.0", changelog) == "- old"


@pytest.mark.parametrize(
    ("tag", "changelog", "message"),
    [
        ("v1.0.1", "## 1.0.0 (2029-01-01)\n\n- old\n", "the tag v1.0.1 is not v1.0.0"),
        ("1.0.0", "## 1.0.0 (2029-01-01)\n\n- old\n", "the tag 1.0.0 is not v1.0.0"),
        ("v1.0.0", "## 1.0.0 (unreleased)\n\n- old\n", "put the day of the release there"),
        ("v1.0.0", "## 1.0.0 (2029-01-01)\n\n## 0.9.0 (2028-01-01)\n\n- older\n", "says nothing about 1.0.0"),
        ("v1.0.0", "## 1.0.01 (2029-01-01)\n\n- other\n", "no section '## 1.0.0"),
    ],
)
def test_a_tag_that_does_not_fit_is_not_released(notes, tag, changelog, message):
    with pytest.raises(SystemExit, match=re.escape(message)):
        notes["release"](tag, "1.0.0", changelog)


def test_relative_links_of_the_page_on_an_index_are_noticed(check):
    page = "[a](docs/a.md) ![b](b.png) [c](https://c.org/c) [d](#d) <img src='e.png'> [f](http://f.org)"
    assert check["find_relative_links"](page) == ["docs/a.md", "b.png", "e.png", "http://f.org"]
    # setup.py leaves none, as `make dist` sees; the README that a clone shows has some.
    assert check["find_relative_links"]((ROOT / "README.md").read_text(encoding="utf-8")) != []


def make_wheel(path, page, extra=0):
    """Write a wheel with nothing but a page and an incompressible file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fastgd-1.dist-info/METADATA", f"Name: fastgd\n\n{page}\n")
        archive.writestr("extra", bytes(extra))
    return path


def test_faults_of_a_wheel_are_noticed(check, tmp_path):
    wheel = make_wheel(tmp_path / "fastgd-1-cp311-cp311-linux_x86_64.whl", "[a](b.md)", extra=1_000_000)
    faults = "\n".join(check["check_wheel"](wheel))
    for part in ("1,000,", "manylinux_2_28", "relative link: b.md", "0 compiled kernels"):
        assert part in faults
    new = make_wheel(tmp_path / "fastgd-1-cp311-cp311-manylinux_2_31_x86_64.whl", "")
    assert any("manylinux_2_28" in fault for fault in check["check_wheel"](new))
    old = make_wheel(tmp_path / "fastgd-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", "")
    assert list(check["check_wheel"](old)) == [f"{old.name} has 0 compiled kernels"]


@pytest.mark.skipif("cython" not in backends.available(), reason="looks at the compiled kernel")
def test_a_kernel_as_it_is_built_here_is_not_one_for_a_wheel(check):
    from elftools.elf.elffile import ELFFile

    from fastgd.backends import _kernel

    elf = ELFFile(io.BytesIO(Path(_kernel.__file__).read_bytes()))
    assert "kernel is not stripped" in list(check["check_kernel"]("kernel", elf))


def test_generated_files_of_an_sdist_are_noticed(check, tmp_path):
    with tarfile.open(tmp_path / "fastgd-1.tar.gz", "w:gz") as archive:
        for name in ("fastgd-1/src_ext/_kernel.c", "fastgd-1/src_ext/_kernel.pyx"):
            archive.addfile(tarfile.TarInfo(name))
    (fault,) = check["check_sdist"](tmp_path / "fastgd-1.tar.gz")
    assert "src_ext/_kernel.c is generated" in fault


def test_a_commit_and_ci_run_what_make_lint_runs():
    (repository,) = load_yaml(".pre-commit-config.yaml")["repos"]
    (hook,) = repository["hooks"]
    assert repository["repo"] == "local"
    assert (hook["language"], hook["entry"], hook["always_run"]) == ("system", "make lint", True)
    assert "\nmake lint\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = load_yaml(".github/workflows/tests.yml")
    assert workflow["jobs"]["lint"]["steps"][-1]["run"] == "make lint"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing, as on Windows")
def test_make_clean_removes_what_git_ignores(tmp_path):
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    kept = ["*.html", "!fastgd/report/templates/*.html", "!docs/_templates/*.html"]  # pages that somebody saved
    assert set(kept) <= set(patterns)
    places = {"*.so": "fastgd/backends/x.so", "*.pyd": "fastgd/backends/x.pyd", "__pycache__/": "tests/a/__pycache__/"}
    made = [places.get(pattern, pattern.replace("*", "x")) for pattern in patterns if pattern not in kept]
    for name in [*made, "fastgd/backends/python.py", "src_ext/levels.h"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True) if name.endswith("/") else path.touch()
    subprocess.run(["make", "--file", str(ROOT / "Makefile"), "clean"], cwd=tmp_path, check=True, capture_output=True)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("**/*") if path.is_file())
    assert left == ["fastgd/backends/python.py", "src_ext/levels.h"]
    assert [name for name in made if (tmp_path / name).exists()] == []


def test_every_job_of_a_workflow_ends(project):
    workflows = sorted(ROOT.glob(".github/workflows/*.yml"))
    assert {path.stem for path in workflows} == {"docs", "release", "tests", "wheels"}
    for path in workflows:
        for name, job in load_yaml(path.relative_to(ROOT))["jobs"].items():
            assert "uses" in job or job["timeout-minutes"] <= 60, (path.name, name)
    tested = load_yaml(".github/workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    named = [entry.rsplit(" ", 1)[1] for entry in project["classifiers"] if re.search(r":: 3\.\d+$", entry)]
    assert tested == named


def test_workflows_and_ci_ask_make_for_targets_that_it_has():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in (ROOT / ".ci" / "run", *ROOT.glob(".github/workflows/*.yml")):
        for target in re.findall(r"(?:^|run: |&& |[{] )make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (path.name, target)


@pytest.mark.parametrize("name", ["bug", "idea", "slow"])
def test_forms_ask_something_and_name_each_question_once(name):
    form = load_yaml(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert {"name", "description", "body"} <= set(form)
    questions = [item["id"] for item in form["body"]]
    assert len(questions) == len(set(questions)) >= 2
    assert all(item["attributes"]["label"] for item in form["body"])
    assert any(item.get("validations", {}).get("required") for item in form["body"])
