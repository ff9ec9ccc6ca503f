"""The connections of the API server, as waitress's loop and threads use them."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Hashable, Iterator
from typing import Any, Final

from waitress.channel import ClientDisconnected, HTTPChannel

from ipam.api.serving.patience import (
    Reading,
    is_overdue,
    is_too_slow,
    is_window_over,
)
from ipam.api.serving.requests import Answer, ErrorAnswer, Parser, PeerAnswer, RequestTimeoutError
from ipam.api.serving.unread import Unread
from ipam.identity.local import caller_of_peer
from ipam.identity.origins import origin_of_address

REQUESTS_AT_ONCE: Final = 16
"""How many requests a client may send before it reads an answer."""
PIECE_BYTES: Final = 512
HELD_BYTES: Final = 65_536
"""Who has not read so much of an answer gets the next one later, and no work is done for it."""
_TOO_MANY: Final = (
    b'{"NeutronError":{"type":"ServiceUnavailable",'
    b'"message":"Too many connections; try again later.","detail":""}}'
)
REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%b"
    % (len(_TOO_MANY), _TOO_MANY)
)

_UCRED = struct.Struct("iII")  # struct ucred of unix(7): pid, uid, gid


class OutputLock(type(threading.RLock())):  # type: ignore[misc]  # it has no public name
    """In place of waitress's condition, which takes 1.3 KB: here nobody waits to be notified."""

    __slots__ = ()

    def notify(self) -> None:
        """Do nothing."""


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that does not wait for its client for ever, and never lets a thread wait."""

    error_task_class = ErrorAnswer
    parser_class = Parser
    task_class = Answer

    request: Any
    """The request that arrives; None while there is none."""
    requests: list[Any]
    """Requests that have arrived and are not answered yet."""
    origin: Hashable
    is_trusted = False
    """Whether a client of the system itself is at the other end: root, or the service's user."""
    began_at = 0.0
    sent_bytes = 0
    is_held = False
    """Whether its next request waits until the client has read the last answer."""
    _is_sending = False
    _is_together = False
    reading: Reading | None = None

    def __init__(
        self, server: Any, sock: socket.socket, addr: Any, adj: Any, **others: Any
    ) -> None:
        self.origin = origin_of_address(addr[0])
        super().__init__(server, sock, addr, adj, **others)
        self.outbuf_lock = OutputLock()
        self._unread = Unread()
        self.outbufs = [self._unread]

    @property
    def waits_since(self) -> float | None:
        """Since when it waits for its client; None while a thread works for it."""
        if self.requests and not self.is_held:
            return None
        if self.request is not None:
            return self.began_at
        since: float = self.reading.at if self.reading else self.last_activity
        return since

    @property
    def has_begun(self) -> bool:
        """Whether a request has begun to arrive."""
        return self.request is not None

    def received(self, data: bytes) -> bool:
        """Take what the client has sent: a part of a request, one, or some."""
        unfinished = self.request
        if data.count(b"\r\n\r\n") > REQUESTS_AT_ONCE:
            taken = self._received_in_pieces(data)
        else:
            taken = super().received(data)
        if self.request is not unfinished:
            self.began_at = self.last_activity
        return taken

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the kernel takes of the data; how many bytes that was."""
        sent: int = super().send(data, do_close=do_close)
        self.sent_bytes += sent
        return sent

    def write_soon(self, data: bytes) -> int:
        """Send the data from a thread, now or later."""
        with self._sending():
            self._flush_outbufs_below_high_watermark()
            if not self.connected:
                raise ClientDisconnected
            self._unread.append(data)
            self.total_outbufs_len += len(data)
        return len(data)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Send all at once that a thread writes meanwhile."""
        with self._sending():
            self._is_together = True
            try:
                yield
            finally:
                self._is_together = False

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        """Send, at the end, what is written meanwhile."""
        if self._is_together:
            yield
            return
        if not self.connected:
            raise ClientDisconnected
        # waitress sets this after the answer. A stop must see at once that an answer is being
        # sent.
        self.last_activity = time.time()
        self._is_sending = True
        try:
            with self.outbuf_lock:
                yield
                self._flush_exception(self._flush_some, do_close=False)
                self._unread.bound()
        finally:
            self._is_sending = False
        self._watch()

    def service(self) -> None:
        """Answer one request, in a thread."""
        super().service()
        self._watch()

    def writable(self) -> bool:
        """Whether the loop has something to send, or to close.

        Not while a thread sends: the loop would turn, in vain, until that thread lets it.
        """
        is_left = self.total_outbufs_len and not self._is_sending
        return bool(is_left or self.will_close or self.close_when_flushed)

    def handle_write(self) -> None:
        """Send what waits, and let the next request be answered if it waited for that."""
        super().handle_write()
        if self.requests:
            with self.requests_lock:
                if self.is_held and self.connected and not self.will_close:
                    self.server.add_task(self)

    def has_to_read(self) -> bool:
        """Whether the client has to read more of its last answer before the next is made.

        `handle_write` asks again. Under the lock of its requests.
        """
        self.is_held = self.total_outbufs_len > HELD_BYTES
        return self.is_held

    def check(self, now: float) -> None:
        """End the connection if its client let it wait too long. Only the loop calls it."""
        if self.will_close:
            self.handle_close()  # waitress closes when it can write, so maybe never
        elif self.total_outbufs_len:
            self._check_reading(Reading(now, self.sent_bytes))
        else:
            self.reading = None
            self._check_waiting(now)

    def refuse(self) -> None:
        """Tell the client that there are too many connections, and close this one."""
        self.send(REFUSAL)
        self.drop()

    def drop(self) -> None:
        """Close the connection now. Only the loop calls it."""
        self.will_close = True
        self.handle_close()

    def _watch(self) -> None:
        """Let the loop wait for what this connection waits for now. For threads."""
        self._map.watch(self._fileno, self)

    def _received_in_pieces(self, data: bytes) -> bool:
        """Take a few requests. A client that sends more of them at once loses its connection."""
        for start in range(0, len(data), PIECE_BYTES):
            if len(self.requests) > REQUESTS_AT_ONCE:
                self.will_close = True
            if not super().received(data[start : start + PIECE_BYTES]):
                return False
        return True

    def _check_reading(self, now: Reading) -> None:
        before = self.reading = self.reading or now
        if is_too_slow(before, now):
            self.drop()
        elif is_window_over(before, now):
            self.reading = now

    def _check_waiting(self, now: float) -> None:
        since = self.waits_since
        if since is None or not is_overdue(since, now, has_begun=self.has_begun):
            return
        if self.request is not None:
            self._give_up_request()
        else:
            self.drop()

    def _give_up_request(self) -> None:
        """Answer 408 instead of reading on."""
        with self.requests_lock:
            self.request.error = RequestTimeoutError("the request did not arrive in time")
            self.requests.append(self.request)
            self.request = None
            self.server.add_task(self)

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Close the connection of a client that wants another answer and has not read the last.

        waitress lets the thread wait until the client reads.
        """
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.outbuf_lock:
                self._flush_exception(self._flush_some, do_close=False)
            if self.total_outbufs_len > self.adj.outbuf_high_watermark:
                self.will_close = True
                self.connected = False


class PeerChannel(Channel):
    """Asks the kernel for the peer's uid, once, when the connection is accepted."""

    task_class = PeerAnswer

    def __init__(
        self, server: Any, sock: socket.socket, addr: Any, adj: Any, **others: Any
    ) -> None:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        _, self.peer_uid, _ = _UCRED.unpack(credentials)
        super().__init__(server, sock, addr, adj, **others)
        self.origin = self.peer_uid
        self.is_trusted = caller_of_peer(self.peer_uid) is not None
