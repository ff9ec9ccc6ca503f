"""`ipam renumber …`: move the machines of a subnet to other addresses, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from ipam import model
from ipam.cli import global_options, lookup, renumbering
from ipam.cli.connection import connect
from ipam.cli.options import dry_run_option, examples, format_option, told_first
from ipam.cli.output import Column, counted
from ipam.cli.printing import print_columns
from ipam.cli.renumbering import FROM, OF, TO, Progress
from ipam.cli.resource_kinds import LEASE, PORT, SUBNET
from ipam.cli.terminal import say
from ipam.errors import IpAddressAlreadyAllocated, NotFound

if TYPE_CHECKING:
    from ipam.client import Client

Record = Mapping[str, Any]
NAMED_MAX: Final = 5
COLUMNS: Final = (
    Column("Port", "port"),
    Column("MAC Address", "mac_address"),
    Column("Old", "old"),
    Column("New", "new"),
    Column("State", "state"),
)

subnet_argument = click.argument("name_or_id", metavar="SUBNET")
yes_option = click.option("--yes", is_flag=True, help="Do it although machines have not moved.")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A renumbering as it is now."""

    old: Record | None
    """The old subnet; None if it is gone already."""
    new: Record | None
    """The new subnet; None if it is gone already, or not made yet."""
    ports: Sequence[Progress]
    taken: frozenset[str]
    """The addresses that ports of the network have."""
    dynamic: Sequence[Record]
    """The leases of the old subnet's dynamic ranges."""
    dynamic_of_new: Sequence[Record]


@click.group()
def renumber() -> None:
    """Move the machines of a subnet to other addresses, step by step.

    SUBNET is the old one or the new one. What is under way is kept in tags, so each step may be
    interrupted and given again, and `undo` takes all back until `finish`.
    """


@renumber.command(
    epilog=examples(
        "ipam renumber start 10.0.0.0/24 10.8.0.0/24",
        "ipam renumber start demo-v4 10.8.0.0/23 --gateway 10.8.0.1",
        "ipam renumber start 2001:db8:1::/64 2001:db8:2::/64",
    )
)
@subnet_argument
@click.argument("cidr", metavar="NEWCIDR")
@click.option("--gateway", metavar="IP", help="The new router; the old one's place if left out.")
@dry_run_option
def start(name_or_id: str, cidr: str, gateway: str | None) -> None:
    """Make the new subnet beside the old one, which gives no more addresses from then on.

    Its gateway, name servers and routes have the same places in it as the old ones. No machine
    moves yet.
    """
    client = connect()
    old = lookup.find(client, SUBNET, name_or_id)
    if faults := list(renumbering.faults(old, cidr)):
        raise click.ClickException(f"{old['cidr']} cannot be renumbered: {'; '.join(faults)}.")
    new = _made_new(client, old)
    if new is None:
        body = renumbering.new_subnet(old, cidr, gateway)
        new = client.post(SUBNET.path, json={"subnet": body})["subnet"]
    elif ip_network(new["cidr"]) != ip_network(cidr, strict=False):
        raise click.ClickException(
            f"{old['cidr']} is being renumbered to {new['cidr']}: `ipam renumber undo {new['id']}`"
            " goes back."
        )
    if not renumbering.tagged(old, TO):
        tags = [f"{TO}{new['id']}", *renumbering.memory_tags(old)]
        client.post(_tags(SUBNET.path, old), json={"tags": tags})
    if old["allocation_pools"]:
        client.put(f"{SUBNET.path}/{old['id']}", json={"subnet": {"allocation_pools": []}})
    if not global_options.is_dry_run():
        say(f"{new['cidr']} is beside {old['cidr']}. `ipam renumber move {new['id']}` moves.")


@renumber.command(
    epilog=examples(
        "ipam renumber move 10.8.0.0/24 --count 10",
        "ipam renumber move 10.8.0.0/24 --port web-1 --dry-run",
        "ipam renumber move 10.8.0.0/24 --yes",
    )
)
@subnet_argument
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="At most so many ports.")
@click.option("--port", "names", multiple=True, metavar="PORT", help="This port; repeat for more.")
@told_first
def move(name_or_id: str, count: int | None, names: Sequence[str]) -> None:
    """Give ports their address in the new subnet, in the same place if it is free.

    A machine gets it at its next renewal. Until `finish` it may send from the old address, too.
    Once every port has moved, leases of dynamic ranges end, and an old prefix in which machines
    make their addresses is deprecated: they use it for nothing new.
    """
    client = connect()
    found = _under_way(client, name_or_id)
    old, new = _both(found)
    asked = {lookup.find_id(client, PORT, name) for name in names}
    here = [one for one in found.ports if not one.new]
    chosen = [one for one in here if not asked or one.port["id"] in asked][:count]
    by_hand = [one for one in here if renumbering.is_moved_by_hand(one.port)]
    for one in chosen:
        if one in by_hand:
            say(f"{one.old} of {one.port['device_owner']} is left: its owner moves it.", err=True)
    moved = [
        (one, renumbering.own_place(one.old, old, new, found.taken))
        for one in chosen
        if one not in by_hand
    ]
    moved.sort(key=lambda pair: pair[1] is None)  # else these might get the places of others
    lookup.for_each(moved, lambda pair: _move(client, *pair, old, new))
    if len(moved) + len(by_hand) == len(here):
        _leave(client, found, old)
    if not global_options.is_dry_run():
        left = len(here) - len(moved)
        say(f"{len(moved)} moved, {left} left. `ipam renumber status {new['id']}` shows them.")


