"""Applying imports, and undoing them: each in one transaction.

DHCP is switched on last, when every address that the estate has is taken: the server's own then is
none of them.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from ipam import clock, model
from ipam.api.http.attributes import parse
from ipam.api.imports.wire import (
    KIND,
    ImportCreate,
    ImportView,
    Kept,
    NewNetwork,
    NewPort,
    NewSubnet,
    Undone,
    views,
)
from ipam.api.networks import wire as network_wire
from ipam.api.networks.actions import NetworkActions
from ipam.api.networks.segments import write
from ipam.api.ports import wire as port_wire
from ipam.api.ports.actions import PortActions
from ipam.api.service import Service
from ipam.api.subnets import wire as subnet_wire
from ipam.api.subnets.actions import SubnetActions
from ipam.errors import CallerError, Conflict, ImportUndone, InvalidInput, NotFound
from ipam.identity.caller import Caller
from ipam.rules.segments import Segment
from ipam.store import imports, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.reading import read_many

VOLATILE: Final = frozenset(
    {
        *("status", "revision_number", "updated_at", "created_at", "subnets"),
        *("availability_zones", "ipv4_address_scope", "ipv6_address_scope"),
        *("binding:vif_type", "binding:vif_details", "dns_assignment", "gateway_served"),
    }
)
"""What changes without anybody's doing."""
_TABLES: Final = {"network": tables.network, "subnet": tables.subnet, "port": tables.port}
_KINDS: Final = {
    "network": network_wire.KIND,
    "subnet": subnet_wire.KIND,
    "port": port_wire.KIND,
}


