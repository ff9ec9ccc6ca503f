"""Decides in which subnets of a network its DHCP server answers, and how. Pure."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

from ipam import model
from ipam.agent.client_classes import dnsmasq_classes
from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import DhcpRange
from ipam.protocol.dhcp_state import DhcpPort, FullNetwork, ServedPort, ServedSubnet
from ipam.rules.dns_answers import reverse_zones
from ipam.rules.ipv6 import eui64, makes_own_addresses
from ipam.rules.segments import IPV6_MINIMUM_MTU
from ipam.templating import Word

IPV6_RANGE_MODES = {
    None: "static",
    model.DHCPV6_STATEFUL: "static",
    model.DHCPV6_STATELESS: "ra-stateless",
    model.SLAAC: "ra-only",
}
"""By ipv6_ra_mode. Without one the range answers only DHCPv6, and another router advertises."""


@dataclass(frozen=True, slots=True)
class DhcpSubnet:
    """A subnet in which the DHCP server answers."""

    id: Word
    network: IPv4Network | IPv6Network
    row: ServedSubnet

    @property
    def reserves(self) -> bool:
        return not makes_own_addresses(self.row.ipv6_ra_mode, self.row.ipv6_address_mode)


def dhcp_subnets(row: FullNetwork, faults: list[str]) -> list[DhcpSubnet]:
    """The subnets of a readable network in which its DHCP server answers, in order of their ids.

    Those that dnsmasq cannot serve are named in `faults`.
    """
    found = []
    for subnet in row.subnets:
        if not subnet.enable_dhcp:
            continue
        network = ip_network(subnet.cidr)
        if network.version == 6 and row.mtu < IPV6_MINIMUM_MTU:
            least = f"IPv6 needs an MTU of at least {IPV6_MINIMUM_MTU}"
            faults.append(f"subnet {subnet.id}: {least}, and the network's is {row.mtu}")
        elif subnet.ipv6_ra_mode not in IPV6_RANGE_MODES:
            faults.append(f"subnet {subnet.id}: {subnet.ipv6_ra_mode!r} is no known ipv6_ra_mode")
        elif network.version == 6 and not _is_served(subnet, network.prefixlen):
            faults.append(f"subnet {subnet.id}: dnsmasq cannot serve the prefix {network}")
        elif subnet.ipv6_address_mode == model.SLAAC and not subnet.ipv6_ra_mode:
            continue  # another router does everything
        else:
            found.append(DhcpSubnet(safe_words.uuid(subnet.id), network, subnet))
    return sorted(found, key=lambda subnet: subnet.id)


def _is_served(subnet: ServedSubnet, length: int) -> bool:
    """Whether dnsmasq serves an IPv6 prefix of this length."""
    makes_own = makes_own_addresses(subnet.ipv6_ra_mode, subnet.ipv6_address_mode)
    return length == 64 if makes_own else length >= 64


def server_addresses(dhcp_port: DhcpPort, subnets: Iterable[DhcpSubnet]) -> frozenset[str]:
    """The DHCP port's addresses; in a subnet without one, that of its MAC address (EUI-64).

    dnsmasq serves a range only if its interface has an address in it. It has several where subnets
    were merged: machines renew their leases at that which they know.
    """
    return frozenset(
        f"{address}/{subnet.network.prefixlen}"
        for subnet in subnets
        for address in _server_addresses(dhcp_port, subnet.row)
    )


def server_address(dhcp_port: DhcpPort, subnet: ServedSubnet) -> str | None:
    """The DHCP port's first address in one subnet, on every host; see `server_addresses`."""
    return next(iter(_server_addresses(dhcp_port, subnet)), None)


def dhcp_range(subnet: DhcpSubnet, lease_seconds: int, faults: list[str]) -> DhcpRange:
    """What dnsmasq is told of the subnet. A class that it cannot be told is named in `faults`."""
    mode = IPV6_RANGE_MODES[subnet.row.ipv6_ra_mode]
    advertised = subnet.row.ipv6_ra_mode is not None
    part = subnet.row.dynamic_part if subnet.network.version == 4 else ()
    dynamic = [(IPv4Address(one.start), IPv4Address(one.end)) for one in part]
    classes = dnsmasq_classes(subnet.row, faults) if subnet.network.version == 4 else ()
    return DhcpRange(
        subnet.id,
        subnet.network,
        mode,
        lease_seconds,
        is_advertised=advertised,
        dynamic=dynamic,
        classes=classes,
        makes_own=not subnet.reserves,
        is_deprecated=subnet.row.is_deprecated and advertised and not subnet.reserves,
    )


def reserved_addresses(
    ports: Iterable[ServedPort], subnets: Iterable[DhcpSubnet]
) -> dict[str, list[str]]:
    """The addresses that DHCP gives to the ports' machines, in order, by the port's id."""
    reserving = {str(subnet.id) for subnet in subnets if subnet.reserves}
    return {
        port.id: [
            str(ip_address(ip.ip_address)) for ip in port.fixed_ips if ip.subnet_id in reserving
        ]
        for port in ports
    }


def dynamic_ranges(row: FullNetwork) -> tuple[tuple[IPv4Address, IPv4Address], ...]:
    """The first and last addresses of the network's dynamic ranges, whoever gives from them."""
    return tuple(
        (IPv4Address(one.start), IPv4Address(one.end))
        for subnet in row.subnets
        for one in subnet.dynamic_ranges
    )


def own_zones(
    row: FullNetwork, subnets: Iterable[DhcpSubnet], *, forwards: bool
) -> Iterator[Word]:
    """The zones in which nobody but the network's resolver knows a name or an address.

    Where it asks elsewhere, that is asked for more names of the domain, too, as in Neutron: the
    domain may be a part of a larger one, or a company's. It is asked for no address of the
    network, also of those subnets in which nothing is served.
    """
    domain = row.dns_domain.strip(".")
    with contextlib.suppress(safe_words.UnfitError):  # its names are not served either
        if domain and not forwards:
            yield safe_words.dns_name(domain)
    cidrs = [str(subnet.network) for subnet in subnets]
    if forwards:
        cidrs += sorted({one.cidr for one in row.subnets} - {*cidrs})
    for cidr in cidrs:
        yield from map(safe_words.dns_name, reverse_zones(cidr))


def _server_addresses(dhcp_port: DhcpPort, subnet: ServedSubnet) -> list[str]:
    found = [ip.ip_address for ip in dhcp_port.fixed_ips if ip.subnet_id == subnet.id]
    if not found and subnet.ip_version == 6:
        found = [model.unpack(eui64(subnet.cidr, dhcp_port.mac_address))]
    return [str(ip_address(one)) for one in found]