@renumber.command(epilog=examples("ipam renumber status 10.8.0.0/24"))
@subnet_argument
@format_option
def status(name_or_id: str, output_format: str) -> None:
    """Show which ports have moved, and which machines have asked since.

    Exit status 1 while some are still to move.
    """
    client = connect()
    found = _under_way(client, name_or_id)
    rows = [
        {
            "port": one.port["name"] or one.port["id"],
            "mac_address": one.port["mac_address"],
            "old": one.old,
            "new": one.new,
            "state": _state(one),
        }
        for one in found.ports
    ]
    print_columns(COLUMNS, rows, output_format)
    waiting = renumbering.waiting(found.ports)
    here = [one for one in found.ports if not one.new]
    say(
        f"{counted(len(found.ports), 'port')}: {len(here)} to move, {len(waiting)} moved but not"
        f" asked for since, {len(found.ports) - len(here) - len(waiting)} done.",
        err=True,
    )
    if found.dynamic:
        say(f"{counted(len(found.dynamic), 'dynamic lease')} of the old subnet.", err=True)
    if here or waiting or found.dynamic:
        raise click.exceptions.Exit(1)


@renumber.command(epilog=examples("ipam renumber finish 10.8.0.0/24"))
@subnet_argument
@yes_option
@dry_run_option
def finish(name_or_id: str, *, yes: bool) -> None:
    """Delete the old subnet, once every machine has its new address. This cannot be undone."""
    client = connect()
    found = _under_way(client, name_or_id)
    if found.new is None:
        raise click.ClickException("The new subnet is gone: `ipam renumber undo` tidies up.")
    if here := [one for one in found.ports if not one.new]:
        raise click.ClickException(
            f"The old subnet still has addresses on {_some(here)}: move them, or delete their"
            " ports, first."
        )
    waiting = renumbering.waiting(found.ports)
    if waiting and not (yes or global_options.is_dry_run()):
        raise click.ClickException(
            f"Machines have not asked since they moved: {_some(waiting)}. Those that still use"
            " their old address are cut off; --yes does it."
        )
    if found.old is not None:
        _refuse_dynamic(found.old, found.dynamic)
    for one in found.ports:
        _tidy(client, one.port, one.old)
    if found.old is not None:
        client.delete(f"{SUBNET.path}/{found.old['id']}")
    _untag(client, SUBNET.path, found.new)


@renumber.command(epilog=examples("ipam renumber undo 10.8.0.0/24 --dry-run"))
@subnet_argument
@told_first
def undo(name_or_id: str) -> None:
    """Give moved ports their old addresses again, and delete the new subnet."""
    client = connect()
    found = _under_way(client, name_or_id)
    if found.old is None:
        raise click.ClickException("The old subnet is gone: the renumbering was finished.")
    old = found.old
    lookup.for_each(found.ports, lambda one: _move_back(client, one, old, found.new))
    # An undo that was cut off may have given all back, and have left some of the tags.
    if lacking := renumbering.remembered(old):
        client.put(f"{SUBNET.path}/{old['id']}", json={"subnet": lacking})
    if found.new is not None:
        _end_leases(client, found.new, found.dynamic_of_new)
        _refuse_dynamic(found.new, found.dynamic_of_new)
        client.delete(f"{SUBNET.path}/{found.new['id']}")
    _untag(client, SUBNET.path, old)


def _under_way(client: "Client", name_or_id: str) -> UnderWay:
    """The renumbering of this subnet. Raises NotFound if there is none."""
    given = lookup.find(client, SUBNET, name_or_id)
    old: Record | None
    new: Record | None
    if to := renumbering.tagged(given, TO):
        old, new = given, _subnet(client, to[0])
    elif of := renumbering.tagged(given, OF):
        old, new = _subnet(client, of[0]), given
    elif made := _made_new(client, given):
        old, new = given, made
    else:
        raise NotFound(
            f"{given['cidr']} is not being renumbered. `ipam renumber start` begins it."
        )
    network = {"network_id": given["network_id"]}
    ports = client.list(PORT.path, PORT.collection, network)
    leases = client.list(LEASE.path, LEASE.collection, network)
    ids = ["" if one is None else str(one["id"]) for one in (old, new)]
    taken = frozenset(one["ip_address"] for port in ports for one in port["fixed_ips"])
    keeps_old = old is not None and renumbering.is_self_made(old)
    found = renumbering.progress(ports, leases, *ids, keeps_old=keeps_old)
    dynamic, dynamic_of_new = (renumbering.dynamic(ports, leases, one) for one in ids)
    return UnderWay(old, new, found, taken, dynamic, dynamic_of_new)


