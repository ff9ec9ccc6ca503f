"""Networks that reach other hosts, with real agents, packets and wires; DHCP stays at home.

One network of each kind is built once for all tests. The order of the tests does not matter.
"""

import json
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

import pytest

from ipam import model
from ipam.agent.guard import table
from ipam.agent.host.forwarding_table import link_of
from tests.kernel_features import need
from tests.system import frames
from tests.system.dns_client import Asker
from tests.system.frames import (
    ALL_NODES,
    ARP,
    ICMP6,
    IP4,
    IP6,
    UDP,
    arp,
    ethernet,
    icmp6,
    ip4,
    ip6,
    udp,
)
from tests.system.ipam_host import run
from tests.system.moving import Journey, MovingMachine
from tests.system.pinging import Pinging
from tests.system.reach import (
    AT_ONCE,
    NAK,
    Json,
    Machine,
    Rack,
    address_of,
    switch_of,
    tunnel_end,
    within,
)
from tests.system.two_hosts import HostNamespace, started
from tests.system.wire import ACK, DISCOVER, OFFER, REQUEST, inside
from tests.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.root, pytest.mark.system]

KINDS: dict[str, Json] = {
    "flat": {"network_type": "flat", "physical_network": "physnet1"},
    "vlan": {"network_type": "vlan", "physical_network": "physnet1", "segmentation_id": 101},
    "bridged": {"network_type": "flat", "physical_network": "physnet2"},
    "vxlan": {"network_type": "vxlan", "segmentation_id": 70},
}
WIRES = {"flat": "eth1", "vlan": "eth1.101", "bridged": "eth2", "vxlan": "vxlan-70"}


@dataclass
class Joined:
    """A network with a machine on each host."""

    kind: str
    network: Json
    a: Machine
    b: Machine
    dhcp_port: Json

    @property
    def bridge(self) -> str:
        return "br-ex" if self.kind == "bridged" else model.bridge_name(self.network["id"])

    def server(self, version: int) -> str:
        return address_of(self.dhcp_port, version)


@pytest.fixture(scope="module")
def rack() -> Iterator[Rack]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    need("vxlan")
    with started(Rack) as made:
        yield made


@pytest.fixture(scope="module")
def everywhere(rack: Rack) -> dict[str, Joined]:
    found = {}
    for kind, provider in KINDS.items():
        network = rack.network(**provider)
        a = rack.machine(network, rack.a)
        b = rack.machine(network, rack.b, port_security_enabled=False)
        found[kind] = Joined(kind, network, a, b, {})
    for joined in found.values():
        for one in (joined.a, joined.b):
            rack.await_status(one.port, "ACTIVE")
        joined.dhcp_port = rack.dhcp_port(joined.network)
    return found


@pytest.fixture(params=KINDS)
def joined(request: pytest.FixtureRequest, everywhere: dict[str, Joined]) -> Joined:
    return everywhere[request.param]


def test_machines_of_two_hosts_reach_each_other(joined: Joined) -> None:
    for version in (4, 6):
        assert joined.a.reaches(joined.b.address(version))
        assert joined.a.reaches(joined.server(version))
        assert joined.b.reaches(joined.server(version))


def asks_and_is_answered_once(one: Machine, joined: Joined) -> None:
    """In each state of a DHCP client, with one answer and no refusal."""
    own, server = one.address(4), joined.server(4)
    wanted = {50: socket.inet_aton(own)}
    asked = {
        "renew": (one.ask(REQUEST, {}, held=own, to=server), ACK),
        "rebind": (one.ask(REQUEST, {}, held=own), ACK),
        "init-reboot": (one.ask(REQUEST, wanted), ACK),
        "discover": (one.ask(DISCOVER, {}), OFFER),
        "request": (one.ask(REQUEST, wanted | {54: socket.inet_aton(server)}), ACK),
    }
    solicited = one.solicit()
    for other in (joined.a, joined.b):
        assert one is other or one.reaches(other.address(4)), "what came from hosts is here"
    one.hear_rest()
    for what, (xid, kind) in asked.items():
        assert [said for of, said in one.answers if of == xid] == [kind], what
    assert one.advertised[solicited] == 1
    assert NAK not in {said for _xid, said in one.answers}


