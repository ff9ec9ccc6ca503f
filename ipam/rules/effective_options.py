"""Decides what a machine is told by DHCP, and who says each part of it. Pure.

It is what the API believes; a probe asks the DHCP server. The order is: the deployment, the
network, its subnet, the subnet's client classes, the port. What is nearer to the machine counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from typing import Final, Literal, TypeAlias

from ipam import values
from ipam.rules import client_classes, dhcp_options, dhcp_settings, dns_names
from ipam.rules.client_classes import ClientClass
from ipam.rules.dhcp_option_values import INFINITE_SECONDS, Value
from ipam.rules.dhcp_options import DhcpOption
from ipam.rules.dhcp_settings import Settings, Wish
from ipam.rules.subnet_options import told_name_servers, told_routes

Origin: TypeAlias = Literal["deployment", "network", "subnet", "client class", "port"]
_Source: TypeAlias = tuple[Origin, str, str]
"""What says it, its id, and its attribute."""
LEASE_TIME: Final = "lease-time"
HOST_NAME4, FQDN6 = 12, 39


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What matters of a network."""

    id: str
    mtu: int
    dns_domain: str
    settings: Settings = field(default_factory=Settings)
    lease_time: int | None = None
    """In seconds; as `dhcp_settings.INFINITE_LEASE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """What matters of a subnet. Addresses and routes are canonical texts."""

    id: str
    cidr: str
    gateway_ip: str | None
    dns_nameservers: Sequence[str] = ()
    host_routes: Sequence[tuple[str, str]] = ()
    settings: Settings = field(default_factory=Settings)
    lease_time: int | None = None
    classes: Sequence[ClientClass] = ()
    server_address: str | None = None
    """The DHCP server's own address in it, where the network's resolver answers, too."""
    is_only_advertised: bool = False
    """Its machines ask nobody: they hear what is advertised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """What matters of a port."""

    id: str
    mac_address: str
    hostname: str
    options: Sequence[Wish] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The service's settings."""

    dns_domain: str
    lease_seconds: int


@dataclass(frozen=True, slots=True)
class Effective:
    """A part of the answer. Without a number it is no option."""

    number: int | None
    name: str
    value: str
    """Empty where machines are told that there is none."""
    origin: Origin
    origin_id: str
    """The id of the network, subnet or port."""
    attribute: str
    """What to change there."""
    conditions: tuple[str, ...] = ()
    """What a request must have, or with `!` must not have."""


def effective(
    deployment: Deployment, network: Network, subnet: Subnet, port: Port | None = None
) -> list[Effective]:
    """What a machine of the subnet is told, in order of the numbers.

    Of one number those with conditions are first: they count for the requests that meet them.
    Without a port it is what a machine gets that nobody announced.
    """
    version = ip_network(subnet.cidr).version
    layers = [
        *(_of_subnet4 if version == 4 else _of_subnet6)(deployment, network, subnet),
        *_lease_time(deployment, network, subnet),
    ]
    if not subnet.is_only_advertised:
        layers += [
            *_of_settings(network, subnet, version),
            *(_of_classes(subnet, port) if version == 4 else ()),
            *(_of_port(port, version) if port else ()),
        ]
    counting = [one for at, one in enumerate(layers) if not _is_covered(one, layers[at + 1 :])]
    return sorted(counting, key=lambda one: (_place(one), one.name, -len(one.conditions)))


def _of_subnet4(deployment: Deployment, network: Network, subnet: Subnet) -> Iterator[Effective]:
    def mine(number: int, told: Iterable[object], attribute: str) -> Effective:
        return _row(number, 4, ", ".join(map(str, told)), ("subnet", subnet.id, attribute))

    router, routes = told_routes(subnet.gateway_ip, subnet.host_routes)
    by = "gateway_ip" if router == subnet.gateway_ip else "host_routes"
    yield mine(1, [IPv4Network(subnet.cidr).netmask], "cidr")
    yield mine(3, [router] if router else [], by)
    yield _name_servers(subnet, 6, 4)
    flat = [f"{destination} by {hop}" for destination, hop in routes]
    if flat:
        yield mine(121, flat, "host_routes")
    yield from _domain(deployment, network, {15: 4, 119: 4})
    if network.mtu <= 65535:
        yield _row(26, 4, str(network.mtu), ("network", network.id, "mtu"))


def _of_subnet6(deployment: Deployment, network: Network, subnet: Subnet) -> Iterator[Effective]:
    yield _name_servers(subnet, 23, 6)
    yield from _domain(deployment, network, {24: 6})