def _subnet(client: "Client", subnet_id: str) -> Record | None:
    try:
        found: Record = client.get(f"{SUBNET.path}/{subnet_id}")["subnet"]
    except NotFound:
        return None
    return found


def _made_new(client: "Client", old: Record) -> Record | None:
    """The new subnet, if an earlier `start` has made it."""
    query = {"network_id": old["network_id"], "tags": f"{OF}{old['id']}"}
    found = client.list(SUBNET.path, SUBNET.collection, query)
    return found[0] if found else None


def _both(found: UnderWay) -> tuple[Record, Record]:
    if found.old is None:
        raise click.ClickException("The old subnet is gone: `ipam renumber finish` tidies up.")
    if found.new is None:
        raise click.ClickException("The new subnet is gone: `ipam renumber undo` tidies up.")
    return found.old, found.new


def _move(client: "Client", one: Progress, place: str | None, old: Record, new: Record) -> None:
    port, path = one.port, f"{PORT.path}/{one.port['id']}"
    if not renumbering.tagged(port, FROM):
        client.post(_tags(PORT.path, port), json={"tags": [f"{FROM}{one.old}"]})
    body: dict[str, Any] = {}
    keeps_old = renumbering.is_self_made(old)
    pairs = renumbering.pairs_with(port, one.old)
    if pairs != port["allowed_address_pairs"] and not keeps_old:
        body["allowed_address_pairs"] = pairs
    leaving = "" if keeps_old else old["id"]
    anywhere = {"subnet_id": new["id"]}
    wishes = [{**anywhere, "ip_address": place}] if place else []
    for wish in (*wishes, anywhere):
        body["fixed_ips"] = renumbering.with_address(port, leaving, wish)
        try:
            client.put(path, json={"port": body})
        except IpAddressAlreadyAllocated:
            if wish is anywhere:
                raise
        else:
            return


def _leave(client: "Client", found: UnderWay, old: Record) -> None:
    """Have machines without a port, and those that make their addresses, leave the old subnet."""
    _end_leases(client, old, found.dynamic)
    is_ours = renumbering.is_self_made(old) and old["ipv6_ra_mode"]
    if is_ours and not renumbering.is_deprecated(old):
        client.put(f"{SUBNET.path}/{old['id']}", json={"subnet": {"lease_time": model.DEPRECATED}})


def _end_leases(client: "Client", subnet: Record, leases: Sequence[Record]) -> None:
    """End these leases of the subnet's dynamic ranges, and give no more."""
    if not subnet["dynamic_ranges"]:
        return
    lookup.for_each(leases, lambda one: client.put(f"{LEASE.path}/{one['id']}/release"))
    classes = [{**one, "start": None, "end": None} for one in subnet["client_classes"]]
    body = {"dynamic_ranges": [], "client_classes": classes}
    client.put(f"{SUBNET.path}/{subnet['id']}", json={"subnet": body})


def _refuse_dynamic(subnet: Record, dynamic: Sequence[Record]) -> None:
    """Raise while leases of dynamic ranges are still ending."""
    if dynamic and not global_options.is_dry_run():
        raise click.ClickException(
            f"{counted(len(dynamic), 'dynamic lease')} of {subnet['cidr']} have not ended yet."
            " Their hosts are told to; give this again in a moment."
        )


def _move_back(client: "Client", one: Progress, old: Record, new: Record | None) -> None:
    if one.new and new is not None and renumbering.is_self_made(new):
        kept = [ip for ip in one.port["fixed_ips"] if ip["subnet_id"] != new["id"]]
        client.put(f"{PORT.path}/{one.port['id']}", json={"port": {"fixed_ips": kept}})
    elif one.new and new is not None:
        wish = {"subnet_id": old["id"], "ip_address": one.old}
        body = {
            "fixed_ips": renumbering.with_address(one.port, new["id"], wish),
            "allowed_address_pairs": renumbering.pairs_without(one.port, one.old),
        }
        client.put(f"{PORT.path}/{one.port['id']}", json={"port": body})
    _untag(client, PORT.path, one.port)


def _tidy(client: "Client", port: Record, old: str) -> None:
    """Take away what was for the time of the renumbering."""
    pairs = renumbering.pairs_without(port, old)
    if pairs != port["allowed_address_pairs"]:
        body = {"port": {"allowed_address_pairs": pairs}}
        client.put(f"{PORT.path}/{port['id']}", json=body)
    _untag(client, PORT.path, port)


def _untag(client: "Client", path: str, item: Record) -> None:
    for tag in renumbering.marks(item):
        client.delete(f"{_tags(path, item)}/{quote(tag, safe='')}")


def _tags(path: str, item: Record) -> str:
    return f"{path}/{item['id']}/tags"


def _state(one: Progress) -> str:
    if not one.new:
        return "moved by its owner" if renumbering.is_moved_by_hand(one.port) else "to move"
    return "done" if one.is_leased else "waits for its machine"


def _some(found: Sequence[Progress]) -> str:
    named = [one.port["name"] or one.port["mac_address"] for one in found[:NAMED_MAX]]
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return f"{counted(len(found), 'port')} ({', '.join(named)}{more})"
