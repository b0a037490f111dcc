"""The pytest plugin: it expects conventions to fail as described, and counts the tests that fastgd takes part in."""

import re

import from_sklearn
import pytest
from conventions import CONVENTIONS
from fits import Counter


class Adapters:
    """The plugin for one suite."""

    def __init__(self, suite):
        self.conventions = CONVENTIONS[suite]
        self.classes = set()  # those whose setup fits a model for all of their tests
        self.passed = []

    def find_convention(self, item):
        """Return the convention that this test contradicts, or None."""
        return next((known for known in self.conventions if re.fullmatch(known.tests, item.name)), None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        from_sklearn.start(item.originalname)
        before = Counter.fits
        result = yield
        if item.cls is not None and Counter.fits > before:
            self.classes.add(item.cls)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        convention, before = self.find_convention(item), Counter.fits
        try:
            result = yield
        except (Exception, pytest.fail.Exception) as error:
            if convention is not None and re.search(convention.failure, str(error)):
                pytest.xfail(f"convention: {convention.reason}")
            raise
        if convention is not None:
            pytest.fail(f"passes, so it is no convention: {convention.reason}")
        self.passed.append(Counter.fits > before or item.cls in self.classes)
        return result

    def pytest_terminal_summary(self, terminalreporter):
        fitted = sum(self.passed)
        terminalreporter.write_line(
            f"passed with fits by fastgd: {fitted}; passed without: {len(self.passed) - fitted}"
        )
