"""What a machine should get, derived only from the API's answers. Pure.

It is an independent oracle: it shares no code with the agent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_interface, ip_network
from typing import Any

Json = Mapping[str, Any]

STATEFUL = "dhcpv6-stateful"
SELF_MADE = ("slaac", "dhcpv6-stateless")
NAMES = {"42": "ntp-server"}
"""Options that a change sets by number."""
LEASE_SECONDS = 86400
"""The service's default."""
FOR_EVER = -1


@dataclass(frozen=True)
class Told:
    """What a client was given, or is to be given."""

    addresses: frozenset[str] = frozenset()
    """Of IPv4, with prefix length; several where any one of them is right."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What goes with the IPv4 address, by the name of the option."""
    facts_of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same for each address, where several are right: their subnets may differ."""
    addresses6: frozenset[str] = frozenset()
    """Of DHCPv6; of several in one subnet a client that asks once is given one."""
    self_made6: frozenset[str] = frozenset()
    """Every address that the machine makes from a router advertisement."""


def expected(
    network: Json, subnets: Sequence[Json], port: Json, resolvers: Mapping[str, str]
) -> Told:
    """What the port's machine is to get now. `resolvers` has the DHCP port's address by subnet."""
    if not (network["admin_state_up"] and port["admin_state_up"]):
        return Told()
    by_id = {subnet["id"]: subnet for subnet in subnets if subnet["enable_dhcp"]}
    fixed = [
        (by_id[ip["subnet_id"]], ip["ip_address"])
        for ip in port["fixed_ips"]
        if ip["subnet_id"] in by_id
    ]
    four = [(subnet, ip) for subnet, ip in fixed if subnet["ip_version"] == 4]
    six = {ip for subnet, ip in fixed if subnet["ipv6_address_mode"] == STATEFUL}
    made = {
        eui64(subnet["cidr"], port["mac_address"])
        for subnet, _ in fixed
        if subnet["ipv6_ra_mode"] in SELF_MADE and subnet["ipv6_address_mode"] in SELF_MADE
    }
    return Told(
        frozenset(with_length(subnet, ip) for subnet, ip in four),
        facts_of={
            with_length(subnet, ip): facts(network, subnet, port, resolvers.get(subnet["id"]))
            for subnet, ip in four
        },
        addresses6=frozenset(six),
        self_made6=frozenset(made),
    )


def facts(network: Json, subnet: Json, port: Json, resolver: str | None = None) -> dict[str, Any]:
    """What goes with an IPv4 address of this subnet. None stands for an option not sent.

    A gateway goes before a host route for everything, as in Neutron.
    """
    routes = {(row["destination"], row["nexthop"]) for row in subnet["host_routes"]}
    default = [via for destination, via in routes if destination == "0.0.0.0/0"]
    gateway = subnet["gateway_ip"] or (default[0] if default else None)
    if routes and gateway:
        named = {(destination, via) for destination, via in routes if destination != "0.0.0.0/0"}
        routes = named | {("0.0.0.0/0", gateway)}
    given = subnet["dns_nameservers"] or filter(None, [resolver])
    names = [name for name in given if name != "0.0.0.0"]
    options = {
        NAMES.get(row["opt_name"], row["opt_name"]): row["opt_value"]
        for row in (
            *network.get("dhcp_options", ()),
            *subnet.get("dhcp_options", ()),
            *port["extra_dhcp_opts"],
        )
        if row.get("ip_version", 4) == 4
    }
    times = (subnet.get("lease_time"), network.get("lease_time"), LEASE_SECONDS)
    seconds = next(time for time in times if time is not None)
    return {
        "lease": str(seconds if seconds != FOR_EVER else 2**32 - 1),
        "router": options.get("router", gateway),
        "dns": options.get("dns-server", " ".join(names) or None),
        "mtu": options.get("mtu", str(network["mtu"])),
        "domain": network["dns_domain"].rstrip(".") or None,
        "routes": frozenset(routes),
        "ntp": options.get("ntp-server"),
    }


def agrees(told: Told, wanted: Told) -> str:
    """What is wrong with what a machine was told; empty where nothing is."""
    faults = []
    if wanted.addresses and not told.addresses:
        faults.append(f"no IPv4 address; wanted {sorted(wanted.addresses)}")
    if not told.addresses <= wanted.addresses:
        faults.append(f"was given {sorted(told.addresses)}; wanted {sorted(wanted.addresses)}")
    if told.addresses and told.addresses <= wanted.addresses:
        (address,) = told.addresses
        for name, value in wanted.facts_of.get(address, wanted.facts).items():
            if told.facts.get(name) != value:
                faults.append(f"{name} {told.facts.get(name)!r}; wanted {value!r}")
    if not (
        told.addresses6 <= wanted.addresses6
        and prefixes(told.addresses6) == prefixes(wanted.addresses6)
    ):
        faults.append(f"DHCPv6 {sorted(told.addresses6)}; wanted {sorted(wanted.addresses6)}")
    if not wanted.self_made6 <= told.self_made6:
        faults.append(f"made itself {sorted(told.self_made6)}; wanted {sorted(wanted.self_made6)}")
    return "; ".join(faults)


def prefixes(addresses: Iterable[str]) -> set[object]:
    """The /64 of each address."""
    return {ip_interface(f"{address}/64").network for address in addresses}


def with_length(subnet: Json, address: str) -> str:
    """The address with the prefix length that the client is to be told."""
    return str(ip_interface(f"{address}/{ip_network(subnet['cidr']).prefixlen}"))


def eui64(cidr: str, mac: str) -> str:
    """The address that a machine makes of a prefix and its MAC (RFC 4291, appendix A)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    identifier = int.from_bytes(bytes(octets[:3]) + b"\xff\xfe" + bytes(octets[3:]), "big")
    return str(IPv6Address(int(ip_network(cidr).network_address) | identifier))


def canonical(address: str) -> str:
    """One form of an address."""
    return str(ip_address(address))
