"""`ipam agent …`: the hosts that serve DHCP, and the agent's process."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.commands import elected_agent
from ipam.cli.commands.agent_facts import by_lines
from ipam.cli.commands.agent_identity import enrol, revoke
from ipam.cli.configured import load_settings
from ipam.cli.connection import connect
from ipam.cli.options import (
    admin_state_option,
    config_file_option,
    description_option,
    examples,
    format_options,
    given,
    list_options,
    told_first,
)
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import AGENT, NETWORK
from ipam.cli.terminal import say


@click.group()
def agent() -> None:
    """Agents: the hosts that serve DHCP. `ipam agent run` makes this host one of them."""


@agent.command(
    "list",
    epilog=examples("ipam agent list", "ipam agent list --host node-7 -f value -c Alive"),
)
@click.option("--host", metavar="HOST", help="Only the agents of this host.")
@click.option(
    "--network", metavar="NETWORK", help="Only those that serve this network's unbound ports."
)
@list_options
def list_agents(host: str | None, network: str | None, **listing: Any) -> None:
    """List agents, whether they are alive, and how much they serve."""
    client = connect()
    resource = AGENT
    if network:
        network_id = lookup.find_id(client, NETWORK, network)
        resource = replace(AGENT, path=f"{NETWORK.path}/{network_id}/dhcp-agents")
    show_list(client, resource, given(host=host), **listing)


@agent.command(epilog=examples("ipam agent show node-7", "ipam agent show node-7 -f json"))
@click.argument("host_or_id", metavar="AGENT")
@format_options
def show(host_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one agent, by host or id: what it serves, reaches and guards, and its troubles."""
    client = connect()
    found = lookup.find(client, AGENT, host_or_id)
    networks = elected_agent.elected(client, agent_id=found["id"])
    if output_format == "table" and not wanted:
        found = by_lines(found)
    if networks is not None:
        found |= {"elected_for": [one["network_id"] for one in networks]}
    show_record(found, output_format=output_format, wanted=wanted)


@agent.command(
    "set",
    epilog=examples(
        "ipam agent set node-7 --disable", "ipam agent set node-7 --description 'rack 4'"
    ),
)
@click.argument("host_or_id", metavar="AGENT")
@admin_state_option
@description_option
@told_first
def change(host_or_id: str, **fields: Any) -> None:
    """Change an agent. A disabled agent serves no networks."""
    client = connect()
    agent_id = lookup.find_id(client, AGENT, host_or_id)
    lookup.update(client, AGENT, agent_id, given(**fields))


@agent.command(epilog=examples("ipam agent delete node-7"))
@click.argument("hosts_or_ids", metavar="AGENT...", nargs=-1, required=True)
@told_first
def delete(hosts_or_ids: Sequence[str]) -> None:
    """Delete agents whose host is gone for good. A running agent reports again."""
    client = connect()

    def forget(host_or_id: str) -> None:
        found = lookup.find(client, AGENT, host_or_id)
        client.delete(f"{AGENT.path}/{found['id']}")
        if found["alive"]:
            say(
                f"Warning: the agent of {found['host']} is alive and will report again: stop"
                " `ipam agent run` there first.",
                err=True,
            )

    lookup.for_each(hosts_or_ids, forget)


@agent.command(
    epilog=examples("sudo ipam agent hold net1", "sudo ipam agent hold net1 --off"),
)
@click.argument("name_or_id", metavar="NETWORK")
@click.option("--off", is_flag=True, help="End the hold: the agent puts right what differs.")
@config_file_option
def hold(name_or_id: str, off: bool, config_files: Sequence[str]) -> None:
    """Keep this host's agent from touching a network while you work on it by hand.

    The hold is a file on this host. It stays until --off, also when the host restarts. By the
    network's id the command works without the API.
    """
    from ipam.agent.holds import Holds  # noqa: PLC0415  # not wanted by the other commands

    by_id = lookup.UUID.fullmatch(name_or_id)
    network_id = name_or_id.lower() if by_id else lookup.find_id(connect(), NETWORK, name_or_id)
    state_path = load_settings(config_files).agent.state_path
    if not state_path.is_dir():
        raise click.ClickException(
            f"No agent has run on this host: its state_path {state_path} is not there."
        )
    holds = Holds(state_path)
    if off:
        holds.end(network_id)
        return
    holds.hold(network_id)
    if not (state_path / "networks" / f"{network_id}.json").exists():
        say(
            f"Warning: the agent of this host serves no network {network_id} now.",
            err=True,
        )


agent.add_command(enrol)
agent.add_command(revoke)


@agent.command(
    epilog=examples("sudo ipam agent run", "sudo ipam agent run --config-file /etc/ipam/node.conf")
)
@config_file_option
@click.option(
    "--remove-on-exit",
    is_flag=True,
    help="At the end, stop every dnsmasq and remove every bridge and namespace of this"
    " host. Without it, dnsmasq serves machines while the agent is stopped.",
)
def run(config_files: Sequence[str], remove_on_exit: bool) -> None:
    """Serve this host's networks: bridges, dnsmasq, leases. Runs until told to stop."""
    from ipam.cli.commands.processes import run_process  # noqa: PLC0415  # not wanted by the other commands

    run_process("ipam.agent.main:run", config_files, stop_everything_on_exit=remove_on_exit)
