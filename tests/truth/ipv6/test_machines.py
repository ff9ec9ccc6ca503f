"""What machines do with IPv6: make addresses, lose leases, change identities and prefixes."""

import contextlib
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address

import pytest

from ipam.agent.rogue_releases import REASON
from tests.system.ipam_host import random_mac, run
from tests.system.wire import RELEASE, Options, frame, inside, packet_socket
from tests.truth.expectation import canonical, eui64
from tests.truth.machine import Machine
from tests.truth.site import Json, Site
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

SOLICIT6, RELEASE6 = 1, 8


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


@pytest.fixture(scope="module")
def served(site: Site) -> Iterator[Served]:
    # The guard passes no address for privacy, nor what is sent in another's name.
    network = site.create("network", name="machines", port_security_enabled=False)
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
    assert served.machine.ask6() == {six}
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


def _solicit6(served: Served, duid: str, iaid: str) -> None:
    """Ask for an address at once, by Rapid Commit."""
    body = (
        _option(1, bytes.fromhex(duid.replace(":", ""))) + _option(8, bytes(2)) + _option(14, b"")
    )
    body += _option(3, int(iaid).to_bytes(4) + bytes(8))
    with inside(served.machine.namespace, _dhcp6_client) as client_socket:
        client_socket.sendto(bytes([SOLICIT6]) + b"xid" + body, ("ff02::1:2", 547))


def _option(code: int, value: bytes) -> bytes:
    return code.to_bytes(2) + len(value).to_bytes(2) + value


def _dhcp6_client() -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
    return made


def test_a_prefix_that_leaves_is_deprecated_on_its_machines(served: Served) -> None:
    stays, leaves = (eui64(one["cidr"], served.port["mac_address"]) for one in served.made)
    eventually(lambda: {stays, leaves} <= served.own_addresses().keys(), "both addresses")
    for lease_time, is_deprecated in ((0, True), (None, False)):  # while the subnet stays
        body = {"subnet": {"lease_time": lease_time}}
        served.site.client.put(f"/v2.0/subnets/{served.made[1]['id']}", json=body)
        eventually(
            lambda wanted=is_deprecated: (  # type: ignore[misc]  # bound in this turn
                ("deprecated" in served.own_addresses()[leaves]) == wanted
            ),
            lambda: f"{served.own_addresses()}\n{served.site.log()[-3000:]}",
        )
        assert "deprecated" not in served.own_addresses()[stays]
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
    (former,) = served.leases(ip_address=address)
    served.machine.install_anew()
    assert served.machine.ask6() == {address}
    eventually(
        lambda: [one["duid"] for one in served.leases(ip_address=address)] != [former["duid"]],
        lambda: f"{served.leases(ip_address=address)}\n{served.site.log()[-3000:]}",
    )
    ended = [one for one in served.events(address) if one["action"] == "del"]
    assert (ended[-1]["duid"], ended[-1]["iaid"]) == (former["duid"], former["iaid"])


def test_two_interfaces_of_one_machine_have_each_its_own_address_and_keep_it_with_a_new_iaid(
    served: Served,
) -> None:
    body = {"network_id": served.network["id"], "mac_address": random_mac()}
    body |= {"device_owner": "compute:nova", "binding:host_id": served.site.name}
    port = served.site.create("port", **body)
    second = replace(served, port=port, machine=served.site.machine(port))
    try:
        served.site.await_active(port)
        (first,) = served.leases(ip_address=served.address(served.stateful))
        with _dhclient_as(second.machine, first["duid"]):
            wanted = {one.address(served.stateful) for one in (served, second)}
            eventually(
                lambda: {one["ip_address"] for one in served.leases(duid=first["duid"])} == wanted,
                lambda: f"{served.leases()}",
            )
        _ask_with_a_new_iaid(second)
    finally:
        second.machine.unplug()
        served.site.delete("port", port)


def _ask_with_a_new_iaid(served: Served) -> None:
    """As a client does that another took the place of, with the same DUID."""
    address = served.address(served.stateful)
    (former,) = served.leases(ip_address=address)
    iaid = str(int(former["iaid"]) ^ 1)

    def has_it() -> bool:
        """It asks again until the former lease is out of the way."""
        _solicit6(served, former["duid"], iaid)
        return [one["iaid"] for one in served.leases(ip_address=address)] == [iaid]

    eventually(has_it, lambda: f"{served.leases()}\n{served.site.log()[-3000:]}")
    ended = [one for one in served.events(address) if one["action"] == "del"]
    assert (ended[-1]["duid"], ended[-1]["iaid"]) == (former["duid"], former["iaid"])


@contextlib.contextmanager
def _dhclient_as(machine: Machine, duid: str) -> Iterator[None]:
    """dhclient with the DUID of another interface; its IAID it makes of its own MAC address."""
    files = machine.directory / machine.namespace
    octal = "".join(f"\\{int(octet, 16):03o}" for octet in duid.split(":"))
    leases = files.with_suffix(".twin")
    leases.write_text(f'default-duid "{octal}";\n')
    running = subprocess.Popen(
        [
            *("ip", "netns", "exec", machine.namespace, "dhclient", "-6", "-d"),
            *("-lf", str(leases), "-pf", str(files.with_suffix(".twin.pid"))),
            *("-sf", "/bin/true", "-cf", "/dev/null", "eth0"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.kill()
        running.wait(PATIENCE_SECONDS)
