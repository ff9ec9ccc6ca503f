"""Connections with TLS, in the loop of the door of TCP."""

import contextlib
import socket
import ssl
import threading
import time
from typing import Any, Final

from ipam.api.serving.channels import Channel
from ipam.api.serving.requests import Answer
from ipam.identity.authentication import PEER_NAME
from ipam.identity.peer_certificate import name_of

RECORD_BYTES: Final = 16384
"""A read of so many takes a whole TLS record: nothing waits where `poll` does not see it."""


class _TlsAnswer(Answer):
    """Tells the application who the certificate of the client names."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        if self.channel.peer_name:
            environ[PEER_NAME] = self.channel.peer_name
        return environ


class TlsChannel(Channel):
    """Shakes hands, reads and writes without blocking the loop.

    An SSLSocket must not be used by two threads at once, and threads send answers.
    """

    task_class = _TlsAnswer
    peer_name = ""
    _is_open = False
    _handshake_writes = False

    def __init__(
        self, server: Any, sock: socket.socket, addr: Any, adj: Any, **others: Any
    ) -> None:
        self._tls_lock = threading.RLock()
        wrapped = server.tls.get().wrap_socket(
            sock, server_side=True, do_handshake_on_connect=False
        )
        super().__init__(server, wrapped, addr, adj, **others)

    @property
    def has_begun(self) -> bool:
        """Whether a handshake or a request has begun to arrive."""
        return not self._is_open or super().has_begun

    def handle_read(self) -> None:
        """Read what has arrived: a part of the handshake, or of a request."""
        if not self._is_open and not self._shake_hands():
            return
        try:
            with self._tls_lock:
                data = self.socket.recv(RECORD_BYTES)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            data = b""
        if data:
            self.last_activity = time.time()
            self.received(data)
        else:
            self.handle_close()

    def writable(self) -> bool:
        """Whether there is something to send."""
        return self._handshake_writes or super().writable()

    def handle_write(self) -> None:
        """Send what waits: a part of the handshake, or of an answer."""
        if self._is_open or self.will_close:
            super().handle_write()
        else:
            self._shake_hands()

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the kernel takes of the data; how many bytes that was."""
        try:
            with self._tls_lock:
                return super().send(data, do_close=do_close)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def refuse(self) -> None:
        """Close the connection. Nothing can be said before the handshake."""
        self.drop()

    def handle_close(self) -> None:
        """Tell the client that nothing follows, and close."""
        with self._tls_lock:
            if self._is_open and self.socket is not None:
                self._is_open = False
                with contextlib.suppress(OSError, ValueError):
                    self.socket.unwrap()  # sends, and does not wait
            super().handle_close()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is over."""
        self._handshake_writes = False
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            self._handshake_writes = True
            return False
        except (OSError, ValueError):  # no TLS, no common version, or a certificate of nobody
            self.drop()
            return False
        self._is_open = True
        self.peer_name = name_of(self.socket.getpeercert() or {})
        return True
