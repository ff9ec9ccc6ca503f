"""The description of a kind of resource: its names, how it is read, its views."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from ipam.api.http.attributes import python_names
from ipam.errors import NotFound
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record, Viewer
from ipam.store.engine.reading import read_one
from ipam.values import NAME_LENGTH, is_uuid

Views = Callable[[Transaction, Sequence[Record]], list[Any]]
"""View structs of these rows, in their order."""

KINDS_KEPT: Final = 16
"""How many narrowed kinds are kept, one for each set of fields that clients ask for."""


HISTORY_PAGE_MAX: Final = 1000
"""The most items in one answer of a history, which grows with time and not with the network."""
Guard = Callable[[Any], bool]
"""Whether the rule of an attribute applies to this value."""


class Sight(Protocol):
    """What a caller may not see, by the rules of all kinds."""

    def allows(self, rule: str) -> bool:
        """Whether the rule gives everything to the caller."""

    def hidden(self, name: str) -> Sequence[str]:
        """The attributes of the kind of this name that are hidden from the caller."""


Redact = Callable[[Sequence[Any], Sight], None]
"""Removes from views what they tell of attributes of other kinds."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The kind of the parent of each item, and the attribute of a new item that names it."""

    kind: "Kind"
    attribute: str

    @property
    def relation(self) -> str:
        """The relation of an item to the project that owns its parent."""
        return f"{self.kind.name}_owner"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource: what it is called, how it is read, what it looks like."""

    name: str
    collection: str
    view: type[Struct]
    rows: Collection
    views: Views
    not_found: type[NotFound]
    parent: Parent | None = None
    guards: Mapping[str, Guard] = field(default_factory=dict, hash=False)
    """For attributes whose rules apply only to some values."""
    filterable: frozenset[str] = frozenset()
    """Attributes by which callers may filter even if they may not see them."""
    page_size_max: int | None = None
    """The most items in one answer, whatever the settings allow; None for any number."""
    redact: Redact | None = None
    """For views that tell of other kinds."""
    is_long: bool = False
    """Whether its lists may have thousands of items. Its views then read nothing."""

    def missing(self, resource_id: str) -> NotFound:
        """The error for an id without a resource."""
        title = self.name.replace("_", " ").capitalize()
        return self.not_found(f"{title} {resource_id[:NAME_LENGTH]} could not be found.")

    def show(self, tx: Transaction, resource_id: str, viewer: Viewer | None = None) -> Any:
        """The view of one item, if the viewer may see it (None may see all).

        Raises `not_found`, also for an id that is no UUID.
        """
        return self.views(tx, [self.row(tx, resource_id, viewer)])[0]

    def row(self, tx: Transaction, resource_id: str, viewer: Viewer | None = None) -> Record:
        """The row of one item. Otherwise like `show`."""
        row = read_one(tx, self.rows, resource_id, viewer) if is_uuid(resource_id) else None
        if row is None:
            raise self.missing(resource_id)
        return row

    def showing(self, fields: frozenset[str]) -> "Kind":
        """The kind for a request of these fields. It reads only them, if that is possible."""
        known = fields.intersection(python_names(self.view))
        return _narrowed(self, known) if known and known <= self.rows.verbatim else self


@lru_cache(maxsize=KINDS_KEPT)
def _narrowed(kind: Kind, fields: frozenset[str]) -> Kind:
    """The kind with a view of these fields and the id, read directly from their columns."""
    names = sorted(fields | {"id"})
    attributes = [(python_names(kind.view)[name], Any, msgspec.field(name=name)) for name in names]
    view = msgspec.defstruct(kind.view.__name__, attributes)

    def views(_tx: Transaction, found: Sequence[Record]) -> list[Any]:
        return [view(*row) for row in found]

    return replace(kind, view=view, rows=kind.rows.only(names), views=views)
