"""What is changed by hand on a real host is put right and said, and a machine is served again."""

import os
import re
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from ipam import model
from ipam.agent.dnsmasq.files import CONFIG
from tests.system.ipam_host import Host, Json, Machine, run, subnet
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

Change = Callable[[Host, Json], object]


def directory(host: Host, network: Json) -> Path:
    return host.directory / "run" / "dhcp" / str(network["id"])


def hosts_file(host: Host, network: Json) -> Path:
    return directory(host, network) / "hosts" / str(network["ports"][0]["id"])


def inside(network: Json, *words: str) -> str:
    """`ip` in the network's namespace; `{}` stands for its interface."""
    name = model.dhcp_interface_name(network["dhcp_port"]["id"])
    within = ("ip", "-n", model.dhcp_namespace(network["id"]))
    return run(*within, *(word.format(name) for word in words))


def outer(network: Json) -> str:
    return model.tap_name(network["dhcp_port"]["id"])


def rename_outer(host: Host, network: Json) -> None:
    """In one go: once the link is down the agent is about to replace it."""
    name = outer(network)
    steps = host.directory / "rename"
    steps.write_text(f"link set {name} down\nlink set {name} name old{network['id'][:8]} up\n")
    run("ip", "-batch", str(steps))


def replace_by_copy(host: Host, replaced: Path) -> None:
    """It looks the same, and nobody looks at it."""
    copy = host.directory / "copy"
    run("cp", "-a", str(replaced), str(copy))
    replaced.rename(host.directory / "original")
    copy.rename(replaced)


def change_inside(words: Sequence[str], _host: Host, network: Json) -> None:
    inside(network, *words)


IN_NAMESPACE = {
    "flushed": ("addr", "flush", "dev", "{}"),
    "another address": ("addr", "add", "192.0.2.77/24", "dev", "{}"),
    "down": ("link", "set", "{}", "down"),
    "loopback": ("link", "set", "lo", "down"),
    "mac": ("link", "set", "{}", "address", "fa:16:3e:99:99:99"),
    "mtu": ("link", "set", "{}", "mtu", "1300"),
    "deleted": ("link", "del", "{}"),
}

CHANGES: dict[str, Change] = {
    **{name: partial(change_inside, words) for name, words in IN_NAMESPACE.items()},
    "outer renamed": rename_outer,
    "outer mtu": lambda _host, network: run("ip", "link", "set", outer(network), "mtu", "1300"),
    "outer down": lambda _host, network: run("ip", "link", "set", outer(network), "down"),
    # The agent may be so fast that `ip` finds a new one when it removes the file.
    "namespace deleted": lambda _host, network: run(
        "ip", "netns", "del", model.dhcp_namespace(network["id"]), check=False
    ),
    "bridge deleted": lambda _host, network: run(
        "ip", "link", "del", model.bridge_name(network["id"])
    ),
    "hosts file deleted": lambda host, network: hosts_file(host, network).unlink(),
    "hosts file edited": lambda host, network: hosts_file(host, network).write_text("mine\n"),
    "hosts file added": lambda host, network: (
        hosts_file(host, network)
        .with_name("mine")
        .write_text("fa:16:3e:88:88:88,mine,10.66.66.66\n")
    ),
    # The agent may be so fast that it puts something back before all is gone.
    "directory removed": lambda host, network: shutil.rmtree(
        directory(host, network), ignore_errors=True
    ),
    "directory renamed": lambda host, network: directory(host, network).rename(
        host.directory / "elsewhere"
    ),
    "directory replaced": lambda host, network: replace_by_copy(host, directory(host, network)),
    "hosts directory replaced": lambda host, network: replace_by_copy(
        host, directory(host, network) / "hosts"
    ),
    "all directories renamed": lambda host, network: directory(host, network).parent.rename(
        host.directory / "elsewhere"
    ),
    "run directory removed": lambda host, _network: shutil.rmtree(
        host.directory / "run", ignore_errors=True
    ),
    "run directory renamed": lambda host, _network: (host.directory / "run").rename(
        host.directory / "elsewhere"
    ),
}


