"""Decides what this host should have, from the API's description of a network. Pure.

The API's texts go through the parsers of `safe_words` here. A value without a safe form is left
out and named in `faults`, so that an odd value removes only its own line.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeVar

from ipam import model
from ipam.agent.dnsmasq import config, safe_words
from ipam.agent.dnsmasq.config import DhcpRange, Host, Option, Site
from ipam.agent.dnsmasq.port_options import PortOptions, port_options_of
from ipam.agent.promised import Terms, is_advertised, terms
from ipam.agent.state import Bridge, Interface, NetworkState
from ipam.protocol import dhcp_state
from ipam.protocol.dhcp_state import DhcpPort, FullNetwork, ServedDhcpOption, ServedSubnet
from ipam.rules import dns_names
from ipam.rules.ipv6 import eui64, is_auto_address
from ipam.rules.segments import IPV6_MINIMUM_MTU
from ipam.rules.subnet_options import is_unspecified
from ipam.templating import Word

T = TypeVar("T")

IPV6_RANGE_MODES = {
    None: "static",
    model.DHCPV6_STATEFUL: "static",
    model.DHCPV6_STATELESS: "ra-stateless",
    model.SLAAC: "ra-only",
}
"""By ipv6_ra_mode. Without one the range answers only DHCPv6, and another router advertises."""

MOST_IPV6_ADDRESSES = 12
"""How many IPv6 addresses a port may have: dnsmasq reads lines of up to 1,024 characters."""


@dataclass(frozen=True, slots=True)
class ServedPort:
    """A port that this agent's DHCP answers."""

    id: str
    revision_number: int
    status: str
    mac_address: str
    addresses: frozenset[str]
    """The addresses that DHCP gives it."""
    tap: str | None
    """Its tap on this host; None if it is on another host."""
    waits_for_tap: bool
    """It is ready only when a hypervisor's tap is on the bridge."""
    client_id: str | None = None
    """DHCP knows its machine by this identifier (octets in hex), besides its MAC address."""
    is_served: bool = True
    """False if its network is disabled, or has DHCP, but nothing gives its machine an address."""
    hostname: str = ""
    extra_dhcp_opts: tuple[ServedDhcpOption, ...] = ()
    is_advertised_to: bool = False
    """Whether it has an address in a subnet that the DHCP server advertises."""
    makes_own_address: bool = False
    """Whether its machine makes one of these addresses by itself."""


@dataclass(frozen=True, slots=True)
class ServedNetwork:
    """A network with its wanted state, as if all taps of its ports were present."""

    state: NetworkState
    ports: Mapping[str, ServedPort]
    subnets: tuple[IPv4Network | IPv6Network, ...]
    server_duid: str
    faults: tuple[str, ...]
    terms: Terms
    """What each answer to a machine has to have, besides its port's own."""
    self_plugged: frozenset[str] = frozenset()
    """The taps that the hypervisor puts on the bridge itself (vif_type `bridge`)."""

    def reserved(self) -> dict[str, str]:
        """The MAC address for which each address is reserved."""
        return {ip: port.mac_address for port in self.ports.values() for ip in port.addresses}

    def client_ids(self) -> dict[str, str]:
        """The client identifier for which each address is reserved, besides its MAC address."""
        return {
            ip: port.client_id
            for port in self.ports.values()
            if port.client_id
            for ip in port.addresses
        }


@dataclass(frozen=True, slots=True)
class _Subnet:
    id: Word
    network: IPv4Network | IPv6Network
    row: ServedSubnet

    @property
    def reserves(self) -> bool:
        return not is_auto_address(self.row.ipv6_address_mode)


def served_network(row: FullNetwork, site: Site, host: str) -> ServedNetwork:
    """The network of a `dhcp-state` answer. Raises UnfitError if it cannot be used at all."""
    faults: list[str] = []
    network_id = safe_words.uuid(row.id)
    subnets = _dhcp_subnets(row, faults) if row.admin_state_up and row.dhcp_port else []
    ports = [port for port in row.ports if port.admin_state_up]
    bridge = Bridge(model.bridge_name(network_id), row.mtu)
    taps = frozenset(model.tap_name(p.id) for p in ports if p.binding_host_id == host)
    state = NetworkState(network_id, bridge, taps=taps)
    options = port_options_of(ports)
    if row.dhcp_port and subnets:
        network = [option for subnet in subnets for option in _subnet_options(row, subnet, faults)]
        files = {"options/network": config.options_file(network)}
        files |= _port_files(row.dhcp_port, subnets, ports, options=options, faults=faults)
        state = _with_dhcp(
            state, row, row.dhcp_port, site=site, subnets=subnets, files=files, options=network
        )
    giving = _giving(row, subnets)
    served = {
        port.id: replace(
            _served_port(port, host, subnets, options[port.id]),
            is_served=row.admin_state_up and _is_served(port, row, giving),
        )
        for port in ports
    }
    return ServedNetwork(
        state,
        served,
        tuple(subnet.network for subnet in subnets),
        config.server_duid(network_id),
        tuple(faults),
        terms(row, (subnet.row for subnet in subnets)),
        frozenset(
            model.tap_name(port.id) for port in ports if port.binding_vif_type == model.VIF_BRIDGE
        ),
    )