def _name_servers(subnet: Subnet, number: int, version: int) -> Effective:
    told = told_name_servers(subnet.dns_nameservers, subnet.server_address)
    own: _Source = ("deployment", "", "the network's own resolver")
    given: _Source = ("subnet", subnet.id, "dns_nameservers")
    origin = given if subnet.dns_nameservers else own
    return _row(number, version, ", ".join(told), origin)


def _domain(
    deployment: Deployment, network: Network, numbers: Mapping[int, int]
) -> Iterator[Effective]:
    domain = dns_names.domain_of(network.dns_domain, deployment.dns_domain).removesuffix(".")
    own: _Source = ("network", network.id, "dns_domain")
    service: _Source = ("deployment", "", "[network] dns_domain")
    if domain and values.is_domain(domain):
        for number, version in numbers.items():
            yield _row(number, version, domain, own if network.dns_domain else service)


def _lease_time(deployment: Deployment, network: Network, subnet: Subnet) -> Iterator[Effective]:
    seconds, level = dhcp_settings.lease_seconds(
        network.lease_time, subnet.lease_time, deployment.lease_seconds
    )
    value = _time(seconds)
    if level is None:
        setting = "[network] dhcp_lease_duration"
        yield Effective(None, LEASE_TIME, value, "deployment", "", setting)
    else:
        origin_id = subnet.id if level == "subnet" else network.id
        yield Effective(None, LEASE_TIME, value, level, origin_id, "lease_time")


def _of_settings(network: Network, subnet: Subnet, version: int) -> Iterator[Effective]:
    for one in dhcp_settings.told(network.settings, subnet.settings, version):
        origin_id = subnet.id if one.level == "subnet" else network.id
        yield _of_option(one.option, (one.level, origin_id, one.attribute))


def _of_classes(subnet: Subnet, port: Port | None) -> Iterator[Effective]:
    """The first class counts. One of MAC addresses alone is the port's or is not."""
    for one in reversed(subnet.classes):
        conditions = [f"vendor class {one.vendor_class}"] if one.vendor_class else []
        if port is None and one.mac_prefix:
            conditions.append(f"MAC address {one.mac_prefix}")
        elif port and not _is_in(port, one):
            continue
        for option in _readable([(name, value, 4) for name, value in one.dhcp_options], 4):
            row = _of_option(option, ("client class", subnet.id, f"client_classes {one.name}"))
            yield replace(row, conditions=(*row.conditions, *conditions))


def _is_in(port: Port, one: ClientClass) -> bool:
    """Whether the class has no MAC addresses, or the port's among them."""
    prefix = one.mac_prefix
    return not prefix or client_classes.matches_prefix(port.mac_address, prefix)


def _of_port(port: Port, version: int) -> Iterator[Effective]:
    label = dns_names.host_label(port.hostname)
    if label:
        number = HOST_NAME4 if version == 4 else FQDN6
        name = "hostname" if version == 4 else "fqdn"
        yield Effective(number, name, label, "port", port.id, "dns_name")
    times = [one for one in _readable(port.options, 4) if one.is_lease_time]
    for one in times:  # it holds for both IP versions
        seconds = int(str(one.values[0]))
        yield Effective(None, LEASE_TIME, _time(seconds), "port", port.id, "extra_dhcp_opts")
    for option in _readable(port.options, version):
        if not option.is_lease_time and not option.is_client_id:
            yield _of_option(option, ("port", port.id, "extra_dhcp_opts"))


def _readable(wishes: Iterable[Wish], version: int) -> Iterator[DhcpOption]:
    for name, value, of in wishes:
        if of == version:
            try:
                yield dhcp_options.parse(name, value or "", version)
            except ValueError:
                continue  # the agent says that it cannot be sent


def _of_option(option: DhcpOption, origin: _Source) -> Effective:
    told = ", ".join(map(_shown, option.values))
    row = _row(option.number, option.ip_version, told, origin)
    return replace(row, conditions=option.conditions)


def _row(number: int, version: int, value: str, origin: _Source) -> Effective:
    return Effective(number, dhcp_options.name_of(number, version), value, *origin)


def _shown(value: Value) -> str:
    match value:
        case bytes():
            return value.hex(":")
        case IPv4Address() | IPv6Address() | IPv4Network() | int():
            return str(value)
        case _:
            return value


def _time(seconds: int) -> str:
    return "infinite" if seconds == INFINITE_SECONDS else str(seconds)


def _is_covered(one: Effective, later: Iterable[Effective]) -> bool:
    return any(
        (other.number, other.name) == (one.number, one.name)
        and set(other.conditions) <= set(one.conditions)
        for other in later
    )


def _place(one: Effective) -> int:
    return 0 if one.number is None else one.number
