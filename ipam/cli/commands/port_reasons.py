"""Why a port is not ACTIVE, from what the API says. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ipam import model
from ipam.cli.commands.port_troubles import troubles
from ipam.rules.bindings import PLUGGED


def reason(
    port: Mapping[str, Any],
    dhcp_subnets: Sequence[str],
    agents: Sequence[Mapping[str, Any]] | None,
    *,
    network_is_up: bool = True,
) -> str:
    """Why a port is not ACTIVE, and the next step.

    `dhcp_subnets`: the ids of the port's subnets with DHCP. `agents`: None if the caller may not
    see them.
    """
    if set_so := configured_reason(port, dhcp_subnets, network_is_up=network_is_up):
        return set_so
    if agents is None:
        return "Ask an admin whether an agent is alive for it: `ipam agent list`."
    host = port.get("binding:host_id")
    at_host = [agent for agent in agents if not host or agent["host"] == host]
    alive = [agent for agent in at_host if agent["alive"]]
    where = f"on host {host}, to which it is bound" if host else "anywhere"
    if not at_host:
        return f"No agent has ever reported {where}: start `ipam agent run` there."
    if not alive:
        last = max(str(agent.get("heartbeat_timestamp", "")) for agent in at_host)
        return f"No agent is alive {where} (last heard of {last}): start `ipam agent run` there."
    if not any(agent["admin_state_up"] for agent in alive):
        first = alive[0]["host"]
        return f"The agent of {first} is disabled: `ipam agent set {first} --enable`."
    if said := next(troubles(port, alive), ""):
        return said
    if host and port["device_owner"].startswith(model.COMPUTE_OWNER_PREFIX):
        tap = model.tap_name(port["id"])
        return f"Its tap {tap} is not on host {host}: has the hypervisor plugged it?"
    hosts = ", ".join(sorted(str(agent["host"]) for agent in alive))
    return (
        f"The agent is alive on {hosts} but has not reported it ready: see the agent's log there."
    )


def configured_reason(
    port: Mapping[str, Any], dhcp_subnets: Sequence[str], *, network_is_up: bool
) -> str:
    """The reason, as in `reason`, if only a change can end it; empty for anything else."""
    if not port["admin_state_up"]:
        return f"The port is disabled: `ipam port set {port['id']} --enable`."
    if not network_is_up:
        return f"Its network is disabled: `ipam network set {port['network_id']} --enable`."
    if port.get("binding:vif_type") == model.VIF_BINDING_FAILED:
        host, vnic_type = port["binding:host_id"], port.get("binding:vnic_type", "normal")
        if vnic_type not in PLUGGED:
            return (
                f"It is not bound: its vnic_type {vnic_type} asks for hardware, and an agent plugs"
                f" in none: `openstack port set --vnic-type normal {port['id']}`."
            )
        return (
            f"It is not bound: its host {host} does not reach its network; `ipam agent show"
            f" {host}` has the mappings. When it does, bind the port again: `ipam port set"
            f" {port['id']} --host {host}`."
        )
    if not port["fixed_ips"]:
        return f"It has no address: `ipam port set {port['id']} --fixed-ip subnet=SUBNET`."
    if not dhcp_subnets:
        return "None of its subnets has DHCP: `ipam subnet set SUBNET --dhcp`."
    return ""
