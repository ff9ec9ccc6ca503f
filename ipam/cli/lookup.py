"""Finds the resource that a name or an id means."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ipam.cli.failures import report, with_next_step
from ipam.cli.output import plain
from ipam.cli.resource_kinds import Resource
from ipam.errors import Conflict, HTTPBadRequest, IpamError, NotFound

if TYPE_CHECKING:
    from ipam.client import Client

T = TypeVar("T")
PART: ContextVar[tuple[object, object] | None] = ContextVar("ipam_part", default=None)
"""Which `for_each` runs, and for which of its things; None outside of all."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def find(client: "Client", resource: Resource, name_or_id: str, **filters: str) -> dict[str, Any]:
    """The resource with this id, or the only one with this name (an agent's host, a lease's IP).

    `filters` narrow the search by name. Raises NotFound, or Conflict when several have the name.
    """
    if UUID.fullmatch(name_or_id):
        try:
            return _one(client.get(f"{resource.path}/{name_or_id}"))
        except NotFound:
            pass  # a name may look like an id
    found = _by_name(client, resource, name_or_id, filters)
    if not found:
        raise NotFound(
            f"No {resource.noun} {resource.wording} '{name_or_id}'."
            f" `ipam {resource.list_command}` shows what there is."
        )
    if len(found) > 1:
        ids = ", ".join(str(one["id"]) for one in found[:5])
        raise Conflict(
            f"{len(found)} {resource.plural} {resource.wording} '{name_or_id}': say which by its"
            f" id ({ids}{', …' if len(found) > 5 else ''})."
        )
    return found[0]


def find_id(client: "Client", resource: Resource, name_or_id: str, **filters: str) -> str:
    """The id of `find`."""
    return str(find(client, resource, name_or_id, **filters)["id"])


def for_each(names: Iterable[T], action: Callable[[T], None]) -> None:
    """Run the action for every name or thing, even if some fail. Ends with status 1 if any did."""
    failed, loop = False, object()
    for name in names:
        token = PART.set((loop, object()))
        try:
            action(name)
        except IpamError as error:
            report(with_next_step(error))
            failed = True
        finally:
            PART.reset(token)
    if failed:
        raise click.exceptions.Exit(1)


def delete_each(client: "Client", resource: Resource, names: Iterable[str]) -> None:
    """Delete each of these resources, even if some cannot be deleted."""
    for_each(
        names, lambda name: client.delete(f"{resource.path}/{find_id(client, resource, name)}")
    )


def _by_name(
    client: "Client", resource: Resource, name: str, filters: dict[str, str]
) -> list[dict[str, Any]]:
    if not name:
        return []
    key = resource.label if "/" in name and resource.label == "cidr" else resource.key
    try:
        return client.list(resource.path, resource.collection, {key: name, **filters})
    except HTTPBadRequest:
        return []  # such as a lease looked up by a text that is no address


def _one(answer: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return next(iter(answer.values()))


def update(
    client: "Client",
    resource: Resource,
    resource_id: str,
    changes: dict[str, Any],
    *,
    revision_number: int | None = None,
) -> None:
    """Send the changes of a `set` or `unset`. It is a usage error if there are none."""
    if not changes:
        raise click.UsageError(f"Nothing to change: say what. `ipam {resource.noun} set --help`")
    client.put(
        f"{resource.path}/{resource_id}",
        json={resource.body: changes},
        revision_number=revision_number,
    )


def without(present: Sequence[Any], values: Sequence[Any], owner: str, what: str) -> list[Any]:
    """The present values without `values`.

    Raises NotFound with those that are not there, with their owner, and with what there is.
    """
    absent = [plain(value) for value in values if value not in present]
    if absent:
        there = "; ".join(map(plain, present)) or "none"
        raise NotFound(f"{owner} has no {what} {'; '.join(absent)}. It has: {there}.")
    return [one for one in present if one not in values]
