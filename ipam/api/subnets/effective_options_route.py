"""What machines are told by DHCP, and who says each part of it: of a port, or of a subnet."""

from collections.abc import Collection, Mapping
from typing import Annotated

import falcon
from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.bodies import respond
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation
from ipam.api.ports.wire import KIND as PORT
from ipam.api.service import Service
from ipam.api.subnets.wire import KIND as SUBNET
from ipam.rules import client_classes, dhcp_settings, dns_answers
from ipam.rules.effective_options import (
    Deployment,
    Effective,
    Network,
    Origin,
    Port,
    Subnet,
    effective,
)
from ipam.rules.ipv6 import eui64, makes_own_addresses
from ipam.store import ports, subnets, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Uuid


class EffectiveOptionView(Struct):
    """A part of what a machine is told."""

    subnet_id: Annotated[Uuid, Meta(description="The subnet of the machine's address.")]
    ip_version: Annotated[int, Meta(description="4 or 6.")]
    code: Annotated[int | None, Meta(description="The option's number; null for what is none.")]
    opt_name: Annotated[str, Meta(description="The option's name, or else its number.")]
    opt_value: Annotated[str, Meta(description="Its value; empty where machines get none.")]
    condition: Annotated[
        str,
        Meta(
            description="What a request must have for it: the tag of a firmware, `ipxe`, a class;"
            " with `!` must not have. Empty for each request that no other row of the option fits."
        ),
    ]
    origin: Annotated[Origin, Meta(description="Who says so.")]
    origin_id: Annotated[
        str, Meta(description="The id of that network, subnet or port; empty for the service.")
    ]
    attribute: Annotated[str, Meta(description="What is to be changed there.")]


class EffectiveOptionsRoute:
    """GET of what the machine of a port is told, or one without a port in a subnet."""

    def __init__(self, service: Service, kind: Kind) -> None:
        self._service = service
        self._kind = kind

    @property
    def operations(self) -> Mapping[str, Operation]:
        of = "a port's machine is" if self._kind is PORT else "machines of a subnet are"
        return {
            "GET": Operation(
                f"Show what {of} told by DHCP, and who says so",
                response={"dhcp_options": list[EffectiveOptionView]},
                rule=f"get_{self._kind.name}_dhcp_options",
                row=self._kind,
            )
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        read = self._of_port if self._kind is PORT else self._of_subnet
        found = self._service.database.read(lambda tx: read(tx, resource_id))
        respond(resp, {"dhcp_options": found})

    def _of_port(self, tx: Transaction, port_id: str) -> list[EffectiveOptionView]:
        row = rows.find(tx, tables.port, port_id)
        if row is None:
            raise PORT.missing(port_id)
        held = ports.fixed_ips(tx, [row.pk])[row.pk]
        first = model.unpack(held[0][2]) if held else ""
        port = Port(
            id=row.id,
            mac_address=row.mac_address,
            hostname=dns_answers.host_name(row.dns_name, first),
            options=dhcp_settings.read(row.extra_dhcp_opts, None).options,
        )
        return self._views(tx, row.network_pk, {subnet_id for subnet_id, _, _ in held}, port)

    def _of_subnet(self, tx: Transaction, subnet_id: str) -> list[EffectiveOptionView]:
        row = rows.find(tx, tables.subnet, subnet_id)
        if row is None:
            raise SUBNET.missing(subnet_id)
        return self._views(tx, row.network_pk, {subnet_id}, None)

    def _views(
        self, tx: Transaction, network_pk: int, wanted: Collection[str], port: Port | None
    ) -> list[EffectiveOptionView]:
        """What is told in the wanted subnets, as far as they have DHCP."""
        row = rows.find(tx, tables.network, ports.network_id(tx, network_pk))
        assert row is not None, network_pk
        server = ports.dhcp_port(tx, network_pk, model.dhcp_device_id(row.id))
        own = ports.fixed_ips(tx, [server.pk])[server.pk] if server else ()
        # Of several in one subnet the first is told, as agents do.
        addresses = {subnet_id: model.unpack(ip) for subnet_id, _, ip in reversed(own)}
        settings = self._service.settings.network
        deployment = Deployment(
            dns_domain=settings.dns_domain, lease_seconds=settings.dhcp_lease_duration
        )
        network = _network(row)
        found = []
        for subnet in subnets.of_network(tx, network_pk):
            if subnet.id in wanted and subnet.enable_dhcp:
                mac = server.mac_address if server else None
                told = _subnet(subnet, addresses.get(subnet.id), mac)
                version = subnet.ip_version
                found += [
                    _view(one, subnet.id, version)
                    for one in effective(deployment, network, told, port)
                ]
        return found


def _network(row: Record) -> Network:
    return Network(
        id=row.id,
        mtu=row.mtu,
        dns_domain=row.dns_domain,
        settings=dhcp_settings.read(row.dhcp_options, row.dhcp_boot),
        lease_time=row.lease_time,
    )


def _subnet(row: Record, server_address: str | None, server_mac: str | None) -> Subnet:
    """`server_address` is the DHCP port's in the subnet; in IPv6 it may make one of its MAC."""
    if server_address is None and server_mac and row.ip_version == 6:
        server_address = model.unpack(eui64(row.cidr, server_mac))
    makes_own = makes_own_addresses(row.ipv6_ra_mode, row.ipv6_address_mode)
    return Subnet(
        id=row.id,
        cidr=row.cidr,
        gateway_ip=None if row.gateway_ip is None else model.unpack(row.gateway_ip),
        dns_nameservers=row.dns_nameservers,
        host_routes=[(one["destination"], one["nexthop"]) for one in row.host_routes],
        settings=dhcp_settings.read(row.dhcp_options, row.dhcp_boot, row.ip_version),
        lease_time=row.lease_time,
        classes=client_classes.read(row.client_classes or []),
        server_address=server_address,
        is_only_advertised=makes_own and model.SLAAC in (row.ipv6_ra_mode, row.ipv6_address_mode),
    )


def _view(one: Effective, subnet_id: str, version: int) -> EffectiveOptionView:
    return EffectiveOptionView(
        subnet_id=subnet_id,
        ip_version=version,
        code=one.number,
        opt_name=one.name,
        opt_value=one.value,
        condition=", ".join(one.conditions),
        origin=one.origin,
        origin_id=one.origin_id,
        attribute=one.attribute,
    )
