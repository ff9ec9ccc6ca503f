"""Sends long lists while they are read: the first items do not wait for the last.

A thread reads at the pace of the database and keeps what the client has not taken yet, as a whole
answer would. So a slow client holds no connection to the database. A list of one piece is sent
with its length, as any other. A fault after the first piece breaks the answer off: the status has
been sent, and what the client has is no JSON.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple, TypeAlias

import falcon
import msgspec

from ipam.api.http.kind import Kind
from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.listing import ListQuery

FEW: Final = frozenset(
    {"id", "name", "mac_address", "device_id", "device_owner", "fixed_ips", "port_id"}
)
"""Filters that leave few rows, of which a list has one piece."""
ROWS: Final = 500
"""Of a piece."""


Read: TypeAlias = Callable[[Transaction], Generator[list[Any], None, None]]
"""Gives the items, `ROWS` at a time. Only the last piece has fewer."""


class _Piece(NamedTuple):
    items: bytes
    is_last: bool


class _Left(Exception):  # noqa: N818  # no error: nobody reads the rest
    """The client took no more."""


def may_be_long(kind: Kind, query: ListQuery) -> bool:
    """Whether the list is worth a thread."""
    if not kind.is_long or query.limit is not None or query.reverse:
        return False
    return FEW.isdisjoint(query.filters)


def respond(
    resp: falcon.Response,
    name: str,
    database: Database,
    read: Read,
) -> None:
    """Send the items that `read` gives in pieces of `ROWS`, as a list with this name."""
    pieces = _Pieces(database, read)
    first = pieces.take()
    resp.content_type = falcon.MEDIA_JSON
    opening = msgspec.json.encode({name: []})[:-2]
    if first.is_last:
        resp.data = b"%b%b]}" % (opening, first.items)
    else:
        stream = pieces.rest(opening + first.items)
        next(stream)  # it has begun, so that it hears of a client that leaves before it takes any
        resp.stream = stream


class _Pieces:
    """The pieces of one list, made by a thread."""

    def __init__(self, database: Database, read: Read) -> None:
        self._database = database
        self._read = read
        self._made: SimpleQueue[_Piece | BaseException] = SimpleQueue()
        self._begun = False
        self._left = False
        context = copy_context()  # has the time limit of the request
        Thread(target=context.run, args=(self._make,), name="long list", daemon=True).start()

    def take(self) -> _Piece:
        """The next piece, or the error that came instead."""
        made = self._made.get()
        if isinstance(made, BaseException):
            raise made
        return made

    def rest(self, begun: bytes) -> Generator[bytes, None, None]:
        """Nothing, and then all that is to be sent after the first piece, and this before it."""
        try:
            yield b""
            yield begun
            is_last = False
            while not is_last:
                items, is_last = self.take()
                if items:
                    yield b"," + items
            yield b"]}"
        finally:
            self._left = True

    def _make(self) -> None:
        try:
            items = self._database.read_in_pieces(self._put_full_ones)
        except _Left:
            pass
        except BaseException as error:  # noqa: BLE001  # whoever takes raises it
            self._made.put(error)
        else:  # the connection is free again
            self._made.put(_Piece(items, is_last=True))

    def _put_full_ones(self, tx: Transaction) -> bytes:
        """Put each full piece. Gives the items of the last one, which is not full."""
        if self._begun:
            raise DatabaseUnavailable("The database ended in the middle of the list; try again.")
        with closing(self._read(tx)) as pieces:
            for items in pieces:
                if self._left:
                    raise _Left
                encoded = msgspec.json.encode(items)[1:-1]
                if len(items) < ROWS:
                    return encoded
                self._begun = True
                self._made.put(_Piece(encoded, is_last=False))
        return b""
