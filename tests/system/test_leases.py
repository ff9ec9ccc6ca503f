"""The lease path with real dnsmasq: what no hook reports is found by what dnsmasq holds."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam import model
from ipam.agent.dnsmasq import lease_file
from tests import debugger
from tests.servers.lua_dnsmasq import lua_dnsmasq
from tests.system.ipam_host import Host, Json, Machine, run
from tests.waiting import eventually

MACHINES = 5

pytestmark = [pytest.mark.root, pytest.mark.system]


def helper_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def agent_pid(host: Host) -> int:
    assert host.process is not None
    return host.process.pid


def release(network: Json, port: Json) -> None:
    """What the machine says when it gives its address back."""
    namespace = model.dhcp_namespace(network["id"])
    inside = re.search(r"(ns-\S+?)@", run("ip", "-n", namespace, "-o", "link"))
    assert inside
    mac = port["mac_address"]
    told = ("dhcp_release", inside[1], address_of(port), mac, f"01:{mac}")
    run("ip", "netns", "exec", namespace, *told)


def address_of(port: Json) -> str:
    return str(port["fixed_ips"][0]["ip_address"])


def served(host: Host, machines: int = MACHINES) -> tuple[Json, list[tuple[Json, Machine]]]:
    network = host.network()
    ports = [host.port(network) for _ in range(machines)]
    host.api.put(network)
    found = [(port, host.machine(port)) for port in ports]
    for port in ports:
        host.await_ready(port)
    return network, found


def held(host: Host, network: Json) -> set[str]:
    """The addresses in dnsmasq's own lease file."""
    text = lease_path(host, network).read_text()
    return {lease.ip_address for lease in lease_file.parsed(text) or ()}


def lease_path(host: Host, network: Json) -> Path:
    return host.directory / "run" / "dhcp" / str(network["id"]) / lease_file.NAME


def sources(host: Host, port: Json) -> list[tuple[str, str]]:
    return [
        (one["action"], one["source"])
        for one in host.api.events
        if one["ip_address"] == address_of(port)
    ]


@pytest.mark.parametrize("victims", ["helper", "both", "main", "agent as well, amid a write"])
def test_what_a_killed_dnsmasq_or_helper_did_not_report_is_recorded(
    host: Host, victims: str
) -> None:
    """The agent is held meanwhile: nobody starts dnsmasq again while the machines ask.

    If the agent and what dnsmasq has in its file are lost as well, its log alone tells of them.
    """
    host.start_agent()
    network, machines = served(host)
    (first, machine), *others = machines
    assert machine.udhcpc() == address_of(first)
    eventually(lambda: host.api.events_of(address_of(first)) == ["add"], "the first lease")
    pid = host.dnsmasq_pid(network)
    helper = helper_of(pid)
    os.kill(agent_pid(host), signal.SIGSTOP)
    os.kill(helper, signal.SIGKILL)
    for port, one in others:
        assert one.udhcpc() == address_of(port)
    release(network, first)
    eventually(lambda: address_of(first) not in held(host, network), "dnsmasq hears the release")
    if victims != "helper":
        os.kill(pid, signal.SIGKILL)
    if victims.startswith("agent"):
        host.end_agent(signal.SIGKILL)
        os.truncate(lease_path(host, network), 0)  # as dnsmasq does before it writes
        host.start_agent()
    else:
        os.kill(agent_pid(host), signal.SIGCONT)
    for port, _one in others:
        eventually(lambda port=port: sources(host, port), "the lease is recorded")  # type: ignore[misc]
    eventually(lambda: len(sources(host, first)) == 2, "and the end of the first")
    assert sources(host, first) == [("add", "hook"), ("missed", "reconciled")]
    for port, _one in others:
        assert sources(host, port) == [("add", "reconciled")]
    eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), "a new server")
    assert held(host, network) == {address_of(port) for port, _one in others}
    assert others[0][1].udhcpc() == address_of(others[0][0])


def test_a_machine_that_came_and_went_before_all_were_killed_is_in_the_history(
    host: Host,
) -> None:
    """Agent, dnsmasq and the helper, with the hook in Lua, which had reported nothing yet."""
    program = lua_dnsmasq()
    if program is None:
        pytest.skip("needs a dnsmasq with Lua: apt install dnsmasq-base-lua")
    host.agent_settings = f"dnsmasq = {program}\nhook = lua\nallow_vulnerable_dnsmasq = true"
    host.start_agent()
    network, ((gone, guest), (staying, resident)) = served(host, 2)
    pid = host.dnsmasq_pid(network)
    helper = helper_of(pid)
    assert resident.udhcpc() == address_of(staying)
    eventually(lambda: sources(host, staying) == [("add", "hook")], "the other's lease")
    with debugger.held(helper):
        assert guest.udhcpc() == address_of(gone)
        eventually(
            lambda: re.search(rf"DHCPACK\S+ {address_of(gone)} ", host.log()),
            "the agent has read it",
        )
        os.kill(agent_pid(host), signal.SIGSTOP)
        release(network, gone)
        eventually(
            lambda: held(host, network) == {address_of(staying)},  # and is not writing it just now
            "dnsmasq hears it",
        )
        for one in (pid, helper):
            os.kill(one, signal.SIGKILL)
        host.end_agent(signal.SIGKILL)
    host.start_agent()
    eventually(lambda: len(sources(host, gone)) == 2, "begin and end")
    assert sources(host, gone) == [("add", "reconciled"), ("missed", "reconciled")]
    assert held(host, network) == {address_of(staying)}


