"""Decides what this host should have, from the API's description of a network. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv6Network

from ipam import model
from ipam.agent.client_classes import class_options
from ipam.agent.dhcp_settings import lease_seconds, settings_options, tells_architectures
from ipam.agent.dhcp_subnets import (
    DhcpSubnet,
    dhcp_range,
    dhcp_subnets,
    dynamic_ranges,
    own_zones,
    reserved_addresses,
    server_addresses,
)
from ipam.agent.dnsmasq import config, safe_words
from ipam.agent.dnsmasq.config import Option, Site
from ipam.agent.dnsmasq.port_options import PortOptions, port_options_of
from ipam.agent.guard.elements import Guard, TapGuard, tap_guard
from ipam.agent.guard.fence import SERVER, fence
from ipam.agent.guard.opening import asking
from ipam.agent.guard.packed import Packed
from ipam.agent.promised import is_advertised, terms
from ipam.agent.readable import readable
from ipam.agent.reloadable_files import port_files, refused_files, subnet_options, withheld_files
from ipam.agent.same_ports import SamePorts, same_ports
from ipam.agent.served import ServedNetwork, ServedPort
from ipam.agent.state import Interface, NetworkState
from ipam.agent.wires import NO_REACH, Reach, place
from ipam.protocol import dhcp_state
from ipam.protocol.dhcp_state import DhcpPort, FullNetwork, ServedSubnet
from ipam.rules.ipv6 import makes_own_addresses
from ipam.rules.mappings import host_and_interface
from ipam.rules.segments import OF_UPLINKS


def served_network(
    row: FullNetwork,
    site: Site,
    host: str,
    reach: Reach = NO_REACH,
    before: ServedNetwork | None = None,
) -> ServedNetwork:
    """The network of a `dhcp-state` answer. Raises UnfitError if it cannot be used at all.

    `faults` of it names each port, subnet or value that was left out. `before` is what was made of
    it with the same `site`, `host` and `reach`: what has not changed is taken from that.
    """
    description, same = row, same_ports(before, row)
    row, faults = readable(row, same.ids)
    network_id = safe_words.uuid(row.id)
    subnets = dhcp_subnets(row, faults) if row.admin_state_up and row.dhcp_port else []
    ports = [port for port in row.ports if port.admin_state_up]
    where = place(row, reach)
    # One text for each name: a host has it three times for each of thousands of ports.
    names = {p.id: model.tap_name(p.id) for p in row.ports if p.binding_host_id == host}
    taps = frozenset(names[port.id] for port in ports if port.id in names)
    state = NetworkState(network_id, where.bridge, wire=where.wire, peers=where.peers, taps=taps)
    options = port_options_of(ports)
    known = {port.id: same.served(port) for port in ports}
    reserved = reserved_addresses((one for one in ports if known[one.id] is None), subnets)
    if row.dhcp_port and subnets:
        network = _network_options(row, row.dhcp_port, subnets, faults)
        files = {"options/network": config.options_file(network)}
        files |= port_files(
            row.dhcp_port, ports, addresses=reserved, options=options, same=same, faults=faults
        )
        files |= withheld_files(subnets)
        files |= refused_files((one for one in row.ports if not one.admin_state_up), subnets)
        state = _with_dhcp(
            state,
            row,
            row.dhcp_port,
            site=site,
            subnets=subnets,
            files=files,
            options=network,
            faults=faults,
        )
    self_made = list(_self_made(row))
    giving = {one.id for one in self_made} | {str(subnet.id) for subnet in subnets}
    served = {
        port.id: known[port.id]
        or replace(
            _served_port(port, names.get(port.id), subnets, options[port.id], reserved[port.id]),
            is_served=row.admin_state_up and _is_served(port, row, giving),
            is_elsewhere=row.network_type in OF_UPLINKS and port.binding_host_id != host,
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
        dynamic_ranges(row),
        where.fault,
        tuple(row.ending_leases),
        tuple(IPv6Network(one.cidr) for one in self_made),
        _guards(row, state, names, same),
        None if row.dns_servers is None else tuple(row.dns_servers),
        row.elected_seconds,
        _is_of_host(row, host),
        _machines(row, served.values()),
        description,
    )


def _network_options(
    row: FullNetwork, dhcp_port: DhcpPort, subnets: Sequence[DhcpSubnet], faults: list[str]
) -> list[Option]:
    """What machines are told by subnet, and in place of that by class."""
    found: list[Option] = []
    for subnet in subnets:
        found += subnet_options(row, dhcp_port, subnet, faults)
        found += settings_options(row, subnet.row, faults)
    for subnet in subnets:
        found += class_options(subnet.row, faults)
    return found


def _guards(
    row: FullNetwork, state: NetworkState, names: Mapping[str, str], same: SamePorts
) -> Guard:
    """What each tap here may send; a port that is switched off may have a tap that runs on.

    `names` are those of the taps by the ids of their ports.
    """
    own = fence(row)
    known = same.network.guards if same.network else {}
    guards = {
        tap: known[tap] if port.id in same.ids else Packed(tap_guard(port) | own)
        for port in row.ports
        if (tap := names.get(port.id)) is not None
    }
    return guards | ({state.interface.outside: SERVER} if state.interface else {})


def _is_of_host(row: FullNetwork, host: str) -> bool:
    """Whether its physical network is what an interface of this host leads to."""
    of_one = host_and_interface(row.physical_network)
    return of_one is not None and of_one[0] == host


def _machines(row: FullNetwork, ports: Iterable[ServedPort]) -> TapGuard:
    if row.elected_seconds is None:
        return frozenset()
    return asking(port.mac_address for port in ports if port.is_elsewhere)


def _self_made(row: FullNetwork) -> Iterator[ServedSubnet]:
    """The subnets in which machines make their addresses themselves."""
    for one in row.subnets:
        if one.enable_dhcp and makes_own_addresses(one.ipv6_ra_mode, one.ipv6_address_mode):
            yield one


def _is_served(port: dhcp_state.ServedPort, row: FullNetwork, giving: set[str]) -> bool:
    """A network that never had DHCP has no DHCP port, and promises no address to anybody."""
    if port.binding_vif_type == model.VIF_BINDING_FAILED:
        return False
    return row.dhcp_port is None or any(ip.subnet_id in giving for ip in port.fixed_ips)


def _with_dhcp(
    state: NetworkState,
    row: FullNetwork,
    dhcp_port: DhcpPort,
    *,
    site: Site,
    subnets: list[DhcpSubnet],
    files: Mapping[str, str],
    options: Sequence[Option],
    faults: list[str],
) -> NetworkState:
    interface = Interface(
        outside=safe_words.interface(model.tap_name(safe_words.uuid(dhcp_port.id))),
        inside=safe_words.interface(model.dhcp_interface_name(dhcp_port.id)),
        mac=safe_words.mac(dhcp_port.mac_address),
        mtu=row.mtu,
    )
    addresses = server_addresses(dhcp_port, subnets)
    forwards = site.forwards if row.dns_servers is None else bool(row.dns_servers)
    startup = config.startup(
        site,
        state.id,
        interface=safe_words.interface(interface.inside),
        addresses=addresses,
        mtu=interface.mtu,
        ranges=[dhcp_range(subnet, lease_seconds(row, subnet.row), faults) for subnet in subnets],
        options=options,
        zones=list(own_zones(row, subnets, forwards=forwards)),
        forwards=forwards,
        tells_architectures=tells_architectures(row),
    )
    return replace(
        state,
        namespace=True,
        interface=interface,
        addresses=addresses,
        files=files,
        server=startup,
    )


def _served_port(
    port: dhcp_state.ServedPort,
    tap: str | None,
    subnets: list[DhcpSubnet],
    options: PortOptions,
    reserved: Sequence[str],
) -> ServedPort:
    """`tap` is the name of its tap on this host; None if it is on another host."""
    safe_words.uuid(port.id)  # or raises UnfitError
    used = {ip.subnet_id for ip in port.fixed_ips}
    advertised = [one for one in subnets if one.id in used and is_advertised(one.row)]
    return ServedPort(
        id=port.id,
        revision_number=port.revision_number,
        status=port.status,
        mac_address=port.mac_address,
        addresses=tuple(reserved),
        tap=tap,
        waits_for_tap=tap is not None and port.device_owner.startswith(model.COMPUTE_OWNER_PREFIX),
        client_id=options.client_id.hex(":") if options.client_id else None,
        hostname=port.hostname,
        extra_dhcp_opts=tuple(port.extra_dhcp_opts),
        is_advertised_to=bool(advertised),
        makes_own_address=not all(subnet.reserves for subnet in advertised),
    )
