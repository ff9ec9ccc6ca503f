"""The values of a port that is bound to a host, and what the host's agent says of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ipam import model
from ipam.rules import reach

UNBOUND: Final[Mapping[str, Any]] = {
    "binding_host_id": "",
    "binding_profile": {},
    "binding_vif_type": model.VIF_UNBOUND,
    "status": model.DOWN,
}
"""The values of a port whose active binding was deleted."""


class Binding(Protocol):
    """The values that an inactive binding gives the port when it becomes active."""

    @property
    def host(self) -> str: ...
    @property
    def vnic_type(self) -> str: ...
    @property
    def profile(self) -> Mapping[str, Any]: ...
    @property
    def vif_type(self) -> str: ...


class NetworkAndAgent(Protocol):
    """The values of a network and of a host's agent that the rules need, None without an agent.

    A row of the database has them.
    """

    @property
    def provider_network_type(self) -> str | None: ...
    @property
    def provider_physical_network(self) -> str | None: ...
    @property
    def configurations(self) -> Mapping[str, Any] | None: ...
    @property
    def heartbeat_at(self) -> int | None: ...
    @property
    def port_filter(self) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class PortHost:
    """A host, by the last report of its agent."""

    name: str
    vif_type: str
    """How ports are plugged in on the host."""
    fault: str = ""
    """Why no DHCP answers there, a text to follow "whose agent"; "" if there is no reason."""
    unreached: str = ""
    """Why ports of the network cannot be bound to the host, a text like `fault`."""
    filters: bool = False
    """Whether the host keeps its ports from sending from others' addresses."""


PLUGGED: Final = frozenset({"normal", "baremetal", "smart-nic"})
"""The values of vnic_type of which a port can be bound to a host with an agent: the agent serves
taps and bridges, and machines of Ironic's. Of the others hardware is to be a machine's port."""

NO_HOST = PortHost("", model.VIF_UNBOUND)


def port_host(
    name: str,
    found: NetworkAndAgent,
    *,
    vnic_type: str,
    default_vif_type: str,
    oldest_heartbeat: int,
) -> PortHost:
    """The host of this name for ports of a network and of this vnic_type.

    An old heartbeat means a dead agent. The VIF type is the one that the agent reports, if it is a
    known one.
    """
    if found.heartbeat_at is None:
        return PortHost(name, default_vif_type, "was never heard of")
    fault, filters = "", bool(found.port_filter)
    if found.heartbeat_at < oldest_heartbeat:
        fault = f"is dead (last heard of {model.iso_time(found.heartbeat_at)})"
    segment = (found.provider_network_type, found.provider_physical_network)
    reason = reach.unreached(*segment, found.configurations, name)
    if vnic_type not in PLUGGED:
        reason = f"plugs in no port with vnic_type {vnic_type}"
    if reason:
        return PortHost(name, model.VIF_BINDING_FAILED, fault, reason, filters)
    reported = (found.configurations or {}).get("vif_type")
    known = reported in (model.VIF_TAP, model.VIF_BRIDGE)
    vif_type = str(reported) if known else default_vif_type
    return PortHost(name, vif_type, fault, filters=filters)


def activated(binding: Binding) -> Mapping[str, Any]:
    """The values of a port when this becomes its active binding.

    The port is DOWN until the host's agent reports that it serves the port.
    """
    return {
        "binding_host_id": binding.host,
        "binding_vnic_type": binding.vnic_type,
        "binding_profile": binding.profile,
        "binding_vif_type": binding.vif_type,
        "status": model.DOWN,
    }


def is_served_on(active_host: str, status: str) -> bool:
    """Whether a host that loses its inactive binding goes on until the active host serves."""
    return active_host != "" and status != model.ACTIVE
