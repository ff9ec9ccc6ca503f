"""Where a network is, in the words of `ipam network show`."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ipam.cli.resource_kinds import NETWORK
from ipam.errors import NotFound, PolicyNotAuthorized

if TYPE_CHECKING:
    from ipam.client import Client

Json = Mapping[str, Any]


def hosts_of(client: "Client", network_id: str) -> list[Json] | None:
    """The network's hosts; None for who may not know them, and from an older service."""
    try:
        found: list[Json] = client.get(f"{NETWORK.path}/{network_id}/hosts")["hosts"]
    except (NotFound, PolicyNotAuthorized):
        return None
    return found


def lines_of(hosts: list[Json]) -> list[str]:
    """A few short lines for each host."""
    return [line for one in hosts for line in _lines(one)]


def _lines(one: Json) -> Iterator[str]:
    by = one["wire"] or one["bridge"]
    silent = "" if one["alive"] else " (its agent is silent)"
    yield f"{one['host']}: {one['state']}{f' by {by}' if by else ''}{silent}"
    if one["fault"]:
        yield f"  {one['fault']}"
    if one["peers"]:
        yield f"  to {', '.join(one['peers'])}"
    guarded = f", {one['guarded']} guarded" if one["port_filter"] else ", no guard on this host"
    yield f"  ports: {one['ports']}, {one['taps']} plugged in{guarded if one['taps'] else ''}"
