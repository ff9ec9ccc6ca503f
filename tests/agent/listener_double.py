"""Packets that a test makes up: see ipam.agent.outside.Listener."""

from collections.abc import Collection
from typing import Generic, TypeVar

from ipam.agent.state import Interface

T = TypeVar("T")


class ListenerDouble(Generic[T]):
    """What is heard next, by network id."""

    def __init__(self) -> None:
        self.packets: dict[str, list[T]] = {}
        self.heard_of: set[str] = set()
        """The networks that were listened to."""
        self.is_gone = False
        """Nobody can be heard: the namespace is gone."""

    def heard(self, network_id: str, interface: Interface) -> Collection[T]:
        assert interface.inside
        if self.is_gone:
            raise FileNotFoundError(2, "No such file or directory")
        self.heard_of.add(network_id)
        return self.packets.pop(network_id, [])

    def keep(self, network_ids: Collection[str]) -> None:
        self.packets = {key: one for key, one in self.packets.items() if key in network_ids}
