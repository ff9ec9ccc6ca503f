"""Makes the full answer for a network from its rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from ipam import model
from ipam.protocol.dhcp_state import (
    Address,
    AddressRange,
    DhcpPort,
    EndingLease,
    FullNetwork,
    ServedAddressPair,
    ServedClientClass,
    ServedDhcpOption,
    ServedPort,
    ServedRoute,
    ServedSubnet,
)
from ipam.rules import client_classes, dhcp_settings, dns_answers, dns_names, dynamic_ranges
from ipam.rules.client_classes import ClientClass
from ipam.rules.dynamic_ranges import Range
from ipam.rules.segments import LOCAL, VXLAN
from ipam.settings import NetworkSettings
from ipam.store.dhcp_state import Contents
from ipam.store.engine.listing import Record


def full_networks(
    contents: Contents, by_network: Mapping[str, str], settings: NetworkSettings
) -> list[FullNetwork]:
    """The full answer for these rows."""
    subnets, ports, dhcp_ports = _grouped(contents, settings.dhcp_agents_per_network)
    ending = defaultdict(list)
    for lease in contents.ending:
        ending[lease.network_id].append(
            EndingLease(model.unpack(lease.ip_address), lease.mac_address, lease.duid, lease.iaid)
        )
    return [
        FullNetwork(
            id=row.id,
            digest=by_network[row.id],
            project_id=row.project_id,
            mtu=row.mtu,
            dns_domain=dns_names.domain_of(row.dns_domain, settings.dns_domain),
            admin_state_up=row.admin_state_up,
            lease_seconds=dhcp_settings.lease_seconds(
                row.lease_time, None, settings.dhcp_lease_duration
            )[0],
            dhcp_options=_options(row, 4),
            dhcp_boot=row.dhcp_boot,
            dhcp_port=dhcp_ports.get(row.pk),
            subnets=subnets[row.pk],
            ports=ports[row.pk],
            network_type=row.provider_network_type or LOCAL,
            physical_network=row.provider_physical_network,
            segmentation_id=row.provider_segmentation_id,
            peers=contents.peers.get(row.pk, ()) if row.provider_network_type == VXLAN else None,
            dns_servers=row.dns_servers,
            elected_seconds=settings.agent_down_time if row.pk in contents.elected else None,
            ending_leases=ending[row.id],
            name=row.name,
        )
        for row in contents.networks
    ]


def _grouped(
    contents: Contents, agents_per_network: int
) -> tuple[dict[int, list[ServedSubnet]], dict[int, list[ServedPort]], dict[int, DhcpPort]]:
    """Subnets, ports and the DHCP port by network number."""
    subnets: dict[int, list[ServedSubnet]] = defaultdict(list)
    for row in contents.subnets:
        subnets[row.network_pk].append(_subnet(row, contents, agents_per_network))
    ports: dict[int, list[ServedPort]] = defaultdict(list)
    dhcp_ports: dict[int, DhcpPort] = {}
    projects = {row.pk: row.project_id for row in contents.networks}
    for row in contents.ports:
        fixed_ips = [
            Address(subnet_id, model.unpack(address))
            for subnet_id, address in contents.addresses[row.pk]
        ]
        if row.device_owner == model.DHCP_PORT_OWNER:
            dhcp_ports[row.network_pk] = DhcpPort(row.id, row.mac_address, fixed_ips)
        else:
            of_network = row.project_id == projects[row.network_pk]
            project_id = "" if of_network else row.project_id
            ports[row.network_pk].append(_port(row, fixed_ips, contents, project_id))
    return subnets, ports, dhcp_ports


def _subnet(row: Record, contents: Contents, agents_per_network: int) -> ServedSubnet:
    slots, ranges = contents.slots.get(row.network_pk, {}), contents.ranges.get(row.pk, ())
    classes = client_classes.read(row.client_classes or [])
    own = {one.name: _packed(one) for one in classes}
    rest = dynamic_ranges.without(ranges, [each for spans in own.values() for each in spans])

    def part(spans: Sequence[Range]) -> list[AddressRange]:
        return _part(spans, slots, contents.agent_pk, agents_per_network)

    return ServedSubnet(
        id=row.id,
        cidr=row.cidr,
        ip_version=row.ip_version,
        gateway_ip=None if row.gateway_ip is None else model.unpack(row.gateway_ip),
        enable_dhcp=row.enable_dhcp,
        dns_nameservers=row.dns_nameservers,
        host_routes=msgspec.convert(row.host_routes, list[ServedRoute]),
        ipv6_ra_mode=row.ipv6_ra_mode,
        ipv6_address_mode=row.ipv6_address_mode,
        dynamic_ranges=[AddressRange(*one) for one in dynamic_ranges.texts(ranges)],
        dynamic_part=part(rest),
        client_classes=[_served_class(one, part(own[one.name])) for one in classes],
        dhcp_options=_options(row, row.ip_version),
        dhcp_boot=row.dhcp_boot,
        lease_seconds=dhcp_settings.seconds_of(row.lease_time),
        withheld=[model.unpack(ip) for subnet_id, ip in contents.withheld if subnet_id == row.id],
        name=row.name,
        is_deprecated=row.lease_time == model.DEPRECATED,
    )


def _options(row: Record, version: int) -> list[ServedDhcpOption]:
    settings = dhcp_settings.read(row.dhcp_options, None, version)
    return [ServedDhcpOption(*one) for one in settings.options]


def _served_class(one: ClientClass, part: list[AddressRange]) -> ServedClientClass:
    return ServedClientClass(
        name=one.name,
        vendor_class=one.vendor_class,
        mac_prefix=one.mac_prefix,
        has_range=one.start is not None,
        part=part,
        dhcp_options=[ServedDhcpOption(*each) for each in one.dhcp_options],
    )


def _packed(one: ClientClass) -> list[Range]:
    return [(model.pack(one.start), model.pack(one.end))] if one.start and one.end else []


def _part(
    ranges: Sequence[Range], slots: Mapping[int, int], agent_pk: int, agents_per_network: int
) -> list[AddressRange]:
    """The part of an agent, by its slot. One that only serves ports bound to its host has none."""
    if agent_pk not in slots:
        return []
    parts = max(agents_per_network, *(slot + 1 for slot in slots.values()))
    return [AddressRange(*one) for one in dynamic_ranges.part(ranges, slots[agent_pk], parts)]


def _port(
    row: Record, fixed_ips: list[Address], contents: Contents, project_id: str
) -> ServedPort:
    """The port as the agent's host serves it: also before it comes and until it has left."""
    host, status, vif_type = row.binding_host_id, row.status, row.binding_vif_type
    if row.pk in contents.arriving:
        host = contents.host
        there = contents.arriving[row.pk]
        status = model.ACTIVE if there.ready or there.leaving else model.DOWN
        vif_type = there.vif_type
    first = fixed_ips[0].ip_address if fixed_ips else ""
    return ServedPort(
        id=row.id,
        mac_address=row.mac_address,
        revision_number=row.revision_number,
        device_id=row.device_id,
        device_owner=row.device_owner,
        admin_state_up=row.admin_state_up,
        status=status,
        binding_host_id=host,
        binding_vif_type=vif_type,
        hostname=dns_answers.host_name(row.dns_name, first),
        fixed_ips=fixed_ips,
        extra_dhcp_opts=msgspec.convert(row.extra_dhcp_opts, list[ServedDhcpOption]),
        port_security_enabled=row.port_security_enabled,
        allowed_address_pairs=msgspec.convert(row.allowed_address_pairs, list[ServedAddressPair]),
        name=row.name,
        project_id=project_id,
    )
