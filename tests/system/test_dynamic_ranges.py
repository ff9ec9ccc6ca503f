"""Machines without a port get addresses of a dynamic range, from real dnsmasq."""

import signal
import uuid
from pathlib import Path

import pytest

from ipam import model
from tests.system.dns_client import DnsClient
from tests.system.ipam_host import Host, Json, Machine, random_mac, run, subnet
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]


def with_range(host: Host, first: int = 100, last: int = 101) -> tuple[Json, str]:
    """A network whose addresses from `first` to `last` are for strangers; their prefix."""
    row = subnet()
    span = [{"start": f"{row['prefix']}{first}", "end": f"{row['prefix']}{last}"}]
    network = host.network(subnets=[row | {"dynamic_ranges": span, "dynamic_part": span}])
    host.api.put(network)
    eventually(lambda: host.dnsmasq_pid(network), "dnsmasq runs")
    return network, row["prefix"]


def stranger(host: Host, network: Json, mac: str = "") -> Machine:
    """A machine of no port on the network's bridge, as on a wire."""
    port_id, mac = str(uuid.uuid4()), mac or random_mac()
    machine = host.machine({"id": port_id, "mac_address": mac})
    bridge = model.bridge_name(network["id"])
    eventually(Path(f"/sys/class/net/{bridge}").exists, "the network has its bridge")
    run("ip", "link", "set", model.tap_name(port_id), "master", bridge, "up")
    return machine


def port_of(host: Host, network: Json, machine: Machine, address: str, owner: str) -> Json:
    """What the API makes of the lease."""
    return host.port(
        network,
        address,
        mac_address=machine.port["mac_address"],
        device_owner=owner,
        binding_host_id="",
    )


def test_a_stranger_gets_an_address_that_becomes_its_reservation(host: Host) -> None:
    host.start_agent()
    network, prefix = with_range(host)
    machine = stranger(host, network)
    address = machine.udhcpc()
    assert address in (f"{prefix}100", f"{prefix}101")
    eventually(lambda: host.api.events_of(address) == ["add"], "the lease is reported")
    assert host.api.events[0]["details"]["vendor_class"].startswith("udhcp")
    port = port_of(host, network, machine, address, "dhcp:lease")
    host.api.put(network)
    host.await_ready(port)
    assert machine.udhcpc("-r", address) == address
    port["device_owner"] = ""
    host.api.put(network)
    assert machine.udhcpc("-r", address) == address
    assert machine.udhcpc("-x", "0x3d:0011223344") == address, "another system on the machine"
    assert machine.udhcpc("-x", "hostname:wpad") == address
    other = stranger(host, network)
    asker = DnsClient(model.bridge_name(network["id"]), f"{prefix}200/24")
    try:
        of_another = model.default_hostname(address)
        assert other.udhcpc("-x", f"hostname:{of_another}") != address
        assert asker.addresses(f"{prefix}2", of_another) <= {address}
        found = other.udhcpc("-x", "hostname:printer")
        assert {found, address} == {f"{prefix}100", f"{prefix}101"}
        assert asker.addresses(f"{prefix}2", "printer") == {found}
        assert asker.code(f"{prefix}2", "wpad") == "NXDOMAIN", "others would trust it"
    finally:
        asker.close()
    assert stranger(host, network).udhcpc("-t", "1") == ""
    assert "DHCPNAK" not in host.log()


def test_a_machine_whose_port_is_off_is_no_stranger(host: Host) -> None:
    host.start_agent()
    network, prefix = with_range(host)
    machine = stranger(host, network)
    port = host.port(
        network,
        f"{prefix}9",
        mac_address=machine.port["mac_address"],
        binding_host_id="",
        admin_state_up=False,
    )
    host.api.put(network)
    refused = Path(host.directory / "run" / "dhcp" / network["id"] / "hosts" / "refused")
    eventually(refused.exists, "the machine is known")
    assert machine.udhcpc("-t", "3") == ""
    assert stranger(host, network).udhcpc() in (f"{prefix}100", f"{prefix}101")
    port["admin_state_up"] = True
    host.api.put(network)
    host.await_ready(port)
    assert machine.udhcpc() == f"{prefix}9"
    port["admin_state_up"] = False
    host.api.put(network)
    eventually(refused.exists, "it is off again")
    assert machine.udhcpc("-t", "3") == ""


