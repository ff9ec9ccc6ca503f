"""Links that a change of the configuration breaks or mends: port, network, addresses. Pure."""

import shlex
from collections.abc import Iterator

from ipam import model
from ipam.cli.explain.facts import Fact, Facts, Fix, Record
from ipam.cli.output import addresses as shown_addresses

NAMES_SHOWN = 5


def called(record: Record) -> str:
    """The name as a word of a command line, or the id where there is no name."""
    return shlex.quote(str(record["name"])) if record["name"] else str(record["id"])


def called_network(facts: Facts) -> str:
    """The network of the only port, as a word of a command line."""
    (one,) = facts.matches
    return called(facts.network) if facts.network else str(one["network_id"])


def called_subnet(subnet: Record) -> str:
    """A subnet as a word of a command line: by its name, or by its CIDR."""
    return called(subnet) if subnet["name"] else str(subnet["cidr"])


def identity(facts: Facts) -> Iterator[Fact]:
    """Which port it is."""
    if len(facts.matches) > 1:
        listed = ", ".join(
            f"{called(one)} on {facts.network_names.get(one['network_id'], one['network_id'])}"
            for one in facts.matches[:NAMES_SHOWN]
        )
        more = "" if len(facts.matches) <= NAMES_SHOWN else ", …"
        yield Fact(
            "identity",
            "several-ports",
            False,
            f"{len(facts.matches)} ports are called so: {listed}{more}",
            fix=Fix(
                "Say which: by its id, or by --network.", f"ipam explain {facts.matches[0]['id']}"
            ),
        )
    elif not facts.matches:
        yield _unknown(facts)
    else:
        port = facts.matches[0]
        text = f"port {called(port)} {port['id']}" if port["name"] else f"port {port['id']}"
        device = f", device {port['device_id']} {port['device_owner']}".rstrip()
        yield Fact("identity", "port-known", True, text + (device if port["device_id"] else ""))


def _unknown(facts: Facts) -> Fact:
    for refusal in facts.refusals:
        name = facts.network_names.get(refusal["network_id"], refusal["network_id"])
        where = f" from {refusal['tap']}" if refusal["tap"] else ""
        command = (
            f"ipam port create --network {shlex.quote(name)} --mac-address {refusal['client']}"
        )
        return Fact(
            "identity",
            "machine-without-port",
            False,
            f"no port has {refusal['client']}, which asks on {name} at {refusal['host']}{where}:"
            f" {refusal['reason']}, {refusal['count']} times",
            source="dnsmasq",
            at=refusal["last_at"],
            fix=Fix("Make a port for it, or plug it into another network.", command),
        )
    for lease in facts.leases:
        return Fact(
            "identity",
            "lease-without-port",
            False,
            f"no port has {lease['ip_address']}: it is leased to {lease['mac_address']}"
            f" by {lease['host']}",
            source="lease",
            at=lease["last_seen_at"],
            fix=Fix("End the lease.", f"ipam lease release {lease['ip_address']}"),
        )
    return Fact(
        "identity",
        "unknown",
        False,
        f"nothing is known of {facts.subject}: no port, no lease, and no DHCP server heard it",
        fix=Fix("Make a port for it.", "ipam port create --network NETWORK --mac-address MAC"),
    )


def port(facts: Facts) -> Iterator[Fact]:
    """Whether port and network are switched on."""
    (one,) = facts.matches
    if not one["admin_state_up"]:
        yield Fact(
            "port",
            "port-disabled",
            False,
            "the port is switched off",
            fix=Fix("Switch it on.", f"ipam port set {called(one)} --enable"),
        )
    if facts.network and not facts.network["admin_state_up"]:
        name = called(facts.network)
        yield Fact(
            "port",
            "network-disabled",
            False,
            f"the network {name} is switched off",
            fix=Fix("Switch it on.", f"ipam network set {name} --enable"),
        )


def addresses(facts: Facts) -> Iterator[Fact]:
    """Whether it has addresses, in subnets that DHCP gives out."""
    (one,) = facts.matches
    if not one["fixed_ips"]:
        yield Fact(
            "address",
            "no-address",
            False,
            "the port has no address",
            fix=Fix(
                "Give it one. If its subnet is full, `ipam subnet usage` shows it.",
                f"ipam port set {called(one)} --fixed-ip subnet=SUBNET",
            ),
        )
        return
    yield Fact(
        "address",
        "has-address",
        True,
        f"{shown_addresses(one['fixed_ips'])} for {one['mac_address']} on {called_network(facts)}",
    )
    yield from _modes(facts)


def _modes(facts: Facts) -> Iterator[Fact]:
    for subnet in facts.subnets:
        name = called_subnet(subnet)
        if not subnet["enable_dhcp"]:
            yield Fact(
                "address",
                "dhcp-off",
                False,
                f"the subnet {name} has no DHCP",
                fix=Fix("Switch it on.", f"ipam subnet set {name} --dhcp"),
            )
        elif subnet["ip_version"] == 6 and subnet["ipv6_address_mode"] == model.SLAAC:
            yield Fact(
                "address",
                "slaac",
                True,
                f"machines make their address of {subnet['cidr']} themselves, from router"
                " advertisements",
                is_note=True,
            )
