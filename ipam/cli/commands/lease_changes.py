"""`ipam lease release` and `ipam lease reserve`: end leases, or keep them for their machines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam import model
from ipam.cli import lookup
from ipam.cli.address_checks import check_option, refuse_used
from ipam.cli.commands.port_options import expires_option, wire_changes
from ipam.cli.connection import connect
from ipam.cli.options import Command, examples, given
from ipam.cli.resource_kinds import LEASE, NETWORK
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.client import Client


def chosen_leases(command: Command) -> Command:
    """Leases by address or id, or all that a filter finds."""
    options: list[Callable[[Command], Command]] = [
        click.argument("leases", metavar="[LEASE]...", nargs=-1),
        click.option("--mac", "mac_address", metavar="MAC", help="Every lease of this machine."),
        click.option("--hostname", metavar="NAME", help="Every lease of this host name."),
        click.option("--host", metavar="HOST", help="Every lease that this host served."),
        click.option("--network", metavar="NETWORK", help="The leases of this network."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    epilog=examples("ipam lease release 10.0.0.120", "ipam lease release --network lan --host n7")
)
@chosen_leases
def release(leases: Sequence[str], **filters: Any) -> None:
    """End leases now, by address, by id, or all that a filter finds.

    A machine goes on using its address until it asks again.
    """
    client = connect()

    def end(lease: Mapping[str, Any]) -> None:
        client.put(f"{LEASE.path}/{lease['id']}/release", json={})
        say(f"{lease['ip_address']}: its host {lease['host']} is asked to end the lease.")

    _each(client, leases, filters, end)


@click.command(
    epilog=examples(
        "ipam lease reserve 10.0.0.120",
        "ipam lease reserve --mac 52:54:00:12:34:56",
        "ipam lease reserve 10.0.0.120 --expires 30d",
    )
)
@chosen_leases
@expires_option
@check_option
def reserve(leases: Sequence[str], *, expires_at: str | None, check: bool, **filters: Any) -> None:
    """Keep the addresses of unannounced machines for them, by address, by id, or by filter.

    The lease's port becomes an ordinary one, which does not end with the lease. The machine
    notices nothing.
    """
    client = connect()

    def keep(lease: Mapping[str, Any]) -> None:
        address = lease["ip_address"]
        port = client.get(f"/v2.0/ports/{lease['port_id']}")["port"] if lease["port_id"] else {}
        if port.get("device_owner") != model.LEASE_PORT_OWNER:
            say(f"{address}: no lease of a dynamic range; nothing is changed.")
            return
        if check:
            refuse_used(client, lease["network_id"], {address: lease["mac_address"]})
        changes = {"device_owner": "", **wire_changes({"expires_at": expires_at})}
        client.put(f"/v2.0/ports/{port['id']}", json={"port": changes})
        say(f"{address}: reserved for {lease['mac_address']} by port {port['id']}.")

    _each(client, leases, filters, keep)


def _each(
    client: "Client",
    names: Sequence[str],
    filters: dict[str, Any],
    action: Callable[[Mapping[str, Any]], None],
) -> None:
    if not names and not any(filters.values()):
        raise click.UsageError("Name leases, or give a filter.")
    network = filters.pop("network")
    wanted = given(
        network_id=lookup.find_id(client, NETWORK, network) if network else None, **filters
    )
    found: Iterable[Mapping[str, Any]] = ()
    if not names:
        of_dhcp = {**wanted, "source": model.DHCP_LEASE}  # none ends what machines made
        found = client.list(LEASE.path, LEASE.collection, of_dhcp)
    by_name = dict.fromkeys(names) | {one["id"]: one for one in found}
    if not by_name:
        say("No lease is like that.", err=True)
    lookup.for_each(
        by_name, lambda name: action(by_name[name] or lookup.find(client, LEASE, name, **wanted))
    )
