"""Tells an agent the names of the networks that it serves: what changed, or all of them."""

from collections.abc import Collection, Sequence
from typing import Final

from ipam import model
from ipam.errors import HTTPBadRequest
from ipam.protocol.dns_names import MOST_AT_ONCE, MOST_CHANGES, AllNames, ChangedNames, NamedPort
from ipam.store import dns_names, served_networks
from ipam.store.addresses_of_ports import FixedIp
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

DIGITS_MAX: Final = 18


now_cursor = dns_names.now_cursor


def number(text: str, name: str) -> int:
    """A number of a query. Raises HTTPBadRequest."""
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise HTTPBadRequest(f"Invalid input for {name}. Reason: {text[:40]!r} is not a number.")
    return int(text)


def seen(tx: Transaction, cursor: int | None, network_ids: Collection[str]) -> list[Record]:
    """The changes in these networks since the cursor; the same while nothing else changes.

    Without a cursor, or with 0 for a first one, there are none.
    """
    if not cursor:
        return []
    return dns_names.changed_since(tx, cursor, network_ids, limit=MOST_CHANGES + 1)


def told(tx: Transaction, cursor: int, found: Sequence[Record]) -> ChangedNames:
    """What an agent is told of these changes. Without a cursor it gets one."""
    if not cursor:
        return ChangedNames(dns_names.now_cursor(), [])
    if len(found) > MOST_CHANGES:
        return anew()
    now = {row.id: _named(row, ips) for row, ips in dns_names.of_ports(tx, _ids(found))}
    ports = [now.get(one.port_id) or NamedPort(one.port_id, one.network_id) for one in found]
    return ChangedNames(max([cursor, *(int(one.last) for one in found)]), ports)


def changed_in(
    tx: Transaction, agent: Record, network_ids: Collection[str], cursor: int
) -> ChangedNames:
    """What changed since the cursor in those of the networks that the agent serves."""
    served = served_networks.served_ids(tx, agent, sorted(network_ids))
    return told(tx, cursor, seen(tx, cursor, served))


def anew() -> ChangedNames:
    """Nobody knows what changed: the agent asks for all names, and for changes from now on."""
    return ChangedNames(dns_names.now_cursor(), [], is_complete=False)


def of_networks(
    tx: Transaction, agent: Record, network_ids: Collection[str], after: int
) -> AllNames:
    """The names of those of the networks that the agent serves, from a port on."""
    served = served_networks.served_ids(tx, agent, sorted(network_ids))
    if not served:
        return AllNames([], None)
    found = dns_names.of_networks(tx, served, after=after, limit=MOST_AT_ONCE)
    following = str(found[-1][0].pk) if len(found) == MOST_AT_ONCE else None
    return AllNames([_named(row, ips) for row, ips in found if ips], following)


def _ids(found: Sequence[Record]) -> set[str]:
    return {one.port_id for one in found}


def _named(row: Record, fixed_ips: Sequence[FixedIp]) -> NamedPort:
    return NamedPort(
        row.id,
        row.network_id,
        row.dns_name,
        [model.unpack(ip) for _subnet_id, _subnet_pk, ip in fixed_ips],
        row.device_owner == model.LEASE_PORT_OWNER,
        row.own_name or "",
    )
