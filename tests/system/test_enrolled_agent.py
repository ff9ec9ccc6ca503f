"""An agent with an identity of its own serves a machine, over TCP, with nothing else allowed."""

import contextlib
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam import model
from ipam.client import Client
from ipam.store import schema
from ipam.store.engine.database import Database
from tests.open_directory import open_directory
from tests.servers.live_api import LiveApi, live_api
from tests.system.ipam_host import run
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

IPAM = str(Path(sys.executable).with_name("ipam"))
HOST = f"enrolled-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def directory() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    with open_directory("enrolled") as made:
        yield made


@pytest.fixture
def api(directory: Path) -> Iterator[LiveApi]:
    template = directory / "template.sqlite"
    database = Database(f"sqlite:///{template}")
    schema.upgrade(database)
    database.dispose()
    (directory / "api").mkdir()
    with live_api(template, directory / "api") as running:
        yield running


@contextlib.contextmanager
def enrolled_agent(api: LiveApi, directory: Path) -> Iterator[Path]:
    """`ipam agent run` with what `ipam agent enrol` wrote and said; gives its log."""
    password, log = directory / "password", directory / "agent.log"
    enrol = [IPAM, "agent", "enrol", HOST, "--password-file", str(password)]
    said = run(*enrol, "--config-file", api.config_file)
    settings = said[said.index("[DEFAULT]") : said.index("and start the agent")]
    settings = settings.replace("/etc/ipam/agent.password", str(password))
    settings = re.sub(r"(?m)^api_url = .*$", f"api_url = {api.url}\npoll_interval = 1", settings)
    paths = f"[DEFAULT]\nstate_path = {directory}/state\nrun_path = {directory}/run\n"
    config = directory / "ipam.conf"
    config.write_text(settings.replace("[DEFAULT]\n", paths))
    command = [IPAM, "agent", "run", "--remove-on-exit", "--config-file", str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def machine(port: dict[str, Any]) -> Iterator[str]:
    """The namespace of a machine at the port's tap."""
    namespace, tap = f"machine-{uuid.uuid4().hex[:6]}", model.tap_name(port["id"])
    run("ip", "netns", "add", namespace)
    try:
        peer = ("peer", "name", "eth0", "netns", namespace)
        run("ip", "link", "add", tap, "type", "veth", *peer)
        mac = port["mac_address"]
        run("ip", "-n", namespace, "link", "set", "eth0", "address", mac, "up")
        yield namespace
    finally:
        run("ip", "netns", "del", namespace, check=False)


def test_an_enrolled_agent_serves_and_records_leases(api: LiveApi, directory: Path) -> None:
    with Client(socket_path=api.socket) as admin, enrolled_agent(api, directory) as log:
        network = admin.post("/v2.0/networks", json={"network": {}})["network"]["id"]
        subnet = {"network_id": network, "cidr": "10.45.0.0/24", "ip_version": 4}
        admin.post("/v2.0/subnets", json={"subnet": subnet})
        body = {"network_id": network, "binding:host_id": HOST, "device_owner": "compute:nova"}
        port = admin.post("/v2.0/ports", json={"port": body})["port"]

        def is_active() -> bool:
            shown = admin.get(f"/v2.0/ports/{port['id']}")["port"]
            return bool(shown["status"] == "ACTIVE")

        with machine(port) as namespace:
            eventually(is_active, lambda: log.read_text()[-3000:])
            client = ("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "60", "-T", "1")
            run("ip", "netns", "exec", namespace, *client, "-s", "/bin/true")
            eventually(
                lambda: admin.get("/v2.0/leases")["leases"], lambda: log.read_text()[-3000:]
            )
        (lease,) = admin.get("/v2.0/leases")["leases"]
        assert (lease["host"], lease["port_id"]) == (HOST, port["id"])
        assert lease["ip_address"] == port["fixed_ips"][0]["ip_address"]
    assert "`ipam agent enrol" not in log.read_text()
