"""What machines do with IPv6: make addresses, lose leases, change identities and prefixes."""

import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from ipam.agent.rogue_releases import REASON
from tests.system.ipam_host import random_mac, run
from tests.system.wire import RELEASE, Options, frame, inside, packet_socket
from tests.truth.dhcpcd import OWN_DIRECTORIES
from tests.truth.expectation import canonical, eui64
from tests.truth.machine import Machine
from tests.truth.site import Json, Site
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

RELEASE6 = 8


@dataclass
class Served:
    """A network with IPv4, DHCPv6 and two prefixes for addresses of the machine's own making."""

    site: Site
    network: Json
    four: Json
    stateful: Json
    made: list[Json]
    port: Json
    machine: Machine

    def address(self, subnet: Json) -> str:
        mine = self.port["fixed_ips"]
        return str(next(ip["ip_address"] for ip in mine if ip["subnet_id"] == subnet["id"]))

    def leases(self, **query: str) -> list[Json]:
        """What stands in the list of leases."""
        wanted = {"network_id": self.network["id"], **query}
        return self.site.client.list("/v2.0/leases", "leases", wanted)

    def events(self, address: str) -> list[Json]:
        """What happened to the lease, the oldest first."""
        wanted = {"network_id": self.network["id"], "ip_address": address}
        return self.site.client.list("/v2.0/lease-events", "lease_events", wanted)[::-1]

    def own_addresses(self) -> dict[str, str]:
        """The machine's global IPv6 addresses, with what the kernel says of each."""
        shown = run("ip", "-n", self.machine.namespace, "-6", "-o", "address", "show", "eth0")
        found = re.findall(r"inet6 ([^/ ]+)/\d+ scope global(.*)", shown)
        return {canonical(address): said for address, said in found}

    def identities(self) -> Path:
        """Where the machine's dhcpcd keeps its DUID."""
        path = self.site.directory / f"{self.machine.namespace}.identities"
        (path / "run").mkdir(parents=True, exist_ok=True)
        return path

    def dhcpcd(self, config: str) -> None:
        """Ask by DHCPv6 with this configuration, until there is an address; it is given up."""
        state = self.identities()
        state.joinpath("eth0.lease6").unlink(missing_ok=True)
        (state / "conf").write_text(config)
        done = subprocess.run(
            [
                *("ip", "netns", "exec", self.machine.namespace, "sh", "-c", OWN_DIRECTORIES),
                *("sh", "dhcpcd", "-6", "--oneshot", "--nobackground", "--waitip=6", "--timeout"),
                *("0", "--config", str(state / "conf"), "--script", "/bin/true", "eth0"),
            ],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "STATE": str(state)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def served(site: Site) -> Iterator[Served]:
    network = site.create("network", name="machines")
    subnets = [
        site.create("subnet", network_id=network["id"], ip_version=version, cidr=cidr, **modes)
        for version, cidr, modes in (
            (4, f"{site.prefix()}.0/24", {}),
            (6, site.prefix6(), _both("dhcpv6-stateful")),
            (6, site.prefix6(), _both("slaac")),
            (6, site.prefix6(), _both("slaac")),
        )
    ]
    four, stateful, *made = subnets
    body = {"network_id": network["id"], "mac_address": random_mac()}
    body |= {"device_owner": "compute:nova", "binding:host_id": site.name}
    port = site.create("port", **body)
    machine = site.machine(port)
    one = Served(site, network, four, stateful, made, port, machine)
    try:
        site.await_active(port)
        yield one
    finally:
        machine.unplug()
        site.remove(network)


def _both(mode: str) -> Json:
    return {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}


def test_the_addresses_that_a_machine_makes_are_learned_those_for_privacy_too(
    served: Served,
) -> None:
    settings = {"use_tempaddr": 2, "accept_dad": 1, "dad_transmits": 1}
    for name, value in settings.items():
        setting = f"echo {value} >/proc/sys/net/ipv6/conf/eth0/{name}"
        run("ip", "netns", "exec", served.machine.namespace, "sh", "-c", setting)
    for state in ("down", "up"):
        run("ip", "-n", served.machine.namespace, "link", "set", "eth0", state)
    own = {eui64(subnet["cidr"], served.port["mac_address"]) for subnet in served.made}

    def made() -> set[str]:
        return {ip for ip, said in served.own_addresses().items() if "tentative" not in said}

    def learned() -> dict[str, Json]:
        return {one["ip_address"]: one for one in served.leases(source="slaac")}

    eventually(lambda: len(made()) == 4 and own < made(), lambda: f"{made()}")
    eventually(lambda: learned().keys() == made(), lambda: f"{learned()}\n{made()}")
    assert {one["port_id"] for one in learned().values()} == {served.port["id"]}
    assert {one["mac_address"] for one in learned().values()} == {served.port["mac_address"]}
    named = {one["ip_address"] for one in served.site.show("port", served.port)["dns_assignment"]}
    assert named & learned().keys() == own, "others are the machine's own affair"


def test_a_lease_that_another_gave_back_is_there_again(served: Served) -> None:
    four, six = served.address(served.four), served.address(served.stateful)
    within = ("ip", "-n", served.machine.namespace)
    assert served.machine.udhcpc().addresses
    served.dhcpcd("duid\nia_na 7\n")
    run(*within, "addr", "add", f"{four}/24", "dev", "eth0")
    run(*within, "addr", "add", f"{six}/128", "dev", "eth0", "nodad")

    def held() -> dict[str, Json]:
        return {one["ip_address"]: one for one in served.leases(source="dhcp")}

    eventually(lambda: held().keys() == {four, six}, lambda: f"{held()}")
    before = held()
    _release(served, four)
    _release6(served, before[six])
    for address in (four, six):
        _await_events(served, address, ["add", "del", "add"])
        assert served.events(address)[-1]["details"]["reason"] == REASON
    assert held().keys() == before.keys()
    for address, lease in held().items():
        known = before[address]
        assert (lease["mac_address"], lease["duid"]) == (known["mac_address"], known["duid"])
        assert lease["expires_at"] <= known["expires_at"], "no longer than the machine believes"


def _await_events(served: Served, address: str, actions: list[str]) -> None:
    eventually(
        lambda: [one["action"] for one in served.events(address)] == actions,
        lambda: f"{served.events(address)}\n{served.site.log()[-3000:]}",
    )


def _release(served: Served, address: str) -> None:
    mac = bytes.fromhex(served.port["mac_address"].replace(":", ""))
    server = ip_address(_server(served, served.four)).packed
    said: Options = {53: bytes([RELEASE]), 54: server, 61: b"\1" + mac}
    with inside(served.machine.namespace, packet_socket) as wire:
        wire.send(frame(mac, bytes(4), said, ip_address(address).packed))


def _server(served: Served, subnet: Json) -> str:
    query = {"network_id": served.network["id"], "device_owner": "network:dhcp"}
    (port,) = served.site.client.list("/v2.0/ports", "ports", query)
    own = {ip["subnet_id"]: ip["ip_address"] for ip in port["fixed_ips"]}
    return str(own[subnet["id"]])


def _release6(served: Served, lease: Json) -> None:
    (event, *_) = served.events(lease["ip_address"])
    duids = [lease["duid"], event["details"]["server_duid"]]
    client, server = (bytes.fromhex(one.replace(":", "")) for one in duids)
    address = _option(5, ip_address(lease["ip_address"]).packed + bytes(8))
    body = _option(1, client) + _option(2, server) + _option(8, bytes(2))
    body += _option(3, int(lease["iaid"]).to_bytes(4) + bytes(8) + address)
    with inside(served.machine.namespace, _dhcp6_client) as client_socket:
        client_socket.sendto(bytes([RELEASE6]) + b"xid" + body, ("ff02::1:2", 547))


def _option(code: int, value: bytes) -> bytes:
    return code.to_bytes(2) + len(value).to_bytes(2) + value


def _dhcp6_client() -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
    return made


def test_a_prefix_that_leaves_is_deprecated_on_its_machines(served: Served) -> None:
    stays, leaves = (eui64(one["cidr"], served.port["mac_address"]) for one in served.made)
    eventually(lambda: {stays, leaves} <= served.own_addresses().keys(), "both addresses")
    served.site.delete("subnet", served.made[1])
    eventually(
        lambda: "deprecated" in served.own_addresses()[leaves],
        lambda: f"{served.own_addresses()}\n{served.site.log()[-3000:]}",
    )
    assert "deprecated" not in served.own_addresses()[stays]
    lifetimes = run("ip", "-n", served.machine.namespace, "-6", "address", "show", "dev", "eth0")
    found = re.search(rf"{leaves}/64.*\n\s+valid_lft (\w+) preferred_lft 0sec", lifetimes)
    assert found, lifetimes
    assert found[1] != "forever"


def test_a_machine_with_another_identity_has_its_address_and_the_old_lease_ends(
    served: Served,
) -> None:
    address = served.address(served.stateful)
    served.dhcpcd("duid\nia_na 8\n")
    eventually(
        lambda: [one["iaid"] for one in served.leases(ip_address=address)] == ["8"],
        lambda: f"{served.leases(ip_address=address)}\n{served.site.log()[-3000:]}",
    )
    ended = [one["iaid"] for one in served.events(address) if one["action"] == "del"]
    assert ended[-1] == "7"


def test_two_interfaces_of_one_machine_have_each_its_own_address(served: Served) -> None:
    body = {"network_id": served.network["id"], "mac_address": random_mac()}
    body |= {"device_owner": "compute:nova", "binding:host_id": served.site.name}
    port = served.site.create("port", **body)
    second = replace(served, port=port, machine=served.site.machine(port))
    try:
        served.site.await_active(port)
        duid = (served.identities() / "duid").read_text()
        (second.identities() / "duid").write_text(duid)
        second.dhcpcd("duid\nia_na 9\n")

        def held() -> set[str]:
            leases = served.leases(source="dhcp", duid=duid.strip())
            return {one["ip_address"] for one in leases}

        wanted = {one.address(served.stateful) for one in (served, second)}
        eventually(lambda: held() == wanted, lambda: f"{served.leases()}")
    finally:
        second.machine.unplug()
        served.site.delete("port", port)
