"""A cloud with Nova and two hosts, once for all tests; a network of its own for each, over VXLAN.

It is Nova 34, or the release in IPAM_TEST_NOVA: 26, 29, 32.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nova.people import Tenant
from tests.nova.running import mark, running
from tests.servers.openstack.cloud import Cloud
from tests.servers.openstack.hypervisors import LIVE_DRIVER, Hypervisor
from tests.servers.openstack.releases import Release

RELEASE = Release(int(os.environ.get("IPAM_TEST_NOVA", "34")))

CABLE = f"198.19.{os.getpid() % 250}"
FIRST_VNI = 1000 * (1 + os.getpid() % 16000)
"""Of the first host's tunnels, which are this machine's, as may be those of other tests."""
HOSTS = (
    Hypervisor("compute1", tunnel_ip=f"{CABLE}.1"),
    Hypervisor(
        "compute2",
        namespace=f"ipam-nova-{os.getpid()}",
        driver=LIVE_DRIVER,
        tunnel_ip=f"{CABLE}.2",
    ),
)
IPAM = {
    "network": {
        "default_network_type": "vxlan",
        "vni_ranges": f"{FIRST_VNI}:{FIRST_VNI + 999}",
    }
}


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    def make(directory: Path) -> Cloud:
        return Cloud(directory, HOSTS, release=RELEASE, say=print, ipam=IPAM)

    with running(make, "namespaces, bridges and dnsmasq") as one:
        yield one


@pytest.fixture(scope="session")
def admin(cloud: Cloud) -> Iterator[Any]:
    connection = cloud.connection("admin")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def demo(cloud: Cloud) -> Iterator[Any]:
    connection = cloud.connection("demo")
    yield connection
    connection.close()


NUMBERS = itertools.count(1)


@pytest.fixture
def tenant(cloud: Cloud, demo: Any) -> Iterator[Tenant]:
    """A member of the project demo, with what it makes; all of it is deleted after the test."""
    one = Tenant(cloud, demo, next(NUMBERS))
    yield one
    one.clean_up()


@pytest.fixture
def network(tenant: Tenant) -> Any:
    """A network with a /24."""
    return tenant.network()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark(items, Path(__file__).parent, pytest.mark.nova)
