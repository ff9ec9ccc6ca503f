"""Wakes from other hosts: datagrams to a UDP port of the agent, with the key that it told the API.

A wake says which networks changed, or only that there is something new; a lost one only delays the
next look. The key keeps others from having all agents ask the API all the time.
"""

import contextlib
import secrets
import socket
import time
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta, Struct

from ipam.protocol import wake_words

KEY_OCTETS: Final = 20
"""Older agents have shorter keys, and do not know a wake that says more than the key."""
LONGEST: Final = 64 + 1 + wake_words.LONGEST
"""Octets of a datagram that are looked at."""
AT_ONCE: Final = 64
"""So many datagrams are read in one look."""
DEAF_SECONDS: Final = 0.1
"""So long nothing is heard after datagrams without the key, however many come."""


def address(text: str) -> str:
    """The address in its usual form. Raises ValueError."""
    return str(ip_address(text))


class WakeEnd(Struct, frozen=True):
    """Where an agent waits for wakes."""

    ignores_unknown: ClassVar = True

    ip: Annotated[str, Meta(max_length=45, description="The address.", extra={"check": address})]
    port: Annotated[int, Meta(ge=1, le=65535, description="The UDP port.")]
    key: Annotated[
        str,
        Meta(pattern="^[0-9a-f]{16,64}$", description="What a wake has to carry, in hex digits."),
    ]


def send(ends: Iterable[WakeEnd], network_numbers: Collection[int] = ()) -> None:
    """Wake the agents at these ends. Never blocks, never raises.

    Without numbers they are to look at everything.
    """
    about = wake_words.octets_of(network_numbers)
    after_key = b" " + about if about else b""
    with contextlib.ExitStack() as opened:
        senders: dict[int, socket.socket] = {}
        for end in ends:
            family = socket.AF_INET6 if ":" in end.ip else socket.AF_INET
            with contextlib.suppress(OSError):
                if family not in senders:
                    senders[family] = opened.enter_context(_opened(family))
                reads = len(end.key) >= 2 * KEY_OCTETS
                words = end.key.encode() + (after_key if reads else b"")
                senders[family].sendto(words, (end.ip, end.port))


class WakePort:
    """The UDP port at which an agent is woken. One thread uses it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._key = secrets.token_hex(KEY_OCTETS)
        self._socket: socket.socket | None = None
        self._ip = ""
        self._deaf_until = 0.0

    def end_at(self, ip: str) -> WakeEnd | None:
        """Wait at this address of the host from now on; None if that cannot be."""
        if ip != self._ip or self._socket is None:
            self.close()
            try:
                self._socket = _opened(socket.AF_INET6 if ":" in ip else socket.AF_INET)
                self._socket.bind((ip, self._port))
            except OSError:  # another process has the port, or the host has lost the address
                self.close()
                return None
            self._ip = ip
        return WakeEnd(ip, self._socket.getsockname()[1], self._key)

    @property
    def socket(self) -> socket.socket | None:
        """What to wait for; None if nothing can come."""
        return self._socket

    def deaf_seconds(self) -> float:
        """For how long nothing is to be heard."""
        return max(0.0, self._deaf_until - time.monotonic())

    def wakes(self) -> list[bytes]:
        """Read what has come, and give of each wake what it says."""
        heard = [one.partition(b" ") for one in self._datagrams()]
        key = self._key.encode()
        found = [about for word, _, about in heard if secrets.compare_digest(word, key)]
        if heard and not found:
            self._deaf_until = time.monotonic() + DEAF_SECONDS
        return found

    def close(self) -> None:
        """Wait no longer."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _datagrams(self) -> Iterable[bytes]:
        with contextlib.suppress(OSError):
            for _ in range(AT_ONCE):
                assert self._socket is not None, "nothing can come"
                yield self._socket.recv(LONGEST)


def _opened(family: int) -> Any:
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
