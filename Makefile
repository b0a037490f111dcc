PYTHON ?= python3
BIN = .venv/bin
# Timings compare kernels, not thread pools.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
BUILT_FROM = pyproject.toml setup.py $(wildcard src_ext/*)

.PHONY: install demo test test-all test-lowest test-newest dist test-installs test-pythons sanitize sanitize-threads portability attacks lint bench ratios versus peers-tests bench-check bench-results bench-site docs browser clean

install: .venv/built

# The environment with everything the project's own commands need, and the extension built in place.
.venv/built: $(BUILT_FROM)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip "setuptools>=77" "cython>=3.1"
	FASTGD_REQUIRE_EXTENSION=1 $(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	touch $@

demo: install
	$(ONE_THREAD) $(BIN)/fastgd demo --plot fastgd-demo.png

test: install
	$(BIN)/pytest -m "not slow"

test-all: install
	$(BIN)/pytest

# The tests with the lowest versions of all libraries that pyproject.toml allows (on Python 3.11 or 3.12), and with the newest
# ones, pre-releases included, for which a later PYTHON may be named. TESTS="tests/test_dask.py" picks some.
test-lowest: install
	PYTHON="$(PYTHON)" bash tests/versions.sh lowest -m "not slow" $(TESTS)

test-newest: install
	PYTHON="$(PYTHON)" bash tests/versions.sh newest -m "not slow" $(TESTS)

# The files of a release, in dist/: the sdist, the wheel that is built from it, checked, built again with the same bytes, and
# tested in an environment with nothing else in it, away from the source tree.
dist: install
	rm -rf dist build/again
	bash packaging/build.sh dist
	bash packaging/check.sh dist
	bash packaging/build.sh build/again
	diff --recursive dist build/again
	PYTHON="$(PYTHON)" bash packaging/test.sh dist

# The ways to install fastgd, each into an empty environment; INSTALLS=--all adds those that take long or need Clang.
test-installs:
	PYTHON="$(PYTHON)" bash tests/installs.sh $(INSTALLS)

# The fast tests on every Python that is here, or on PYTHONS="python3.13 pypy3": a table, and LOGS=folder for the rest.
test-pythons:
	$(ONE_THREAD) bash tests/pythons.sh

# The kernel's tests on a build with sanitizers and bounds checks, which are shown to notice a planted bug.
sanitize: install
	bash tests/sanitize.sh

# Teams of the kernel's threads on a build with ThreadSanitizer, which is shown to notice a race.
sanitize-threads: install
	bash tests/sanitize_threads.sh

# The kernel's C code by every compiler that Debian and PyPI have, for several machines: a table. BUILDS="clang" picks some.
portability:
	bash tests/portability/install.sh
	$(PYTHON) tests/portability/matrix.py $(BUILDS)

# Attacks on purpose, at random, section by section: cases tried and faults found. ATTACKS="kernels files" picks some.
attacks: install
	$(ONE_THREAD) $(BIN)/python tests/reliability/attacks $(ATTACKS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint src_ext
	$(BIN)/validate-pyproject pyproject.toml
	git ls-files -z '*.sh' .ci/run | xargs -0 $(BIN)/shellcheck
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github

# Prints the table; fastgd bench --write docs/benchmarks.md is what puts it there. JAX takes part where it is installed.
bench: install
	$(ONE_THREAD) $(BIN)/fastgd bench

# How orders, types, threads and backends compare, shape by shape.
ratios: install
	$(BIN)/python benchmarks/ratios.py

# Time to the same accuracy, against the solvers that people use; those that are not installed are left out.
versus: install
	$(BIN)/python benchmarks/versus

# The tests that scikit-learn and statsmodels ship for their linear models, with fits by fastgd.
peers-tests: install
	$(ONE_THREAD) $(BIN)/python tests/adapters

# asv finds and runs the suite; one sample of a part of it, so the numbers mean nothing. asv.conf.json pins the threads.
bench-check: install
	$(BIN)/asv machine --yes
	$(BIN)/asv check --python=same
	$(BIN)/asv run --python=same --quick --bench 'memory|import|Epochs.*, 100, 5, '

# The pages about fastgd, without the network; any warning is an error.
docs: install
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --doctree-dir docs/_build/doctrees docs docs/_build/html

# asv's pages about the kept results, to open without a network; npm fetches what they load, once.
bench-site: install
	$(BIN)/python benchmarks/pages/offline_site.py

# The suite at HEAD on a quiet machine, ten minutes at most; commit what changes in benchmarks/results. The name is given
# each time, that of kept results on the machine they are of; everything else is found out. Whatever changes starts a new
# line in every graph, so system and memory are told without what an update of the kernel changes.
bench-results: install
	@test -n "$(RELEASE_MACHINE)" || { \
	    echo "Which machine is this? make bench-results RELEASE_MACHINE=release-…; there are results of:"; \
	    ls -d benchmarks/results/*/ | xargs -n 1 basename; exit 2; }
	$(BIN)/asv machine --yes
	$(BIN)/asv machine --yes --machine $(RELEASE_MACHINE) --os "$$(uname -s)" \
	    --ram "$$(awk '/MemTotal/ { printf "%.0fGB", $$2 / 2^20 }' /proc/meminfo)"
	rm -rf .asv/results/$(RELEASE_MACHINE)
	$(BIN)/asv run --machine $(RELEASE_MACHINE) 'HEAD^!'
	mkdir -p benchmarks/results
	cp -r .asv/results/$(RELEASE_MACHINE) .asv/results/benchmarks.json benchmarks/results/

# What tests in a real browser need, where it is missing: Debian's Chromium, and axe-core from npm.
browser:
	bash tests/browser.sh

# Everything that these commands made, saved pages and pictures of your own excepted.
clean:
	rm -rf .venv build dist wheelhouse docs/_build *.egg-info .asv .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f fastgd/backends/*.so fastgd/backends/*.pyd src_ext/*.c fastgd-demo.png
	find . -name __pycache__ -prune -exec rm -rf {} +
