"""Answers questions about who uses addresses, by asking the machines of their network."""

from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from typing import TypeAlias

from ipam.agent.outside import IpAddress
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Interface
from ipam.protocol.address_checks import (
    MOST_MACHINES,
    AddressCheckAnswer,
    AnsweringMachine,
    AskedAddressCheck,
)

WhoUse: TypeAlias = Callable[
    [str, Interface, str, Collection[IpAddress]], Mapping[IpAddress, Collection[str]]
]
"""See `dnsmasq.address_probe.who_use`."""


def answer(
    asked: AskedAddressCheck, networks: Mapping[str, ServedNetwork], who_use: WhoUse
) -> AddressCheckAnswer:
    """The machines of this host, and beyond the network's link to others, that answer."""
    served = networks.get(asked.network_id)
    if served is None or served.state.interface is None:
        return AddressCheckAnswer(id=asked.id, trouble="The network is not built on this host.")
    state, wire = served.state, served.state.wire
    device = wire.device if wire is not None else ""
    try:
        addresses = {ip_address(one) for one in asked.ip_addresses}
        found = who_use(state.id, served.state.interface, device, addresses)
    except (OSError, ValueError) as error:
        return AddressCheckAnswer(id=asked.id, trouble=f"Nobody can be asked: {error}"[:2000])
    machines = sorted((str(address), mac) for address, macs in found.items() for mac in macs)
    return AddressCheckAnswer(
        id=asked.id, machines=[AnsweringMachine(*one) for one in machines[:MOST_MACHINES]]
    )