def test_each_machine_is_answered_by_its_own_host_alone(joined: Joined) -> None:
    """Each host's server has the same addresses, and would refuse the machines of the others."""
    for one in (joined.a, joined.b):
        asks_and_is_answered_once(one, joined)


def test_dhcp_passes_no_wire_in_either_direction(rack: Rack, joined: Joined) -> None:
    """Whatever servers there are beyond the wire. Their router has to be heard."""
    for one, its, others in ((joined.a, rack.a, rack.b), (joined.b, rack.b, rack.a)):
        mac = one.port["mac_address"]
        last = ethernet(mac, ARP, arp(1, mac, one.address(4), one.address(4)) + b"the last")
        with closing(heard_at(others, WIRES[joined.kind])) as beyond, frames.one_cpu():
            one.ask(DISCOVER, {})
            one.solicit()
            with closing(inside(one.namespace, frames.packet_socket)) as machine:
                machine.send(last)
            sent = frames.heard_until(beyond, b"the last")
            assert not [each for each in sent if is_dhcp(each)]
            answers = of_strangers()
            with closing(inside(one.namespace, frames.packet_socket)) as machine:
                for frame in answers.values():
                    beyond.send(frame)
                heard = frames.heard_until(machine, b"the last")
        passed = {name for name in answers if any(name.encode() in each for each in heard)}
        assert passed == {"a router", "the last"}
        counted = within(its, "nft", "list", "set", "bridge", table_of(its), "fenced")
        assert WIRES[joined.kind] in counted
        assert model.tap_name(one.port["id"]) in counted


def heard_at(host: HostNamespace, link: str) -> socket.socket:
    return inside(host.network_namespace, lambda: frames.packet_socket(link))


def is_dhcp(frame: bytes) -> bool:
    kind, ports = frame[12:14], {b"\x00\x43", b"\x00\x44", b"\x02\x22", b"\x02\x23"}
    if kind == b"\x08\x00":
        return frame[23] == UDP and frame[36:38] in ports
    return kind == b"\x86\xdd" and frame[20] == UDP and frame[56:58] in ports


def of_strangers() -> dict[str, bytes]:
    """What a server, a router and anybody may send to all machines, each with its name in it."""
    mac, local = "52:54:00:99:99:99", "fe80::99"
    offer = udp(67, 68, frames.bootp(2, mac))
    advert = icmp6(134, struct.pack("!BBHII", 64, 0, 1800, 0, 0))
    sent = {
        "a server": ethernet(mac, IP4, ip4("10.66.0.1", "255.255.255.255", UDP, offer)),
        "a server of ipv6": ethernet(mac, IP6, ip6(local, ALL_NODES, UDP, udp(547, 546, b""))),
        "a router": ethernet(mac, IP6, ip6(local, ALL_NODES, ICMP6, advert)),
        "the last": ethernet(mac, ARP, arp(1, mac, "10.66.0.1", "10.66.0.1")),
    }
    return {name: frames.marked(frame, name.encode()) for name, frame in sent.items()}


def table_of(host: HostNamespace) -> str:
    return table.name_of(host.directory / "run")


def test_the_dhcp_server_is_at_home_in_each_bridges_table(rack: Rack, joined: Joined) -> None:
    own = model.tap_name(joined.dhcp_port["id"])
    for host in (rack.a, rack.b):
        behind = inside(
            host.network_namespace, lambda: link_of(joined.bridge, joined.dhcp_port["mac_address"])
        )
        assert behind == own, host.name