def _giving(row: FullNetwork, subnets: list[_Subnet]) -> set[str]:
    """The ids of the subnets in which a machine gets an address: from here, or makes it itself."""
    alone = {s.id for s in row.subnets if is_auto_address(s.ipv6_address_mode)}
    return alone | {str(subnet.id) for subnet in subnets}


def _is_served(port: dhcp_state.ServedPort, row: FullNetwork, giving: set[str]) -> bool:
    """A network that never had DHCP has no DHCP port, and promises no address to anybody."""
    return row.dhcp_port is None or any(ip.subnet_id in giving for ip in port.fixed_ips)


def _with_dhcp(
    state: NetworkState,
    row: FullNetwork,
    dhcp_port: DhcpPort,
    *,
    site: Site,
    subnets: list[_Subnet],
    files: Mapping[str, str],
    options: Sequence[Option],
) -> NetworkState:
    interface = Interface(
        outside=safe_words.interface(model.tap_name(safe_words.uuid(dhcp_port.id))),
        inside=safe_words.interface(model.dhcp_interface_name(dhcp_port.id)),
        mac=safe_words.mac(dhcp_port.mac_address),
        mtu=row.mtu,
    )
    addresses = _server_addresses(dhcp_port, subnets)
    startup = config.startup(
        site,
        state.id,
        interface=safe_words.interface(interface.inside),
        addresses=addresses,
        mtu=interface.mtu,
        ranges=[_range(subnet, row.lease_seconds) for subnet in subnets],
        options=options,
    )
    return NetworkState(
        id=state.id,
        bridge=state.bridge,
        namespace=True,
        interface=interface,
        addresses=addresses,
        files=files,
        server=startup,
        taps=state.taps,
    )


def _dhcp_subnets(row: FullNetwork, faults: list[str]) -> list[_Subnet]:
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
        elif network.version == 6 and (
            network.prefixlen < 64 or (subnet.ipv6_ra_mode and network.prefixlen != 64)
        ):
            faults.append(f"subnet {subnet.id}: dnsmasq cannot serve the prefix {network}")
        elif subnet.ipv6_address_mode == model.SLAAC and not subnet.ipv6_ra_mode:
            continue  # another router does everything
        else:
            found.append(_Subnet(safe_words.uuid(subnet.id), network, subnet))
    return sorted(found, key=lambda subnet: subnet.id)


def _server_addresses(dhcp_port: DhcpPort, subnets: list[_Subnet]) -> frozenset[str]:
    """The DHCP port's addresses; in a subnet without one, that of its MAC address (EUI-64).

    dnsmasq serves a range only if its interface has an address in it.
    """
    fixed = {ip.subnet_id: ip.ip_address for ip in dhcp_port.fixed_ips}
    found = set()
    for subnet in subnets:
        address = fixed.get(subnet.id)
        if address is None and subnet.network.version == 6:
            address = model.unpack(eui64(str(subnet.network), dhcp_port.mac_address))
        if address is not None:
            found.add(f"{ip_address(address)}/{subnet.network.prefixlen}")
    return frozenset(found)


def _range(subnet: _Subnet, lease_seconds: int) -> DhcpRange:
    mode = IPV6_RANGE_MODES[subnet.row.ipv6_ra_mode]
    advertised = subnet.row.ipv6_ra_mode is not None
    return DhcpRange(subnet.id, subnet.network, mode, lease_seconds, advertised)


