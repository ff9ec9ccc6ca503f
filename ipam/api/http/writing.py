"""What writing all resources has in common: bodies, locks, revisions, quotas, tags."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType

from ipam import model
from ipam.api.http.attributes import Parsed, parse
from ipam.api.http.kind import Kind
from ipam.errors import (
    FAULTS_LISTED,
    CallerError,
    HTTPBadRequest,
    InvalidInput,
    RevisionNumberConstraintFailed,
)
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store import quotas, tags
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.engine.reading import read_many
from ipam.store.engine.rows import Table

S = TypeVar("S", bound=Struct)

Rule = Callable[[Mapping[str, Any]], Sequence[CallerError]]
"""Gives the faults between the values of a body. Values with faults of their own are left out."""


def read_bodies(
    struct: type[S], view: type[Struct], bodies: Sequence[Any], rule: Rule | None = None
) -> list[S]:
    """Every body of a POST as its struct. Raises with the faults of the bodies.

    When there are more faults than an answer lists, `rule` is not asked any more.
    """
    parsed = [parse(struct, body, known=view) for body in bodies]
    faults: list[str] = []
    broken: list[CallerError] = []
    for number, each in enumerate(parsed):
        place = f"[{number}] " if len(parsed) > 1 else ""
        faults += [place + fault for fault in each.faults]
        if rule and len(faults) + len(broken) < FAULTS_LISTED:
            broken += rule(each.values)
        faults += [place + fault for fault in _two_projects(each)]
    if faults:
        raise HTTPBadRequest([*faults, *map(str, broken)])
    raise_all(broken)
    return [each.result() for each in parsed]


def read_update(struct: type[S], view: type[Struct], body: Any) -> S:
    """The body of a PUT as its struct. Raises with all its faults."""
    return parse(struct, body, known=view, method="PUT").result()


def raise_all(broken: Sequence[CallerError]) -> None:
    """Raise a single error unchanged, several as an InvalidInput with every message."""
    if len(broken) == 1:
        raise broken[0]
    if broken:
        raise InvalidInput([str(error) for error in broken])


def _two_projects(parsed: Parsed[Any]) -> list[str]:
    given = {parsed.values.get(name, UNSET) for name in ("project_id", "tenant_id")} - {UNSET}
    if len(given) > 1:
        return ["'project_id' and 'tenant_id' are given and do not match."]
    return []


def project_of(body: Any, caller: Caller) -> str:
    """The owner of a new resource: the project that the body names, or else the caller's."""
    for project in (body.project_id, body.tenant_id):
        if not isinstance(project, UnsetType):
            return str(project)
    return caller.project_id


def locked(
    tx: Transaction, table: Table, resource_id: str, revision: int | None, missing: CallerError
) -> Record:
    """The row, locked for a change. Raises `missing`, or RevisionNumberConstraintFailed."""
    row = rows.lock(tx, table, resource_id)
    if row is None:
        raise missing
    if revision is not None and row.revision_number != revision:
        raise RevisionNumberConstraintFailed(
            f"Constrained to revision {revision}, but current revision is {row.revision_number}."
        )
    return row


def with_ids(new: Sequence[dict[str, Any]], ids: Sequence[str]) -> Sequence[dict[str, Any]]:
    """The new rows with these ids; with those that they have when there are none."""
    return [row | {"id": each} for row, each in zip(new, ids, strict=True)] if ids else new


def made(tx: Transaction, kind: Kind, pks: Sequence[int], settings: Settings) -> Sequence[Record]:
    """The rows that a POST has inserted. Adds their tags. Raises OverQuota."""
    if kind.name in quotas.COUNTED:
        found = quotas.read_made(tx, kind.rows, pks, kind.name, settings.quotas)
    else:
        found = read_many(tx, kind.rows, pks)
    table = kind.rows.pk.table
    if "tags" in table.c:
        tags.add_new(tx, table, found)
    return found


def given(body: Struct) -> dict[str, Any]:
    """The values that a PUT sets, by Python name."""
    names = body.__struct_fields__
    return {name: value for name in names if (value := getattr(body, name)) is not UNSET}


def changed(row: Record, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ from the row's."""
    return {name: value for name, value in values.items() if getattr(row, name) != value}


def standard_view(row: Record) -> dict[str, Any]:
    """The standard attributes of a view, from its row."""
    return {
        "id": row.id,
        "name": row.name,
        "tenant_id": row.project_id,
        "project_id": row.project_id,
        "description": row.description,
        "revision_number": row.revision_number,
        "created_at": model.iso_time(row.created_at),
        "updated_at": model.iso_time(row.updated_at),
        "tags": tags.of_row(row),
    }
