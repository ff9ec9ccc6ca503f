"""Answers for addresses as a test says: see ipam.agent.outside.Neighbours."""

from ipaddress import IPv4Address

from ipam.agent.state import Interface


class NeighboursDouble:
    """Who has which address."""

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        self.asked: list[str] = []
        self.is_gone = False
        """Nobody can be asked: the namespace is gone."""

    def who_has(
        self, network_id: str, interface: Interface, own: IPv4Address, address: IPv4Address
    ) -> str | None:
        assert network_id
        assert interface.inside
        assert own != address
        if self.is_gone:
            raise FileNotFoundError(2, "No such file or directory")
        self.asked.append(str(address))
        return self.holders.get(str(address))
