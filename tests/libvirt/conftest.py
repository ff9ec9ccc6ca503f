"""A cloud with Nova 33 and one host that runs guests in QEMU; their consoles are the evidence."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.libvirt.guests import Host
from tests.nova.people import Tenant
from tests.servers.openstack import libvirt
from tests.servers.openstack.cloud import Cloud
from tests.servers.openstack.controllers import RABBITMQ
from tests.servers.openstack.releases import NOVA33

HOST = "emulator"


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces, bridges, dnsmasq and libvirt")
    if reason := libvirt.missing():
        pytest.skip(reason)
    if not RABBITMQ.exists():
        pytest.skip("needs RabbitMQ: apt install rabbitmq-server")
    directory = Path(tempfile.mkdtemp(prefix="ipam-cloud-"))
    one = Cloud(directory, [libvirt.hypervisor(HOST, directory)], release=NOVA33, say=print)
    try:
        one.launch()
        yield one
        if kept := os.environ.get("IPAM_KEEP_LOGS"):
            shutil.copytree(one.programs.logs, kept, dirs_exist_ok=True)
        log = one.programs.log("ipam-api").read_text()
        assert "Traceback" not in log, log[-4000:]
    finally:
        one.remove()


@pytest.fixture(scope="session")
def host(cloud: Cloud) -> Host:
    return Host(cloud.place, cloud.hosts[HOST])


@pytest.fixture(scope="session")
def demo(cloud: Cloud) -> Iterator[Any]:
    connection = cloud.connection("demo")
    yield connection
    connection.close()


@pytest.fixture
def tenant(cloud: Cloud, demo: Any, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    number = request.session.items.index(request.node) + 1
    one = Tenant(cloud, demo, number)
    yield one
    one.clean_up()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests here share one cloud, so they run together; openstacksdk warns of its own future."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.libvirt)
            item.add_marker(pytest.mark.timeout(300))
            for version in (50, 60):
                warning = f"ignore::openstack.warnings.RemovedInSDK{version}Warning"
                item.add_marker(pytest.mark.filterwarnings(warning))
