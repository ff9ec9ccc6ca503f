"""Finds out about the host that a port is bound to."""

import logging

from ipam import model
from ipam.api.service import Service
from ipam.rules.bindings import NO_HOST, PortHost, port_host
from ipam.store import agents, ports
from ipam.store.engine.database import Transaction

LOG = logging.getLogger(__name__)


def host_of(
    service: Service, tx: Transaction, name: str, network_pk: int, vnic_type: str
) -> PortHost:
    """The host of this name, for ports of the network and of the vnic_type; "" is none."""
    if not name:
        return NO_HOST
    settings = service.settings.network
    return port_host(
        name,
        ports.network_and_agent(tx, network_pk, model.DHCP_AGENT_TYPE, name),
        vnic_type=vnic_type,
        default_vif_type=settings.vif_type,
        oldest_heartbeat=agents.oldest_heartbeat(settings.agent_down_time),
    )


def warn_of_silence(tx: Transaction, port_id: str, host: PortHost) -> None:
    """After the commit, log if no agent will make the port ACTIVE on this host."""
    if host.unreached:
        tx.on_commit(
            lambda: LOG.warning(
                "port %s cannot be bound to host %s, whose agent %s: its binding:vif_type is %s,"
                " and Nova gives up. Bind it again when that is put right",
                *(port_id, host.name, host.unreached, host.vif_type),
            )
        )
    elif host.fault:
        tx.on_commit(
            lambda: LOG.warning(
                "port %s is bound to host %s, whose agent %s: no DHCP answers there, and Nova will"
                " wait in vain",
                port_id,
                host.name,
                host.fault,
            )
        )
