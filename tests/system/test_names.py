"""Two hosts, one network: what a port is called is answered on both, and gone when the port is."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ipam import model
from tests.servers.name_server import ADDRESS, NameServer
from tests.system.dns_client import DnsClient
from tests.system.ipam_host import run
from tests.system.two_hosts import Cloud, HostNamespace, started
from tests.system.wire import inside

pytestmark = [pytest.mark.root, pytest.mark.system]

SERVER, SERVER6 = "10.44.0.2", "fd44::2"
ADDRESSES = ("10.44.0.200/24", "fd44::200/64", "192.0.2.9/32")


class NamingCloud(Cloud):
    """Its machines are answered to by what they call themselves, too."""

    def start(self, more: str = "[network]\nserve_own_names = true\n") -> None:
        super().start(more)


class House:
    """The network, with a machine that asks on each host."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.hosts: tuple[HostNamespace, ...] = (cloud.a, cloud.b)
        body = {"network": {"name": "names", "dns_domain": "lab.example."}}
        self.network = cloud.client.post("/v2.0/networks", json=body)["network"]
        for version, cidr in ((4, "10.44.0.0/24"), (6, "fd44::/64")):
            row = {"network_id": self.network["id"], "ip_version": version, "cidr": cidr}
            if version == 6:
                row |= {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
            cloud.client.post("/v2.0/subnets", json={"subnet": row})

    def port(self, number: int, name: str, host: HostNamespace, *more: str) -> dict[str, Any]:
        fixed = [{"ip_address": one} for one in (f"10.44.0.{number}", *more)]
        row = {"network_id": self.network["id"], "dns_name": name, "fixed_ips": fixed}
        row |= {"binding:host_id": host.name, "device_owner": "baremetal:none"}
        made: dict[str, Any] = self.cloud.client.post("/v2.0/ports", json={"port": row})["port"]
        return made

    def change(self, port: dict[str, Any], **more: Any) -> None:
        self.cloud.client.put(f"/v2.0/ports/{port['id']}", json={"port": more})

    def change_network(self, **more: Any) -> None:
        self.cloud.client.put(f"/v2.0/networks/{self.network['id']}", json={"network": more})

    def delete(self, port: dict[str, Any]) -> None:
        self.cloud.client.delete(f"/v2.0/ports/{port['id']}")

    def plug(self) -> None:
        bridge = model.bridge_name(self.network["id"])
        self.askers = [
            DnsClient(bridge, *ADDRESSES, host_namespace=host.network_namespace)
            for host in self.hosts
        ]

    @contextlib.contextmanager
    def asked_all_the_while(self, name: str) -> Iterator[list[set[str]]]:
        """What the second host answers to a name in the meantime, which is complete at the end."""
        answers: list[set[str]] = []
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.is_set():
                answers.append(self.askers[1].addresses(SERVER, name))

        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(ask)
            try:
                yield answers
            finally:
                is_over.set()
                asking.result()

    def everywhere(self, name: str, addresses: set[str], kind: str = "A") -> None:
        """Both hosts answer so."""
        self.cloud.eventually(
            lambda: all(one.addresses(SERVER, name, kind) == addresses for one in self.askers),
            f"{name} {kind} is {addresses}",
        )


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    with started(partial(NamingCloud, wakes=True)) as cloud:
        made = House(cloud)
        for port in (made.port(5, "web", cloud.a, "fd44::5"), made.port(6, "db", cloud.b)):
            cloud.await_status(port, "ACTIVE")
        made.plug()
        yield made
        for asker in made.askers:
            asker.close()


def pid(house: House, host: HostNamespace) -> int:
    return int((host.directory / "run" / "dhcp" / house.network["id"] / "pid").read_text())


def test_each_port_is_answered_on_each_host_forward_and_back(house: House) -> None:
    house.everywhere("web.lab.example", {"10.44.0.5"})
    house.everywhere("db", {"10.44.0.6"})
    house.everywhere("web.lab.example", {"fd44::5"}, "AAAA")
    for asker in house.askers:
        assert asker.reverse(SERVER, "10.44.0.5") == {"web.lab.example."}
        assert asker.reverse(SERVER, "fd44::5") == {"web.lab.example."}
        assert asker.reverse(SERVER, "10.44.0.6") == {"db.lab.example."}
        assert asker.addresses(SERVER, "web.lab.example", tcp=True) == {"10.44.0.5"}


def test_each_hosts_resolver_tells_the_api_what_it_answers(house: House) -> None:
    questions = ["web.lab.example", "10.44.0.6", "nobody.lab.example", "www.example.org"]
    client = house.cloud.client
    for agent in client.get("/v2.0/agents")["agents"]:
        path = f"/v2.0/agents/{agent['id']}/dns-lookup"
        body = {"network_id": house.network["id"], "questions": questions}
        client.post(path, json={"dns_lookup": body})

        def answers(path: str = path) -> Any:
            return client.get(path)["dns_lookup"]["answers"]

        found = house.cloud.eventually(answers, "the agent answers")
        assert [(one["code"], one["records"]) for one in found] == [
            ("NOERROR", ["10.44.0.5", "fd44::5"]),
            ("NOERROR", ["db.lab.example."]),
            ("NXDOMAIN", []),
            ("REFUSED", []),
        ]


def test_names_come_change_and_go_without_a_restart_or_a_sighup(house: House) -> None:
    pids = [pid(house, host) for host in house.hosts]
    before = house.cloud.b.log().count("dnsmasq reads its hosts anew")
    made = [
        house.port(20 + n, name, house.cloud.a)
        for n, name in enumerate(("one", "web", "wpad", ""))
    ]
    house.everywhere("one.lab.example", {"10.44.0.20"})
    house.everywhere("web", {"10.44.0.5", "10.44.0.21"})
    house.everywhere("host-10-44-0-22", {"10.44.0.22"})
    house.everywhere("host-10-44-0-23.lab.example", {"10.44.0.23"})
    assert {one.code(SERVER, "wpad.lab.example") for one in house.askers} == {"NXDOMAIN"}
    with house.asked_all_the_while("db") as neighbour:
        for name in ("more", "most", "two"):
            house.change(made[0], dns_name=name)
            house.everywhere(name, {"10.44.0.20"})
        house.delete(made[1])
        house.change(made[2], fixed_ips=[{"ip_address": "10.44.0.32"}])
        house.everywhere("two", {"10.44.0.20"})
    assert neighbour
    assert all(answer == {"10.44.0.6"} for answer in neighbour)
    house.everywhere("web", {"10.44.0.5"})
    house.everywhere("host-10-44-0-32", {"10.44.0.32"})
    for asker in house.askers:
        assert asker.reverse(SERVER, "10.44.0.20") == {"two.lab.example."}
        for gone in ("one", "more", "most", "one.lab.example", "host-10-44-0-22"):
            assert asker.code(SERVER, gone) == "NXDOMAIN", gone
        assert asker.code(SERVER, "21.0.44.10.in-addr.arpa", "PTR") == "NXDOMAIN"
    assert [pid(house, host) for host in house.hosts] == pids
    assert house.cloud.b.log().count("dnsmasq reads its hosts anew") == before


def test_what_a_machine_calls_itself_is_answered_on_each_host_until_it_goes(house: House) -> None:
    cloud, port = house.cloud, house.port(40, "box", house.cloud.a, "fd44::40")
    cloud.await_status(port, "ACTIVE")
    pids = [pid(house, host) for host in house.hosts]
    guest = cloud.guest(port)
    guest.plug(cloud.a)
    guest.start_client("-x", "hostname:laptop", "-F", "laptop.elsewhere.example")
    house.everywhere("laptop.lab.example", {"10.44.0.40"})
    house.everywhere("laptop", {"fd44::40"}, "AAAA")
    house.everywhere("box", {"10.44.0.40"})
    taker = house.port(41, "laptop", cloud.b)
    house.everywhere("laptop", {"10.44.0.41"})
    house.delete(taker)
    house.everywhere("laptop", {"10.44.0.40"})
    for asker, host in zip(house.askers, house.hosts, strict=True):
        assert asker.reverse(SERVER, "10.44.0.40") == {"box.lab.example."}
        assert asker.reverse(SERVER, "fd44::40") == {"box.lab.example."}
        os.kill(pid(house, host), signal.SIGHUP)
        assert asker.addresses(SERVER, "laptop") == {"10.44.0.40"}
        assert asker.reverse(SERVER, "10.44.0.40") == {"box.lab.example."}
        assert asker.code(SERVER, "laptop.elsewhere.example") == "REFUSED"
    guest.stop_client()
    house.everywhere("laptop", set())
    house.everywhere("box", {"10.44.0.40"})
    assert [pid(house, host) for host in house.hosts] == pids


def test_the_network_knows_its_own_names_and_no_others(house: House) -> None:
    asker = house.askers[0]
    assert asker.code(SERVER, "nobody.lab.example") == "NXDOMAIN"
    assert asker.code(SERVER, "nobody") == "NXDOMAIN"
    assert asker.code(SERVER, "99.0.44.10.in-addr.arpa", "PTR") == "NXDOMAIN"
    assert asker.code(SERVER, "www.example.org") == "REFUSED"
    assert asker.code(SERVER, "web.lab.example", "MX") == "NOERROR"
    assert asker.code(SERVER6, "web.lab.example") == "NOERROR"


def test_only_the_networks_own_machines_are_answered(house: House) -> None:
    for asker in house.askers:
        assert asker.is_answered_from("10.44.0.200", SERVER, "web")
        assert not asker.is_answered_from("192.0.2.9", SERVER, "web")


def test_a_killed_dnsmasq_comes_back_though_somebody_holds_its_tcp(house: House) -> None:
    """What answers over TCP are processes of their own, which keep the port."""
    asker = house.askers[0]
    with asker.opened(socket.SOCK_STREAM) as held:
        held.connect((SERVER, 53))
        killed = pid(house, house.cloud.a)
        children = Path(f"/proc/{killed}/task/{killed}/children")
        house.cloud.eventually(lambda: len(children.read_text().split()) > 1, "TCP has a child")
        os.kill(killed, signal.SIGKILL)
        house.cloud.eventually(
            lambda: pid(house, house.cloud.a) not in (0, killed), "dnsmasq runs again"
        )
        assert asker.addresses(SERVER, "web") == {"10.44.0.5"}
        assert asker.addresses(SERVER, "db", tcp=True) == {"10.44.0.6"}


def test_names_of_elsewhere_are_asked_for_from_the_host_whose_settings_say_so(
    house: House,
) -> None:
    host, asker = house.cloud.b, house.askers[1]
    run("ip", "-n", host.network_namespace, "link", "set", "lo", "up")
    where = lambda kind: inside(  # noqa: E731
        host.network_namespace, lambda: socket.socket(socket.AF_INET, kind)
    )
    elsewhere = NameServer(("127.0.0.53", 53), where)
    try:
        before = pid(house, host)
        host.kill_agent()
        host.configure("[dnsmasq]\ndns_servers = 127.0.0.53\n")
        host.start_agent()
        house.cloud.eventually(
            lambda: asker.addresses(SERVER, "www.example.org") == {ADDRESS}, "it is asked for"
        )
        assert pid(house, host) != before  # once, with the new setting
        assert asker.addresses(SERVER, "tcp.example.org", tcp=True) == {ADDRESS}
        assert asker.addresses(SERVER, "private.example.org") == set()
        assert asker.addresses(SERVER, "web.lab.example") == {"10.44.0.5"}
        assert asker.code(SERVER, "nobody") == "NXDOMAIN"
        assert asker.code(SERVER, "99.0.44.10.in-addr.arpa", "PTR") == "NXDOMAIN"
        assert not asker.is_answered_from("192.0.2.9", SERVER, "www.example.org")
        host.kill_agent()
        assert asker.addresses(SERVER, "later.example.org") == {ADDRESS}
        assert not {"nobody.", "99.0.44.10.in-addr.arpa."} & {*elsewhere.asked}
        assert house.askers[0].code(SERVER, "www.example.org") == "REFUSED"
        host.start_agent()
        for servers, code in (([], "REFUSED"), (["127.0.0.53"], "NOERROR")):
            house.change_network(dns_servers=servers)
            asker.await_code(SERVER, "isolated.example.org", code)
            assert asker.addresses(SERVER, "web.lab.example") == {"10.44.0.5"}
    finally:
        elsewhere.close()
