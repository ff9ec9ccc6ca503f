"""What is known of the host that a port is bound to."""

import logging
from dataclasses import dataclass

from ipam import model
from ipam.api.service import Service
from ipam.store import agents, ports
from ipam.store.engine.database import Transaction

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PortHost:
    """A host as its agent, or its agent's silence, describes it."""

    name: str
    vif_type: str
    """How a port is plugged there."""
    fault: str = ""
    """Why no DHCP answers there, after "whose agent"; "" when nothing speaks against it."""


def port_host(service: Service, tx: Transaction, name: str) -> PortHost:
    """The host of this name; "" is none."""
    if not name:
        return PortHost(name, model.VIF_UNBOUND)
    settings = service.settings.network
    agent = ports.host_agent(tx, model.DHCP_AGENT_TYPE, name)
    if agent is None:
        return PortHost(name, settings.vif_type, "was never heard of")
    reported = (agent.configurations or {}).get("vif_type")
    known = reported in (model.VIF_TAP, model.VIF_BRIDGE)
    fault = ""
    if agent.heartbeat_at < agents.oldest_heartbeat(settings.agent_down_time):
        fault = f"is dead (last heard of {model.iso_time(agent.heartbeat_at)})"
    return PortHost(name, str(reported) if known else settings.vif_type, fault)


def warn_of_silence(tx: Transaction, port_id: str, host: PortHost) -> None:
    """Once the port is bound, log if nobody will make it ACTIVE there."""
    if host.fault:
        tx.on_commit(
            lambda: LOG.warning(
                "port %s is bound to host %s, whose agent %s: no DHCP answers there, and Nova will"
                " wait in vain",
                port_id,
                host.name,
                host.fault,
            )
        )
