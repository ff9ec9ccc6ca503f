"""Which addresses of ports other machines have, by all that agents and leases say."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Final, Literal

import falcon
from msgspec import Meta, Struct

from ipam import model, values
from ipam.api.http import list_query
from ipam.api.http.access import Access
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.http.standard_attributes import TENANT_ID
from ipam.api.networks import wire as network_wire
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest
from ipam.protocol.reports import conflicts as conflicts_told
from ipam.rules import address_conflicts as rules
from ipam.rules.address_conflicts import Claim, Look
from ipam.store import address_checks, address_conflicts, agents
from ipam.store.engine import reading
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record, Viewer
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid, is_uuid

MOST: Final = 1000
"""How many conflicts an answer has at most."""


class AddressConflictView(Struct):
    """An address of a port that another machine has, or that the port's machine declined."""

    network_id: Annotated[Uuid, Meta(description="The network.")]
    project_id: Annotated[ProjectId, Meta(description="The project of the network.")]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    port_id: Annotated[Uuid, Meta(description="The port that has it.")]
    port_name: Annotated[Name, Meta(description="The port's name.")]
    port_mac_address: Annotated[MacAddress, Meta(description="The port's MAC address.")]
    mac_address: Annotated[
        MacAddress | None,
        Meta(
            description="The other machine's; null if the address was declined and nobody has it."
        ),
    ]
    kind: Annotated[
        Literal["answered", "declined", "leased"],
        Meta(
            description="declined: the port's machine found the address in use and refused it;"
            " answered: the other machine answers for it; leased: it has a lease of it."
        ),
    ]
    host: Annotated[Name, Meta(description="The host that knows it.")]
    since: Annotated[str, Meta(description="Since when it is known.")]


class AddressConflictsRoute:
    """GET of all conflicts that are known now."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List the addresses of ports that other machines have, by all that is known",
                response={"address_conflicts": list[AddressConflictView], "truncated": bool},
                query={"network_id": "On this network only."},
                rule="get_address_conflict",
                checked_inside=True,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        access: Access = req.context.access
        viewer = access.viewer(replace(network_wire.KIND, name="address_conflict"))
        network_id = dict(list_query.query_pairs(req.query_string)).get("network_id")
        if network_id is not None and not is_uuid(network_id):
            raise HTTPBadRequest("Invalid input for network_id. Reason: it is no UUID.")
        views = self._service.database.read(lambda tx: self._views(tx, network_id, viewer))
        respond(resp, {"address_conflicts": views[:MOST], "truncated": len(views) > MOST})

    def _views(
        self, tx: Transaction, network_id: str | None, viewer: Viewer | None
    ) -> list[AddressConflictView]:
        down_time = self._service.settings.network.agent_down_time
        oldest = agents.oldest_heartbeat(down_time)
        facts = address_conflicts.agents_facts(tx, oldest_heartbeat=oldest)
        claims = [
            *_told_by(facts),
            *rules.claims_of_looks(_looks(address_checks.answered(tx, network_id))),
            *_of_leases(address_conflicts.foreign_leases(tx, network_id)),
        ]
        wanted = [one for one in claims if network_id in (None, one.network_id)]
        owners = address_conflicts.owners(tx, {(one.network_id, one.ip_address) for one in wanted})
        found = rules.conflicts(wanted, {key: row.mac_address for key, row in owners.items()})
        visible = _visible(tx, {one.network_id for one in found}, viewer)
        return [
            _view(one, owners[one.network_id, one.ip_address])
            for one in found
            if one.network_id in visible
        ]


def _told_by(agents_: Iterable[Record]) -> Iterator[Claim]:
    for agent in agents_:
        for one in conflicts_told(agent.configurations):
            kind: rules.Kind = "declined" if one.declined else "answered"
            with contextlib.suppress(OSError, ValueError):  # an agent may say anything
                address, mac = (
                    model.pack(one.ip_address),
                    one.mac_address and values.mac(one.mac_address),
                )
                yield Claim(one.network_id, address, kind, mac, agent.host, one.since)


def _looks(checks: Iterable[Record]) -> Iterator[Look]:
    for check in checks:
        asked = tuple(map(model.pack, check.ip_addresses))
        for host, answer in check.answers.items():
            if answer["trouble"]:
                continue
            heard: dict[bytes, tuple[str, ...]] = {}
            for one in answer["machines"]:
                address = model.pack(one["ip_address"])
                heard[address] = (*heard.get(address, ()), one["mac_address"])
            yield Look(check.network_id, host, check.asked_at, asked, heard)


def _of_leases(leases: Iterable[Record]) -> Iterator[Claim]:
    for one in leases:
        since = one.first_seen_at_us // 1_000_000
        yield Claim(one.network_id, one.ip_address, "leased", one.mac_address, one.host, since)


def _visible(tx: Transaction, network_ids: set[str], viewer: Viewer | None) -> set[str]:
    if viewer is None:
        return network_ids
    related = reading.relations(tx, network_wire.KIND.rows, sorted(network_ids), viewer.project_id)
    return {network_id for network_id, ways in related.items() if ways & viewer.relations}


def _view(claim: Claim, owner: Record) -> AddressConflictView:
    return AddressConflictView(
        network_id=claim.network_id,
        project_id=owner.project_id,
        tenant_id=owner.project_id,
        ip_address=model.unpack(claim.ip_address),
        port_id=owner.id,
        port_name=owner.name,
        port_mac_address=owner.mac_address,
        mac_address=claim.mac_address or None,
        kind=claim.kind,
        host=claim.host,
        since=model.iso_time(claim.since),
    )
