"""Checks the DHCP values that a subnet's machines get. Pure.

An IPv4 answer has little room. dnsmasq fills 576 octets for a machine that does not ask for more
(RFC 2131 §2), and leaves out whole options that do not fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from ipam.errors import (
    CallerError,
    DNSNameServersExhausted,
    HostRoutesExhausted,
    InvalidInput,
)

HEADER_OCTETS: Final = 2
ROOMS_OCTETS: Final = (200, 60)
"""Room for a subnet's own options in the smallest answer.

The first is the rest of the options field after what every answer has, the MTU and a host name of
63 letters. The second is the `sname` field. The `file` field is left for the domain.
"""
ANY_IPV4: Final = "0.0.0.0/0"
MEANS_THE_SERVER: Final = ("fe80::", "fd00::")
"""Addresses that dnsmasq replaces by its own address."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Neutron's settings of the same names."""

    max_dns_nameservers: int
    max_subnet_host_routes: int


@dataclass(frozen=True, slots=True)
class SubnetOptions:
    """The values, as canonical text; routes are pairs of destination and nexthop."""

    ip_version: int
    gateway_ip: str | None
    dns_nameservers: Sequence[str]
    host_routes: Sequence[tuple[str, str]]


def faults(options: SubnetOptions, limits: Limits, subnet: str) -> Iterator[CallerError]:
    """Every reason why machines could not get all values. `subnet` is its name in messages."""
    servers, routes = options.dns_nameservers, options.host_routes
    if len(servers) > limits.max_dns_nameservers:
        yield DNSNameServersExhausted(
            f"Unable to complete operation for {subnet}. The number of DNS nameservers exceeds the"
            f" limit {limits.max_dns_nameservers}."
        )
    if len(routes) > limits.max_subnet_host_routes:
        yield HostRoutesExhausted(
            f"Unable to complete operation for {subnet}. The number of host routes exceeds the"
            f" limit {limits.max_subnet_host_routes}."
        )
    for reason in [*_name_server_faults(options), *_repeated_routes(routes)]:
        yield InvalidInput(f"Invalid input for {reason}.")
    if options.ip_version == 4 and not _all_fit(options):
        yield InvalidInput(
            f"Invalid input for host_routes and dns_nameservers. Reason: with the gateway they"
            f" take {sum(_option_octets(options))} octets of a DHCP answer, which has room for"
            f" {ROOMS_OCTETS[0]} and, for a second option, {ROOMS_OCTETS[1]}."
        )


def is_unspecified(address: str) -> bool:
    """Whether the address is 0.0.0.0 or ::, which dnsmasq would replace by its own address."""
    return ip_address(address).is_unspecified


def told_name_servers(given: Sequence[str], own: str | None) -> list[str]:
    """The name servers that machines are told, as in Neutron.

    Without given ones that is the network's own resolver, if it has the address `own` in the
    subnet. `0.0.0.0` or `::` means none.
    """
    if not given:
        return [own] if own else []
    return [one for one in given if not is_unspecified(one)]


def told_routes(
    gateway: str | None, routes: Sequence[tuple[str, str]]
) -> tuple[str | None, list[tuple[str, str]]]:
    """The router, and the classless routes, beside which clients ignore it; so both say it.

    Routes are pairs of destination and nexthop, in canonical form. The gateway goes before a route
    for everything, as in Neutron.
    """
    if gateway and not is_unspecified(gateway):
        named = [one for one in routes if one[0] != ANY_IPV4]
        return gateway, [*named, (ANY_IPV4, gateway)] if routes else []
    hops = (hop for to, hop in routes if to == ANY_IPV4)
    return next((hop for hop in hops if not is_unspecified(hop)), None), list(routes)


def _name_server_faults(options: SubnetOptions) -> Iterator[str]:
    servers = options.dns_nameservers
    for server in dict.fromkeys(servers):
        if ip_address(server).version != options.ip_version:
            yield (
                f"dns_nameservers. Reason: '{server}' is not of IP version {options.ip_version},"
                " as ip_version says"
            )
        elif is_unspecified(server) and len(servers) > 1:
            yield (
                f"dns_nameservers. Reason: '{server}' says that there is no name server, so it"
                " stands alone"
            )
        elif server in MEANS_THE_SERVER:
            yield f"dns_nameservers. Reason: '{server}' is the prefix of addresses, not one"
        if servers.count(server) > 1:
            yield f"dns_nameservers. Reason: Duplicate nameserver '{server}'"


def _repeated_routes(routes: Sequence[tuple[str, str]]) -> Iterator[str]:
    for destination, nexthop in dict.fromkeys(routes):
        if routes.count((destination, nexthop)) > 1:
            yield f"host_routes. Reason: Duplicate hostroute '{destination}' by '{nexthop}'"


def _all_fit(options: SubnetOptions) -> bool:
    rooms = list(ROOMS_OCTETS)
    for octets in sorted(_option_octets(options), reverse=True):
        room = next((at for at, free in enumerate(rooms) if free >= octets), None)
        if room is None:
            return False
        rooms[room] -= octets
    return True


def _option_octets(options: SubnetOptions) -> list[int]:
    """The size of each option in a message: the router, the name servers, the routes."""
    routes = [destination for destination, _nexthop in options.host_routes]
    if routes and options.gateway_ip and ANY_IPV4 not in routes:
        routes.append(ANY_IPV4)  # classless routes hide the router option (RFC 3442)
    sizes = (
        4 if options.gateway_ip or ANY_IPV4 in routes else 0,
        4 * len(options.dns_nameservers),
        sum(5 + (ip_network(route).prefixlen + 7) // 8 for route in routes),
    )
    return [HEADER_OCTETS + size for size in sizes if size]
