"""Yesterday's backup is restored under machines of today."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.system.ipam_host import run
from tests.system.two_hosts import IPAM, Cloud, Guest, HostNamespace

pytestmark = [pytest.mark.root, pytest.mark.system]


class Machines:
    """Machines with their clients, and what each was given: no oracle but their own word."""

    def __init__(self, cloud: Cloud, network_id: str) -> None:
        self._cloud = cloud
        self._network_id = network_id
        self.guests: dict[str, Guest] = {}

    def port(self, host: HostNamespace, **more: Any) -> dict[str, Any]:
        row = {
            "network_id": self._network_id,
            "device_owner": "compute:nova",
            "binding:host_id": host.name,
            **more,
        }
        made: dict[str, Any] = self._cloud.client.post("/v2.0/ports", json={"port": row})["port"]
        return made

    def boot(self, host: HostNamespace, **more: Any) -> str:
        """A machine that has its lease; its address."""
        port = self.port(host, **more)
        guest = self._cloud.guest(port)
        guest.plug(host)
        self._cloud.await_status(port, "ACTIVE")
        guest.start_client()
        address = str(port["fixed_ips"][0]["ip_address"])
        self._cloud.eventually(lambda: guest.leases() == [f"bound {address}"], "the lease")
        self.guests[address] = guest
        return address

    def renew(self) -> None:
        """Every machine renews: a NAK would make it bind anew, to this address or another."""
        before = {address: guest.leases() for address, guest in self.guests.items()}
        for guest in self.guests.values():
            guest.renew()
        for address, guest in self.guests.items():
            wanted = [*before[address], f"renew {address}"]
            self._cloud.eventually(lambda g=guest, w=wanted: g.leases() == w, "the renewal")  # type: ignore[misc]


def owners(cloud: Cloud, network_id: str) -> dict[str, str]:
    """MAC address by address of a network's ports. No address has two owners."""
    found = [
        (ip["ip_address"], port["mac_address"])
        for port in cloud.client.list("/v2.0/ports", "ports", {"network_id": network_id})
        for ip in port["fixed_ips"]
    ]
    assert [ip for ip, count in Counter(ip for ip, _ in found).items() if count > 1] == []
    return dict(found)


def test_machines_keep_their_addresses_and_nobody_else_gets_them(shared_cloud: Cloud) -> None:
    cloud = shared_cloud
    network = cloud.client.post("/v2.0/networks", json={"network": {"name": "n"}})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.44.0.0/24"}
    cloud.client.post("/v2.0/subnets", json={"subnet": subnet})
    machines = Machines(cloud, network["id"])
    old = machines.boot(cloud.a)
    deleted = machines.port(cloud.a)
    config = ("--config-file", str(cloud.config))
    backup = str(Path(cloud.config).with_name("it.backup"))
    run(IPAM, "backup", "--to", backup, *config)

    reused = deleted["fixed_ips"]
    cloud.client.delete(f"/v2.0/ports/{deleted['id']}")
    later = machines.boot(cloud.a)
    heir = machines.boot(cloud.b, fixed_ips=reused)
    assert {old, later, heir} == machines.guests.keys()

    cloud.stop_api()
    run(IPAM, "restore", backup, "--replace", *config)
    cloud.start_api()
    cloud.eventually(
        lambda: len(cloud.client.get("/v2.0/recovery")["recovery"]["told"]) == 2, "both have told"
    )
    machines.renew()
    found = cloud.client.put("/v2.0/recovery/finish")["recovery"]
    assert (found["status"], found["counts"]["taken_back"]) == ("finished", 2)
    for _ in range(20):
        (ip,) = machines.port(cloud.b)["fixed_ips"]
        assert ip["ip_address"] not in machines.guests
    for host in (cloud.a, cloud.b):
        cloud.await_look(host)
    machines.renew()
    macs = {ip: guest.port["mac_address"] for ip, guest in machines.guests.items()}
    assert macs.items() <= owners(cloud, network["id"]).items()
    leases = cloud.client.list("/v2.0/leases", "leases")
    assert {each["ip_address"]: each["mac_address"] for each in leases} == macs
