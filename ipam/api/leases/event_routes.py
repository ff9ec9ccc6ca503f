"""The history of leases: GET of events, and POST of events that agents saw.

An agent sends an event again until it is acknowledged.
"""

from collections.abc import Collection, Mapping
from typing import Final

import falcon

from ipam import clock
from ipam.allocator.lease_ports import LeasePorts
from ipam.api.http.bodies import read_bytes, read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.http.routes import ListRoute, ShowRoute
from ipam.api.leases.event_batch import (
    clock_difference_us,
    read_event_id,
    read_events,
    read_plain,
)
from ipam.api.leases.event_wire import KIND
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest
from ipam.protocol.lease_events import LeaseEventCreate, LeaseEventsRecorded
from ipam.rules.leases import LeaseEvent
from ipam.store.engine.database import Transaction
from ipam.store.leases import own_names, recording

RULE: Final = "create_lease_event"


class LeaseEventsRoute(ListRoute):
    """GET of the history and POST of a batch."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, KIND)
        self._wakes = service.wakes
        self._ports = LeasePorts(service.allocator, service.wakes.after)

    @property
    def operations(self) -> Mapping[str, Operation]:
        recorded = Operation(
            "Record lease events, in their order, each id once, as one transaction",
            request=({"lease_events": list[LeaseEventCreate], "sent_at_us": int},),
            optional=("sent_at_us",),
            response={"applied": int, "duplicates": int},
            response_forms=(dict(LeaseEventsRecorded.__annotations__),),
            rule=RULE,
            of_host=True,
        )
        return {**super().operations, "POST": recorded}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        events, difference_us = self._read(req)
        access = req.context.access
        for host in {event.host for event in events} or {access.caller.host}:
            access.require_host(RULE, host)
        recorded = recording.record(
            self.service.database,
            events,
            reporter=access.caller.host,
            follow=self._ports.follow,
            on_own_names=self._note_own_names,
        )
        last = events[-1] if events else None
        answer = LeaseEventsRecorded(
            recorded.applied,
            recorded.duplicates,
            last.epoch if last else None,
            last.sequence if last else None,
            difference_us,
        )
        respond(resp, answer)

    def _note_own_names(self, tx: Transaction, port_ids: Collection[str]) -> None:
        self._wakes.for_news(tx, *own_names.note_changes(tx, port_ids))

    def _read(self, req: falcon.Request) -> tuple[list[LeaseEvent], int]:
        """The events, and by how much their sender's clock is behind."""
        most, now_us = self.service.settings.api.max_body_bytes, clock.now_microseconds()
        serves = self.service.settings.network.serve_own_names
        plain = read_plain(read_bytes(req, most), now_us, own_names=serves)
        if plain is not None:
            return plain
        body = read_json(req, most)
        given = unwrap(body, "lease_events")
        if not isinstance(given, list):
            raise HTTPBadRequest("Invalid input for lease_events. Reason: it is not a list.")
        difference_us = clock_difference_us(body.get("sent_at_us"), now_us)
        return read_events(given, now_us, difference_us, own_names=serves), difference_us


class LeaseEventRoute(ShowRoute):
    """GET of one event, by its id with or without hyphens."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, KIND)

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        super().on_get(req, resp, read_event_id(resource_id) or resource_id)
