"""The bodies of audit events."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import HISTORY_PAGE_MAX, Kind, Sight
from ipam.api.http.standard_attributes import ID, TENANT_ID
from ipam.errors import AuditEventNotFound
from ipam.store.audit import events
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import ProjectId, Uuid

CHANGED: Final = ("network", "subnet", "port")
"""The kinds of which attributes may be hidden, also where an import makes them."""
BINDINGS: Final = "/bindings"
"""What a host's name follows in a path."""


class AuditEventView(Struct):
    """A change, or one that was refused: who asked for it, from where, and what became of it."""

    id: Annotated[Uuid, ID]
    occurred_at: Annotated[str, Meta(description="When it happened, in UTC.")]
    request_id: Annotated[
        str, Meta(description="The request's id, which its answer and its log lines have.")
    ]
    user_id: Annotated[str, Meta(description="The user who asked; empty if nobody was signed in.")]
    user_name: Annotated[
        str,
        Meta(
            description="The user's name then. Where Keystone's users were recorded without their"
            " names, by former versions, it is the id."
        ),
    ]
    user_project_id: Annotated[str, Meta(description="The project in which the user asked.")]
    roles: Annotated[list[str], Meta(description="The user's roles in that project.")]
    authentication: Annotated[
        str,
        Meta(
            description="How the user was recognised: unix_socket, client_certificate, http_basic"
            " or keystone; worker for what the worker does by itself."
        ),
    ]
    address: Annotated[
        str, Meta(description="Where the request came from: an IP address, or uid N of a process.")
    ]
    operation: Annotated[
        str, Meta(description="What was asked for, mostly the rule that allows it: update_port.")
    ]
    path: Annotated[str, Meta(description="The path of the request, escaped.")]
    outcome: Annotated[
        Literal["succeeded", "refused"], Meta(description="Whether the change was made.")
    ]
    status: Annotated[int, Meta(description="The HTTP status of the answer.")]
    object_type: Annotated[str, Meta(description="The kind of the object: port.")]
    object_id: Annotated[str, Meta(description="The object's id; empty if it got none.")]
    object_name: Annotated[str, Meta(description="The object's name before the change.")]
    project_id: Annotated[
        ProjectId, Meta(description="The object's project; of a refusal, the user's.")
    ]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    changes: Annotated[
        dict[str, Any],
        Meta(
            description="Each attribute that changed, with its value before and after. Long values"
            " are cut; those that may be secret are not recorded."
        ),
    ]
    reason: Annotated[str, Meta(description="Why it was refused.")]
    count: Annotated[
        int,
        Meta(
            description="How many refused requests the event stands for: more than 1 where a flood"
            " of them was summed up."
        ),
    ]


def views(_tx: Transaction, rows: Sequence[Record]) -> list[AuditEventView]:
    """The views of these rows."""
    return [
        AuditEventView(
            id=row.id,
            occurred_at=model.iso_time_microseconds(row.occurred_at_us),
            request_id=row.request_id,
            user_id=row.user_id,
            user_name=row.user_name,
            user_project_id=row.user_project_id,
            roles=[role for role in row.roles.split(",") if role],
            authentication=row.authentication,
            address=row.address,
            operation=row.operation,
            path=row.path,
            outcome="succeeded" if row.status < 400 else "refused",
            status=row.status,
            object_type=row.object_type,
            object_id=row.object_id,
            object_name=row.object_name,
            project_id=row.project_id,
            tenant_id=row.project_id,
            changes=row.changes,
            reason=row.reason,
            count=row.times,
        )
        for row in rows
    ]


def _redact(found: Sequence[AuditEventView], sight: Sight) -> None:
    """Remove what is hidden in networks, subnets and ports themselves: where a machine runs."""
    hidden = {name for kind in CHANGED for name in sight.hidden(kind)}
    sees_hosts = sight.allows("get_port_binding")
    for view in found:
        if not hidden.isdisjoint(view.changes):
            kept = {name: value for name, value in view.changes.items() if name not in hidden}
            view.changes = kept
        if not sees_hosts:
            path, of_bindings, _host = view.path.partition(BINDINGS)
            view.path = path + of_bindings


KIND: Final = Kind(
    name="audit_event",
    collection="audit_events",
    view=AuditEventView,
    rows=events.COLLECTION,
    views=views,
    not_found=AuditEventNotFound,
    page_size_max=HISTORY_PAGE_MAX,
    redact=_redact,
)