def _port_files(
    dhcp_port: DhcpPort,
    subnets: list[_Subnet],
    ports: list[dhcp_state.ServedPort],
    *,
    options: Mapping[str, PortOptions],
    faults: list[str],
) -> dict[str, str]:
    """The reloadable files. Options come before hosts, because hosts' tags refer to options."""
    interface = safe_words.interface(model.dhcp_interface_name(safe_words.uuid(dhcp_port.id)))
    files, hosts = {}, {}
    for port in ports:
        mine = options[port.id]
        faults += mine.faults
        lines = _hosts(port, subnets, mine, faults)
        if mine.lines:
            files[f"options/{port.id}"] = config.options_file(mine.lines)
        if lines:
            hosts[f"hosts/{port.id}"] = config.hosts_file(interface, lines)
    return files | hosts


def _subnet_options(row: FullNetwork, subnet: _Subnet, faults: list[str]) -> Iterable[Option]:
    def parse_domain() -> Word | None:
        return safe_words.domain(row.dns_domain) if row.dns_domain else None

    domain = _or_fault(faults, f"network {row.id}", parse_domain)
    servers = [
        safe_words.address(one)
        for one in subnet.row.dns_nameservers
        if not is_unspecified(one)  # means none; dnsmasq would send its own
    ]
    if subnet.network.version == 6:
        return config.subnet_options6(subnet.id, name_servers=servers, domain=domain)
    gateway = subnet.row.gateway_ip
    return config.subnet_options(
        subnet.id,
        gateway=safe_words.address(gateway) if gateway and not is_unspecified(gateway) else None,
        name_servers=servers,
        routes=[
            (safe_words.destination(route.destination), safe_words.address(route.nexthop))
            for route in subnet.row.host_routes
        ],
        domain=domain,
    )


def _hosts(
    port: dhcp_state.ServedPort, subnets: list[_Subnet], options: PortOptions, faults: list[str]
) -> list[Host]:
    """The port's entries: one per IPv4 address, each with all IPv6 addresses.

    An entry without an IPv6 address would match the machine's DHCPv6 requests and refuse them.
    """
    addresses = _reserved_addresses(port, subnets)
    if not addresses:
        return []
    mac = safe_words.mac(port.mac_address)
    name = _host_name(port, addresses[0], faults)
    client_id = safe_words.client_id(options.client_id) if options.client_id else None
    four = [[safe_words.address(one)] for one in addresses if model.ip_version(one) == 4]
    six = [safe_words.address(one) for one in addresses if model.ip_version(one) == 6]
    if len(six) > MOST_IPV6_ADDRESSES:
        faults.append(f"port {port.id}: DHCPv6 gives it {MOST_IPV6_ADDRESSES} addresses, not all")
        del six[MOST_IPV6_ADDRESSES:]
    return [
        Host(mac, name, (*first, *six), client_id, options.lease_time) for first in four or [[]]
    ]


def _host_name(port: dhcp_state.ServedPort, address: str, faults: list[str]) -> Word:
    label = dns_names.host_label(port.hostname)
    name = _or_fault(faults, f"port {port.id}", lambda: safe_words.hostname(label))
    return name or safe_words.hostname(model.default_hostname(address))


def _reserved_addresses(port: dhcp_state.ServedPort, subnets: list[_Subnet]) -> list[str]:
    by_id = {str(subnet.id): subnet for subnet in subnets if subnet.reserves}
    return [str(ip_address(ip.ip_address)) for ip in port.fixed_ips if ip.subnet_id in by_id]


def _served_port(
    port: dhcp_state.ServedPort, host: str, subnets: list[_Subnet], options: PortOptions
) -> ServedPort:
    here = port.binding_host_id == host
    used = {ip.subnet_id for ip in port.fixed_ips}
    advertised = [one for one in subnets if one.id in used and is_advertised(one.row)]
    return ServedPort(
        id=safe_words.uuid(port.id),
        revision_number=port.revision_number,
        status=port.status,
        mac_address=port.mac_address,
        addresses=frozenset(_reserved_addresses(port, subnets)),
        tap=model.tap_name(port.id) if here else None,
        waits_for_tap=here and port.device_owner.startswith(model.COMPUTE_OWNER_PREFIX),
        client_id=options.client_id.hex(":") if options.client_id else None,
        hostname=port.hostname,
        extra_dhcp_opts=tuple(port.extra_dhcp_opts),
        is_advertised_to=bool(advertised),
        makes_own_address=not all(subnet.reserves for subnet in advertised),
    )


def _or_fault(faults: list[str], what: str, parse: Callable[[], T]) -> T | None:
    try:
        return parse()
    except safe_words.UnfitError as error:
        faults.append(f"{what}: {error}")
        return None
