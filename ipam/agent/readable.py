"""Leaves out of a network's description what cannot be read, and names it. Pure.

The API checks what it takes, but a row may be older than its check, or written by hand. One that
cannot be read costs its own port or subnet, and not its network.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from ipaddress import ip_network
from typing import TypeVar

from msgspec.structs import replace

from ipam.agent.dnsmasq import safe_words
from ipam.model import ip_version
from ipam.protocol.dhcp_state import FullNetwork, ServedPort, ServedSubnet

T = TypeVar("T", ServedPort, ServedSubnet)


def readable(
    row: FullNetwork, known: Collection[str] = frozenset()
) -> tuple[FullNetwork, list[str]]:
    """The network without what cannot be read, and a sentence for each port or subnet of that.

    A port stays, but has no address, so that it counts as not served. The ports with the ids that
    are `known` can be read.
    """
    own = {ip.subnet_id: ip.ip_address for ip in row.dhcp_port.fixed_ips} if row.dhcp_port else {}
    faults: list[str] = []

    def is_readable(what: str, one: T, read: Callable[[T], object]) -> bool:
        try:
            read(one)
        except ValueError as error:
            faults.append(f"{what} {one.id}: left out: {error}")
            return False
        return True

    subnets = [one for one in row.subnets if is_readable("subnet", one, lambda s: _read(s, own))]
    ports = [
        one
        if one.id in known or is_readable("port", one, _read_port)
        else replace(
            one, mac_address="", fixed_ips=[], extra_dhcp_opts=[], allowed_address_pairs=[]
        )
        for one in row.ports
    ]
    servers = row.dns_servers and list(_name_servers(row, faults))
    if not faults:
        return row, faults
    return replace(row, subnets=subnets, ports=ports, dns_servers=servers), faults


def _name_servers(row: FullNetwork, faults: list[str]) -> Iterator[str]:
    for one in row.dns_servers or ():
        try:
            safe_words.address(one)
        except ValueError as error:
            faults.append(f"network {row.id}: a name server is left out: {error}")
        else:
            yield one


def _read(subnet: ServedSubnet, of_server: Mapping[str, str]) -> None:
    """Raise ValueError if a value of the subnet, or the server's address in it, is unreadable.

    A name server of the other IP version can be read; dnsmasq leaves out that one alone.
    """
    if not subnet.enable_dhcp:
        return
    version = ip_network(subnet.cidr).version
    if version != subnet.ip_version:
        raise ValueError(f"{subnet.cidr} is no network of IPv{subnet.ip_version}")
    for one in subnet.dns_nameservers:
        safe_words.address(one)
    own, gateway = of_server.get(subnet.id), subnet.gateway_ip
    for address in filter(None, (own, gateway, *(one.nexthop for one in subnet.host_routes))):
        safe_words.address(address)
        if ip_version(address) != version:
            raise ValueError(f"{address} is no address of IPv{version}")
    for route in subnet.host_routes if version == 4 else ():
        safe_words.destination(route.destination)


def _read_port(port: ServedPort) -> None:
    safe_words.mac(port.mac_address)
    for ip in port.fixed_ips:
        safe_words.address(ip.ip_address)
    for pair in port.allowed_address_pairs:
        ip_network(pair.ip_address, strict=False)
        if pair.mac_address:
            safe_words.mac(pair.mac_address)
