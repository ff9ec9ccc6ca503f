"""Reads a batch of lease events.

A batch is taken as a whole. If one of its events can never be stored, the batch is refused with
every fault, and the agent finds that event by halving. Texts that clients choose are made to fit
and never refused.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from ipam import model, values
from ipam.api.http.attributes import parse
from ipam.errors import HTTPBadRequest
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.rules import dns_names
from ipam.rules.leases import LeaseEvent

LATEST_SECONDS: Final = 253_402_300_799
"""The end of the year 9999, the last that Python's calendar has."""
CLOCK_TOLERANCE_US: Final = 5_000_000
EVENTS_MAX: Final = 5000
"""An agent sends 500 at most."""
DETAILS_MAX: Final = 32
DETAIL_NAME_MAX: Final = 64
DETAIL_MAX: Final = 1024
CLIENT_ID_MAX: Final = 1024
IAID_MAX: Final = 16
HOST_MAX: Final = 255
"""How many characters the columns of texts that clients choose hold."""
SUPPLIED_HOSTNAME: Final = "supplied_hostname"
"""The detail with the name that the client sent; `hostname` is its port's, if it has one."""
UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"

_HEX_ID = re.compile(r"[0-9a-f]{32}")


def clock_difference_us(sent_at_us: Any, now_us: int) -> int:
    """By how much the sender's clock is behind, if that is more than a request may take."""
    if sent_at_us is None:
        return 0
    if type(sent_at_us) is not int or abs(sent_at_us) > LATEST_SECONDS * 1_000_000:
        raise HTTPBadRequest("Invalid input for sent_at_us. Reason: it is no time.")
    difference_us = now_us - sent_at_us
    return difference_us if abs(difference_us) > CLOCK_TOLERANCE_US else 0


def read_events(
    given: Sequence[Any], now_us: int, difference_us: int = 0, *, own_names: bool = False
) -> list[LeaseEvent]:
    """The events of a batch, their times put forward by this difference.

    `own_names` says whether ports answer to what their machines call themselves.
    Raises HTTPBadRequest with every fault of every event.
    """
    if len(given) > EVENTS_MAX:
        raise HTTPBadRequest(
            f"Invalid input for lease_events. Reason: It has {len(given)} items; at most"
            f" {EVENTS_MAX} are recorded at once."
        )
    events: list[LeaseEvent] = []
    faults: list[str] = []
    for number, each in enumerate(given):
        try:
            events.append(_read_event(each, now_us, difference_us, own_names))
        except HTTPBadRequest as error:
            faults += [f"[{number}] {fault}" for fault in error.faults]
    if faults:
        raise HTTPBadRequest(faults)
    return events


class _Batch(msgspec.Struct):
    lease_events: Annotated[list[LeaseEventCreate], msgspec.Meta(max_length=EVENTS_MAX)]
    sent_at_us: int | None = None


_DECODER: Final = msgspec.json.Decoder(_Batch)


def read_plain(
    raw: bytes, now_us: int, *, own_names: bool = False
) -> tuple[list[LeaseEvent], int] | None:
    """The events of a body in which nothing is wrong, and the difference of their clock.

    None for any other: `read_events` finds its faults, or understands what Neutron would. This
    takes a tenth of the time.
    """
    try:
        batch = _DECODER.decode(raw)
        difference_us = clock_difference_us(batch.sent_at_us, now_us)
        events = [
            _plain_event(each, now_us, difference_us, own_names) for each in batch.lease_events
        ]
        return events, difference_us
    except (ValueError, OSError, RecursionError, HTTPBadRequest):
        return None


def _plain_event(
    event: LeaseEventCreate, now_us: int, difference_us: int, own_names: bool
) -> LeaseEvent:
    """Raises ValueError or OSError if it is not plainly right."""
    event_id = read_event_id(event.id)
    if event_id is None or not model.is_uuid(event.network_id):
        raise ValueError("an id that is none")
    if not all(type(value) is str for value in event.details.values()):
        raise ValueError("a detail that is no text")
    return _made_fit(event, event_id, now_us, difference_us, own_names)


def _read_event(given: Any, now_us: int, difference_us: int, own_names: bool) -> LeaseEvent:
    parsed = parse(LeaseEventCreate, given)
    event_id = read_event_id(str(parsed.values.get("id", "")))
    faults = list(parsed.faults)
    if "id" in parsed.values and event_id is None:
        faults.append("Invalid input for id. Reason: it is not 32 hexadecimal digits.")
    if faults or event_id is None:
        raise HTTPBadRequest(faults)
    return _made_fit(parsed.result(), event_id, now_us, difference_us, own_names)


def _made_fit(
    event: LeaseEventCreate, event_id: str, now_us: int, difference_us: int, own_names: bool
) -> LeaseEvent:
    details, mac_address = event.details, (event.mac_address or "").lower()
    if mac_address and not model.is_mac(mac_address):
        # Hardware other than Ethernet (dnsmasq writes 06-…): kept if it fits the column.
        details, mac_address = {"mac_address": mac_address, **details}, ""
    return LeaseEvent(
        id=event_id,
        network_id=event.network_id,
        host=_text(event.host, HOST_MAX) or "",
        action=event.action,
        ip_address=model.pack(event.ip_address),
        # The events of an agent whose clock is ahead must not hide later events of other agents.
        occurred_at_us=min(max(event.occurred_at_us + difference_us, 0), now_us),
        mac_address=mac_address or None,
        client_id=_text(event.client_id, CLIENT_ID_MAX),
        duid=_text(event.duid, CLIENT_ID_MAX),
        iaid=_text(event.iaid, IAID_MAX),
        hostname=_text(event.hostname, HOST_MAX),
        own_name=_own_name(event) if own_names else "",
        expires_at=_seconds(event.expires_at, difference_us),
        details=_details(details),
        source=event.source,
        epoch=event.epoch,
        sequence=event.sequence,
    )


def _own_name(event: LeaseEventCreate) -> str | None:
    said = event.details.get(SUPPLIED_HOSTNAME)
    return None if said is None else dns_names.name_of_machine(str(said))


def _text(text: str | None, longest: int) -> str | None:
    """A client's text, made fit for a column and a terminal; None if it is empty."""
    if not text:
        return None
    cut = text[:longest]
    if cut.isprintable():
        return cut
    return "".join(each if each.isprintable() else UNPRINTABLE for each in cut)


def _seconds(given: int | None, difference_us: int) -> int | None:
    if given is None:
        return None
    return min(max(given + difference_us // 1_000_000, 0), LATEST_SECONDS)


def _details(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        _text(name, DETAIL_NAME_MAX) or "": _text(str(value), DETAIL_MAX) or ""
        for name, value in list(given.items())[:DETAILS_MAX]
    }


def read_event_id(text: str) -> str | None:
    """The id in the usual form. Agents leave out the hyphens."""
    if _HEX_ID.fullmatch(text):
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text if values.is_uuid(text) else None
