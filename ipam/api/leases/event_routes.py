"""The history of leases: GET of events, and POST of events that agents saw.

An agent sends an event again until it is acknowledged.
"""

from collections.abc import Mapping
from typing import Final

import falcon

from ipam import clock
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.http.routes import ListRoute, ShowRoute
from ipam.api.leases.event_batch import read_event_id, read_events
from ipam.api.leases.event_wire import KIND
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.store.leases import recording

RULE: Final = "create_lease_event"


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
            rule=RULE,
            of_host=True,
        )
        return {**super().operations, "POST": recorded}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        body = read_json(req, self.service.settings.api.max_body_bytes)
        given = unwrap(body, "lease_events")
        if not isinstance(given, list):
            raise HTTPBadRequest("Invalid input for lease_events. Reason: it is not a list.")
        events = read_events(given, clock.now_microseconds())
        access = req.context.access
        for host in {event.host for event in events} or {access.caller.host}:
            access.require_host(RULE, host)
        recorded = recording.record(self.service.database, events, reporter=access.caller.host)
        respond(resp, {"applied": recorded.applied, "duplicates": recorded.duplicates})


class LeaseEventRoute(ShowRoute):
    """GET of one event, by its id with or without hyphens."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, KIND)

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        super().on_get(req, resp, read_event_id(resource_id) or resource_id)
