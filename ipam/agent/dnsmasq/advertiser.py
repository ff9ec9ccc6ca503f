"""Telling all machines of a network that prefixes leave it."""

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network

from ipam.agent.dnsmasq import deprecation
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.dnsmasq.probe_frames import ETHERTYPE_IPV6, octets
from ipam.agent.dnsmasq.wire import open_wire
from ipam.agent.state import Interface


class PacketAdvertiser:
    """See outside.Advertiser. Not thread-safe."""

    def __init__(self, prober: PacketProber) -> None:
        self._prober = prober

    def deprecate(
        self, network_id: str, interface: Interface, leaving: Mapping[IPv6Network, int]
    ) -> None:
        """See outside.Advertiser. It is dnsmasq's own advertisement, with these prefixes."""
        found = self._prober.advertisement_message(network_id, interface)
        if found is None:
            return
        message = deprecation.deprecating(found.payload, leaving)
        mac = octets(interface.mac)
        with open_wire(network_id, interface.inside, ETHERTYPE_IPV6) as wire:
            wire.send(deprecation.frame(mac, IPv6Address(found.source), message))
