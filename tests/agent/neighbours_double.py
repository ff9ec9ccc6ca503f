"""Answers for addresses as a test says: see ipam.agent.outside.Neighbours."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address

from ipam.agent.outside import IpAddress
from ipam.agent.state import Interface


class NeighboursDouble:
    """Who has which address."""

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        self.learned: dict[str, str] = {}
        self.asked: list[str] = []
        self.announced: list[str] = []
        self.is_gone = False
        """Nobody can be asked: the namespace is gone."""

    def known(self, network_id: str, interface: Interface) -> Mapping[IpAddress, str]:
        assert network_id
        assert interface.inside
        if self.is_gone:
            raise FileNotFoundError(2, "No such file or directory")
        return {ip_address(one): mac for one, mac in self.learned.items()}

    def who_have(
        self,
        network_id: str,
        interface: Interface,
        asked: Mapping[IpAddress, IpAddress],
        *,
        but: str = "",
    ) -> Mapping[IpAddress, str]:
        assert network_id
        assert interface.inside
        assert all(own.version == address.version for address, own in asked.items())
        if self.is_gone:
            raise FileNotFoundError(2, "No such file or directory")
        self.asked += map(str, asked)
        found = {one: self.holders[str(one)] for one in asked if str(one) in self.holders}
        return {one: mac for one, mac in found.items() if mac != but}

    def announce(self, network_id: str, interface: Interface, addresses: Collection[str]) -> None:
        assert network_id
        assert not interface.isolated
        self.announced += addresses
