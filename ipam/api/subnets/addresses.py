"""GET of a subnet's addresses: who has each that is not free, in the order of addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import falcon
from msgspec import Struct

from ipam import clock, model
from ipam.api.http import list_query
from ipam.api.http.access import Access
from ipam.api.http.bodies import respond
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation, Route
from ipam.api.http.service import Service
from ipam.api.http.urls import public_url
from ipam.api.subnets import wire
from ipam.errors import HTTPBadRequest, SubnetNotFound
from ipam.rules import prefixes
from ipam.store import subnet_addresses
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import ListQuery, Record, Viewer, read_one, read_page
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid, is_uuid


class AddressView(Struct):
    """An address of a subnet that is not free.

    `allocated` has a port, `cooling` had one a moment ago, `leased` was given by a DHCP server to
    a machine without a port. `lease_expires_at` is null without a lease and for an infinite one.
    """

    ip_address: IpAddress
    state: Literal["allocated", "cooling", "leased"]
    port_id: Uuid | None
    project_id: ProjectId | None
    tenant_id: ProjectId | None
    device_id: Name | None
    device_owner: Name | None
    mac_address: MacAddress | None
    hostname: str | None
    lease_id: Uuid | None
    lease_expires_at: str | None
    free_at: str | None


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """What the addresses of a subnet are found by; a subnet's row has it."""

    pk: int
    network_pk: int
    network_id: str
    cidr: str


@dataclass(frozen=True, slots=True)
class _Page:
    views: list[AddressView]
    more: bool


def views(_tx: Transaction, rows: Sequence[Record]) -> list[AddressView]:
    """The addresses of these rows."""
    return [
        AddressView(
            ip_address=model.unpack(row.ip),
            state=row.state,
            port_id=row.port_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            device_id=row.device_id,
            device_owner=row.device_owner,
            mac_address=row.port_mac or row.lease_mac,
            hostname=row.hostname or row.dns_name or None,
            lease_id=row.lease_id,
            lease_expires_at=_iso(row.expires_at),
            free_at=_iso(row.free_at),
        )
        for row in rows
    ]


def kind(subnet: SubnetFacts, now: int) -> Kind:
    """The addresses of this subnet, at this time, as a kind of resource."""
    prefix = prefixes.parse(subnet.cidr)
    first, last = (number.to_bytes(prefix.bits // 8) for number in (prefix.first, prefix.last))
    return Kind(
        "subnet_address",
        "addresses",
        AddressView,
        subnet_addresses.collection(
            subnet.pk, subnet.network_pk, subnet.network_id, (first, last), now
        ),
        views,
        SubnetNotFound,
    )


class SubnetAddressesRoute:
    """GET of the addresses of one subnet. A page's marker is an address, taken or not."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        shape = kind(SubnetFacts(0, 0, "", "0.0.0.0/0"), 0)
        answer = {"addresses": list[AddressView], "addresses_links": list[dict[str, str]]}
        return {
            "GET": Operation(
                "List the addresses of a subnet that are not free",
                response=answer,
                listed=(shape.rows, AddressView),
                rule="get_subnet_address",
                checked_inside=True,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        access = Access(self._service, req.context.caller)
        subnet = self._subnet(access, resource_id)
        shape = kind(_facts(subnet), clock.now_seconds())
        maximum = self._service.settings.api.page_size_max
        request = list_query.parse_query(req.query_string, shape.rows, AddressView, maximum)
        page = self._page(shape, _by_address(request.query), access.viewer(shape))
        answer: dict[str, Any] = {
            "addresses": [list_query.with_fields(view, request.fields) for view in page.views]
        }
        url = public_url(req, self._service.settings) + req.path
        addresses = [view.ip_address for view in page.views]
        if found := list_query.links(url, request, addresses, more=page.more):
            answer["addresses_links"] = found
        respond(resp, answer)

    def _subnet(self, access: Access, resource_id: str) -> Record:
        """The subnet's row, if the caller may see it. Raises SubnetNotFound."""
        subnets = wire.KIND
        viewer = access.viewer(subnets)
        row = (
            self._service.database.read(lambda tx: read_one(tx, subnets.rows, resource_id, viewer))
            if is_uuid(resource_id)
            else None
        )
        if row is None:
            access.explain_missing(subnets, resource_id)
            raise subnets.missing(resource_id)
        return row

    def _page(self, shape: Kind, query: ListQuery, viewer: Viewer | None) -> _Page:
        def read(tx: Transaction) -> _Page:
            page = read_page(tx, shape.rows, query, viewer)
            return _Page(shape.views(tx, page.rows), page.more)

        return self._service.database.read(read)


def routes(service: Service) -> list[tuple[str, Route]]:
    """The path with its route."""
    return [("/v2.0/subnets/{resource_id}/addresses", SubnetAddressesRoute(service))]


def _by_address(query: ListQuery) -> ListQuery:
    """The query with its marker as a bound, so that it holds for an address that has gone."""
    if query.sorts:
        raise HTTPBadRequest("Invalid input for sort_key. Reason: addresses come in their order.")
    if query.marker is None:
        return query
    bound = "before" if query.reverse else "after"
    return replace(query, marker=None, filters={**query.filters, bound: [query.marker]})


def _facts(row: Record) -> SubnetFacts:
    return SubnetFacts(row.pk, row.network_pk, row.network_id, row.cidr)


def _iso(epoch_seconds: int | None) -> str | None:
    return None if epoch_seconds is None else model.iso_time(epoch_seconds)