def test_a_killed_hook_costs_no_lease(host: Host) -> None:
    """It may have handed on the event before, or not."""
    host.start_agent()
    network, ((port, machine),) = served(host, 1)
    helper = helper_of(host.dnsmasq_pid(network))
    os.kill(helper, signal.SIGSTOP)
    assert machine.udhcpc() == address_of(port)
    os.kill(agent_pid(host), signal.SIGSTOP)
    os.kill(helper, signal.SIGCONT)
    children = Path(f"/proc/{helper}/task/{helper}/children")
    hook = int(eventually(lambda: children.read_text().split(), "the hook runs")[0])
    os.kill(hook, signal.SIGKILL)
    os.kill(agent_pid(host), signal.SIGCONT)
    eventually(lambda: host.api.events_of(address_of(port)) == ["add"], "it is recorded")


def test_a_lease_that_is_held_when_the_agent_has_lost_its_records_is_recorded(host: Host) -> None:
    host.start_agent()
    _network, ((port, machine),) = served(host, 1)
    assert machine.udhcpc() == address_of(port)
    eventually(lambda: sources(host, port) == [("add", "hook")], "the lease")
    host.end_agent(signal.SIGKILL)
    for path in (host.directory / "state" / "agent" / "leases").glob("*.json"):
        path.write_text('[{"ip_address": "10.0')
    (host.directory / "state" / "agent" / "inbox").unlink(missing_ok=True)
    host.start_agent()
    eventually(
        lambda: sources(host, port) == [("add", "hook"), ("add", "reconciled")],
        "it is known again",
    )


@pytest.fixture
def small_disk(host: Host) -> Iterator[Path]:
    """The agent's state directory, on a disk of its own."""
    place = host.directory / "state"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place))
    yield place
    run("umount", "-l", str(place))


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "filler").open("ab", 0) as filler:
        while True:
            filler.write(bytes(4096))


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_events_reach_the_api_while_the_state_disk_refuses(
    host: Host, small_disk: Path, fault: str
) -> None:
    host.start_agent()
    _network, machines = served(host, 3)
    (first, one), (second, two), (third, three) = machines
    assert one.udhcpc() == address_of(first)
    eventually(lambda: host.api.events_of(address_of(first)) == ["add"], "the first lease")
    if fault == "read-only":
        host.end_agent()  # it has a file open for writing
        run("mount", "-o", "remount,ro", str(small_disk))
        host.start_agent()

    def is_told() -> bool:
        if fault == "full":  # again and again: what is replaced leaves room
            fill(small_disk)
        assert two.udhcpc() == address_of(second)
        return "inbox" in host.api.agent["configurations"]["troubles"]

    eventually(is_told, "the trouble")
    eventually(lambda: host.api.events_of(address_of(second))[:1] == ["add"], "the second lease")
    host.end_agent()
    host.start_agent()
    assert three.udhcpc() == address_of(third)
    eventually(lambda: host.api.events_of(address_of(third)) == ["add"], "the third lease")


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_network_that_is_not_known_at_the_start_is_served_while_the_api_is_away(
    host: Host, damage: str
) -> None:
    host.start_agent()
    network, ((port, machine),) = served(host, 1)
    assert machine.udhcpc() == address_of(port)
    eventually(lambda: host.api.events_of(address_of(port)) == ["add"], "the lease")
    pid = host.dnsmasq_pid(network)
    host.end_agent()
    known = host.directory / "state" / "agent" / "networks" / f"{network['id']}.json"
    if damage == "missing":
        known.unlink()
    else:
        known.write_bytes(bytes(100))
    host.api.stop()
    host.start_agent()
    eventually(lambda: "serving the last known state" in host.log(), "a turn without the API")
    assert machine.udhcpc() == address_of(port)
    assert host.dnsmasq_pid(network) == pid
    host.api.start()
    host.await_ready(port)
    assert host.dnsmasq_pid(network) == pid
    assert "missed" not in host.api.events_of(address_of(port))
