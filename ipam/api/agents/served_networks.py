"""Makes the full answer for a network from its rows."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from ipam import model
from ipam.protocol.dhcp_state import (
    Address,
    DhcpPort,
    FullNetwork,
    ServedDhcpOption,
    ServedPort,
    ServedRoute,
    ServedSubnet,
)
from ipam.settings import NetworkSettings
from ipam.store.dhcp_state import Contents
from ipam.store.engine.listing import Record


def full_networks(
    contents: Contents, by_network: Mapping[str, str], settings: NetworkSettings
) -> list[FullNetwork]:
    """The full answer for these rows."""
    subnets, ports, dhcp_ports = _grouped(contents)
    return [
        FullNetwork(
            id=row.id,
            digest=by_network[row.id],
            project_id=row.project_id,
            mtu=row.mtu,
            dns_domain=row.dns_domain or settings.dns_domain,
            admin_state_up=row.admin_state_up,
            lease_seconds=settings.dhcp_lease_duration,
            dhcp_port=dhcp_ports.get(row.pk),
            subnets=subnets[row.pk],
            ports=ports[row.pk],
        )
        for row in contents.networks
    ]


def _grouped(
    contents: Contents,
) -> tuple[dict[int, list[ServedSubnet]], dict[int, list[ServedPort]], dict[int, DhcpPort]]:
    """Subnets, ports and the DHCP port by network number."""
    subnets: dict[int, list[ServedSubnet]] = defaultdict(list)
    for row in contents.subnets:
        subnets[row.network_pk].append(_subnet(row))
    ports: dict[int, list[ServedPort]] = defaultdict(list)
    dhcp_ports: dict[int, DhcpPort] = {}
    for row in contents.ports:
        fixed_ips = [
            Address(subnet_id, model.unpack(address))
            for subnet_id, address in contents.addresses[row.pk]
        ]
        if row.device_owner == model.DHCP_PORT_OWNER:
            dhcp_ports[row.network_pk] = DhcpPort(row.id, row.mac_address, fixed_ips)
        else:
            ports[row.network_pk].append(_port(row, fixed_ips, contents))
    return subnets, ports, dhcp_ports


def _subnet(row: Record) -> ServedSubnet:
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
    )


def _port(row: Record, fixed_ips: list[Address], contents: Contents) -> ServedPort:
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
        hostname=row.dns_name or (model.default_hostname(first) if first else ""),
        fixed_ips=fixed_ips,
        extra_dhcp_opts=msgspec.convert(row.extra_dhcp_opts, list[ServedDhcpOption]),
    )