@pytest.fixture
def served(host: Host) -> tuple[Json, Machine]:
    """A network and its machine, which has its lease."""
    network = host.network()
    port = host.port(network)
    host.api.put(network)
    host.start_agent()
    machine = host.machine(port)
    host.await_ready(port)
    assert machine.udhcpc() == port["fixed_ips"][0]["ip_address"]
    return network, machine


def said(host: Host, network: Json, words: str) -> list[str]:
    line = re.compile(rf"(network |/){network['id']}(: |/){words}")
    return [one for one in host.log().splitlines() if line.search(one)]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_by_hand_is_put_right_and_said_once(
    host: Host, served: tuple[Json, Machine], change: str
) -> None:
    network, machine = served
    CHANGES[change](host, network)
    eventually(
        lambda: said(host, network, "it is as it should be again"), lambda: host.log()[-3000:]
    )
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]
    assert len(said(host, network, "changed by hand")) == 1
    assert "a turn failed" not in host.log(), host.log()


def served_ipv6(host: Host) -> tuple[Json, Json]:
    """A network with DHCPv6 alone and one port that is served, and one more port for later."""
    prefix = f"2001:db8:0{uuid.uuid4().hex[:3]}:"  # as the API may write it, and dnsmasq never
    six = subnet(
        prefix,
        server=f"{prefix}:2",
        cidr=f"{prefix}:/64",
        ip_version=6,
        gateway_ip=f"{prefix}:1",
        dns_nameservers=[],
        ipv6_ra_mode="dhcpv6-stateful",
        ipv6_address_mode="dhcpv6-stateful",
    )
    network = host.network(subnets=[six])
    ports = [host.port(network, f"{prefix}:{number}", device_owner="") for number in (10, 11)]
    host.api.put({**network, "ports": ports[:1]})
    host.start_agent()
    host.await_ready(ports[0])
    return network, ports[1]


def test_flushed_ipv6_addresses_are_given_again_and_dnsmasq_answers_with_them(
    host: Host,
) -> None:
    network, later = served_ipv6(host)
    inside(network, "-6", "addr", "flush", "dev", "{}")
    eventually(lambda: said(host, network, "it is as it should be again"), host.log)
    host.api.put(network)
    host.await_ready(later)  # which the agent says when dnsmasq has answered a SOLICIT


def test_flushed_neighbour_entries_of_the_dhcp_port_are_put_back_and_said_once(
    host: Host,
) -> None:
    network, later = served_ipv6(host)
    inside(network, "-6", "neigh", "flush", "dev", "{}", "nud", "permanent")
    assert "PERMANENT" not in inside(network, "-6", "neigh", "show", "dev", "{}")
    pid = host.dnsmasq_pid(network)
    os.kill(pid, signal.SIGKILL)  # it remembers an entry for 90 s
    eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), host.log)
    host.api.put(network)
    host.await_ready(later)
    entries = inside(network, "-6", "neigh", "show", "dev", "{}", "nud", "permanent")
    assert entries.count("PERMANENT") == 2, "the address and the link-local one"
    assert len(said(host, network, "neighbour entries of .* were removed and are put back")) == 1


def test_a_dnsmasq_that_is_stopped_goes_on(host: Host, served: tuple[Json, Machine]) -> None:
    network, machine = served
    pid = host.dnsmasq_pid(network)
    os.kill(pid, signal.SIGSTOP)
    eventually(
        lambda: said(host, network, "dnsmasq was stopped by a signal"), lambda: host.log()[-3000:]
    )
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]
    assert host.dnsmasq_pid(network) == pid
    assert len(said(host, network, "dnsmasq was stopped by a signal")) == 1


