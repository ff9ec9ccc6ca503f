"""Finds the ports of a network that are described as before: what was made of them holds. Pure.

A port that becomes active changes its network, which may have thousands of other ports.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from msgspec import structs

from ipam.agent.served import ServedNetwork, ServedPort
from ipam.protocol import dhcp_state
from ipam.protocol.dhcp_state import FullNetwork

PASSING: Final = frozenset({"status", "revision_number"})
"""What nothing is made of but `ServedPort` itself."""

_lasting: Callable[[dhcp_state.ServedPort], tuple[Any, ...]] = attrgetter(
    *(name for name in dhcp_state.ServedPort.__struct_fields__ if name not in PASSING)
)


@dataclass(frozen=True, slots=True)
class SamePorts:
    """Ports that are described as before, by id, and what was made of their network then."""

    ids: Collection[str] = frozenset()
    network: ServedNetwork | None = None

    def served(self, row: dhcp_state.ServedPort) -> ServedPort | None:
        """The port as it is now, if it is one of them and switched on."""
        known = self.network.ports.get(row.id) if self.network and row.id in self.ids else None
        if known is None or (known.revision_number, known.status) == _passing(row):
            return known
        return replace(known, revision_number=row.revision_number, status=row.status)

    def file(self, path: str) -> str | None:
        """The text of a file of one of them, if it has one."""
        return self.network.state.files.get(path) if self.network else None


def same_ports(before: ServedNetwork | None, row: FullNetwork) -> SamePorts:
    """The ports of `row` that are as they were, where the network around them is, too.

    A port with options of its own is not among them, as a client identifier is compared with those
    of all ports. None is if something could not be served, so that it is named again.
    """
    if before is None or before.row is None or before.faults:
        return SamePorts()
    if _around(before.row) != _around(row):
        return SamePorts()
    rows = {port.id: port for port in before.row.ports}
    return SamePorts(
        frozenset(
            port.id
            for port in row.ports
            if port.id in rows
            and not port.extra_dhcp_opts
            and _lasting(port) == _lasting(rows[port.id])
        ),
        before,
    )


def _around(row: FullNetwork) -> FullNetwork:
    return structs.replace(row, ports=[], digest="", ending_leases=[])


def _passing(row: dhcp_state.ServedPort) -> tuple[int, str]:
    return row.revision_number, row.status
