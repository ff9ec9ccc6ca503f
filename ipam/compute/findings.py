"""What a comparison of ports with servers can find, and its text."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ipam.compute.facts import NEVER, Port


class Kind(StrEnum):
    """The kinds of contradictions between ports and servers."""

    ORPHAN = "orphan"
    STRANGER = "stranger"
    WRONG_HOST = "wrong host"
    OTHER_ADDRESS = "other address"


class Action(StrEnum):
    """What reclaiming does about a finding."""

    DELETE = "delete"
    UNBIND = "unbind"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction. `network` is an id, or Nova's name of the network if there is no port.

    `age_seconds` is the time since the port last changed, or the server if there is no port.
    """

    kind: Kind
    server_id: str
    project_id: str
    network: str
    addresses: tuple[str, ...]
    mac_address: str
    age_seconds: int
    evidence: str
    proposal: str
    port: Port | None = None
    action: Action = Action.NONE

    @property
    def identity(self) -> tuple[Any, ...]:
        """What is equal in two looks that find the same, if the port has not changed."""
        port = (self.port.id, self.port.revision_number) if self.port else None
        return (self.kind, self.server_id, port, self.mac_address, self.addresses)


def about_port(kind: Kind, port: Port, now: datetime, evidence: str, proposal: str) -> Finding:
    """The finding about a port, with the port's attributes."""
    return Finding(
        kind=kind,
        server_id=port.device_id,
        project_id=port.project_id,
        network=port.network_id,
        addresses=tuple(sorted(port.addresses)),
        mac_address=port.mac_address,
        age_seconds=age(now, port.updated_at),
        evidence=evidence,
        proposal=proposal,
        port=port,
    )


def age(now: datetime, since: datetime) -> int:
    """The age in whole seconds, never negative."""
    return max(0, int((now - since).total_seconds()))


def time_text(moment: datetime) -> str:
    """The instant as text for findings."""
    return "a time unknown" if moment == NEVER else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
