"""A client on raw sockets: it sends any bytes, and reads one answer of HTTP."""

import contextlib
import socket
import time
from dataclasses import dataclass
from typing import Final

HANG_SECONDS: Final = 60.0
"""Who has no answer by then counts as hanging."""
NO_ANSWER_SECONDS: Final = 0.25
"""How long an answer to what is no whole request is waited for, before the client goes away."""
MOST_BYTES: Final = 64 * 1_048_576


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Status 0: the server closed the connection and said nothing."""

    status: int
    head: bytes = b""
    body: bytes = b""
    seconds: float = 0.0
    is_hung: bool = False

    @property
    def asks_to_come_back(self) -> bool:
        return self.status in (429, 503) and b"\r\nretry-after:" in self.head.lower()


class Connection:
    """Keeps its connection as long as the server does. Not for several threads."""

    def __init__(self, address: tuple[str, int] | str, source: str = "127.0.0.1") -> None:
        """`address` is that of TCP on loopback, or the path of a Unix socket."""
        self._address = address
        self._source = source
        self._socket: socket.socket | None = None
        self._rest = b""

    @property
    def is_open(self) -> bool:
        """Whether the server has kept the connection, as far as its last answer says."""
        return self._socket is not None

    def exchange(
        self,
        raw: bytes,
        *,
        no_body: bool = False,
        seconds: float = HANG_SECONDS,
        again: bool = True,
    ) -> Answer:
        """Send the bytes and read one answer. A kept connection that was closed is made anew."""
        begun = time.monotonic()
        was_kept = self._socket is not None
        try:
            answer = self._exchange(raw, no_body, begun, seconds)
        except TimeoutError:
            self.close()
            return Answer(0, seconds=time.monotonic() - begun, is_hung=True)
        except OSError:
            self.close()
            answer = Answer(0, seconds=time.monotonic() - begun)
        if answer.status == 0 and was_kept and again:
            return self.exchange(raw, no_body=no_body, seconds=seconds, again=False)
        return answer

    def close(self) -> None:
        """Go away, whatever the server still has to say."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _exchange(self, raw: bytes, no_body: bool, begun: float, seconds: float) -> Answer:
        if self._socket is None:
            self._connect(seconds)
        assert self._socket is not None
        self._socket.settimeout(seconds)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(raw)  # who refuses early may have closed: the answer is there
        head = self._until(b"\r\n\r\n", begun + seconds)
        if not head:
            self.close()
            return Answer(0, seconds=time.monotonic() - begun)
        lines = head.lower()
        status = int(head[9:12]) if head[9:12].isdigit() else 0
        if status == 100:
            return self._exchange(b"", no_body, begun, seconds)
        body = b"" if no_body or status in (204, 304) else self._body(lines, begun + seconds)
        if b"\r\nconnection: close" in lines:
            self.close()
        return Answer(status, head, body, time.monotonic() - begun)

    def _connect(self, seconds: float) -> None:
        unix = isinstance(self._address, str)
        self._socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self._socket.settimeout(seconds)
        if not unix:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.bind((self._source, 0))
        self._socket.connect(self._address)
        self._rest = b""

    def _body(self, lines: bytes, deadline: float) -> bytes:
        if b"\r\ntransfer-encoding: chunked" in lines:
            parts = []
            while size := int(self._until(b"\r\n", deadline) or b"0", 16):
                parts.append(self._exactly(size + 2, deadline)[:-2])
            self._until(b"\r\n", deadline)
            return b"".join(parts)
        _, found, after = lines.partition(b"\r\ncontent-length:")
        if not found:  # up to the end of the connection
            body = self._exactly(MOST_BYTES, deadline)
            self.close()
            return body
        return self._exactly(int(after.split(b"\r\n", 1)[0]), deadline)

    def _until(self, end: bytes, deadline: float) -> bytes:
        """The bytes up to and with `end`; empty if the server closes before."""
        data = self._rest
        while end not in data:
            got = self._some(deadline)
            if not got or len(data) > MOST_BYTES:
                return b""
            data += got
        found, _, self._rest = data.partition(end)
        return found + end

    def _exactly(self, count: int, deadline: float) -> bytes:
        parts, missing = [self._rest[:count]], count - len(self._rest)
        self._rest = self._rest[count:]
        while missing > 0:
            got = self._some(deadline)
            if not got:
                break
            parts.append(got[:missing])
            self._rest = got[missing:]
            missing -= len(got)
        return b"".join(parts)

    def _some(self, deadline: float) -> bytes:
        assert self._socket is not None
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket.recv(1 << 18)
