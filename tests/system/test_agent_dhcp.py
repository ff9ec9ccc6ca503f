"""The agent with real bridges, namespaces, dnsmasq and DHCP clients. The API is a double."""

import contextlib
import os
import random
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from ipam import model
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.dnsmasq.refusals import DECLINED
from ipam.agent.state import Interface
from tests.system.ipam_host import Host, Json, Machine, random_mac, run, subnet
from tests.waiting import PATIENCE_SECONDS, eventually

ONCE = ("-t", "1", "-T", "60")
"""For udhcpc: the first question must be answered, however long that takes."""

pytestmark = [pytest.mark.root, pytest.mark.system]


def address_of(port: Json) -> str:
    return str(port["fixed_ips"][0]["ip_address"])


def served(host: Host, **more: Any) -> tuple[Json, Json, Machine]:
    """A network with one port and its machine, ready."""
    network = host.network(**more)
    port = host.port(network)
    host.api.put(network)
    machine = host.machine(port)
    host.await_ready(port)
    return network, port, machine


def links() -> list[str]:
    return [path.name for path in Path("/sys/class/net").iterdir()]


def dnsmasq_log(host: Host, network: Json) -> str:
    mark = f"network {network['id']}: dnsmasq: "
    return "\n".join(line for line in host.log().splitlines() if mark in line)


def test_a_machine_gets_its_ports_address_and_the_lease_is_reported(host: Host) -> None:
    host.start_agent()
    _network, port, machine = served(host)
    assert machine.udhcpc() == address_of(port)
    event = eventually(lambda: host.api.events[:1], "the lease event")[0]
    assert event["action"] == "add"
    assert event["ip_address"] == address_of(port)
    assert event["mac_address"] == port["mac_address"]
    assert event["hostname"] == port["hostname"]
    assert event["host"] == host.name
    assert abs(event["expires_at"] - time.time() - 3600) < PATIENCE_SECONDS
    assert event["client_id"] == "01:" + port["mac_address"]


def test_a_compute_port_is_ready_only_with_its_tap_on_the_bridge(host: Host) -> None:
    host.start_agent()
    network = host.network()
    waiting = host.port(network)
    bare = host.port(network, device_owner="baremetal:none", binding_host_id="")
    host.api.put(network)
    host.await_ready(bare)
    assert not host.is_ready(waiting)
    host.machine(waiting)
    host.await_ready(waiting)
    bridge = Path(f"/sys/class/net/{model.bridge_name(network['id'])}/brif")
    assert model.tap_name(waiting["id"]) in [path.name for path in bridge.iterdir()]


def test_a_compute_port_whose_tap_goes_is_down_and_ready_again_with_the_next_tap(
    host: Host,
) -> None:
    host.start_agent()
    network, port, machine = served(host)
    for _ in range(2):
        host.unplug(machine)
        eventually(lambda: not host.is_ready(port), "the port is down")
        machine = host.machine(port)
        host.await_ready(port)
    assert machine.udhcpc() == address_of(port)
    bare = host.port(network, device_owner="baremetal:none")
    host.api.put(network)
    host.await_ready(bare)
    host.unplug(host.machine(bare))
    reports = host.api.down_reports
    host.unplug(machine)
    eventually(lambda: host.api.down_reports > reports, "the other port is down")
    assert host.is_ready(bare)


