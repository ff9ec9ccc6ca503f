"""What was reported of each port since the API last described it. Pure.

A port's status does not raise its revision. So the API's state of a port is the one in its
description, or the one reported since.
"""

from collections.abc import Collection

from ipam.agent.served import ServedPort
from ipam.model import ACTIVE


class ReportedPorts:
    """By port, whether it was reported as ready or as without its tap."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[int, bool | None]] = {}

    def hear(self, port: ServedPort) -> None:
        """Take in the API's description of a port.

        If it contradicts the last report, either may be older, or the report was lost. The next
        observed state is then reported in any case.
        """
        revision, ready = self._said.get(port.id, (port.revision_number, None))
        if revision != port.revision_number:
            del self._said[port.id]
        elif ready is not (port.status == ACTIVE) and port.id in self._said:
            self._said[port.id] = (revision, None)

    def is_news(self, port: ServedPort, *, ready: bool) -> bool:
        """True if the API does not know this state of the port."""
        revision, said = self._said.get(port.id, (-1, None))
        known = said if revision == port.revision_number else port.status == ACTIVE
        return known is not ready

    def say(self, port: ServedPort, *, ready: bool) -> None:
        """Note that this state is reported."""
        self._said[port.id] = (port.revision_number, ready)

    def keep(self, port_ids: Collection[str]) -> None:
        """Forget all ports except these."""
        self._said = {key: one for key, one in self._said.items() if key in port_ids}
