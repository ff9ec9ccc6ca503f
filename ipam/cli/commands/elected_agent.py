"""Which host answers a machine that no host of an agent has, in words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ipam import clock, model
from ipam.errors import NotFound, PolicyNotAuthorized
from ipam.rules.segments import OF_UPLINKS

if TYPE_CHECKING:
    from ipam.client import Client

PATH = "/v2.0/elected-agents"


def elected(client: "Client", **wanted: str) -> list[dict[str, Any]] | None:
    """The elected agents of this `network_id`, `agent_id` or `host`.

    None for who may not know them, and from an older service.
    """
    try:
        found: list[dict[str, Any]] = client.get(PATH, wanted)["elected_agents"]
    except (PolicyNotAuthorized, NotFound):
        return None
    return found


def of_port(
    client: "Client", port: Mapping[str, Any], agents: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]] | None:
    """The agent elected for a port that is bound to no host of an agent.

    None for any other port, and if the caller may not know.
    """
    host = port.get("binding:host_id")
    if agents is None or any(agent["host"] == host for agent in agents):
        return None
    return elected(client, network_id=port["network_id"])


def line(one: Mapping[str, Any]) -> str:
    """The host, and since when."""
    return f"{one['host']} since {one['answers_from']}"


def missing(network: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> str:
    """Why no host answers a network's machines behind its uplink; "" if one should."""
    if network.get("provider:network_type") not in OF_UPLINKS:
        return ""
    if not found:
        return (
            "It is bound to no host with an agent, and no agent is elected to answer it: none that"
            " is alive reaches its network and has nftables (`ipam agent list`)."
        )
    begins = found[0]["answers_from"]
    if begins > model.iso_time(clock.now_seconds()):
        return (
            f"Host {found[0]['host']} is elected to answer it, and begins at {begins}: the host"
            " before may answer until then."
        )
    return ""
