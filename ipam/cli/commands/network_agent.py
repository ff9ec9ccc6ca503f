"""`ipam network agent …`: which agents serve the unbound ports of a network."""

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import dry_run_option, examples, told_first
from ipam.cli.resource_kinds import AGENT, NETWORK

dhcp_option = click.option(
    "--dhcp", is_flag=True, help="It is a DHCP agent, as all are; for scripts."
)


@click.group("agent")
def network_agent() -> None:
    """Agents of a network: those that serve its ports that are bound to no host."""


@network_agent.group()
def add() -> None:
    """Add a network to an agent."""


@network_agent.group()
def remove() -> None:
    """Remove a network from an agent."""


@add.command("network", epilog=examples("ipam network agent add network node-7 demo"))
@dhcp_option
@click.argument("host_or_id", metavar="AGENT")
@click.argument("name_or_id", metavar="NETWORK")
@dry_run_option
def add_network(host_or_id: str, name_or_id: str, *, dhcp: bool) -> None:  # noqa: ARG001  # always so
    """Let an agent serve a network."""
    client = connect()
    agent_id = lookup.find_id(client, AGENT, host_or_id)
    network_id = lookup.find_id(client, NETWORK, name_or_id)
    client.post(f"{AGENT.path}/{agent_id}/dhcp-networks", json={"network_id": network_id})


@remove.command("network", epilog=examples("ipam network agent remove network node-7 demo"))
@dhcp_option
@click.argument("host_or_id", metavar="AGENT")
@click.argument("name_or_id", metavar="NETWORK")
@told_first
def remove_network(host_or_id: str, name_or_id: str, *, dhcp: bool) -> None:  # noqa: ARG001  # always so
    """Take a network from an agent, which does not take it again by itself."""
    client = connect()
    agent_id = lookup.find_id(client, AGENT, host_or_id)
    network_id = lookup.find_id(client, NETWORK, name_or_id)
    client.delete(f"{AGENT.path}/{agent_id}/dhcp-networks/{network_id}")
