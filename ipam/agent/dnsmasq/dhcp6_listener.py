"""Finds out who asks by DHCPv6 in each network. Requests wait in the kernel until read."""

import ctypes
import socket
from collections.abc import Collection
from pathlib import Path

from ipam import model
from ipam.agent.dnsmasq.dhcp6_requests import Request6, packet_filter, read_request
from ipam.agent.host.namespaces import call_in_namespace, namespace_path
from ipam.agent.state import Interface

SO_ATTACH_FILTER = 26
INSTRUCTION_OCTETS = 8
ETH_P_ALL = 3
FRAME_BYTES = 2048
WAITING_BYTES = 1 << 16
"""How much of one network waits. Beyond it the kernel drops requests, and machines ask again."""


class _Program(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class Dhcp6Listener:
    """See outside.Listener. Not thread-safe."""

    def __init__(self) -> None:
        self._sockets: dict[str, tuple[int, socket.socket]] = {}

    def heard(self, network_id: str, interface: Interface) -> Collection[Request6]:
        """The requests since the last call. The first call begins to listen.

        Raises OSError if the namespace or the interface is gone.
        """
        inode = Path(namespace_path(network_id)).stat().st_ino
        known, listener = self._sockets.get(network_id, (0, None))
        if listener is None or known != inode:
            self._close(network_id)
            name = model.dhcp_namespace(network_id)
            listener = call_in_namespace(name, lambda: _listen(interface.inside))
            self._sockets[network_id] = inode, listener
        found = []
        try:
            while frame := listener.recv(FRAME_BYTES):
                found.append(read_request(frame))
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


def _listen(interface: str) -> socket.socket:
    """The protocol is 0 until the filter is set, so that it gets no other frames."""
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        code = packet_filter()
        program = _Program(len(code) // INSTRUCTION_OCTETS, code)
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(program))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
        listener.bind((interface, ETH_P_ALL))
    except OSError:
        listener.close()
        raise
    return listener
