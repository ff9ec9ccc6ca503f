"""A cloud with Nova 33 and one host that runs guests in QEMU; their consoles are the evidence."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.libvirt.guests import Host
from tests.nova.people import Tenant
from tests.nova.running import mark, running
from tests.servers.openstack import libvirt
from tests.servers.openstack.cloud import Cloud
from tests.servers.openstack.releases import NOVA33

HOST = "emulator"


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    def make(directory: Path) -> Cloud:
        return Cloud(directory, [libvirt.hypervisor(HOST, directory)], release=NOVA33, say=print)

    with running(make, "namespaces, bridges, dnsmasq and libvirt", libvirt.missing()) as one:
        yield one


@pytest.fixture(scope="session")
def host(cloud: Cloud) -> Host:
    return Host(cloud.place, cloud.hosts[HOST])


@pytest.fixture(scope="session")
def demo(cloud: Cloud) -> Iterator[Any]:
    connection = cloud.connection("demo")
    yield connection
    connection.close()


NUMBERS = itertools.count(1)


@pytest.fixture
def tenant(cloud: Cloud, demo: Any) -> Iterator[Tenant]:
    one = Tenant(cloud, demo, next(NUMBERS))
    yield one
    one.clean_up()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark(items, Path(__file__).parent, pytest.mark.libvirt)
