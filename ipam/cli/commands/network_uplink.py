"""The uplink of a network that one host has: from what its agent says of its interfaces."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ipam.cli.resource_kinds import AGENT
from ipam.errors import Conflict, NotFound
from ipam.rules.mappings import of_host
from ipam.rules.segments import FLAT

if TYPE_CHECKING:
    from ipam.client import Client

Facts = Mapping[str, Any]
"""An agent's `configurations`."""


def uplink_of(
    client: "Client", interface: str, host: str | None, mtu: int | None
) -> tuple[dict[str, str], int]:
    """The provider attributes of a network with this uplink, and the largest MTU that it may have.

    Without a host, the only one. Raises NotFound, or Conflict with the remedy if the interface
    cannot be an uplink.
    """
    agent = _agent(client, host)
    host, said = agent["host"], agent["configurations"]
    found = said.get("uplinks", {}).get(interface)
    if found is None:
        raise NotFound(_no_such(host, interface, said))
    bridged = _mapped(said, "bridge_mappings", interface)
    if found["fault"] and not bridged:
        raise Conflict(f"On {host}: {found['fault']}")
    if mtu and mtu > found["mtu"]:
        raise Conflict(
            f"On {host}: {interface} has MTU {found['mtu']}, and the network is to have {mtu}:"
            f" raise the one with `ip link set {interface} mtu {mtu}`, or say --mtu"
            f" {found['mtu']}."
        )
    physical = bridged or _mapped(said, "interface_mappings", interface)
    provider = {
        "provider:network_type": FLAT,
        "provider:physical_network": physical or of_host(host, interface),
    }
    return provider, found["mtu"]


def _agent(client: "Client", host: str | None) -> dict[str, Any]:
    """The agent of the host; without one, the only agent. Raises NotFound or UsageError."""
    found = client.list(AGENT.path, AGENT.collection, {"host": host} if host else {})
    if not found:
        where = f"on host {host}" if host else "yet"
        raise NotFound(
            f"No agent has reported {where}: one that starts does so within seconds. `ipam agent"
            " list` shows those that have."
        )
    if len(found) > 1:
        hosts = ", ".join(sorted(one["host"] for one in found)[:5])
        raise click.UsageError(
            f"There are {len(found)} hosts ({hosts}): say with --host whose interface it is. A"
            " network of several hosts has --provider-physical-network, which each host maps."
        )
    return found[0]


def _mapped(said: Facts, word: str, interface: str) -> str:
    """The physical network that the agent's settings map to the interface."""
    mapped = said.get(word, {})
    return next((physical for physical, name in mapped.items() if name == interface), "")


def _no_such(host: str, interface: str, said: Facts) -> str:
    free = [name for name, one in said.get("uplinks", {}).items() if not one["fault"]]
    there = f"These could be: {', '.join(free)}." if free else "There is none that could be one."
    return (
        f"Host {host} has no interface {interface} to be an uplink, or had none half a minute"
        f" ago. {there}"
    )
