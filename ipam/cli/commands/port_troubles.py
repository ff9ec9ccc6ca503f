"""What agents say that is not as it should be with a port."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ipam import model
from ipam.cli.resource_kinds import AGENT
from ipam.errors import NotFound, PolicyNotAuthorized

if TYPE_CHECKING:
    from ipam.client import Client


def agents_or_none(client: "Client") -> list[dict[str, Any]] | None:
    """All agents; None if the caller may not see them."""
    try:
        return client.list(AGENT.path, AGENT.collection)
    except (PolicyNotAuthorized, NotFound):
        return None


def troubles_of_network(
    port: Mapping[str, Any], agents: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What living agents of the port's host say of its network."""
    host = port.get("binding:host_id")
    mine = [agent for agent in agents if not host or agent["host"] == host]
    yield from _said(mine, [(port["network_id"], "its network")])


def troubles(port: Mapping[str, Any], agents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What living agents say of the port, its subnets, its network and its tap, in this order."""
    tap = model.tap_name(port["id"])
    subjects = [
        (port["id"], "the port"),
        *((fixed_ip["subnet_id"], "its subnet") for fixed_ip in port["fixed_ips"]),
        (port["network_id"], "its network"),
        (tap, f"its tap {tap}"),
    ]
    yield from _said(agents, subjects)


def _said(
    agents: Sequence[Mapping[str, Any]], subjects: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """What living agents say of these ids, each with what it is in words."""
    said = [
        (agent["host"], (agent.get("configurations") or {}).get("troubles", {}))
        for agent in agents
        if agent["alive"]
    ]
    for of, what in subjects:
        for host, of_agent in said:
            if of in of_agent:
                yield f"The agent of {host} is alive, but {what}: {of_agent[of]}"