def test_a_restarted_agent_tells_what_became_of_taps_meanwhile(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    other = host.port(network)
    host.api.put(network)
    eventually(lambda: other["id"] in host.known_state(network), "the network is on disk")
    host.end_agent(signal.SIGKILL)
    # The digests stay as they were, as a status is in none, and the disk has both DOWN.
    host.unplug(machine)
    port["status"] = "ACTIVE"
    host.machine(other)
    host.start_agent()
    eventually(lambda: not host.is_ready(port), "the port without tap is down")
    host.await_ready(other)


def test_a_tap_that_no_port_is_known_for_makes_the_agent_ask_at_once(host: Host) -> None:
    host.start_agent(poll_seconds=3600)
    network, _port, _machine = served(host)
    new = host.port(network)
    host.api.put(network, wake=False)
    asked = host.api.asked
    machine = host.machine(new)
    host.await_ready(new)
    assert machine.udhcpc() == address_of(new)
    late = host.port(host.network())
    late_machine = host.machine(late)
    eventually(lambda: host.api.asked >= asked + 2, "it asks before the port is there")
    host.api.put(host.networks[-1], wake=False)
    host.await_ready(late)
    assert late_machine.udhcpc() == address_of(late)


def test_a_machine_that_no_port_stands_for_gets_nothing(host: Host) -> None:
    host.start_agent()
    network, port, _machine = served(host)
    stranger = host.machine(
        {"id": port["id"][::-1].replace("-", "0"), "mac_address": random_mac()}
    )
    tap = model.tap_name(stranger.port["id"])
    run("ip", "link", "set", tap, "master", model.bridge_name(network["id"]), "up")
    assert stranger.udhcpc("-t", "5") == ""


def test_a_machine_that_asks_in_vain_is_told_of_and_a_probe_is_not(host: Host) -> None:
    host.start_agent()
    network, _port, machine = served(host)
    stranger = random_mac()
    run("ip", "-n", machine.namespace, "link", "set", "eth0", "address", stranger)
    machine.udhcpc("-t", "2")
    told = eventually(lambda: host.api.refusals, f"the refusal\n{host.log()[-3000:]}")[-1]
    assert (told["network_id"], told["client"]) == (network["id"], stranger)
    assert told["reason"] == "no address available"
    eventually(lambda: host.api.refusals[-1]["count"] == 2, "both of its requests are counted")
    assert {one["client"] for one in host.api.refusals} == {stranger}


def test_killing_the_agent_disturbs_no_server_and_nothing_is_lost(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    pid = host.dnsmasq_pid(network)
    host.end_agent(signal.SIGKILL)
    assert machine.udhcpc() == address_of(port)
    host.start_agent()
    eventually(lambda: host.api.events_of(address_of(port)) == ["add"], "the spooled event")
    assert host.dnsmasq_pid(network) == pid
    other = host.port(network)
    host.api.put(network)
    machine2 = host.machine(other)
    host.await_ready(other)
    assert machine2.udhcpc() == address_of(other)
    assert host.dnsmasq_pid(network) == pid


def test_a_new_port_on_a_fresh_address_needs_no_signal(host: Host) -> None:
    host.start_agent()
    network, _port, _machine = served(host)
    other = host.port(network)
    host.api.put(network)
    assert host.machine(other).udhcpc() == address_of(other)
    host.await_ready(other)
    assert "ReloadServer" not in host.log()


def test_a_deleted_port_is_gone_and_its_address_serves_another_machine_at_once(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc() == address_of(port)
    eventually(lambda: host.api.events_of(address_of(port)), "the lease event")
    network["ports"] = []
    heir = host.port(network, address_of(port))
    host.api.put(network)
    other = host.machine(heir)
    host.await_ready(heir)
    assert other.udhcpc(*ONCE) == address_of(port), dnsmasq_log(host, network)
    assert machine.udhcpc("-t", "1") == ""
    actions = eventually(
        lambda: a if (a := host.api.events_of(address_of(port))).count("add") == 2 else [],
        "two adds",
    )
    assert "del" in actions


@pytest.mark.parametrize(
    "client", [(), ("-C",), ("-x", "0x3d:ff0102030405060708")], ids=["mac", "none", "own id"]
)
@pytest.mark.parametrize("at_once", [True, False], ids=["replaced", "deleted first"])
def test_the_next_machine_on_the_address_of_one_that_vanished_is_answered_once_it_is_ready(
    host: Host, client: tuple[str, ...], at_once: bool
) -> None:
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc(*client) == address_of(port)
    host.unplug(machine)
    network["ports"] = []
    if not at_once:
        host.api.put(network)
        eventually(lambda: "del" in host.api.events_of(address_of(port)), "the end of the lease")
    heir = host.port(network, address_of(port))
    host.api.put(network)
    other = host.machine(heir)
    host.await_ready(heir)
    assert other.udhcpc(*ONCE, *client) == address_of(port), dnsmasq_log(host, network)
    assert "no address available" not in dnsmasq_log(host, network)


def test_a_lease_that_was_given_while_the_agent_was_away_does_not_hold_up_the_next_machine(
    host: Host,
) -> None:
    host.start_agent()
    network, port, machine = served(host)
    host.end_agent(signal.SIGKILL)
    assert machine.udhcpc() == address_of(port)
    host.unplug(machine)
    network["ports"] = []
    heir = host.port(network, address_of(port))
    host.api.put(network)
    other = host.machine(heir)
    host.start_agent()
    host.await_ready(heir)
    assert other.udhcpc(*ONCE) == address_of(port), dnsmasq_log(host, network)


def test_deleting_a_port_ends_its_lease(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc() == address_of(port)
    network["ports"] = []
    host.api.put(network)
    eventually(lambda: "del" in host.api.events_of(address_of(port)), "the end of the lease")
    assert machine.udhcpc("-t", "1") == ""


@pytest.mark.parametrize("octets", [100, 101, 254])
def test_a_client_identifier_that_is_told_in_part_holds_up_nobody(host: Host, octets: int) -> None:
    """dnsmasq tells its hook 100 octets of it, and knows no lease by those."""
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc("-x", "0x3d:" + "ab" * octets) == address_of(port)
    eventually(lambda: "add" in host.api.events_of(address_of(port)), "the lease")
    pid = host.dnsmasq_pid(network)
    network["ports"] = []
    host.api.put(network)
    eventually(lambda: "del" in host.api.events_of(address_of(port)), "the end of the lease")
    assert host.dnsmasq_pid(network) == pid, "no restart is needed"


def test_a_changed_mac_is_served_and_the_old_one_is_not(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc() == address_of(port)
    new = random_mac()
    network["ports"] = [dict(port, mac_address=new, revision_number=2)]
    host.api.put(network)
    eventually(lambda: host.api.ready.get(port["id"]) == 2, "ready again")
    assert machine.udhcpc("-t", "1") == ""
    run("ip", "-n", machine.namespace, "link", "set", "eth0", "address", new)
    assert machine.udhcpc() == address_of(port)


def test_a_removed_network_leaves_nothing_and_its_leases_end(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc() == address_of(port)
    pid = host.dnsmasq_pid(network)
    host.api.remove(network["id"])
    bridge = model.bridge_name(network["id"])
    eventually(lambda: not Path(f"/run/netns/{model.dhcp_namespace(network['id'])}").exists(), "")
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "dnsmasq has ended")
    eventually(lambda: "missed" in host.api.events_of(address_of(port)), "the end of the lease")
    assert bridge in links(), "a machine is still on the bridge"
    host.unplug(machine)
    eventually(lambda: bridge not in links(), "the bridge goes with its last machine")
    eventually(lambda: not list((host.directory / "run" / "dhcp").iterdir()), "no file is left")


def test_with_the_api_away_a_restarted_agent_serves_on(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    host.end_agent()
    host.api.stop()
    os.kill(host.dnsmasq_pid(network), signal.SIGKILL)
    host.start_agent()
    eventually(lambda: machine.udhcpc("-t", "1") == address_of(port), "an answer")
    host.api.start()
    eventually(lambda: host.api.events_of(address_of(port)), "the event arrives later")


def test_a_dead_dnsmasq_or_helper_is_replaced(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    pid = host.dnsmasq_pid(network)
    os.kill(pid, signal.SIGKILL)
    second = eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), "a new server")
    assert second
    pid = host.dnsmasq_pid(network)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), "a new server and helper")
    assert machine.udhcpc() == address_of(port)
    eventually(lambda: host.api.events_of(address_of(port)), "its hook works")


def test_leases_survive_a_restart_of_dnsmasq(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    assert machine.udhcpc() == address_of(port)
    eventually(lambda: host.api.events, "the lease event")
    pid = host.dnsmasq_pid(network)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), "a new server")

    def renewed() -> bool:
        """Within the second in which the lease began, it ends as before: that is no news."""
        assert machine.udhcpc() == address_of(port)
        return len(host.api.events) > 1

    eventually(renewed, "what the new server says of the lease")
    told = [event["action"] for event in host.api.events]
    assert told[:2] == ["add", "old"], "it was known, and is told of when its machine asks"


def test_an_empty_answer_does_not_stop_most_servers(host: Host) -> None:
    host.start_agent()
    networks = [host.network() for _each in range(4)]
    for network in networks:
        host.api.put(network)
    eventually(lambda: all(host.dnsmasq_pid(n) for n in networks), "the servers")
    pids = [host.dnsmasq_pid(n) for n in networks]
    host.api.networks.clear()
    host.api.wake()
    eventually(lambda: "stops 4 of 4" in host.log(), "the refusal")
    assert [host.dnsmasq_pid(n) for n in networks] == pids
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)


def test_stopping_everything_leaves_the_host_as_it_was(host: Host) -> None:
    host.start_agent(stop_everything=True)
    network, _port, machine = served(host)
    pid = host.dnsmasq_pid(network)
    host.unplug(machine)
    assert host.end_agent(signal.SIGINT) == 0, host.log()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "dnsmasq has ended")
    assert not Path(f"/run/netns/{model.dhcp_namespace(network['id'])}").exists()
    taken = {model.bridge_name(network["id"]), model.tap_name(network["dhcp_port"]["id"])}
    assert not taken & set(links())


