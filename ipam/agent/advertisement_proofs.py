"""Asks a network's dnsmasq what it advertises: once, and again while it is not as promised.

Once means once after each change of the network, whatever the number of its ports.
"""

from collections.abc import Collection

from ipam.agent.advertisement_proof import (
    Heard,
    gives_prefixes,
    information_shortcomings,
    shortcomings,
)
from ipam.agent.outside import Prober
from ipam.agent.promised import Terms, advertisement, information
from ipam.agent.state import Interface


class AdvertisementProofs:
    """The networks that were proved. Not thread-safe."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._proved: dict[str, Terms] = {}

    def prove(self, network_id: str, interface: Interface, of_network: Terms) -> Heard:
        """What the network's advertisement lacks. Raises OSError if dnsmasq cannot be asked."""
        wanted = advertisement(of_network)
        if wanted is None or self._proved.get(network_id) is of_network:
            return Heard()
        found = self._prober.advertisement(network_id, interface)
        heard = Heard("; ".join(shortcomings(wanted, found)), gives_prefixes(wanted, found))
        if not heard.lacks and (options := information(of_network)):
            got = self._prober.information(network_id, interface, options.keys())
            heard = Heard("; ".join(information_shortcomings(options, got)))
        if not heard.lacks:
            self._proved[network_id] = of_network
        return heard

    def keep(self, network_ids: Collection[str]) -> None:
        """Forget all networks except these."""
        self._proved = {key: one for key, one in self._proved.items() if key in network_ids}
