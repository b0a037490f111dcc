"""Every test that asks for `backend` runs once for each backend that can be used here.

Every test that asks for `chromium` gets a headless browser, one for all tests of a file.
"""

import pytest
from browser_page import Browser

from fastgd import backends


@pytest.fixture(params=backends.available())
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    pytest.importorskip("selenium", reason="selenium is an extra")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