class ImportActions:
    """Applies and undoes imports."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._networks = NetworkActions(service)
        self._subnets = SubnetActions(service)
        self._ports = PortActions(service)

    def create(self, caller: Caller, body: Any) -> ImportView:
        """Make all that the body lists, or nothing."""
        asked = parse(ImportCreate, body, known=ImportView).result()
        ids = {one.ref: one.id or model.new_id() for one in asked.networks}
        if len(ids) < len(asked.networks):
            raise InvalidInput("Invalid input for networks. Reason: two have the same ref.")
        adding, wished = self._adding(caller, asked, ids)

        def work(tx: Transaction) -> list[Any]:
            _refuse_known_ids(tx, asked)
            made = adding(tx)
            for view, one in zip(dict(made)["subnet"], asked.subnets, strict=True):
                if view.enable_dhcp:
                    self._subnets.serve(tx, view.id, one.server_address)
            return [self._record(tx, caller, asked, made), *(v for _, new in made for v in new)]

        view: ImportView = write(self._service.database, work, wished)[0]
        return view

    def _adding(
        self, caller: Caller, asked: ImportCreate, ids: dict[str, str]
    ) -> tuple[Callable[[Transaction], list[tuple[str, list[Any]]]], list[Segment]]:
        """What adds all, by kind, and the segments that the networks wish."""
        add_networks, wished = self._networks.adding(
            caller, [one.body for one in asked.networks], list(ids.values())
        )
        add_subnets = self._subnets.adding(
            caller,
            [_with_network(one, ids) for one in asked.subnets],
            _ids(asked.subnets),
            serve=False,
        )
        add_ports = self._ports.adding(
            caller, [_with_network(one, ids) for one in asked.ports], _ids(asked.ports)
        )

        def adding(tx: Transaction) -> list[tuple[str, list[Any]]]:
            return [
                ("network", add_networks(tx) if asked.networks else []),
                ("subnet", add_subnets(tx) if asked.subnets else []),
                ("port", add_ports(tx) if asked.ports else []),
            ]

        return adding, wished

    def _record(
        self,
        tx: Transaction,
        caller: Caller,
        asked: ImportCreate,
        made: Sequence[tuple[str, list[Any]]],
    ) -> ImportView:
        items = [
            [kind, view.id, digest]
            for kind, new in made
            for view, digest in zip(new, _digests_of(tx, kind, new), strict=True)
        ]
        row = {
            "id": model.new_id(),
            "project_id": caller.project_id,
            "user_id": caller.user_id,
            "format": asked.format,
            "source": asked.source,
            "created_at": clock.now_seconds(),
            **{f"{kind}s": len(new) for kind, new in made},
        }
        pk = imports.add(tx, row, {"items": items, "report": asked.report})
        return views(tx, read_many(tx, KIND.rows, [pk]))[0]

    def report(self, import_id: str) -> list[str]:
        """The lines that were kept with an import. Raises ImportNotFound."""
        contents = self._service.database.read(lambda tx: imports.contents(tx, import_id))
        if contents is None:
            raise KIND.missing(import_id)
        lines: list[str] = contents["report"]
        return lines

    def undo(self, import_id: str) -> Undone:
        """Delete what an import made and nobody changed or uses since.

        Raises ImportNotFound or ImportUndone.
        """

        def begin(tx: Transaction) -> list[tuple[str, str, str]]:
            row = rows.lock(tx, tables.import_run, import_id)
            if row is None:
                raise KIND.missing(import_id)
            if row.undone_at:
                raise ImportUndone(
                    f"Import {import_id} was undone at {model.iso_time(row.undone_at)}."
                )
            return [
                (item[0], item[1], item[2]) for item in imports.contents(tx, import_id)["items"]
            ]

        def mark(tx: Transaction) -> None:
            row = rows.lock(tx, tables.import_run, import_id)
            if row is not None:
                at = clock.now_seconds()
                imports.undo(tx, row.pk, at)
                tx.note("undone_at", None, model.iso_time(at))

        items = self._service.database.write(begin)
        kept: list[Kept] = []
        for kind, item_id, digest in reversed(items):
            if reason := self._remove(kind, item_id, digest):
                kept.append(Kept(kind, item_id, reason))
        self._service.database.write(mark)
        return Undone(len(items) - len(kept), kept)

    def _remove(self, kind: str, item_id: str, digest: str) -> str:
        """Why it stays; empty if it is gone."""
        actions: Any = {"port": self._ports, "subnet": self._subnets, "network": self._networks}
        try:
            view = self._service.database.read(lambda tx: _KINDS[kind].show(tx, item_id))
            if _digest(view) != digest:
                return "it was changed since"
            actions[kind].delete(item_id, view.revision_number)
        except NotFound:
            return ""
        except CallerError as error:
            return str(error)
        return ""


def _with_network(one: NewSubnet | NewPort, ids: dict[str, str]) -> dict[str, Any]:
    return {**one.body, "network_id": ids.get(one.network, one.network)}


def _ids(asked: Sequence[NewSubnet] | Sequence[NewPort]) -> list[str]:
    return [one.id or model.new_id() for one in asked]


def _refuse_known_ids(tx: Transaction, asked: ImportCreate) -> None:
    """Raise Conflict if something with an id that is to be kept is here already."""
    given: list[tuple[str, NewNetwork | NewSubnet | NewPort]] = [
        *(("network", one) for one in asked.networks),
        *(("subnet", one) for one in asked.subnets),
        *(("port", one) for one in asked.ports),
    ]
    wanted: set[tuple[str, str]] = set()
    for kind, one in given:
        if not one.id:
            continue
        if (kind, one.id) in wanted or rows.find(tx, _TABLES[kind], one.id) is not None:
            raise Conflict(f"A {kind} with the id {one.id} is there already.")
        wanted.add((kind, one.id))


def _digests_of(tx: Transaction, kind: str, new: Sequence[Any]) -> list[str]:
    """A digest of each new thing. What the rest of the import changed is read again."""
    return [_digest(one if kind == "port" else _KINDS[kind].show(tx, one.id)) for one in new]


def _digest(view: Struct) -> str:
    said = {n: v for n, v in msgspec.to_builtins(view).items() if n not in VOLATILE}
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:32]
