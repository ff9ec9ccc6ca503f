"""GET of who held an address and when, from both histories."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import falcon

from ipam import model, values
from ipam.api.http import list_query
from ipam.api.http.access import Access
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.leases import allocation_event_wire
from ipam.api.leases.holder_wire import AddressHolderView, views
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest
from ipam.rules.address_holders import AddressHolder, holders
from ipam.store import address_holders
from ipam.store.address_holders import Question, Told
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction

RULE: Final = "get_address_holder"
MOST: Final = 200
"""How many holders an answer has at most."""

QUERY: Final[Mapping[str, str]] = {
    "ip_address": "Who held this address.",
    "mac_address": "What the machine with this MAC address held.",
    "hostname": "What machines held that sent this name, or whose port has it as its DNS name.",
    "port_id": "What this port held.",
    "device_id": "What the ports of this machine held.",
    "network_id": "On this network only.",
    "at": "Who held it at this instant only.",
    "since": "Who held it at this instant or later.",
    "until": "Who held it before this instant.",
    "limit": f"How many to show, at most {MOST}: the newest.",
}
SUBJECTS: Final = ("ip_address", "mac_address", "hostname", "port_id", "device_id")


class AddressHoldersRoute:
    """GET of the holders, the newest first."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer = {"address_holders": list[AddressHolderView], "truncated": bool}
        summary = "List who held an address, or what a machine held, from both histories"
        shown = Operation(summary, response=answer, query=QUERY, rule=RULE, checked_inside=True)
        return {"GET": shown}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        access: Access = req.context.access
        viewer = access.viewer(replace(allocation_event_wire.KIND, name="address_holder"))
        given = dict(list_query.query_pairs(req.query_string))
        question, at_us, limit = _question(given)

        def read(tx: Transaction) -> tuple[Told, list[AddressHolder], Mapping[str, str]]:
            told = address_holders.told(tx, question, viewer)
            found = [
                each
                for each in holders(told.allocations, told.sightings)
                if _is_asked(each, question, told, at_us)
            ]
            ids = {each.port_id for each in found[:limit] if each.port_id}
            return told, found, address_holders.names_of_ports(tx, ids)

        told, found, names = self._service.database.read(read)
        truncated = len(found) > limit or not told.is_whole
        respond(resp, {"address_holders": views(found[:limit], names), "truncated": truncated})


def _is_asked(holder: AddressHolder, question: Question, told: Told, at_us: int | None) -> bool:
    """Whether the holder is what was asked about: its ports held other things at other times."""
    if at_us is not None and not holder.held_at(at_us):
        return False
    if question.since_us is not None and (
        holder.until_us is not None and holder.until_us < question.since_us
    ):
        return False
    if question.until_us is not None and (holder.since_us or 0) > question.until_us:
        return False
    is_now = holder.port_id in told.port_ids and holder.until_us is None
    hostname = holder.lease.last.hostname if holder.lease else None
    if question.hostname is not None and hostname != question.hostname and not is_now:
        return False
    return question.mac_address in (None, holder.mac_address)


def _question(given: Mapping[str, str]) -> tuple[Question, int | None, int]:
    """The question of a query string, the instant of `at`, and how many to show.

    Raises HTTPBadRequest with every fault.
    """
    faults: list[str] = []
    checks: Mapping[str, list_query.Check] = {
        "ip_address": values.address,
        "mac_address": values.mac,
        "port_id": values.uuid,
        "network_id": values.uuid,
    }
    read: dict[str, Any] = {}
    for name in (*SUBJECTS, "network_id"):
        if name in given:
            try:
                read[name] = checks.get(name, _text)(given[name])
            except ValueError as error:
                faults.append(f"Invalid input for {name}. Reason: {error}.")
    if not any(name in given for name in SUBJECTS):
        faults.append(f"Say what to look for: {', '.join(SUBJECTS)}.")
    if "ip_address" in read:
        read["ip_address"] = model.pack(read["ip_address"])
    at_us, since_us, until_us = _instants(given, faults)
    limit = _limit(given.get("limit", str(MOST)), faults)
    if faults:
        raise HTTPBadRequest(faults)
    until_us = until_us if at_us is None else at_us
    return Question(**read, since_us=since_us, until_us=until_us), at_us, limit


def _text(text: str) -> str:
    if not 0 < len(text) <= values.NAME_LENGTH:
        raise ValueError(f"It has {len(text)} characters, not 1 to {values.NAME_LENGTH}")
    return values.printable(text)


def _instants(given: Mapping[str, str], faults: list[str]) -> Sequence[int | None]:
    found: list[int | None] = []
    for name in ("at", "since", "until"):
        try:
            found.append(instants.microseconds(given[name]) if name in given else None)
        except HTTPBadRequest as error:
            faults.append(f"Invalid input for {name}. Reason: {error}")
            found.append(None)
    return found


def _limit(text: str, faults: list[str]) -> int:
    if text.isdecimal() and text.isascii() and 0 < len(text) < 10 and int(text):
        return min(int(text), MOST)
    faults.append(f"Invalid input for limit. Reason: {values.shown(text)} is not 1 or more.")
    return MOST