def test_the_startup_file_and_the_pid_file_are_put_back(
    host: Host, served: tuple[Json, Machine]
) -> None:
    network, machine = served
    pid = host.dnsmasq_pid(network)
    config = directory(host, network) / CONFIG
    before = config.read_text()
    config.write_text("port=53\n")
    (directory(host, network) / "pid").unlink()
    eventually(lambda: config.read_text() == before, lambda: host.log()[-3000:])
    eventually(lambda: host.dnsmasq_pid(network) == pid, lambda: host.log()[-3000:])
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]
    assert len(said(host, network, f"{CONFIG} was changed by hand and is put back")) == 1


def test_modes_and_owners_are_put_back_and_dnsmasq_reads_again(
    host: Host, served: tuple[Json, Machine]
) -> None:
    network, machine = served
    file = hosts_file(host, network)
    for path, mode in ((file, 0o600), (file.parent, 0o700)):
        path.chmod(mode)
        eventually(partial(said_of_modes, host, path), lambda: host.log()[-3000:])
    os.chown(directory(host, network) / CONFIG, 65534, 65534)
    eventually(
        lambda: (directory(host, network) / CONFIG).stat().st_uid == 0,
        lambda: host.log()[-3000:],
    )
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]
    assert [len(said_of_modes(host, path)) for path in (file, file.parent)] == [1, 1]


def said_of_modes(host: Host, path: Path) -> list[str]:
    words = f"mode or owner was changed by hand and is put back: {path}"
    return [one for one in host.log().splitlines() if one.endswith(words)]


def test_sockets_and_shared_files_that_others_remove_are_there_again(
    host: Host, served: tuple[Json, Machine]
) -> None:
    network, machine = served
    run_path, state = host.directory / "run", host.directory / "state" / "agent"
    sockets = [run_path / "lease-inbox.sock", run_path / "agent-wake.sock"]
    hook = state / "dnsmasq_hook"
    before = hook.read_bytes()
    for path in (*sockets, hook, state / "mac_tags.conf"):
        path.unlink()
    (state / "spool").chmod(0o700)
    shutil.rmtree(state / "holds")
    paths = (*sockets, hook, state / "mac_tags.conf", state / "holds")
    eventually(lambda: all(path.exists() for path in paths), lambda: host.log()[-3000:])
    eventually(lambda: (state / "spool").stat().st_mode & 0o777 == 0o711, host.log)
    assert hook.read_bytes() == before
    assert os.access(hook, os.X_OK)
    assert host.log().count(f"{hook} was removed by hand and is put back") == 1
    told = len(host.api.events)
    other = host.port(network)
    host.api.put(network)
    second = host.machine(other)
    host.await_ready(other)
    assert second.udhcpc() == other["fixed_ips"][0]["ip_address"]
    eventually(lambda: len(host.api.events) > told, "the lease reaches the API")
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]
    assert "a turn failed" not in host.log(), host.log()


def test_a_directory_that_went_while_no_agent_ran_leaves_one_server(
    host: Host, served: tuple[Json, Machine]
) -> None:
    network, machine = served
    pid = host.dnsmasq_pid(network)
    host.end_agent(signal.SIGKILL)
    shutil.rmtree(directory(host, network))
    host.start_agent()
    eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), lambda: host.log()[-3000:])
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the old one has ended")
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]


def test_what_is_on_hold_is_left_until_the_hold_ends(
    host: Host, served: tuple[Json, Machine]
) -> None:
    network, machine = served
    hold = ("agent", "hold", network["id"], "--config-file", f"{host.directory}/ipam.conf")
    run(sys.executable, "-m", "ipam", *hold)
    other = host.network()
    port = host.port(other)
    inside(network, *IN_NAMESPACE["flushed"])
    host.api.put(other)
    host.machine(port)
    host.await_ready(port)
    assert machine.udhcpc("-t", "2") == ""
    assert said(host, network, "changed by hand") == []
    run(sys.executable, "-m", "ipam", *hold, "--off")
    eventually(
        lambda: said(host, network, "it is as it should be again"), lambda: host.log()[-3000:]
    )
    assert machine.udhcpc() == machine.port["fixed_ips"][0]["ip_address"]
