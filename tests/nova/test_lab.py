"""`scripts/lab` makes a cloud that runs until it is stopped, and leaves nothing behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers.openstack.controllers import RABBITMQ
from tests.servers.openstack.programs import MARK
from tests.servers.openstack_client import OpenStackClient

Lab = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def home() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces, bridges and dnsmasq")
    if not RABBITMQ.exists():
        pytest.skip("needs RabbitMQ: apt install rabbitmq-server")
    # Not below pytest's own folder, which the database's user may not enter.
    home = Path(f"/var/tmp/ipam-lab-test-{os.getpid()}")
    yield home
    command = [sys.executable, "-m", "tests.servers.openstack", "down"]
    subprocess.run(command, env={**os.environ, "IPAM_LAB_HOME": str(home)}, check=False)


@pytest.fixture
def lab(home: Path) -> Lab:
    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.servers.openstack", command],
            env={**os.environ, "IPAM_LAB_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def marked(home: Path) -> list[str]:
    """The processes that the lab started and that run."""
    found = []
    for process in psutil.process_iter(["name", "environ", "status"]):
        mark = (process.info["environ"] or {}).get(MARK, "")
        if mark.startswith(str(home)) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.info["name"])
    return found


def test_it_boots_a_server_and_leaves_no_process_behind(lab: Lab, home: Path) -> None:
    up = lab("openstack")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "openstack server create" in up.stdout
    assert "beam.smp" in marked(home)
    again = lab("openstack")
    assert (again.returncode, "It runs already" in again.stdout) == (1, True)
    demo = OpenStackClient(home / "cloud" / "clouds.yaml", "demo")
    demo("network create lan")
    demo("subnet create lan-v4 --network lan --subnet-range 10.20.0.0/24")
    demo("server create web-1 --flavor tiny --image empty --network lan --wait")
    (port,) = demo.json("port list --server web-1")
    assert port["Fixed IP Addresses"][0]["ip_address"].startswith("10.20.0.")
    demo.close()
    down = lab("down")
    assert down.returncode == 0, down.stderr
    assert marked(home) == []
    assert not home.exists()
    bridges = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert f"tap{port['ID']}"[:14] not in bridges