def test_sigterm_leaves_the_servers_running(host: Host) -> None:
    host.start_agent()
    _network, port, machine = served(host)
    assert host.end_agent() == 0, host.log()
    assert machine.udhcpc() == address_of(port)


@pytest.mark.parametrize(
    "text",
    [
        "vm\n00:11:22:33:44:55,10.0.0.9",
        "vm,set:evil,10.0.0.9",
        "ignore",
        "infinite",
        "12h",
        "vm #",
        "set:evil",
        "vm\0",
        'v"m',
    ],
)
def test_a_hostile_name_or_option_is_never_syntax(host: Host, text: str) -> None:
    host.start_agent()
    network = host.network(dns_domain=text)
    options = [{"opt_name": "bootfile-name", "opt_value": text, "ip_version": 4}]
    options += [{"opt_name": text, "opt_value": "x", "ip_version": 4}]
    port = host.port(network, hostname=text, extra_dhcp_opts=options)
    host.api.put(network)
    machine = host.machine(port)
    host.await_ready(port)
    assert machine.udhcpc() == address_of(port)
    event = eventually(lambda: host.api.events[:1], "the lease event")[0]
    is_a_name = text in ("ignore", "infinite", "12h")  # to dnsmasq keywords, to Nova names
    assert event["hostname"] == (text if is_a_name else model.default_hostname(address_of(port)))
    assert "evil" not in event["details"].get("tags", "")


