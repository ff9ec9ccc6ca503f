"""A socket for frames on the DHCP port's interface, inside the network's namespace."""

import socket

from ipam import model
from ipam.agent.host.namespaces import call_in_namespace


def open_wire(network_id: str, interface: str, ethertype: int) -> socket.socket:
    """What is sent there leaves to the bridge. Raises OSError if one of the two is gone."""
    return call_in_namespace(model.dhcp_namespace(network_id), lambda: _open(interface, ethertype))


def _open(interface: str, ethertype: int) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        wire.bind((interface, ethertype))
    except OSError:
        wire.close()
        raise
    return wire
