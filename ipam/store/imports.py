"""Statements on imports: what each made, as it made it, and its report."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import insert, update

from ipam.store import tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection

_T = tables.import_run

COLLECTION: Final = Collection(
    source=_T,
    selected=tuple(column for column in _T.c if column is not _T.c.contents),
    columns={
        "id": _T.c.id,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "user_id": _T.c.user_id,
        "format": _T.c.format,
        "source": _T.c.source,
        "networks": _T.c.networks,
        "subnets": _T.c.subnets,
        "ports": _T.c.ports,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    newest_first=True,
)


def add(tx: Transaction, row: Mapping[str, Any], contents: Any) -> int:
    """Insert an import; its number."""
    packed = zlib.compress(msgspec.json.encode(contents))
    key = tx.execute(insert(_T), {**row, "contents": packed}).inserted_primary_key
    assert key is not None, "import_run"
    return int(key[0])


def contents(tx: Transaction, import_id: str) -> Any:
    """What was made, and the report; None if there is no such import."""
    row = rows.find(tx, _T, import_id)
    return None if row is None else msgspec.json.decode(zlib.decompress(row.contents))


def undo(tx: Transaction, pk: int, at: int) -> None:
    """Say that the import was undone at this time."""
    tx.execute(update(_T).where(_T.c.pk == pk).values(undone_at=at))
