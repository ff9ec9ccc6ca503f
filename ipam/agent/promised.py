"""What the API promises a port's machine, in octets: by DHCP, and by router advertisement. Pure.

It is decided from the API's description alone, and not from the text of dnsmasq's files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

from ipam import model, values
from ipam.agent.client_classes import options_of_mac
from ipam.agent.dhcp_settings import lease_seconds, told_options
from ipam.agent.dhcp_subnets import server_address
from ipam.protocol.dhcp_state import FullNetwork, ServedDhcpOption, ServedSubnet
from ipam.rules import dhcp_options, dns_names
from ipam.rules.dhcp_option_values import INFINITE_SECONDS
from ipam.rules.dhcp_option_wire import domain_names, encoded
from ipam.rules.dhcp_options import DhcpOption
from ipam.rules.subnet_options import told_name_servers, told_routes

NETMASK, ROUTER, NAME_SERVERS, HOST_NAME, DOMAIN, MTU = 1, 3, 6, 12, 15, 26
T1, T2, SEARCH, ROUTES, OLD_ROUTES = 58, 59, 119, 121, 249
NAME_SERVERS6, SEARCH6, FQDN6 = 23, 24, 39
NEXT_SERVER = 255
"""dnsmasq's number for the next server, which is a field in the head and no option."""
LONGEST_MTU = 65535


@dataclass(frozen=True, slots=True)
class SubnetTerms:
    """A subnet in which the DHCP server answers."""

    row: ServedSubnet
    network: str
    """Its CIDR in the usual form."""
    options: Mapping[int, bytes]
    """What each of its machines gets, unless its port has another; as in PromisedAnswer."""
    lease_seconds: int
    name_servers: tuple[str, ...] = ()
    next_server: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the network's description says of every machine's answer."""

    mtu: int
    domains: tuple[str, ...]
    lease_seconds: int
    """The longest of its leases."""
    subnets: tuple[SubnetTerms, ...]

    def subnet(self, network: str) -> SubnetTerms | None:
        """The subnet with this CIDR."""
        return next((one for one in self.subnets if one.network == network), None)


@dataclass(frozen=True, slots=True)
class PromisedAnswer:
    """The content of the answer to one machine in one subnet."""

    options: Mapping[int, bytes]
    """By code. Without octets the answer must not have the option."""
    of_port: frozenset[int]
    """The codes that the port itself decides; the others are the subnet's."""
    lease_seconds: int
    next_server: str = ""


@dataclass(frozen=True, slots=True)
class PromisedAdvertisement:
    """The content of a network's router advertisement."""

    managed: bool
    other: bool
    mtu: int
    prefixes: Mapping[str, bool]
    """By prefix, whether machines make their own addresses in it."""
    name_servers: tuple[str, ...] | None
    """None if its subnets disagree, as there is one advertisement for all."""
    search: tuple[str, ...]


def terms(row: FullNetwork, served: Iterable[ServedSubnet]) -> Terms:
    """The network's part; `served` are the subnets in which its DHCP server answers."""
    domains = tuple(_domains(row.dns_domain))
    subnets = tuple(_subnet_terms(row, one, domains) for one in served)
    longest = max((one.lease_seconds for one in subnets), default=row.lease_seconds)
    return Terms(row.mtu, domains, longest, subnets)


def answer(
    subnet: SubnetTerms,
    *,
    mac_address: str,
    hostname: str,
    extra_dhcp_opts: Sequence[ServedDhcpOption],
) -> PromisedAnswer:
    """What a port is promised in a subnet. Its own options replace its class's and the subnet's.

    An option that no machine can be sent is left out; that it is one, is said elsewhere.
    """
    version = subnet.row.ip_version
    mine = list(_own_options(extra_dhcp_opts, version))
    times = [_number(one) for one in _readable(extra_dhcp_opts, 4) if one.is_lease_time]
    lease_seconds = times[-1] if times else subnet.lease_seconds
    of_port = {**_name(hostname, version), **_by_number(mine)}
    of_class = list(_own_options(options_of_mac(subnet.row, mac_address), version))
    options = {**subnet.options, **_by_number(of_class), **of_port}
    if version == 4:
        _leave_out_odd_times(options, lease_seconds)
    return PromisedAnswer(
        options,
        frozenset(of_port.keys() & options.keys()),
        lease_seconds,
        _next_server([*of_class, *mine]) or subnet.next_server,
    )


def advertisement(of_network: Terms) -> PromisedAdvertisement | None:
    """What machines hear of the network's IPv6 subnets; None if another router advertises."""
    advertised = [one for one in of_network.subnets if is_advertised(one.row)]
    modes = {one.network: one.row.ipv6_ra_mode for one in advertised}
    if not modes:
        return None
    lists = {one.name_servers for one in advertised}
    return PromisedAdvertisement(
        managed=model.DHCPV6_STATEFUL in modes.values(),
        other=not {model.DHCPV6_STATEFUL, model.DHCPV6_STATELESS}.isdisjoint(modes.values()),
        mtu=of_network.mtu,
        prefixes={cidr: mode != model.DHCPV6_STATEFUL for cidr, mode in modes.items()},
        name_servers=next(iter(lists)) if len(lists) == 1 else None,
        search=of_network.domains,
    )


