"""A subnet with ports, without the API."""

from collections.abc import Callable, Iterator

import pytest

from ipam.store import schema
from ipam.store.engine.database import Database
from tests.allocator.subnets import Ground, make_ground
from tests.servers.galera_cluster import GaleraCluster


@pytest.fixture
def ground(database: Database) -> Callable[..., Ground]:
    """A function that makes a subnet with these pools ("first-last" each) and so many ports."""

    def make(*pools: str, ports: int = 1) -> Ground:
        return make_ground(database, pools, ports)

    return make


@pytest.fixture
def small(ground: Callable[..., Ground]) -> Ground:
    """A subnet of six addresses and two ports."""
    return ground("10.0.0.1-10.0.0.6", ports=2)


@pytest.fixture(scope="session")
def galera() -> Iterator[GaleraCluster]:
    """Three nodes."""
    if reason := GaleraCluster.missing():
        pytest.skip(reason)
    cluster = GaleraCluster()
    cluster.launch()
    yield cluster
    cluster.remove()


@pytest.fixture
def galera_url(galera: GaleraCluster) -> str:
    """A database with the schema, at the first node."""
    database = Database(galera.fresh_url())
    schema.upgrade(database)
    url = database.url.render_as_string(hide_password=False)
    database.dispose()
    return url
