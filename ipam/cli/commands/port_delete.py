"""`ipam port delete`: ports by name, or all of a network; a network's own server stays."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam import model
from ipam.cli import global_options, lookup, rehearsal
from ipam.cli.connection import connect
from ipam.cli.options import examples, told_first
from ipam.cli.resource_kinds import NETWORK, PORT
from ipam.cli.terminal import say
from ipam.errors import PortNotFound

if TYPE_CHECKING:
    from ipam.client import Client

Record = Mapping[str, Any]


@click.command(
    epilog=examples(
        "ipam port delete web-1",
        "ipam port delete web-1 web-2",
        "ipam port delete --network lab --dry-run",
    )
)
@click.argument("names_or_ids", metavar="[PORT]...", nargs=-1)
@click.option(
    "--network", metavar="NETWORK", help="Every port of this network, but its DHCP server's."
)
@told_first
def delete(names_or_ids: Sequence[str], network: str | None) -> None:
    """Delete ports. Their addresses are free again after a cooldown.

    The port of a network's DHCP server is skipped among others: it goes with its network.
    """
    if bool(names_or_ids) == bool(network):
        raise click.UsageError("Say which ports, or --network NETWORK for all of one.")
    client = connect()
    if network:
        found = _of_network(client, network)
        lookup.for_each(found, lambda one: delete_if_there(client, one["id"]))
    elif len(names_or_ids) == 1:
        lookup.delete_each(client, PORT, names_or_ids)
    else:
        lookup.for_each(names_or_ids, lambda name: _delete_unless_servers(client, name))


def _of_network(client: "Client", name: str) -> Sequence[Record]:
    """The ports to delete. Without a terminal it takes --yes."""
    network_id = lookup.find_id(client, NETWORK, name)
    fields = [("fields", one) for one in ("id", "device_owner")]
    params = [("network_id", network_id), *fields]
    found = client.list(PORT.path, PORT.collection, params)
    ports = [one for one in found if one["device_owner"] != model.DHCP_PORT_OWNER]
    agreed = global_options.given().get("yes") or global_options.is_dry_run()
    if ports and not (agreed or rehearsal.is_terminal()):
        which = "the only port" if len(ports) == 1 else f"all {len(ports)} ports"
        raise click.ClickException(
            f"This deletes {which} of {name}: --yes does it, --dry-run tells what comes of it."
        )
    return ports


def _delete_unless_servers(client: "Client", name: str) -> None:
    port = lookup.find(client, PORT, name)
    if port["device_owner"] == model.DHCP_PORT_OWNER:
        say(f"{name} is passed over: the DHCP server's port goes with its network.", err=True)
        return
    client.delete(f"{PORT.path}/{port['id']}")


def delete_if_there(client: "Client", port_id: str) -> None:
    """Delete a port that may have gone by itself meanwhile, as those of leases do."""
    try:
        client.delete(f"{PORT.path}/{port_id}")
    except PortNotFound:
        return
