"""One cloud for all tests, and users of python-openstackclient in it."""

from collections.abc import Iterator

import pytest

from ipam.store import schema
from ipam.store.engine.database import Database
from tests.clients.site import Site, site
from tests.servers.keystone_server import KeystoneServer
from tests.servers.openstack_client import OpenStackClient


@pytest.fixture(scope="session")
def keystone() -> Iterator[KeystoneServer]:
    server = KeystoneServer()
    server.launch()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def cloud(keystone: KeystoneServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{directory}/ipam.sqlite"
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    with site(keystone, url, directory) as running:
        yield running


def _at_the_prompt(cloud: Site, name: str) -> Iterator[OpenStackClient]:
    client = OpenStackClient(cloud.clouds_yaml, name)
    yield client
    client.close()


@pytest.fixture(scope="session")
def admin(cloud: Site) -> Iterator[OpenStackClient]:
    yield from _at_the_prompt(cloud, "admin")


@pytest.fixture(scope="session")
def member(cloud: Site) -> Iterator[OpenStackClient]:
    yield from _at_the_prompt(cloud, "member")


@pytest.fixture(scope="session")
def reader(cloud: Site) -> Iterator[OpenStackClient]:
    yield from _at_the_prompt(cloud, "reader")


@pytest.fixture(scope="session")
def stranger(cloud: Site) -> Iterator[OpenStackClient]:
    """Of another project."""
    yield from _at_the_prompt(cloud, "stranger")
