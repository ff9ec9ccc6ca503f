"""GET of a subnet's addresses that are not free, and who has each, in order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import falcon

from ipam import clock
from ipam.api.http import list_query
from ipam.api.http.access import Access
from ipam.api.http.bodies import respond
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation
from ipam.api.http.urls import public_url
from ipam.api.service import Service
from ipam.api.subnets import wire
from ipam.api.subnets.address_wire import AddressView, SubnetFacts, kind
from ipam.errors import HTTPBadRequest, NotFound
from ipam.store.engine.listing import ListQuery, Record, Viewer
from ipam.store.engine.reading import read_page


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
        access: Access = req.context.access
        subnet = self._subnet(access, resource_id)
        shape = kind(_facts(subnet), clock.now_seconds())
        maximum = self._service.settings.api.page_size_max
        request = list_query.parse_query(req.query_string, shape.rows, AddressView, maximum)
        views = self._page(shape, _by_address(request.query), access.viewer(shape))
        answer: dict[str, Any] = {
            "addresses": [list_query.with_fields(view, request.fields) for view in views]
        }
        url = public_url(req, self._service.settings) + req.path
        addresses = [view.ip_address for view in views]
        if found := list_query.links(url, request, addresses):
            answer["addresses_links"] = found
        respond(resp, answer)

    def _subnet(self, access: Access, resource_id: str) -> Record:
        """The subnet's row, if the caller may see it. Raises SubnetNotFound."""
        subnets = wire.KIND
        viewer = access.viewer(subnets)
        try:
            return self._service.database.read(lambda tx: subnets.row(tx, resource_id, viewer))
        except NotFound:
            access.explain_missing(subnets, resource_id)
            raise

    def _page(self, shape: Kind, query: ListQuery, viewer: Viewer | None) -> list[Any]:
        return self._service.database.read(
            lambda tx: shape.views(tx, read_page(tx, shape.rows, query, viewer))
        )


def _by_address(query: ListQuery) -> ListQuery:
    """The query with its marker as a bound, so that the address need not exist any more."""
    if query.sorts:
        raise HTTPBadRequest("Invalid input for sort_key. Reason: addresses come in their order.")
    if query.marker is None:
        return query
    bound = "before" if query.reverse else "after"
    return replace(query, marker=None, filters={**query.filters, bound: [query.marker]})


def _facts(row: Record) -> SubnetFacts:
    return SubnetFacts(row.pk, row.network_pk, row.network_id, row.cidr)
