"""Leases that a dnsmasq was heard to give, until an event of theirs is recorded, in a file.

They are in dnsmasq's own lease file, too, until the machine gives its address back. When agent,
dnsmasq and helper are then killed at once, and with them what the hook was to report, this alone
tells that there was a lease. The file lies in memory, and outlives its writer.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ipam import files, model

MOST: Final = 10_000
"""Beyond this the oldest are left out."""
LONGEST_BYTES: Final = 4 << 20
_GIVEN, _RECORDED = "+", "-"

Given = tuple[str, str, str]
"""Network id, IP address, MAC address."""


class UnrecordedLeases:
    """The set and its file. Without the file it is a set of this life. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given: dict[Given, bool] = {}
        """Whether each is of an earlier life."""
        self._bytes = 0
        self._descriptor = -1
        with contextlib.suppress(OSError):
            for line in path.read_text("ascii", "replace").splitlines():
                self._read(line)
        self._write_anew()

    def __contains__(self, given: Given) -> bool:
        return given in self._given

    def close(self) -> None:
        """Close the file, which stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def add(self, network_id: str, ip_address: str, mac_address: str) -> None:
        """A lease was given, of which no event is recorded."""
        given = network_id, ip_address, mac_address
        if given in self._given or not model.is_mac(mac_address):
            return
        if len(self._given) >= MOST:
            self.discard(*next(iter(self._given)))
        self._given[given] = False
        self._append(_GIVEN, given)

    def discard(self, network_id: str, ip_address: str, mac_address: str | None) -> None:
        """An event of the lease is recorded."""
        given = network_id, ip_address, mac_address or ""
        if given not in self._given:
            return
        del self._given[given]
        if self._given:
            self._append(_RECORDED, given)
        else:
            self._empty()

    def of_earlier_lives(self, network_id: str) -> Sequence[tuple[str, str]]:
        """IP and MAC addresses of those that were there at the start, and are still."""
        return [
            (ip, mac)
            for (of, ip, mac), is_earlier in self._given.items()
            if is_earlier and of == network_id
        ]

    def _read(self, line: str) -> None:
        match line.split(" "):
            case [sign, network_id, ip, mac] if sign == _GIVEN and model.is_mac(mac):
                self._given[network_id, ip, mac] = True
            case [sign, network_id, ip, mac] if sign == _RECORDED:
                self._given.pop((network_id, ip, mac), None)

    def _append(self, sign: str, given: Given) -> None:
        line = f"{sign} {' '.join(given)}\n".encode()
        self._bytes += len(line)
        if self._bytes > LONGEST_BYTES:
            self._write_anew()
        elif self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.write(self._descriptor, line)

    def _empty(self) -> None:
        self._bytes = 0
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)

    def _write_anew(self) -> None:
        self.close()
        text = "".join(f"{_GIVEN} {' '.join(given)}\n" for given in self._given).encode()
        self._bytes = len(text)
        with contextlib.suppress(OSError):
            files.put(self._path, text)
            self._descriptor = files.opened(self._path, os.O_WRONLY | os.O_APPEND)
