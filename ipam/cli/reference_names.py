"""Asks the service for the names of what a table refers to by id."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from ipam.cli.output import Column, Record
from ipam.cli.resource_kinds import REFERRED, Resource
from ipam.errors import NotFound, PolicyNotAuthorized

if TYPE_CHECKING:
    from ipam.client import Client

IDS_PER_REQUEST = 100
IDS_MOST = 1000
"""Of more things than this a table shows the ids: nobody waits for that many names."""
Names = Mapping[str, str]


def names_of(client: "Client", columns: Sequence[Column], items: Sequence[Record]) -> Names:
    """The names, by id, of what these columns of the items refer to. One without a name lacks."""
    names: dict[str, str] = {}
    for kinds in dict.fromkeys(column.refers_to for column in columns if column.refers_to):
        same = [column for column in columns if column.refers_to == kinds]
        ids = set(chain.from_iterable(_ids(column.value(one)) for column in same for one in items))
        for kind in kinds if len(ids) <= IDS_MOST else ():
            names |= _ask(client, REFERRED[kind], sorted(ids - names.keys()))
    return names


def named(value: Any, names: Names) -> str:
    """An id or a list of ids as names; an id whose name is not known as it is."""
    return ", ".join(names.get(one, one) for one in _ids(value))


def _ids(value: Any) -> Iterable[str]:
    return map(str, value if isinstance(value, list) else [value] if value else [])


def _ask(client: "Client", kind: Resource, ids: Sequence[str]) -> dict[str, str]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), IDS_PER_REQUEST):
        params = [("id", one) for one in ids[start : start + IDS_PER_REQUEST]]
        params += [("fields", "id"), ("fields", kind.label)]
        try:
            found += client.list(kind.path, kind.collection, params)
        except (PolicyNotAuthorized, NotFound):
            break  # the caller may not see such things, so it sees their ids
    return {one["id"]: one[kind.label] for one in found if one[kind.label]}
