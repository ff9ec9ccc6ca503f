"""Many clients at once, over HTTP, against each database."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ipam.client import Client
from ipam.store.engine.database import Database
from tests.end_to_end.live_service import IPAM
from tests.waiting import PATIENCE_SECONDS, eventually

CLIENTS = 8
PORTS = 200


@pytest.fixture
def api_socket(database: Database, tmp_path: Path) -> Iterator[str]:
    """An API process on a fresh database of each kind."""
    config = tmp_path / "ipam.conf"
    connection = database.url.render_as_string(hide_password=False).replace("%", "%%")
    config.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n[api]\nbind_port = 0\n"
        f"[database]\nconnection = {connection}\n"
    )
    process = subprocess.Popen([IPAM, "api", "--config-file", str(config)])
    socket_path = str(tmp_path / "api.sock")
    try:
        eventually(Path(socket_path).exists)
        yield socket_path
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_two_hundred_ports_made_at_once_get_two_hundred_addresses(api_socket: str) -> None:
    with Client(socket_path=api_socket) as client:
        network = client.post("/v2.0/networks", json={"network": {"name": "storm"}})["network"]
        subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.33.0.0/24"}
        client.post("/v2.0/subnets", json={"subnet": subnet})

    def make_ports(_client_number: int) -> list[str]:
        with Client(socket_path=api_socket) as client:
            return [
                client.post("/v2.0/ports", json={"port": {"network_id": network["id"]}})["port"][
                    "fixed_ips"
                ][0]["ip_address"]
                for _ in range(PORTS // CLIENTS)
            ]

    with ThreadPoolExecutor(CLIENTS) as pool:
        addresses = [address for made in pool.map(make_ports, range(CLIENTS)) for address in made]

    assert len(addresses) == PORTS
    assert len(set(addresses)) == PORTS
    with Client(socket_path=api_socket) as client:
        listed = client.get("/v2.0/ports", {"network_id": network["id"]})["ports"]
    assert {ip["ip_address"] for port in listed for ip in port["fixed_ips"]} >= set(addresses)
