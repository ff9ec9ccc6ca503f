"""Tags in `set` and `unset`, which requests of their own change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ipam.cli import lookup
from ipam.cli.resource_kinds import Resource

if TYPE_CHECKING:
    from ipam.client import Client


def update_with_tags(
    client: "Client",
    resource: Resource,
    resource_id: str,
    changes: dict[str, Any],
    *,
    tags: list[str] | None,
    no_tag: bool,
    revision_number: int | None = None,
) -> None:
    """Send the changes of a `set`, then its tags. It is a usage error if there are none."""
    if changes or not (tags or no_tag):
        lookup.update(client, resource, resource_id, changes, revision_number=revision_number)
    path = f"{resource.path}/{resource_id}/tags"
    if no_tag:
        client.put(path, json={"tags": tags or []})
    elif tags:
        client.post(path, json={"tags": tags})


def remove_tags(
    client: "Client",
    resource: Resource,
    resource_id: str,
    *,
    tags: Sequence[str],
    all_tags: bool,
) -> None:
    """Remove these tags, or all that it has."""
    path = f"{resource.path}/{resource_id}/tags"
    if all_tags:
        client.delete(path)
    for tag in () if all_tags else tags:
        client.delete(f"{path}/{quote(tag, safe='')}")
