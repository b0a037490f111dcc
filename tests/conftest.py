"""Every test that asks for `backend` runs once for each backend that can be used here."""

import pytest

from fastgd import backends


@pytest.fixture(params=backends.available())
def backend(request):
    return request.param
