"""The statements on each database, and by each driver that the product knows."""

import pytest

from tests.conftest import BACKENDS


@pytest.fixture(scope="session", params=(*BACKENDS, "mysqlclient"))
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
