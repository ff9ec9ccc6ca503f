"""What an agent tells the API: that it lives, and what it found of ports."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.protocol.wire import read_parsed
from ipam.values import Uuid, json_object, printable, zone_name

Configurations = Annotated[dict[str, Any], Meta(extra={"check": json_object})]
"""`AgentFacts` of this version or another, as JSON; shown as it came."""
HostName = Annotated[str, Meta(min_length=1, max_length=255, extra={"check": printable})]
ZoneName = Annotated[str, Meta(max_length=64, extra={"check": zone_name})]
ShortName = Annotated[str, Meta(max_length=64, extra={"check": printable})]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]


class AgentReport(Struct):
    """A heartbeat. The first one of an agent_type on a host makes the agent."""

    host: HostName
    started_at: Seconds
    agent_type: ShortName = model.DHCP_AGENT_TYPE
    binary: ShortName = model.AGENT_BINARY
    availability_zone: ZoneName | None = None
    configurations: Configurations = {}


class AgentFacts(Struct, frozen=True, kw_only=True):
    """What an agent says of itself in `configurations`."""

    dnsmasq_version: str
    networks: int
    ports: int
    leases: int
    troubles: dict[str, str]
    """What it cannot do now, by network id or tap."""
    vif_type: str | UnsetType = UNSET
    """How guests are plugged in on its host; left out where it does not say."""


class SeenPort(Struct, frozen=True):
    """A port as of this revision."""

    id: Uuid
    revision_number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class SeenPorts(Struct):
    """What an agent found alike."""

    ports: list[SeenPort]


class _Agent(Struct):
    id: str


class _Reported(Struct):
    agent: _Agent


def read_agent_id(answer: object) -> str:
    """The id in the answer to a heartbeat, as parsed JSON. Raises Malformed."""
    return read_parsed(_Reported, answer, "the answer to a heartbeat").agent.id
