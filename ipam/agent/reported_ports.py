"""What the API has been told of each port since it last spoke of it. Pure.

A port's status does not raise its revision: what the API thinks of a port is what it said with the
port, or what it was told since.
"""

from collections.abc import Collection

from ipam.agent.desired import ServedPort
from ipam.model import ACTIVE


class Told:
    """By port, whether it was said to be ready or to have no tap."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[int, bool | None]] = {}

    def hear(self, port: ServedPort) -> None:
        """Take in what the API says of a port.

        Where it speaks against what it was told, either may be the older word, or the report was
        lost: what is seen next is told, whatever it is.
        """
        revision, ready = self._said.get(port.id, (port.revision_number, None))
        if revision != port.revision_number:
            del self._said[port.id]
        elif ready is not (port.status == ACTIVE) and port.id in self._said:
            self._said[port.id] = (revision, None)

    def is_news(self, port: ServedPort, *, ready: bool) -> bool:
        """True if the API does not know this of the port."""
        revision, said = self._said.get(port.id, (-1, None))
        known = said if revision == port.revision_number else port.status == ACTIVE
        return known is not ready

    def say(self, port: ServedPort, *, ready: bool) -> None:
        """Note that this is told."""
        self._said[port.id] = (port.revision_number, ready)

    def keep(self, port_ids: Collection[str]) -> None:
        """Forget all ports but these."""
        self._said = {key: one for key, one in self._said.items() if key in port_ids}
