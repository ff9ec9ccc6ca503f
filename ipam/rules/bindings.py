"""What binding a port to a host makes of it, and what the host's agent says to that. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ipam import model

UNBOUND: Final[Mapping[str, Any]] = {
    "binding_host_id": "",
    "binding_profile": {},
    "binding_vif_type": model.VIF_UNBOUND,
    "status": model.DOWN,
}
"""The values of a port whose active binding was deleted."""


class Binding(Protocol):
    """What of an inactive binding goes over to the port; a row of the database has it."""

    @property
    def host(self) -> str: ...
    @property
    def vnic_type(self) -> str: ...
    @property
    def profile(self) -> Mapping[str, Any]: ...
    @property
    def vif_type(self) -> str: ...


class Agent(Protocol):
    """What of an agent counts here; a row of the database has it."""

    @property
    def configurations(self) -> Mapping[str, Any] | None: ...
    @property
    def heartbeat_at(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PortHost:
    """A host as its agent, or its agent's silence, describes it."""

    name: str
    vif_type: str
    """How a port is plugged there."""
    fault: str = ""
    """Why no DHCP answers there, after "whose agent"; "" when nothing speaks against it."""


NO_HOST = PortHost("", model.VIF_UNBOUND)


def port_host(
    name: str, agent: Agent | None, *, default_vif_type: str, oldest_heartbeat: int
) -> PortHost:
    """The host of this name, whose agent is dead with a heartbeat before the oldest.

    The VIF type is what the agent reports, if that is known here.
    """
    if agent is None:
        return PortHost(name, default_vif_type, "was never heard of")
    reported = (agent.configurations or {}).get("vif_type")
    known = reported in (model.VIF_TAP, model.VIF_BRIDGE)
    fault = ""
    if agent.heartbeat_at < oldest_heartbeat:
        fault = f"is dead (last heard of {model.iso_time(agent.heartbeat_at)})"
    return PortHost(name, str(reported) if known else default_vif_type, fault)


def activated(binding: Binding) -> Mapping[str, Any]:
    """The values of a port whose active binding this becomes.

    It is DOWN until the agent there says that it serves the port.
    """
    return {
        "binding_host_id": binding.host,
        "binding_vnic_type": binding.vnic_type,
        "binding_profile": binding.profile,
        "binding_vif_type": binding.vif_type,
        "status": model.DOWN,
    }


def is_served_on(active_host: str, status: str) -> bool:
    """Whether a host whose inactive binding is deleted serves the port until its own host does."""
    return active_host != "" and status != model.ACTIVE