def test_what_a_client_sends_reaches_the_api_as_printable_text(host: Host) -> None:
    host.start_agent()
    _network, port, machine = served(host)
    assert machine.udhcpc("-V", "evil\nclass\t\x01", "-x", "hostname:a\nb") == address_of(port)
    event = eventually(lambda: host.api.events[:1], "the lease event")[0]
    assert event["details"]["vendor_class"] == "evil\\x0aclass\\x09\\x01"


def test_a_refused_event_is_set_aside_and_blocks_nothing(host: Host) -> None:
    host.start_agent()
    network, port, machine = served(host)
    host.api.poison.add(address_of(port))
    assert machine.udhcpc() == address_of(port)
    rejected = host.directory / "state" / "agent" / "inbox.rejected"
    eventually(rejected.exists, "the refused event")
    other = host.port(network)
    host.api.put(network)
    assert host.machine(other).udhcpc() == address_of(other)
    eventually(lambda: host.api.events_of(address_of(other)), "the next event")


def test_a_stateful_ipv6_address_is_served_by_mac(host: Host) -> None:
    host.start_agent()
    four = subnet()
    prefix = f"fd00:{four['prefix'].split('.')[1]}:{four['prefix'].split('.')[2]}::"
    six = subnet(
        prefix,
        cidr=f"{prefix}/64",
        ip_version=6,
        gateway_ip=None,
        dns_nameservers=["2001:db8::53"],
        ipv6_address_mode="dhcpv6-stateful",
        ipv6_ra_mode="dhcpv6-stateful",
    )
    network = host.network(subnets=[four, six])
    port = host.port(network)
    port["fixed_ips"].append({"subnet_id": six["id"], "ip_address": f"{prefix}77"})
    host.api.put(network)
    machine = host.machine(port)
    host.await_ready(port)
    assert machine.udhcpc() == address_of(port)
    lease = host.directory / "leases6"
    within = ("ip", "-n", machine.namespace, "-6", "addr", "show", "dev", "eth0")
    eventually(lambda: "fe80" in (a := run(*within)) and "tentative" not in a, "link-local")
    client = ("dhclient", "-6", "-1", "-d", "-sf", "/bin/true", "-lf", str(lease))
    process = subprocess.Popen(
        ["ip", "netns", "exec", machine.namespace, *client, "-pf", str(lease) + ".pid", "eth0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(
            lambda: lease.exists() and f"{prefix}77" in lease.read_text(),
            "the IPv6 lease\n" + dnsmasq_log(host, network),
        )
        event = eventually(
            lambda: [e for e in host.api.events if e["ip_address"] == f"{prefix}77"], "its event"
        )[0]
        assert event["duid"]
        assert event["iaid"]
        network["ports"] = []
        host.api.put(network)
        eventually(lambda: "del" in host.api.events_of(f"{prefix}77"), "the end of the IPv6 lease")
    finally:
        process.kill()
        process.wait()


def test_a_network_without_dhcp_advertises_its_prefix_and_its_name_servers(host: Host) -> None:
    host.start_agent()
    prefix = f"2001:db8:{random.randrange(0x1000, 0x10000):x}::"
    six = subnet(
        prefix,
        server=None,
        cidr=f"{prefix}/64",
        ip_version=6,
        gateway_ip=f"{prefix}1",
        dns_nameservers=["2001:db8::53"],
        ipv6_address_mode="slaac",
        ipv6_ra_mode="slaac",
    )
    network = host.network(subnets=[six])
    port = host.port(network, f"{prefix}77")
    host.api.put(network)
    host.machine(port)
    host.await_ready(port)
    interface = Interface(
        model.tap_name(network["dhcp_port"]["id"]),
        model.dhcp_interface_name(network["dhcp_port"]["id"]),
        network["dhcp_port"]["mac_address"],
        network["mtu"],
    )
    with contextlib.closing(PacketProber()) as prober:
        told = prober.advertisement(network["id"], interface)
        assert told is not None, dnsmasq_log(host, network)
        assert [(one.prefix, one.autonomous) for one in told.prefixes] == [(f"{prefix}/64", True)]
        assert (told.managed, told.other, told.router_seconds) == (False, False, 0)
        assert told.name_servers == ("2001:db8::53",)
        assert told.search == (network["dns_domain"],)
        host.api.put(network | {"subnets": [six | {"dns_nameservers": ["2001:db8::54"]}]})
        eventually(
            lambda: (
                (new := prober.advertisement(network["id"], interface))
                and new.name_servers == ("2001:db8::54",)
            ),
            "the other name server",
        )


def test_a_tap_that_cannot_be_attached_holds_up_nobody(host: Host) -> None:
    host.start_agent()
    network = host.network()
    odd = host.port(network)
    tap = model.tap_name(odd["id"])
    run("ip", "link", "add", tap, "type", "bridge")  # a bridge cannot be on a bridge
    try:
        port = host.port(network)
        host.api.put(network)
        machine = host.machine(port)
        host.await_ready(port)
        assert machine.udhcpc() == address_of(port)
        assert "cannot put" in host.log()
        assert not host.is_ready(odd)
    finally:
        run("ip", "link", "del", tap)


SPEAK = """
import socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(sys.argv[1])
try:
    connection.send(b"rubbish")
    print(connection.recv(16))
except OSError:
    print("refused")
"""


@pytest.mark.parametrize(
    ("user", "answer"), [("root", "b'written'"), ("dnsmasq", "b'written'"), ("daemon", "refused")]
)
def test_only_root_and_the_hook_may_speak_to_the_inbox(host: Host, user: str, answer: str) -> None:
    host.start_agent()
    inbox = host.directory / "run" / "lease-inbox.sock"
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", SPEAK, str(inbox)],
        user=user,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    said = done.stdout.strip()
    assert said == answer or (answer == "refused" and said == "b''"), done
    rejected = host.directory / "state" / "agent" / "inbox.rejected"
    assert rejected.exists() == (answer != "refused")


def test_a_tap_that_the_hypervisor_puts_on_the_bridge_is_left_to_it(host: Host) -> None:
    network = host.network()
    port = host.port(network, binding_vif_type="bridge")
    host.api.put(network)
    host.start_agent()
    bridge, tap = model.bridge_name(network["id"]), model.tap_name(port["id"])
    other = host.port(network)
    host.machine(port)
    host.api.put(network)
    host.machine(other)
    host.await_ready(other)  # the agent has looked, and put this one on the bridge
    assert "master" not in run("ip", "-o", "link", "show", tap)
    assert not host.is_ready(port)
    run("ip", "link", "set", tap, "master", bridge, "up")
    host.await_ready(port)


def test_who_asks_about_a_port_is_told_what_its_machine_would_get(host: Host) -> None:
    host.start_agent()
    option = {"opt_name": "ntp-server", "opt_value": "192.0.2.123", "ip_version": 4}
    network = host.network()
    port = host.port(network, extra_dhcp_opts=[option])
    host.api.put(network)
    machine = host.machine(port)
    host.await_ready(port)
    host.api.questions.append({"id": str(uuid.uuid4()), "port_id": port["id"]})
    host.api.wake()
    answer = eventually(lambda: host.api.answers, "the answer")[0]
    (offer,) = answer["offers"]
    assert (offer["address"], offer["lacks"]) == (address_of(port), "")
    told = {one["name"]: one["value"] for one in offer["options"]}
    subnet_row = network["subnets"][0]
    assert told["router"] == subnet_row["gateway_ip"]
    assert (told["dns-server"], told["ntp-server"], told["mtu"]) == (
        *("192.0.2.53", "192.0.2.123"),
        str(network["mtu"]),
    )
    assert host.api.events == [], "it makes no lease"
    assert machine.udhcpc() == address_of(port)


def test_an_address_that_somebody_else_uses_is_a_trouble_of_the_port(host: Host) -> None:
    host.tidy_seconds = 1.0
    host.start_agent()
    network, port, machine = served(host)
    squatter = host.machine(host.port(network))
    tap = model.tap_name(squatter.port["id"])
    run("ip", "link", "set", tap, "master", model.bridge_name(network["id"]), "up")
    within = ("ip", "-n", squatter.namespace)
    run(*within, "addr", "add", f"{address_of(port)}/24", "dev", "eth0")
    # The client looks by ARP whether somebody has what it was given, and declines it.
    machine.udhcpc("-a", "-t", "1", "-A", "1")

    def ends() -> list[str]:
        found = [one for one in host.api.events if one["action"] == "del"]
        return [one["details"].get("reason", "") for one in found]

    eventually(lambda: DECLINED in ends(), lambda: f"the end with its reason\n{host.api.events}")
    eventually(
        lambda: (
            (DECLINED, model.tap_name(port["id"]))
            in {(r["reason"], r["tap"]) for r in host.api.refusals}
        ),
        lambda: f"the refusal with its tap\n{host.api.refusals}",
    )

    def trouble() -> str:
        facts = host.api.agent.get("configurations") or {}
        return str(facts.get("troubles", {}).get(port["id"], ""))

    eventually(trouble, f"the trouble\n{host.log()[-3000:]}")
    assert f"declined {address_of(port)}" in trouble()
    holder = f"{squatter.port['mac_address']} answers for {address_of(port)}"
    eventually(lambda: holder in trouble(), lambda: f"who answers\n{trouble()}")
    (conflict,) = host.api.agent["configurations"]["conflicts"]
    assert conflict["ip_address"] == address_of(port)
    assert conflict["mac_address"] == squatter.port["mac_address"]
    assert not machine.udhcpc("-t", "1", "-A", "1")
    eventually(lambda: port["id"] not in host.api.ready, lambda: f"down\n{trouble()}")
    run(*within, "addr", "del", f"{address_of(port)}/24", "dev", "eth0")
    eventually(lambda: machine.udhcpc("-t", "1") == address_of(port), "it is given again")
    eventually(lambda: not trouble(), lambda: f"no trouble\n{trouble()}")
    host.await_ready(port)
