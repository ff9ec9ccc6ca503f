"""The history of leases: GET of events, and POST of what agents saw.

An agent forgets an event once it is acknowledged and sends it again until then. A batch is taken
whole or, if one event of it can never be stored, refused whole with every fault; the agent then
finds the culprit by halves. So texts are made to fit and not refused: a client chose them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import falcon
import msgspec
from msgspec import Meta, Struct

from ipam import clock, model, values
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation
from ipam.api.http.routes import ListRoute, ShowRoute
from ipam.api.http.standard_attributes import ID, TENANT_ID
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest, LeaseEventNotFound
from ipam.model import LeaseAction
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.rules.leases import LeaseEvent
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases import recording
from ipam.store.leases.lists import EVENTS
from ipam.values import IpAddress, MacAddress, ProjectId, Uuid

LATEST_SECONDS: Final = 253_402_300_799
"""The end of the year 9999: no calendar goes further."""
FAULTS_MAX: Final = 50
"""Enough to see what is wrong with a batch that is wrong throughout."""
DETAILS_MAX: Final = 32
DETAIL_NAME_MAX: Final = 64
DETAIL_MAX: Final = 1024
TEXTS: Final = {"client_id": 1024, "duid": 1024, "iaid": 16, "hostname": 255}
"""Texts that clients choose, with the characters that their columns hold."""
HOST_MAX: Final = 255
UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"

_HEX_ID = re.compile(r"[0-9a-f]{32}")


class LeaseEventView(Struct):
    """What a DHCP server did about an address, or an end that none reported (`missed`)."""

    id: Annotated[Uuid, ID]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    port_id: Annotated[
        Uuid | None, Meta(description="The port that has, or had, the address; null for none.")
    ]
    project_id: Annotated[
        ProjectId, Meta(description="The project of its port, or else of its network.")
    ]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    action: Annotated[
        LeaseAction,
        Meta(description="add, old (renewed), del, or missed: an end that nobody reported."),
    ]
    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    mac_address: Annotated[
        MacAddress | None,
        Meta(description="The client's MAC address; null where it has no Ethernet."),
    ]
    client_id: Annotated[
        str | None,
        Meta(description="The DHCPv4 client identifier, as the client sent it, escaped."),
    ]
    duid: Annotated[
        str | None,
        Meta(description="The DHCPv6 client identifier, as the client sent it, escaped."),
    ]
    iaid: Annotated[
        str | None, Meta(description="The DHCPv6 identity association, as the client sent it.")
    ]
    hostname: Annotated[str | None, Meta(description="The name that the client sent, escaped.")]
    host: Annotated[str, Meta(description="The host whose DHCP server said so.")]
    expires_at: Annotated[str | None, Meta(description="When the lease ends; null for never.")]
    occurred_at: Annotated[str, Meta(description="When it happened, in UTC.")]
    recorded_at: Annotated[str, Meta(description="When the service learned of it, in UTC.")]
    details: Annotated[
        dict[str, str], Meta(description="Further facts that the DHCP server knew.")
    ]


def views(_tx: Transaction, rows: Sequence[Record]) -> list[LeaseEventView]:
    """The views of these rows."""
    return [
        LeaseEventView(
            id=row.id,
            network_id=row.network_id,
            port_id=row.port_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            action=row.action,
            ip_address=model.unpack(row.ip_address),
            mac_address=row.mac_address,
            client_id=row.client_id,
            duid=row.duid,
            iaid=row.iaid,
            hostname=row.hostname,
            host=row.host,
            expires_at=None if row.expires_at is None else model.iso_time(row.expires_at),
            occurred_at=model.iso_time_microseconds(row.occurred_at_us),
            recorded_at=model.iso_time_microseconds(row.recorded_at_us),
            details=row.details,
        )
        for row in rows
    ]


KIND: Final = Kind(
    name="lease_event",
    collection="lease_events",
    view=LeaseEventView,
    rows=EVENTS,
    views=views,
    not_found=LeaseEventNotFound,
)


class LeaseEventsRoute(ListRoute):
    """GET of the history and POST of a batch."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, KIND)

    @property
    def operations(self) -> Mapping[str, Operation]:
        recorded = Operation(
            "Record lease events, in their order, each id once, as one transaction",
            request=({"lease_events": list[LeaseEventCreate]},),
            response={"applied": int, "duplicates": int},
            rule="create_lease_event",
        )
        return {**super().operations, "POST": recorded}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        body = read_json(req, self.service.settings.api.max_body_bytes)
        given = unwrap(body, "lease_events")
        if not isinstance(given, list):
            raise HTTPBadRequest("Invalid input for lease_events. Reason: it is not a list.")
        events = read_events(given, clock.now_microseconds())
        recorded = recording.record(self.service.database, events)
        respond(resp, {"applied": recorded.applied, "duplicates": recorded.duplicates})


class LeaseEventRoute(ShowRoute):
    """GET of one event, by its id with or without hyphens."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, KIND)

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        super().on_get(req, resp, _event_id(resource_id) or resource_id)


def read_events(given: Sequence[Any], now_us: int) -> list[LeaseEvent]:
    """The events of a batch. Raises HTTPBadRequest with every fault of every event."""
    events: list[LeaseEvent] = []
    faults: list[str] = []
    for number, each in enumerate(given):
        try:
            events.append(_read_event(each, now_us))
        except HTTPBadRequest as error:
            faults += [f"[{number}] {fault}" for fault in error.faults]
    if faults:
        raise HTTPBadRequest(faults[:FAULTS_MAX])
    return events


def _read_event(given: Any, now_us: int) -> LeaseEvent:
    parsed = parse(LeaseEventCreate, given)
    event_id = _event_id(str(parsed.values.get("id", "")))
    faults = list(parsed.faults)
    if "id" in parsed.values and event_id is None:
        faults.append("Invalid input for id. Reason: it is not 32 hexadecimal digits.")
    if faults or event_id is None:
        raise HTTPBadRequest(faults)
    event = parsed.result()
    details, mac_address = dict(event.details), event.mac_address
    mac_address = mac_address and mac_address.lower()
    if mac_address and not model.is_mac(mac_address):
        # Hardware other than Ethernet (dnsmasq writes 06-…): kept where its length does no harm.
        details, mac_address = {"mac_address": mac_address, **details}, None
    kept = {
        **msgspec.structs.asdict(event),
        **{name: _text(getattr(event, name), longest) for name, longest in TEXTS.items()},
        "id": event_id,
        "host": _text(event.host, HOST_MAX) or "",
        "ip_address": model.pack(event.ip_address),
        # An agent whose clock runs ahead must not silence those who tell what happens next.
        "occurred_at_us": min(max(event.occurred_at_us, 0), now_us),
        "mac_address": mac_address or None,
        "expires_at": _seconds(event.expires_at),
        "details": _details(details),
    }
    return LeaseEvent(**kept)


def _event_id(text: str) -> str | None:
    """The id as every id is written; agents leave the hyphens out."""
    if _HEX_ID.fullmatch(text):
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text if values.is_uuid(text) else None


def _text(text: str | None, longest: int) -> str | None:
    """Text that a client may have chosen, fit for a column and a terminal; None for none."""
    if not text:
        return None
    cut = text[:longest]
    if cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else UNPRINTABLE for each in cut)


def _seconds(given: int | None) -> int | None:
    return None if given is None else min(max(given, 0), LATEST_SECONDS)


def _details(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        _text(name, DETAIL_NAME_MAX) or "": _text(str(value), DETAIL_MAX) or ""
        for name, value in list(given.items())[:DETAILS_MAX]
    }
