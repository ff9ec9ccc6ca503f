"""Records who changed what: an event for each change, in the transaction of the change.

Each transaction of a request that may change something runs inside an envelope that adds the
events. No handler can forget them. What changed comes from the rows that the transaction locked
and the values that it set, so that no statement is needed to find out. An update that changed
nothing has no event.

Reports of agents are not recorded: they are what the machines do, not what somebody changes, and
leases and addresses have histories of their own.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import falcon
from msgspec import Struct

from ipam import clock
from ipam.api.audit import changes
from ipam.api.audit.origin import address_of, authentication_of
from ipam.api.audit.refusal_budget import WINDOW_SECONDS, RefusalBudget
from ipam.api.http.authorization import Authorization
from ipam.api.http.faults import Refusal
from ipam.api.http.operations import READING, REHEARSED, Operation
from ipam.api.http.service import FrameworkService
from ipam.errors import IpamError
from ipam.escaping import escaped
from ipam.store.audit import events
from ipam.store.engine.database import Transaction, enclose
from ipam.store.engine.notes import Notes
from ipam.store.engine.time_limit import limit_work

LOG = logging.getLogger(__name__)

TEXT_MAX: Final = 255
OBJECT_TYPE_MAX: Final = 64
SUMMED_UP: Final = "refused_requests"

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trail:
    """One request that may change something."""

    common: Event
    """The columns that all its events share."""
    object_id: str
    """The object that its path names, if any."""
    is_deletion: bool

    def envelope(self, tx: Transaction, work: Callable[[Transaction], Any]) -> Any:
        """Run the work and add the events of what it changed."""
        tx.notes = Notes()
        result = work(tx)
        if found := self._events(tx.notes, result):
            now = clock.now_microseconds()
            events.add(tx, [self.common | {"occurred_at_us": now} | each for each in found])
        return result

    def _events(self, notes: Notes, result: Any) -> list[Event]:
        if not self.object_id and _are_views(result):
            return [_of_new(view) for view in result]
        for key, row in notes.held.items():
            if row.id == self.object_id:
                return self._of_row(row, notes.touched.get(key), notes.said)
        if notes.deleted is not None:  # the undoing of an import names the import
            return [_of_row(notes.deleted, changes.of_gone(notes.deleted) | notes.said)]
        if notes.is_same and not notes.said:
            return []  # the update changed nothing
        return [{"object_id": self.object_id, "changes": changes.encoded(notes.said)}]

    def _of_row(
        self, row: Any, values: Mapping[str, Any] | None, said: changes.Changes
    ) -> list[Event]:
        if self.is_deletion and values is None:
            found = changes.of_gone(row) | said
        elif values is None and not said:
            return []  # the update changed nothing
        else:
            found = changes.of_update(row, values or {}) | said
        return [_of_row(row, found)]


class AuditTrail:
    """Falcon middleware between `Authorization` and `Idempotency`."""

    def __init__(self, service: FrameworkService, authorization: Authorization) -> None:
        self._service = service
        self._settings = service.settings.audit
        self._authorization = authorization
        self._budget = RefusalBudget(self._settings.refusals_per_minute)
        self._summing_up: threading.Timer | None = None
        service.database.before_dispose(self.end)

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: Any, params: dict[str, Any]
    ) -> None:
        if req.method in READING or req.context.caller is None:
            return
        operation = self._authorization.operation(req)
        if operation is None or operation.of_host or not self._settings.enabled:
            return
        if operation.changes_nothing:
            return
        common = self._common(req, operation) | {"status": operation.status}
        enclose(Trail(common, _object_id(params), req.method == "DELETE").envelope)

    def process_response(
        self, req: falcon.Request, _resp: falcon.Response, resource: object, _succeeded: bool
    ) -> None:
        if req.method in READING:
            return
        enclose(None)
        refusal: Refusal | None = getattr(req.context, "refusal", None)
        if refusal is None or resource is None:
            return
        operation = self._authorization.operation(req)
        if operation is None or operation.changes_nothing or REHEARSED in req.env:
            return
        if self._settings.enabled:
            self._record(req, operation, refusal)

    def _record(self, req: falcon.Request, operation: Operation, refusal: Refusal) -> None:
        common = self._common(req, operation)
        sender = common["user_id"] or common["address"]
        if not self._budget.admits(sender):
            self._sum_up_later()
            return
        event = {
            "status": refusal.status,
            "object_id": _object_id(req.context.params),
            "reason": _cut(refusal.reason),
            "occurred_at_us": clock.now_microseconds(),
        }
        if not self._write([common | event]):
            self._budget.give_back({sender: 1})
            self._sum_up_later()

    def _common(self, req: falcon.Request, operation: Operation) -> Event:
        """Every column of the request's events, without `occurred_at_us` and `status`."""
        context, api = req.context, self._service.settings.api
        caller = getattr(context, "caller", None)
        kind = operation.rule.partition("_")[2] or operation.summary
        return {
            **events.EMPTY,
            "request_id": context.request_id,
            "user_id": caller.user_id if caller else "",
            "user_name": _cut(caller.user_name) if caller else "",
            "user_project_id": caller.project_id if caller else "",
            "roles": ",".join(sorted(caller.roles))[:TEXT_MAX] if caller else "",
            "authentication": authentication_of(req.env, api.auth_strategy) if caller else "",
            "address": address_of(req.env, self._settings.trusted_proxies),
            "operation": (operation.rule or operation.summary)[:OBJECT_TYPE_MAX],
            "path": _cut(req.path),
            "object_type": kind[:OBJECT_TYPE_MAX],
            "project_id": caller.project_id if caller else "",
        }

    def _sum_up_later(self) -> None:
        if self._summing_up is None:
            LOG.warning("Refused changes that are not recorded one by one are counted.")
            self._summing_up = threading.Timer(WINDOW_SECONDS, self.sum_up)
            self._summing_up.daemon = True
            self._summing_up.start()

    def end(self) -> None:
        """Record what is counted now, not later."""
        if (waiting := self._summing_up) is not None:
            waiting.cancel()
            self.sum_up()

    def sum_up(self) -> None:
        """Record how many refusals were not recorded, by sender."""
        self._summing_up = None
        missed = self._budget.take_missed()
        now = clock.now_microseconds()
        found = [
            {
                **events.EMPTY,
                "occurred_at_us": now,
                "user_id": sender,
                "user_name": sender,
                "operation": SUMMED_UP,
                "status": 403,
                "reason": f"{count} refused changes that were not recorded one by one.",
                "times": count,
            }
            for sender, count in missed.items()
        ]
        if found and not self._write(found):
            self._budget.give_back(missed)

    def _write(self, found: Sequence[Event]) -> bool:
        limit_work(None)  # who closes the connection at once is recorded, too
        try:
            self._service.database.write(lambda tx: events.add(tx, found))
        except IpamError as error:  # the refusal itself stands
            LOG.warning("%d refused changes could not be recorded: %s", len(found), error)
            return False
        return True


def _are_views(result: Any) -> bool:
    return isinstance(result, list) and bool(result) and isinstance(result[0], Struct)


def _of_row(row: Any, found: changes.Changes) -> Event:
    return {
        "object_id": row.id,
        "object_name": getattr(row, "name", ""),
        "project_id": row.project_id,
        "changes": changes.encoded(found),
    }


def _of_new(view: Any) -> Event:
    return {
        "object_id": view.id,
        "object_name": getattr(view, "name", ""),
        "project_id": view.project_id,
        "changes": changes.encoded(changes.of_new(view)),
    }


def _object_id(params: Mapping[str, Any]) -> str:
    """The object that the path names first."""
    return _cut(str(next(iter(params.values()), "")))


def _cut(text: str) -> str:
    return escaped(text[:TEXT_MAX])[:TEXT_MAX]