def information(of_network: Terms) -> Mapping[int, bytes]:
    """The options of the answer to a machine that asks by DHCPv6 for no address.

    None are promised where other subnets are beside the stateless one: dnsmasq does not know whose
    options to send, and the advertisement has them.
    """
    six = [one for one in of_network.subnets if one.row.ip_version == 6]
    stateless = [one for one in six if one.row.ipv6_ra_mode == model.DHCPV6_STATELESS]
    return six[0].options if len(six) == 1 and stateless else {}


def is_advertised(subnet: ServedSubnet) -> bool:
    """Whether the network's DHCP server advertises the subnet's prefix."""
    return subnet.ip_version == 6 and subnet.ipv6_ra_mode is not None


def _subnet_terms(row: FullNetwork, subnet: ServedSubnet, domains: Sequence[str]) -> SubnetTerms:
    name_servers = _name_servers(row, subnet)
    options = _subnet_options(subnet, row.mtu, domains, _packed(name_servers))
    of_settings = [one for one in told_options(row, subnet) if _is_for_all(one)]
    return SubnetTerms(
        subnet,
        str(ip_network(subnet.cidr)),
        {**options, **_by_number(of_settings)},
        lease_seconds(row, subnet),
        name_servers,
        _next_server(of_settings),
    )


def _subnet_options(
    subnet: ServedSubnet, mtu: int, domains: Sequence[str], name_servers: bytes
) -> Mapping[int, bytes]:
    if subnet.ip_version == 6:
        return {NAME_SERVERS6: name_servers, SEARCH6: domain_names(domains)}
    pairs = [(str(IPv4Network(one.destination)), one.nexthop) for one in subnet.host_routes]
    gateway, routes = told_routes(subnet.gateway_ip, pairs)
    classless = encoded(DhcpOption(ROUTES, 4, tuple(_flat(routes))))
    found = {
        NETMASK: IPv4Network(subnet.cidr).netmask.packed,
        ROUTER: IPv4Address(gateway).packed if gateway else b"",
        NAME_SERVERS: name_servers,
        DOMAIN: ",".join(domains).encode(),
        SEARCH: domain_names(domains),
        ROUTES: classless,
        OLD_ROUTES: classless,
    }
    return found | ({MTU: mtu.to_bytes(2)} if mtu <= LONGEST_MTU else {})


def _flat(routes: Iterable[tuple[str, str]]) -> Iterator[IPv4Network | IPv4Address]:
    for destination, nexthop in routes:
        yield IPv4Network(destination)
        yield IPv4Address(nexthop)


def _name_servers(row: FullNetwork, subnet: ServedSubnet) -> tuple[str, ...]:
    own = server_address(row.dhcp_port, subnet) if row.dhcp_port else None
    return tuple(str(ip_address(one)) for one in told_name_servers(subnet.dns_nameservers, own))


def _packed(addresses: Iterable[str]) -> bytes:
    return b"".join(ip_address(one).packed for one in addresses)


def _domains(dns_domain: str) -> Iterator[str]:
    bare = dns_domain.removesuffix(".")
    if bare and values.is_domain(bare):
        yield bare


def _name(hostname: str, version: int) -> dict[int, bytes]:
    """The machine's name. In DHCPv6 it is a part of a domain, so without end (RFC 4704)."""
    label = dns_names.host_label(hostname)
    if not label or not values.is_domain(label):
        return {}
    octets = label.encode()
    return {HOST_NAME: octets} if version == 4 else {FQDN6: bytes((1, len(octets))) + octets}


def _by_number(options: Iterable[DhcpOption]) -> dict[int, bytes]:
    return {one.number: encoded(one) for one in options if one.number != NEXT_SERVER}


def _next_server(options: Iterable[DhcpOption]) -> str:
    """The next server, empty without one."""
    found = [one for one in options if one.ip_version == 4 and one.number == NEXT_SERVER]
    return str(found[-1].values[0]) if found else ""


def _is_for_all(option: DhcpOption) -> bool:
    """Whether a machine gets it that says nothing of itself, as a probe."""
    return all(condition.startswith("!") for condition in option.conditions)


def _own_options(wishes: Sequence[ServedDhcpOption], version: int) -> Iterator[DhcpOption]:
    for option in _readable(wishes, version):
        if _is_for_all(option) and not option.is_lease_time and not option.is_client_id:
            yield option


def _readable(wishes: Sequence[ServedDhcpOption], version: int) -> Iterator[DhcpOption]:
    for wish in wishes:
        if wish.ip_version != version:
            continue
        try:
            yield dhcp_options.parse(wish.opt_name, wish.opt_value or "", version)
        except ValueError:
            continue


def _number(option: DhcpOption) -> int:
    return int.from_bytes(encoded(option))


def _leave_out_odd_times(options: dict[int, bytes], lease_seconds: int) -> None:
    """Promise no time of renewal that dnsmasq replaces: each has to be before the next."""
    is_infinite = lease_seconds == INFINITE_SECONDS
    t2 = lease_seconds * 7 // 8
    for code in (T2, T1):
        seconds = int.from_bytes(options.get(code, b""))
        if is_infinite or not 2 < seconds < (lease_seconds if code == T2 else t2):
            options.pop(code, None)
        elif code == T2:
            t2 = seconds