def test_machines_of_a_class_get_its_addresses_and_options(host: Host) -> None:
    host.start_agent()
    row = subnet()
    prefix = row["prefix"]
    classes: list[Json] = [
        {
            "name": "phones",
            "vendor_class": 'sip "7", x',
            "has_range": True,
            "part": [{"start": f"{prefix}120", "end": f"{prefix}120"}],
            "dhcp_options": [option("tftp-server", "10.9.9.9"), option("dns-server", "10.9.9.8")],
        },
        {
            "name": "labs",
            "mac_prefix": "52:54:01",
            "dhcp_options": [option("tftp-server", "10.9.9.7")],
        },
    ]
    span = [{"start": f"{prefix}100", "end": f"{prefix}101"}]
    row |= {"dynamic_part": span, "client_classes": classes, "dns_nameservers": ["10.9.9.1"]}
    row["dynamic_ranges"] = [*span, *classes[0]["part"]]
    network = host.network(subnets=[row])
    labelled = host.port(network, mac_address="52:54:01:00:00:09")
    host.api.put(network)
    told = host.directory / "told"
    phone, lab = stranger(host, network), stranger(host, network, "52:54:01:00:00:07")
    asked = ("-O", "tftp", "-O", "66", "-s", str(telling(told)))
    assert phone.udhcpc("-V", 'a sip "7", x phone', *asked) == f"{prefix}120"
    assert told.read_text().splitlines() == ["10.9.9.9", "10.9.9.8"]
    assert lab.udhcpc(*asked) in (f"{prefix}100", f"{prefix}101")
    assert told.read_text().splitlines() == ["10.9.9.7", "10.9.9.1"]
    other = stranger(host, network, "52:54:01:00:00:08")
    assert other.udhcpc("-V", 'sip "7", x', "-t", "1") == "", "the class has no more addresses"
    host.machine(labelled)
    host.await_ready(labelled)
    assert "not as promised" not in host.log()


def option(name: str, value: str) -> Json:
    return {"opt_name": name, "opt_value": value, "ip_version": 4}


def telling(path: Path) -> Path:
    """A script of udhcpc that writes the TFTP server and the name server that it was told."""
    script = path.with_suffix(".sh")
    script.write_text(f'#!/bin/sh\n[ "$1" = deconfig ] || echo "$tftp\n$dns" > {path}\n')
    script.chmod(0o755)
    return script


def test_a_lease_that_is_to_end_ends_and_others_stay(host: Host) -> None:
    host.start_agent()
    network, prefix = with_range(host)
    machines = {one.udhcpc(): one for one in (stranger(host, network), stranger(host, network))}
    gone, kept = f"{prefix}100", f"{prefix}101"
    assert machines.keys() == {gone, kept}
    mac = machines[gone].port["mac_address"]
    asked = {"ip_address": gone, "mac_address": mac, "duid": None, "iaid": None}
    host.api.put(network | {"ending_leases": [asked]})
    eventually(lambda: host.api.events_of(gone) == ["add", "del"], "the lease ends")
    assert host.api.events_of(kept) == ["add"]


def test_addresses_that_other_hosts_serve_are_not_given(host: Host) -> None:
    host.start_agent()
    network, prefix = with_range(host)
    (row,) = network["subnets"]
    host.api.put(network | {"subnets": [row | {"withheld": [f"{prefix}100"]}]})
    hosts = host.directory / "run" / "dhcp" / network["id"] / "hosts" / "withheld"
    eventually(hosts.exists, "the agent has heard")
    assert stranger(host, network).udhcpc() == f"{prefix}101"
    assert stranger(host, network).udhcpc("-t", "1") == ""


def test_leases_of_a_range_outlive_the_hosts_memory(host: Host) -> None:
    """A reboot takes the run directory, and a lease that nobody had recorded yet."""
    host.start_agent()
    network, prefix = with_range(host, last=100)
    assert stranger(host, network).udhcpc() == f"{prefix}100"
    assert host.end_agent(signal.SIGTERM) == 0
    namespace = model.dhcp_namespace(network["id"])
    run("ip", "netns", "del", namespace)
    pid = host.dnsmasq_pid(network)
    run("kill", "-9", str(pid))
    run(
        "rm",
        "-r",
        str(host.directory / "run" / "dhcp"),
        str(host.directory / "state/agent/leases"),
    )
    host.start_agent()
    eventually(lambda: host.dnsmasq_pid(network) not in (0, pid), "dnsmasq runs again")
    assert stranger(host, network).udhcpc("-t", "1") == ""


def test_without_a_range_strangers_hear_nothing(host: Host) -> None:
    """Another DHCP server may know them: nothing is refused that it gave."""
    host.start_agent()
    network = host.network()
    port = host.port(network)
    host.api.put(network)
    mine = host.machine(port)
    host.await_ready(port)
    foreign = f"{network['subnets'][0]['prefix']}77"
    assert stranger(host, network).udhcpc("-t", "1", "-r", foreign) == ""
    assert mine.udhcpc() == port["fixed_ips"][0]["ip_address"]
    assert "DHCPNAK" not in host.log()
