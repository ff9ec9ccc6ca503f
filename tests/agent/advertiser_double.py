"""Hears what a network's machines are told: see ipam.agent.outside.Advertiser."""

from collections.abc import Mapping
from ipaddress import IPv6Network

from ipam.agent.state import Interface


class AdvertiserDouble:
    """What was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, int]]] = []
        """Network id, and the seconds of each prefix that leaves."""
        self.is_gone = False
        """Nothing can be said: the namespace is gone."""

    def deprecate(
        self, network_id: str, interface: Interface, leaving: Mapping[IPv6Network, int]
    ) -> None:
        assert interface.inside
        if self.is_gone:
            raise FileNotFoundError(2, "No such file or directory")
        self.said.append((network_id, {str(prefix): at for prefix, at in leaving.items()}))
