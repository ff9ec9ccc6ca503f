"""`ipam port wait`: waits until DHCP would answer the machine, or tells why it does not."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from ipam import model
from ipam.cli import lookup
from ipam.cli.commands import elected_agent
from ipam.cli.commands.port_reasons import configured_reason, reason
from ipam.cli.commands.port_troubles import agents_or_none, troubles_of_network
from ipam.cli.connection import connect
from ipam.cli.options import examples
from ipam.cli.resource_kinds import NETWORK, PORT, SUBNET
from ipam.cli.terminal import say, say_over
from ipam.errors import NotFound, Temporary

if TYPE_CHECKING:
    from ipam.client import Client

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
FIRST_LOOK_SECONDS = 0.5
"""When the first look for a reason is taken: most ports are ACTIVE before."""
LOOK_SECONDS = 1.0
STANDS_SECONDS = 3.0
"""So long a reason may stand that only a change of port, network or subnet ends: scripts that run
beside each other in a boot sequence may be about to make that change."""
TROUBLE_STANDS_SECONDS = 15.0
"""The same for a trouble of the network, which the agent may still end by itself."""


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
@click.option(
    "--keep-waiting",
    is_flag=True,
    help="Wait until the time is over, even if only a change can make the port ACTIVE.",
)
def wait(name_or_id: str, timeout: float, *, keep_waiting: bool) -> None:
    """Wait until the port is ACTIVE, which means that its machine would get its address.

    Ends with status 1 and the reason if that does not happen in time. Where only a change can
    help, as with a disabled port or a subnet without DHCP, it says so at once, and ends a few
    seconds later if nobody changes it.
    """
    client = connect()
    port = lookup.find(client, PORT, name_or_id)
    started = time.monotonic()
    progress = Progress(port.get("name") or port["id"])
    standing = Standing()
    pause = FIRST_PAUSE_SECONDS
    while port["status"] != "ACTIVE":
        waited = time.monotonic() - started
        if standing.is_due(waited) and standing.is_news(_look_for_standing(client, port), waited):
            progress.say(standing.sentence)
        if standing.is_over(waited) and not keep_waiting:
            progress.end()
            status = f"The port is still {port['status']}, and waiting does not help."
            raise click.ClickException(f"{status}\n{standing.sentence}")
        if waited >= timeout:
            progress.end()
            raise click.ClickException(_explain(client, port, timeout))
        progress.show(port["status"], waited)
        time.sleep(min(pause, timeout - waited))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        port = _look_again(client, port)
    progress.end()
    if port.get("binding:host_id") == "":
        for one in elected_agent.elected(client, network_id=port["network_id"]) or ():
            say(f"Its machine is answered by {elected_agent.line(one)}.", err=True)


class Standing:
    """The reason that stands, and for how long. Times are seconds of waiting."""

    def __init__(self) -> None:
        self.sentence = ""
        self._patience = 0.0
        self._since = 0.0
        self._look_at = FIRST_LOOK_SECONDS

    def is_due(self, waited: float) -> bool:
        """Whether it is time for a look. The next one is due LOOK_SECONDS later."""
        if waited < self._look_at:
            return False
        self._look_at = waited + LOOK_SECONDS
        return True

    def is_news(self, found: tuple[str, float], waited: float) -> bool:
        """Take in a reason with the time that it may stand; whether it is to be said."""
        sentence, self._patience = found
        if sentence == self.sentence:
            return False
        self.sentence, self._since = sentence, waited
        return bool(sentence)

    def is_over(self, waited: float) -> bool:
        """Whether it has stood for as long as it may."""
        return bool(self.sentence) and waited - self._since >= self._patience


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

    def say(self, sentence: str) -> None:
        """Say something else, on a line of its own."""
        self.end()
        say(sentence, err=True)

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


def _look_for_standing(client: "Client", port: dict[str, Any]) -> tuple[str, float]:
    """A reason that waiting will not end, and for how many seconds it may stand."""
    try:
        dhcp_subnets, network = _surroundings(client, port)
        network_is_up = network.get("admin_state_up", True)
        set_so = configured_reason(port, dhcp_subnets, network_is_up=network_is_up)
        if set_so and port.get("binding:vif_type") != model.VIF_BINDING_FAILED:
            return set_so, STANDS_SECONDS
        alive = [one for one in agents_or_none(client) or () if one["alive"]]
    except Temporary:
        return "", 0.0  # the service may be restarting
    said = next(troubles_of_network(port, alive), "")
    if set_so:
        return f"{set_so} {said}".rstrip(), STANDS_SECONDS
    return said, TROUBLE_STANDS_SECONDS


def _explain(client: "Client", port: dict[str, Any], timeout: float) -> str:
    dhcp_subnets, network = _surroundings(client, port)
    agents, network_is_up = agents_or_none(client), network.get("admin_state_up", True)
    why = configured_reason(port, dhcp_subnets, network_is_up=network_is_up)
    elected = elected_agent.of_port(client, port, agents)
    if not why and elected is not None:
        why = elected_agent.missing(network, elected)
        port = port | ({"binding:host_id": elected[0]["host"]} if elected else {})
    why = why or reason(port, dhcp_subnets, agents, network_is_up=network_is_up)
    return f"The port is still {port['status']} after {timeout:g} s.\n{why}"


def _surroundings(client: "Client", port: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The ids of the port's subnets with DHCP, and its network."""
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
    return [subnet["id"] for subnet in subnets], network
