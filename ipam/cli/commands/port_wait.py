"""`ipam port wait`: waits until DHCP would answer the machine, or tells why it does not."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam import model
from ipam.cli import lookup
from ipam.cli.commands.port_troubles import agents_or_none, troubles
from ipam.cli.connection import connect
from ipam.cli.options import examples
from ipam.cli.resource_kinds import NETWORK, PORT, SUBNET
from ipam.cli.terminal import say, say_over
from ipam.errors import NotFound, Temporary

if TYPE_CHECKING:
    from ipam.client import Client

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5


@click.command(
    epilog=examples(
        "ipam port wait web-1", "ipam port wait web-1 --timeout 10 && start-the-machine"
    )
)
@click.argument("name_or_id", metavar="PORT")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="The longest time to wait.",
)
def wait(name_or_id: str, timeout: float) -> None:
    """Wait until the port is ACTIVE, which means that its machine would get its address.

    Ends with status 1 and the reason if that does not happen in time.
    """
    client = connect()
    port = lookup.find(client, PORT, name_or_id)
    started = time.monotonic()
    progress = Progress(port.get("name") or port["id"])
    pause = FIRST_PAUSE_SECONDS
    while port["status"] != "ACTIVE":
        waited = time.monotonic() - started
        if waited >= timeout:
            progress.end()
            raise click.ClickException(_explain(client, port, timeout))
        progress.show(port["status"], waited)
        time.sleep(min(pause, timeout - waited))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        port = _look_again(client, port)
    progress.end()


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
    if not port["admin_state_up"]:
        return f"The port is disabled: `ipam port set {port['id']} --enable`."
    if not network_is_up:
        return f"Its network is disabled: `ipam network set {port['network_id']} --enable`."
    if not port["fixed_ips"]:
        return f"It has no address: `ipam port set {port['id']} --fixed-ip subnet=SUBNET`."
    if not dhcp_subnets:
        return "None of its subnets has DHCP: `ipam subnet set SUBNET --dhcp`."
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


class Progress:
    """One line on standard error. It is rewritten on a terminal, and written once otherwise."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._terminal = sys.stderr.isatty()
        self._begun = False

    def show(self, status: str, waited: float) -> None:
        """Show the port's status after `waited` seconds."""
        text = f"Port {self._name} is {status}, waiting for ACTIVE …"
        if self._terminal:
            say_over(f"{text} {waited:.0f} s")
        elif not self._begun:
            say(text, err=True)
        self._begun = True

    def end(self) -> None:
        """End the line."""
        if self._begun and self._terminal:
            say(err=True)


def _look_again(client: "Client", port: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = client.get(f"{PORT.path}/{port['id']}")["port"]
    except NotFound:
        raise click.ClickException("The port was deleted meanwhile.") from None
    except Temporary:
        return port  # the service may be restarting: wait for it
    return answer


def _explain(client: "Client", port: dict[str, Any], timeout: float) -> str:
    subnet_ids = [fixed_ip["subnet_id"] for fixed_ip in port["fixed_ips"]]
    subnets = (
        client.list(SUBNET.path, SUBNET.collection, {"id": subnet_ids, "enable_dhcp": True})
        if subnet_ids
        else []
    )
    try:
        network = client.get(f"{NETWORK.path}/{port['network_id']}")["network"]
    except NotFound:
        network = {}  # it is another's, and not shared any more
    why = reason(
        port,
        [subnet["id"] for subnet in subnets],
        agents_or_none(client),
        network_is_up=network.get("admin_state_up", True),
    )
    return f"The port is still {port['status']} after {timeout:g} s.\n{why}"
