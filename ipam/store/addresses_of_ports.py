"""The addresses of a port as a column of its row: one statement where two would do.

The column is text, `subnet number:packed address in hexadecimal:subnet id`, joined by commas in no
order. Each database has its own functions for that.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, String, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ipam.store import tables

_IP, _SUBNET = tables.ip_address.c, tables.subnet.c

FixedIp = tuple[str, int, bytes]
"""Subnet id, subnet number, packed address."""


class _Hex(FunctionElement[str]):
    type = String()
    name = "hex"
    inherit_cache = True


class _Joined(FunctionElement[str]):
    type = String()
    name = "joined"
    inherit_cache = True


@compiles(_Hex)
def _hex(element: Any, compiler: Any, **more: Any) -> str:
    return f"hex({compiler.process(element.clauses, **more)})"


@compiles(_Hex, "postgresql")
def _hex_of_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    return f"encode({compiler.process(element.clauses, **more)}, 'hex')"


@compiles(_Joined)
def _joined(element: Any, compiler: Any, **more: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **more)})"


@compiles(_Joined, "postgresql")
def _joined_of_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **more)}, ',')"


_NUMBER: Final = sql_cast(_IP.subnet_pk, String(20))

ADDRESSES: Final[ColumnElement[str | None]] = (
    select(_Joined(_NUMBER + ":" + _Hex(_IP.ip) + ":" + _SUBNET.id))
    .join_from(tables.ip_address, tables.subnet, _SUBNET.pk == _IP.subnet_pk)
    .where(_IP.owner_pk == tables.port.c.pk)
    .correlate(tables.port)
    .scalar_subquery()
    .label("addresses")
)
"""For a statement on ports."""


def read(text: str | None) -> Sequence[FixedIp]:
    """The addresses in the column, in the order of subnets and addresses."""
    if not text:
        return ()
    found = [_one(part) for part in text.split(",")]
    return found if len(found) == 1 else sorted(found, key=lambda fixed: fixed[1:])


def _one(part: str) -> FixedIp:
    number, packed, subnet_id = part.split(":")
    return subnet_id, int(number), bytes.fromhex(packed)