def test_the_server_reaches_no_machine_of_another_host(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    asking = []
    for joined in everywhere.values():
        assert joined.a.reaches(joined.b.address(4)), "the wire works"
        space = ("ip", "netns", "exec", model.dhcp_namespace(joined.network["id"]))
        command = (*rack.a.enter, *space, "busybox", "ping", "-c1", "-W1", joined.b.address(4))
        asking.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    for one in asking:
        assert b"100% packet loss" in one.communicate()[0]


def test_who_uses_an_address_is_heard_on_its_host_and_over_the_wire(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    joined = [everywhere[kind] for kind in ("flat", "vxlan")]
    used = [[one.a.address(version) for version in (4, 6)] for one in joined]
    paths = []
    for one, addresses in zip(joined, used, strict=True):
        path = f"/v2.0/networks/{one.network['id']}/address-checks"
        body = {"address_check": {"ip_addresses": [*addresses, "10.66.0.249"]}}
        asked = rack.client.post(path, json=body)["address_check"]
        paths.append(f"{path}/{asked['id']}")

    def answers(path: str) -> list[Json]:
        found: list[Json] = rack.client.get(path)["address_check"]["answers"]
        return found

    def looked(path: str) -> bool:
        return len(answers(path)) == 2

    for one, addresses, path in zip(joined, used, paths, strict=True):
        rack.eventually(partial(looked, path), "both hosts have looked")
        mac = one.a.port["mac_address"]
        machines = [{"ip_address": ip, "mac_address": mac} for ip in sorted(addresses)]
        for answer in answers(path):
            assert (answer["machines"], answer["trouble"]) == (machines, ""), one.kind


def test_a_packet_of_the_networks_mtu_passes_whole(joined: Joined) -> None:
    assert joined.network["mtu"] == (1450 if joined.kind == "vxlan" else 1500)
    largest = str(joined.network["mtu"] - 28)
    assert joined.a.reaches(joined.b.address(4), "-s", largest)
    mac, own, to = joined.a.port["mac_address"], joined.a.address(4), joined.b.address(4)
    run("ip", "-n", joined.a.namespace, "link", "set", "eth0", "mtu", "9000")
    with (
        frames.one_cpu(),
        closing(inside(joined.b.namespace, frames.packet_socket)) as hearing,
        closing(inside(joined.a.namespace, frames.packet_socket)) as sending,
    ):
        for more, mark in ((0, b"as large"), (1, b"too large"), (-1, b"the last")):
            data = udp(9, 9, bytes(int(largest) + more - len(mark)) + mark)
            sending.send(ethernet(mac, IP4, ip4(own, to, UDP, data)))
        heard = frames.heard_until(hearing, b"the last")
    run("ip", "-n", joined.a.namespace, "link", "set", "eth0", "mtu", str(joined.network["mtu"]))
    assert {mark for mark in (b"as large", b"too large") if any(mark in one for one in heard)} == {
        b"as large"
    }


def test_what_the_host_has_is_named_as_neutron_names_it(rack: Rack, joined: Joined) -> None:
    for host in (rack.a, rack.b):
        wire = WIRES[joined.kind]
        shown = within(host, "ip", "-d", "link", "show", wire)
        assert f"master {joined.bridge}" in shown
        assert "isolated on" in shown


@dataclass
class Converted:
    """A host that had Neutron's devices when its agent started."""

    host: HostNamespace
    machine: Machine
    devices: tuple[str, ...]
    before: list[str]
    answered: list[bool]
    """Of each echo that another host sent meanwhile."""


@pytest.fixture(scope="module")
def converted(rack: Rack, everywhere: dict[str, Joined]) -> Converted:
    """A third host, where the flat network's bridge, uplink and tap are as Neutron left them."""
    host, joined = rack.host("c"), everywhere["flat"]
    machine = rack.machine(joined.network, host)
    tap, ip = model.tap_name(machine.port["id"]), ("ip", "-n", host.network_namespace, "link")
    run(*ip, "add", "name", joined.bridge, "up", "type", "bridge", *AT_ONCE)
    for link in ("eth1", tap):
        run(*ip, "set", link, "master", joined.bridge, "up")
    assert joined.a.reaches(machine.address(4)), "machines talk without any agent"
    devices = (joined.bridge, "eth1", tap)
    found = Converted(host, machine, devices, indices(host, devices), [])
    host.start_agent()

    def is_taken_over() -> bool:
        found.answered.append(joined.a.pings(machine.address(4), "-W", f"{PATIENCE_SECONDS:.0f}"))
        told = rack.client.get(f"/v2.0/networks/{joined.network['id']}/hosts")["hosts"]
        its = next((one for one in told if one["host"] == host.name), {"state": "", "guarded": 0})
        is_here = (its["state"], its["guarded"]) == ("up", 1)
        return is_here and rack.status(machine.port) == "ACTIVE"

    rack.eventually(is_taken_over, "its agent has what was there")
    return found


def indices(host: HostNamespace, links: tuple[str, ...]) -> list[str]:
    """The kernel's numbers of these links: another one is another link."""
    return [within(host, "cat", f"/sys/class/net/{link}/ifindex") for link in links]


def test_what_neutron_left_is_taken_over_while_machines_talk(
    converted: Converted, everywhere: dict[str, Joined]
) -> None:
    assert all(converted.answered)
    assert indices(converted.host, converted.devices) == converted.before
    uplink = within(converted.host, "ip", "-d", "link", "show", "eth1")
    assert "isolated on" in uplink
    asks_and_is_answered_once(converted.machine, everywhere["flat"])


@pytest.fixture(scope="module")
def third(rack: Rack, everywhere: dict[str, Joined], converted: Converted) -> dict[str, Machine]:
    """Machines on a third host, by kind of network."""
    tunneled = rack.machine(everywhere["vxlan"].network, converted.host)
    rack.await_status(tunneled.port, "ACTIVE")
    return {"flat": converted.machine, "vxlan": tunneled}


@pytest.mark.parametrize("kind", ["flat", "vxlan"])
def test_a_broadcast_comes_once_to_each_of_three_hosts_and_never_back(
    everywhere: dict[str, Joined], third: dict[str, Machine], kind: str
) -> None:
    machines = (everywhere[kind].a, everywhere[kind].b, third[kind])
    for one in machines:
        for other in machines:
            assert one is other or one.reaches(other.address(4))
    sender, *hearers = machines
    mac, own = sender.port["mac_address"], sender.address(4)
    with ExitStack() as stack:
        stack.enter_context(frames.one_cpu())
        ears = [
            stack.enter_context(closing(inside(one.namespace, frames.packet_socket)))
            for one in machines
        ]
        for mark in (b"only once", b"the last"):
            ears[0].send(ethernet(mac, ARP, arp(1, mac, own, own) + mark))
        for ear in ears[1:]:
            assert sum(b"only once" in each for each in frames.heard_until(ear, b"the last")) == 1
        answer = hearers[-1]
        theirs = answer.port["mac_address"]
        last = arp(1, theirs, answer.address(4), answer.address(4)) + b"an answer"
        ears[-1].send(ethernet(theirs, ARP, last))
        came = frames.heard_until(ears[0], b"an answer")
        its = [each for each in came if each[6:12] == frames.mac_octets(mac)]
        assert not any(b"only once" in each for each in its)


@pytest.fixture(scope="module")
def journeys(
    rack: Rack, everywhere: dict[str, Joined], third: dict[str, Machine]
) -> dict[str, Journey]:
    """By kind of network a machine on host a, which all others of the network reach."""
    found = {}
    for kind, joined in everywhere.items():
        one = rack.machine_of(MovingMachine, joined.network, rack.a)
        others = (joined.a, joined.b, third.get(kind))
        found[kind] = Journey(one, [each for each in others if each])
    for journey in found.values():
        rack.await_status(journey.one.port, "ACTIVE")
        assert all(observer.reaches(address) for observer, address in journey.ways())
    return found


def test_a_machine_that_moves_between_hosts_loses_no_ping(
    rack: Rack,
    everywhere: dict[str, Joined],
    third: dict[str, Machine],
    journeys: dict[str, Journey],
) -> None:
    """The pause of the machine itself ends when all have heard it again."""
    moved = journeys.values()
    with Pinging(way for each in moved for way in each.ways()) as pinging:
        prepare(rack, journeys, rack.b)
        abandon(rack, journeys, rack.b)
        prepare(rack, journeys, rack.b)
        assert are_behind(rack, third, journeys, "a"), "nothing has told of the move"
        pinging.in_a_pause(lambda: go_on(journeys, rack.b))
        rack.eventually(lambda: are_behind(rack, third, journeys, "b"), "they are found behind b")
        complete(rack, journeys, rack.a)
        prepare(rack, journeys, rack.a)
        rack.stop_api()
        rack.a.kill_agent()
        pinging.in_a_pause(lambda: go_on(journeys, rack.a))
        rack.eventually(lambda: are_behind(rack, third, journeys, "a"), "they are found behind a")
        for kind, each in journeys.items():
            asks_and_is_answered_once(each.one, everywhere[kind])
            assert not lies_are_heard(each.one, everywhere[kind].a)
        rack.start_api()
        rack.a.start_agent()
        complete(rack, journeys, rack.b)
    assert pinging.not_answered_once() == {}


def prepare(rack: Rack, journeys: dict[str, Journey], target: HostNamespace) -> None:
    """As Nova does, until the target's agent has told it that the machine's interface is in."""
    for each in journeys.values():
        each.prepare(rack, target)
    for kind, each in journeys.items():
        rack.eventually(partial(each.is_prepared, target), f"{kind}: it is prepared")
        tap = within(target, "ip", "link", "show", model.tap_name(each.one.port["id"]))
        assert " master " in tap
        assert guards(target, each.one)


def abandon(rack: Rack, journeys: dict[str, Journey], target: HostNamespace) -> None:
    """As Nova does when the machine cannot move."""
    for each in journeys.values():
        each.unbind(rack, target)
    await_forgotten(rack, journeys, target)


def go_on(journeys: dict[str, Journey], target: HostNamespace) -> None:
    """All machines run on the target from now on."""
    for each in journeys.values():
        each.go_on(target)


def complete(rack: Rack, journeys: dict[str, Journey], source: HostNamespace) -> None:
    """As Nova does once the machine runs on the target."""
    for each in journeys.values():
        each.complete(rack, source)
    for each in journeys.values():
        rack.await_status(each.one.port, "ACTIVE")
    await_forgotten(rack, journeys, source)


def await_forgotten(rack: Rack, journeys: dict[str, Journey], host: HostNamespace) -> None:
    rack.eventually(
        lambda: not any(guards(host, each.one) for each in journeys.values()),
        f"{host.name} has forgotten the machines",
    )


def guards(host: HostNamespace, one: Machine) -> bool:
    listed = within(host, "nft", "list", "set", "bridge", table_of(host), "guarded")
    return model.tap_name(one.port["id"]) in listed


def lies_are_heard(one: Machine, observer: Machine) -> bool:
    """Whether the observer hears what the machine says in the name of another."""
    mac, own = one.port["mac_address"], one.address(4)
    lie = arp(2, mac, "10.66.0.1", "10.66.0.1") + b"a lie"
    truth = arp(2, mac, own, own) + b"the truth"
    with ExitStack() as stack:
        ear, mouth = (
            stack.enter_context(closing(inside(each.namespace, frames.packet_socket)))
            for each in (observer, one)
        )
        stack.enter_context(frames.one_cpu())
        for said in (lie, truth):
            mouth.send(ethernet(mac, ARP, said))
        return any(b"a lie" in each for each in frames.heard_until(ear, b"the truth"))


def are_behind(
    rack: Rack, third: dict[str, Machine], journeys: dict[str, Journey], host: str
) -> bool:
    """Whether the third host believes the machines on this host."""
    return all(
        is_behind(rack, observer, kind, journeys[kind].one.port["mac_address"], host)
        for kind, observer in third.items()
    )


def is_behind(rack: Rack, observer: Machine, kind: str, mac: str, host: str) -> bool:
    """Whether the observer's tunnel, or else the switch, believes the machine on this host."""
    if kind == "vxlan":
        entries = within(observer.host, "bridge", "fdb", "show", "dev", "vxlan-70")
        there = f"dst {tunnel_end(host)} "
    else:
        entries = run("bridge", "-n", rack.switches, "fdb", "show", "br", switch_of("eth1"))
        there = f"dev {host}-eth1 "
    return any(line.startswith(mac) and there in line for line in entries.splitlines())


def test_agents_say_what_they_reach(rack: Rack) -> None:
    agents = {one["host"]: one for one in rack.client.get("/v2.0/agents")["agents"]}
    said = agents["a"]["configurations"]
    assert said["interface_mappings"] == {"physnet1": "eth1", "physnet2": "eth2"}
    assert said["bridge_mappings"] == {"physnet2": "br-ex"}
    assert (said["tunnel_types"], said["tunneling_ip"]) == (["vxlan"], "192.0.2.11")


def test_a_free_interface_is_an_uplink_without_a_setting(rack: Rack) -> None:
    create = ("network", "create", "lan", "--host", "a", "-f", "json", "--uplink")
    refused = rack.ipam(*create, "eth0", check=False)
    assert "The host itself uses eth0: it has the address 192.0.2.11/24" in refused
    network = json.loads(rack.ipam(*create, "eth3"))
    rack.add_subnets(network)
    machine = rack.machine(network, rack.a)
    rack.await_status(machine.port, "ACTIVE")
    lan = switch_of("eth3")
    run("ip", "-n", rack.switches, "address", "add", "10.66.0.250/24", "dev", lan)
    assert machine.reaches("10.66.0.250")

    def is_told() -> bool:
        (host,) = rack.client.get(f"/v2.0/networks/{network['id']}/hosts")["hosts"]
        said = (host["host"], host["state"], host["wire"], host["taps"])
        return said == ("a", "up", "eth3", 1)

    rack.eventually(is_told, "its agent tells where it is")
    rack.client.delete(f"/v2.0/ports/{machine.port['id']}")
    machine.close()
    rack.client.delete(f"/v2.0/networks/{network['id']}")
    rack.eventually(
        lambda: " master " not in within(rack.a, "ip", "link", "show", "eth3"),
        "the interface is free again",
    )


def test_where_a_network_is_is_said_by_its_hosts(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    def hosts() -> dict[str, Json]:
        path = f"/v2.0/networks/{everywhere['vxlan'].network['id']}/hosts"
        return {one["host"]: one for one in rack.client.get(path)["hosts"]}

    def is_told() -> bool:
        a, b = hosts()["a"], hosts()["b"]
        return bool(a["peers"] and b["peers"] and a["guarded"] and b["taps"])

    rack.eventually(is_told, "both agents tell")
    a, b = hosts()["a"], hosts()["b"]
    assert (a["state"], a["wire"], a["port_filter"]) == ("up", "vxlan-70", True)
    assert tunnel_end("b") in a["peers"]
    assert tunnel_end("a") in b["peers"]
    assert b["guarded"] < b["taps"], "one has no port security"


def test_a_machine_of_no_host_is_answered_by_one_elected_host_also_when_that_dies(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    joined = everywhere["flat"]
    bare = rack.bare_metal(joined.network)
    rack.await_status(bare.port, "ACTIVE")
    asks_and_is_answered_once(bare, joined)
    offer, *_ = json.loads(rack.ipam("port", "probe", bare.port["id"], "-f", "json"))
    assert (offer["Host"], offer["Address"]) == (rack.elected(joined.network), bare.address(4))
    only_the_networks_own_machines_are_told_names(bare, joined)
    first = rack.hosts[rack.elected(joined.network)]
    others = rack.hosts.keys() - {first.name}
    first.kill_agent()
    rack.eventually(lambda: rack.elected(joined.network) in others, "another one is elected")
    rack.await_status(bare.port, "ACTIVE")
    asks_and_is_answered_once(bare, joined)
    query = {"network_id": joined.network["id"], "ip_address": bare.address(4)}
    rack.eventually(
        lambda: others & {one["host"] for one in rack.client.get("/v2.0/leases", query)["leases"]},
        "the lease is of another host",
    )
    first.start_agent()
    rack.await_look(first)
    for one in (bare, joined.a, joined.b):
        asks_and_is_answered_once(one, joined)
    rack.client.delete(f"/v2.0/ports/{bare.port['id']}")
    bare.close()


def only_the_networks_own_machines_are_told_names(bare: Machine, joined: Joined) -> None:
    """Over the wire, whose other machines have a way to the resolver, and no answer."""
    asker = Asker(bare.namespace)
    for version, foreign in ((4, "198.51.100.9/24"), (6, "2001:db8:99::9/64")):
        asker.add(foreign)
        own, server, stranger = bare.address(version), joined.server(version), foreign[:-3]
        name = model.default_hostname(joined.a.address(version))
        kind = "A" if version == 4 else "AAAA"
        assert asker.addresses(server, name, kind) == {joined.a.address(version)}
        assert asker.reverse(server, own) == {f"{model.default_hostname(own)}."}
        assert asker.is_answered_from(own, server, name)
        assert asker.connects_from(own, server)
        assert not asker.is_answered_from(stranger, server, name)
        assert not asker.connects_from(stranger, server)


@pytest.mark.parametrize("kind", ["flat", "vlan"])
def test_an_uplink_that_goes_and_comes_back_joins_again(
    rack: Rack, everywhere: dict[str, Joined], kind: str
) -> None:
    joined, uplink = everywhere[kind], WIRES[kind]
    within(rack.a, "ip", "link", "del", uplink)
    assert joined.a.reaches(joined.server(4)), "those at home go on"
    rack.plug_uplink(rack.a, uplink)
    assert joined.a.reaches(joined.b.address(4))
    assert "isolated on" in within(rack.a, "ip", "-d", "link", "show", uplink)


def test_machines_go_on_while_their_agent_and_the_api_are_away(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    rack.b.kill_agent()
    rack.stop_api()
    for joined in everywhere.values():
        assert joined.a.reaches(joined.b.address(4))
    rack.start_api()
    rack.b.start_agent()
    joined = everywhere["vxlan"]
    assert joined.a.reaches(joined.b.address(6))


def peers(host: HostNamespace, vni: int) -> set[str]:
    entries = within(host, "bridge", "fdb", "show", "dev", f"vxlan-{vni}", check=False)
    lines = [line.split() for line in entries.splitlines() if line.startswith("00:00:00:00:00:00")]
    return {line[line.index("dst") + 1] for line in lines}


def test_tunnels_come_and_go_with_the_ports_of_their_hosts(rack: Rack) -> None:
    """Also when the agent is killed while it makes one."""
    network = rack.network(network_type="vxlan", segmentation_id=71)
    a = rack.machine(network, rack.a)
    rack.await_status(a.port, "ACTIVE")
    assert peers(rack.a, 71) == set()
    b = rack.machine(network, rack.b)
    rack.eventually(
        lambda: model.bridge_name(network["id"]) in within(rack.b, "ip", "link"), "b begins"
    )
    rack.b.kill_agent()
    rack.b.start_agent()
    rack.eventually(lambda: peers(rack.a, 71) == {"192.0.2.12"}, "the tunnel to b")
    rack.eventually(lambda: peers(rack.b, 71) == {"192.0.2.11"}, "the tunnel to a")
    assert a.reaches(b.address(4))
    rack.client.delete(f"/v2.0/ports/{b.port['id']}")
    b.close()
    rack.eventually(lambda: not peers(rack.a, 71), "no tunnel to b")
    gone = "the network is gone from b"
    rack.eventually(
        lambda: not within(rack.b, "ip", "link", "show", "vxlan-71", check=False), gone
    )
    bridge = model.bridge_name(network["id"])
    rack.eventually(lambda: not within(rack.b, "ip", "link", "show", bridge, check=False), gone)


def test_a_host_without_the_physical_network_binds_no_port(rack: Rack) -> None:
    network = rack.network(network_type="flat", physical_network="elsewhere")
    row = {"network_id": network["id"], "binding:host_id": "a"}
    port = rack.client.post("/v2.0/ports", json={"port": row})["port"]
    assert port["binding:vif_type"] == "binding_failed"
    assert "maps physical network elsewhere" in rack.api_log()
