"""GET of whatever a text means: an address, a prefix, a MAC address, an id, a name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import falcon

from ipam import values
from ipam.api.http import list_query
from ipam.api.http.access import Access
from ipam.api.http.bodies import respond
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation, Route
from ipam.api.http.reasons import counted
from ipam.api.leases import allocation_event_wire, holder_wire, refusal_wire
from ipam.api.leases import wire as lease_wire
from ipam.api.networks import wire as network_wire
from ipam.api.ports import wire as port_wire
from ipam.api.service import Service
from ipam.api.subnet_pools import address_scope_wire
from ipam.api.subnet_pools import wire as subnet_pool_wire
from ipam.api.subnets import wire as subnet_wire
from ipam.errors import HTTPBadRequest
from ipam.rules import search_terms
from ipam.rules.address_holders import holders
from ipam.store import address_holders, search
from ipam.store.address_holders import Question
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Viewer

KINDS: Final[tuple[Kind, ...]] = (
    port_wire.KIND,
    lease_wire.KIND,
    subnet_wire.KIND,
    network_wire.KIND,
    subnet_pool_wire.KIND,
    address_scope_wire.KIND,
    refusal_wire.KIND,
)
HOLDER: Final = replace(allocation_event_wire.KIND, name="address_holder")
MOST_HOLDERS: Final = 5
"""How many of those that had an address before are told."""
RULE: Final = f"get_{KINDS[0].name}"


class FindRoute:
    """GET of what is found, by kind. Each kind's own rules say what the caller sees of it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kinds = (port_wire.kind(service.settings.network), *KINDS[1:])

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer: dict[str, Any] = {
            kind.collection: list[kind.view]  # type: ignore[name-defined]  # at run time
            for kind in KINDS
        }
        answer |= {
            "address_holders": list[holder_wire.AddressHolderView],
            "network_names": dict[str, str],
            "truncated": list[str],
        }
        text = "An address, a prefix, a MAC address or a part of it, an id, a name or its part."
        summary = "Find whatever a text means"
        query = {"q": text}
        return {
            "GET": Operation(summary, response=answer, query=query, rule=RULE, checked_inside=True)
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        access: Access = req.context.access
        text = dict(list_query.query_pairs(req.query_string)).get("q", "").strip()
        if not 2 <= len(text) <= values.NAME_LENGTH:
            raise HTTPBadRequest(
                f"Invalid input for q. Reason: {text[: values.NAME_LENGTH]!r} has"
                f" {counted(len(text), 'character')}, not 2 to {values.NAME_LENGTH}."
            )
        try:
            term = search_terms.read(values.printable(text))
        except ValueError as error:
            raise HTTPBadRequest(f"Invalid input for q. Reason: {error}.") from None
        viewers = {kind.name: access.viewer(kind) for kind in (*KINDS, HOLDER)}
        answer = self._service.database.read(lambda tx: self._found(tx, term, viewers))
        for kind in self._kinds:
            access.hide(kind, answer[kind.collection])
        respond(resp, answer)

    def _found(
        self, tx: Transaction, term: search_terms.SearchTerm, viewers: Mapping[str, Viewer | None]
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        truncated: list[str] = []
        for kind in self._kinds:
            rows, has_more = search.rows(tx, kind.name, kind.rows, term, viewers[kind.name])
            answer[kind.collection] = kind.views(tx, rows) if rows else []
            truncated += [kind.collection] if has_more else []
        answer["address_holders"] = _former(tx, term, viewers[HOLDER.name])
        networks = sorted(
            {item.network_id for name in _ON_NETWORKS for item in answer[name]}
            - {item.id for item in answer["networks"]}
        )
        kind = network_wire.KIND
        names = search.network_names(tx, kind.rows, networks, viewers[kind.name])
        names |= {item.id: item.name for item in answer["networks"]}
        return {**answer, "network_names": names, "truncated": truncated}


_ON_NETWORKS: Final = ("ports", "leases", "subnets", "dhcp_refusals", "address_holders")


def _former(
    tx: Transaction, term: search_terms.SearchTerm, viewer: Viewer | None
) -> list[holder_wire.AddressHolderView]:
    """The last holders of the address, or what the machine or port had, as the history says."""
    questions = []
    if term.ip_address is not None:
        questions.append(Question(ip_address=term.ip_address))
    elif term.mac_address is not None:
        questions.append(Question(mac_address=term.mac_address))
    elif term.resource_id is not None:
        questions.append(Question(port_id=term.resource_id))
        questions.append(Question(device_id=term.resource_id))
    found = []
    for question in questions:
        told = address_holders.told(tx, question, viewer)
        found += holders(told.allocations, told.sightings)[:MOST_HOLDERS]
    ids = {each.port_id for each in found if each.port_id}
    return holder_wire.views(
        found[:MOST_HOLDERS], address_holders.names_of_ports(tx, ids) if ids else {}
    )


def routes(service: Service) -> list[tuple[str, Route]]:
    """The path with its route."""
    return [("/v2.0/find", FindRoute(service))]
