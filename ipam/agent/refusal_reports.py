"""Makes the reports of machines that dnsmasq refuses, with the links from which they ask. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping

from ipam import model
from ipam.agent.dnsmasq.refusals import Refused
from ipam.protocol.refusals import LONGEST_CLIENT, LONGEST_REASON, SeenRefusal

MOST_LOOKED_UP = 100
"""How many links are asked for in one report, 20 microseconds each, so that a flood is cheap."""


def seen_refusals(
    refused: Mapping[str, Collection[Refused]], link_of: Callable[[str, str], str]
) -> Iterator[SeenRefusal]:
    """The reports of the machines by network. `link_of` knows bridge and MAC address."""
    left = MOST_LOOKED_UP
    for network_id, machines in refused.items():
        bridge = model.bridge_name(network_id)
        for one in machines:
            is_looked_up = left > 0 and model.is_mac(one.client)
            left -= is_looked_up
            yield SeenRefusal(
                network_id=network_id,
                client=one.client[:LONGEST_CLIENT],
                reason=one.reason[:LONGEST_REASON],
                ip_address=one.address,
                tap=link_of(bridge, one.client) if is_looked_up else "",
                count=one.count,
                first_at=one.first_at,
                last_at=one.last_at,
            )
