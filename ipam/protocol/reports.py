"""What an agent tells the API: that it is alive, and what it found out about ports."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert

from ipam import model
from ipam.protocol.wake_port import WakeEnd
from ipam.protocol.wire import read_parsed
from ipam.values import Uuid, json_object, printable, zone_name

MOST_AT_ONCE = 500

MOST_FACTS = 65_535


def facts(value: dict[str, Any]) -> dict[str, Any]:
    """What an agent says of itself. A busy host has more to say than a port's profile."""
    return json_object(value, MOST_FACTS)


Configurations = Annotated[dict[str, Any], Meta(extra={"check": facts})]
"""`AgentFacts` of this or another version as JSON. The API shows it unchanged."""
HostName = Annotated[str, Meta(min_length=1, max_length=255, extra={"check": printable})]
ZoneName = Annotated[str, Meta(max_length=64, extra={"check": zone_name})]
ShortName = Annotated[str, Meta(max_length=64, extra={"check": printable})]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]


class NetworkFacts(Struct, frozen=True, omit_defaults=True):
    """What an agent says of a network on its host."""

    ignores_unknown: ClassVar = True

    bridge: str = ""
    wire: str = ""
    """The link that leads to other hosts; empty without one."""
    state: str = ""
    """`up`; `down` where it should reach others and does not; `local` where it should not."""
    fault: str = ""
    """Why it is down, or reaches not all; a sentence."""
    peers: tuple[str, ...] = ()
    """The addresses to which its tunnel leads."""
    taps: int = 0
    """How many of its ports' taps are on the bridge."""
    guarded: int = 0
    """How many of these may send only what their ports allow."""


MOST_NETWORKS = 1 << 19


def networks(value: dict[str, Any]) -> dict[str, Any]:
    """`NetworkFacts` by network id."""
    return json_object(value, MOST_NETWORKS)


Networks = Annotated[dict[str, Any], Meta(extra={"check": networks})]


class AgentReport(Struct):
    """A heartbeat. The first one of an agent_type on a host makes the agent."""

    ignores_unknown: ClassVar = True

    host: Annotated[HostName, Meta(description="The host's name, as in binding:host_id.")]
    started_at: Annotated[
        Seconds, Meta(description="When the agent's process started, in seconds since 1970.")
    ]
    agent_type: Annotated[ShortName, Meta(description="Always DHCP agent.")] = (
        model.DHCP_AGENT_TYPE
    )
    binary: Annotated[ShortName, Meta(description="The agent's program.")] = model.AGENT_BINARY
    availability_zone: Annotated[
        ZoneName | None, Meta(description="The zone that the agent's host is in.")
    ] = None
    configurations: Annotated[
        Configurations, Meta(description="What the agent says of itself: versions, counts.")
    ] = {}
    networks: Annotated[
        Networks | UnsetType,
        Meta(description="Where its networks are, by their ids; left out where nothing changed."),
    ] = UNSET
    wake: Annotated[
        WakeEnd | None,
        Meta(description="Where APIs wake it after a change; null for nowhere."),
    ] = None


class GuardFacts(Struct, frozen=True):
    """What an agent says of what keeps ports from sending from others' addresses."""

    port_filter: bool
    """Whether the host's ports are guarded."""
    fault: str
    """Why they are not."""
    taps: int
    spoofed: int
    """Frames that were dropped because their ports do not allow them."""
    storms: int
    """DHCP packets that were dropped because their taps send too many."""
    fenced: int = 0
    """DHCP packets and router advertisements that were kept from passing to or from elsewhere."""


class UplinkFacts(Struct, frozen=True):
    """What an agent says of an interface that may lead to other hosts."""

    mtu: int
    fault: str = ""
    """Why no network can have it; a sentence."""


class SeenConflict(Struct, frozen=True):
    """An address of a port that another machine uses, or that the port's machine declined."""

    ignores_unknown: ClassVar = True

    network_id: str
    ip_address: str
    mac_address: str
    """Of the other machine; empty if nobody answers any more."""
    since: Seconds
    """When the agent first knew, in epoch seconds."""
    declined: bool
    """Whether the port's machine declined it."""


MOST_CONFLICTS = 50


class AgentFacts(Struct, frozen=True, kw_only=True):
    """What an agent says of itself in `configurations`."""

    dnsmasq_version: str
    networks: int
    ports: int
    leases: int
    troubles: dict[str, str]
    """What is not as it should be, by the id of a network, subnet or port, or by tap."""
    events_waiting: int | UnsetType = UNSET
    """About how many DHCP events waited for one hook at most since the report before."""
    interface_mappings: dict[str, str] | UnsetType = UNSET
    """The uplink by physical network. This and the next three are Neutron's words."""
    bridge_mappings: dict[str, str] | UnsetType = UNSET
    """The administrator's bridge by physical network."""
    tunnel_types: list[str] | UnsetType = UNSET
    """`vxlan`, if the host has tunnels."""
    tunneling_ip: str | UnsetType = UNSET
    """The address at which tunnels of others reach it."""
    uplinks: dict[str, UplinkFacts] | UnsetType = UNSET
    """The interfaces of its host that could join a network to others, by name."""
    kernel_lacks: list[str] | UnsetType = UNSET
    """Kinds of networks for which its host's kernel can make no links, in sentences."""
    vif_type: str | UnsetType = UNSET
    """How servers are plugged in on its host. The agent may leave it out."""
    guard: GuardFacts | UnsetType = UNSET
    answers_uplinks: bool | UnsetType = UNSET
    """Whether it could answer machines behind an uplink, which needs the guard's rules."""
    conflicts: list[SeenConflict] | UnsetType = UNSET
    """The addresses of ports that other machines use; some, if there are very many."""
    installation: str | UnsetType = UNSET
    """A name of its state directory: a restarted agent has it again, another agent has another."""


def conflicts(configurations: Mapping[str, Any]) -> list[SeenConflict]:
    """The conflicts of these facts, of an agent of any version; none in a form of another."""
    try:
        return convert(configurations.get("conflicts", []), list[SeenConflict])
    except ValidationError:
        return []


def filters_ports(configurations: Mapping[str, Any]) -> bool:
    """Whether these facts, of an agent of any version, say that the host's ports are guarded."""
    guard = configurations.get("guard")
    return isinstance(guard, dict) and guard.get("port_filter") is True


class SeenPort(Struct, frozen=True):
    """A port with the revision that the report is about."""

    ignores_unknown: ClassVar = True

    id: Annotated[Uuid, Meta(description="The id, made by the service.")]
    revision_number: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Grows with each change; for If-Match.")
    ]


class SeenPorts(Struct):
    """Ports of which an agent found the same."""

    ignores_unknown: ClassVar = True

    ports: Annotated[list[SeenPort], Meta(max_length=MOST_AT_ONCE, description="The ports.")]


class _Agent(Struct):
    id: str


class _Reported(Struct):
    agent: _Agent


def read_agent_id(answer: object) -> str:
    """The agent's id in the answer to a heartbeat (parsed JSON). Raises Malformed."""
    return read_parsed(_Reported, answer, "the answer to a heartbeat").agent.id
