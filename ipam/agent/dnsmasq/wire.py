"""Sockets for frames: on the DHCP port's interface inside the network's namespace, or any link."""

import ctypes
import socket

from ipam import model
from ipam.agent.dnsmasq.packet_filter import INSTRUCTION_OCTETS
from ipam.agent.host.namespaces import call_in_namespace

SO_ATTACH_FILTER = 26
ETH_P_ALL = 3


class _Program(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def open_wire(network_id: str, interface: str, ethertype: int) -> socket.socket:
    """What is sent there leaves to the bridge. Raises OSError if one of the two is gone."""
    return call_in_namespace(model.dhcp_namespace(network_id), lambda: _open(interface, ethertype))


def open_filtered(link: str, program: bytes, *, waiting_bytes: int | None = None) -> socket.socket:
    """A socket on a link of this thread's namespace for what the kernel's filter passes.

    It hears all kinds of frames: those of one kind alone never come to a link of a bridge.
    `waiting_bytes` wait at most; else as many as the host's settings say. Raises OSError.
    """
    return _open(link, ETH_P_ALL, program, waiting_bytes)


def _open(
    link: str, ethertype: int, program: bytes = b"", waiting_bytes: int | None = None
) -> socket.socket:
    """The protocol is 0 until the filter is set, so that it gets no other frames."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        if program:
            filter_ = _Program(len(program) // INSTRUCTION_OCTETS, program)
            opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(filter_))
        if waiting_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, waiting_bytes)
        opened.bind((link, ethertype))
    except OSError:
        opened.close()
        raise
    return opened
