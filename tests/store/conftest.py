"""The statements on each database, and by each driver that the product knows."""

import pytest

from tests import conftest
from tests.conftest import BACKENDS

# pytest keeps what was made of another directory's `backend`, so here they are others, too.
database_server = conftest.database_server
migrated_url = conftest.migrated_url


@pytest.fixture(scope="session", params=(*BACKENDS, "mysqlclient"))
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
