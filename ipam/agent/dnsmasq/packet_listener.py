"""Hears some kind of packets in each network. They wait in the kernel until they are read."""

import socket
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Generic, TypeVar

from ipam import model
from ipam.agent.dnsmasq.wire import open_filtered
from ipam.agent.host.namespaces import call_in_namespace, namespace_path
from ipam.agent.state import Interface

FRAME_BYTES = 2048
WAITING_BYTES = 1 << 16

T = TypeVar("T")


class PacketListener(Generic[T]):
    """See outside.Listener. Not thread-safe."""

    def __init__(
        self,
        program: bytes,
        read: Callable[[bytes], T | None],
        *,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        """`program` is a filter of the kernel for the frames of which `read` makes something.

        `waiting_bytes` of one network wait, as the kernel counts; what is beyond is dropped.
        """
        self._program = program
        self._read = read
        self._waiting_bytes = waiting_bytes
        self._sockets: dict[str, tuple[int, socket.socket]] = {}

    def heard(self, network_id: str, interface: Interface) -> Collection[T]:
        """What was heard since the last call. The first call begins to listen.

        Raises OSError if the namespace or the interface is gone.
        """
        inode = Path(namespace_path(network_id)).stat().st_ino
        known, listener = self._sockets.get(network_id, (0, None))
        if listener is None or known != inode:
            self._close(network_id)
            name = model.dhcp_namespace(network_id)
            listener = call_in_namespace(name, lambda: self._listen(interface.inside))
            self._sockets[network_id] = inode, listener
        found = []
        try:
            while frame := listener.recv(FRAME_BYTES):
                found.append(self._read(frame))
        except BlockingIOError:
            pass
        except OSError:  # it was bound to an interface that may have been made anew
            self._close(network_id)
            raise
        return [one for one in found if one is not None]

    def keep(self, network_ids: Collection[str]) -> None:
        """Stop listening to all networks except these."""
        for network_id in self._sockets.keys() - set(network_ids):
            self._close(network_id)

    def close(self) -> None:
        """Close every socket."""
        self.keep(())

    def _close(self, network_id: str) -> None:
        _inode, listener = self._sockets.pop(network_id, (0, None))
        if listener is not None:
            listener.close()

    def _listen(self, interface: str) -> socket.socket:
        return open_filtered(interface, self._program, waiting_bytes=self._waiting_bytes)
