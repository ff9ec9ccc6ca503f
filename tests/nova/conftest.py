"""A cloud with Nova 34 and two hosts, once for all tests; a network of its own for each."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nova.people import Tenant
from tests.servers.openstack.cloud import Cloud
from tests.servers.openstack.controllers import RABBITMQ
from tests.servers.openstack.hypervisors import LIVE_DRIVER, Hypervisor

HOSTS = (
    Hypervisor("compute1"),
    Hypervisor("compute2", namespace=f"ipam-nova-{os.getpid()}", driver=LIVE_DRIVER),
)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces, bridges and dnsmasq")
    if not RABBITMQ.exists():
        pytest.skip("needs RabbitMQ: apt install rabbitmq-server")
    directory = Path(tempfile.mkdtemp(prefix="ipam-cloud-"))
    one = Cloud(directory, HOSTS, say=print)
    try:
        one.launch()
        yield one
        kept = os.environ.get("IPAM_KEEP_LOGS")
        if kept:
            shutil.copytree(one.programs.logs, kept, dirs_exist_ok=True)
        # A status of 500 is a defect wherever it comes from, also where a client hides it.
        log = one.programs.log("ipam-api").read_text()
        assert "Traceback" not in log, log[-4000:]
    finally:
        one.remove()


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
    """Tests here share one cloud, so they run together; openstacksdk warns of its own future."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.nova)
            item.add_marker(pytest.mark.timeout(300))
            for version in (50, 60):
                warning = f"ignore::openstack.warnings.RemovedInSDK{version}Warning"
                item.add_marker(pytest.mark.filterwarnings(warning))
