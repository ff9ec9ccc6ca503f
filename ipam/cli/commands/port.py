"""`ipam port …`: one machine's place on a network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from ipam.cli import address_checks, lookup
from ipam.cli.address_checks import check_option
from ipam.cli.commands import elected_agent
from ipam.cli.commands.port_delete import delete
from ipam.cli.commands.port_options import (
    allowed_address_option,
    canonical_mac,
    extra_dhcp_option,
    fixed_ip_option,
    machine_options,
    owned_address_pair,
    owned_fixed_ip,
    wire_address_pair,
    wire_binding,
    wire_changes,
    wire_dhcp_option,
    wire_fixed_ip,
)
from ipam.cli.commands.port_probe import probe
from ipam.cli.commands.port_troubles import agents_or_none, troubles
from ipam.cli.commands.port_wait import wait
from ipam.cli.connection import connect
from ipam.cli.estate.reading import FORMATS
from ipam.cli.hosts import warn_of_unknown_host
from ipam.cli.instants import LAST, End
from ipam.cli.options import (
    KeyValues,
    examples,
    format_options,
    given,
    list_options,
    project_option,
    tag_changes,
    tag_filters,
    tag_option,
    tag_removals,
    told_first,
    wire_filters,
)
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import NETWORK, PORT
from ipam.cli.tags import remove_tags, update_with_tags
from ipam.cli.terminal import say


@click.group()
def port() -> None:
    """Ports: one machine's place on a network, with its MAC and IP addresses."""


@port.command(
    epilog=examples(
        "ipam port create --network demo web-1",
        "ipam port create --network demo --fixed-ip ip-address=10.0.0.20 --dns-name web-2 web-2",
        "ipam port create --network demo --host node-7 --mac-address 52:54:00:12:34:56 vm-9",
        "ipam port create --network demo --extra-dhcp-option name=bootfile-name,value=pxe.0 pxe",
        "ipam port create --network demo --from-file machines.csv",
        "ipam port create --network demo --fixed-ip ip-address=10.0.0.50 --expires 30d printer",
    )
)
@click.argument("name_argument", metavar="[NAME]", required=False)
@click.option("--name", "name_option", metavar="NAME", help="The name, as NAME at the end.")
@click.option("--network", metavar="NETWORK", help="Name or id of its network.")
@click.option(
    "--from-file",
    "path",
    metavar="FILE",
    help="Make the ports of this list (CSV, YAML or JSON; - for standard input) that are not there"
    " yet: all, or none. Fields are named as in `ipam export`.",
)
@click.option(
    "--file-format", type=click.Choice(FORMATS), help="What FILE is, if its name does not say."
)
@click.option("--keep-going", is_flag=True, help="With --from-file: make as many as can be made.")
@fixed_ip_option
@check_option
@extra_dhcp_option
@allowed_address_option
@machine_options
@tag_option
@project_option
@format_options
def create(
    *,
    name_argument: str | None,
    name_option: str | None,
    network: str | None,
    path: str | None,
    file_format: str | None,
    keep_going: bool,
    fixed_ips: Sequence[dict[str, str]],
    check: bool,
    extra_dhcp_opts: Sequence[dict[str, str]],
    allowed_address_pairs: Sequence[dict[str, str]],
    output_format: str,
    wanted: Sequence[str],
    **fields: Any,
) -> None:
    """Make a port, or many of a list. Each gets an address of each IP version of its network."""
    if path is not None:
        from ipam.cli.commands.port_rows import create_from_file  # noqa: PLC0415  # rarely used

        if name_argument or name_option or any(fields.values()):
            raise click.UsageError("--from-file names all of each port, but for --network.")
        create_from_file(
            connect(),
            path,
            file_format,
            network,
            keep_going=keep_going,
            check=check,
            output_format=output_format,
            wanted=wanted,
        )
        return
    if network is None:
        raise click.UsageError("Say --network NETWORK.")
    client = connect()
    network_id = lookup.find_id(client, NETWORK, network)
    body = given(name=name_argument or name_option, network_id=network_id) | wire_changes(fields)
    if fixed_ips:
        body["fixed_ips"] = [wire_fixed_ip(client, network_id, one) for one in fixed_ips]
    if extra_dhcp_opts:
        body["extra_dhcp_opts"] = [wire_dhcp_option(one) for one in extra_dhcp_opts]
    if allowed_address_pairs:
        body["allowed_address_pairs"] = [wire_address_pair(one) for one in allowed_address_pairs]
    if check:
        mac = canonical_mac(body.get("mac_address"))
        address_checks.refuse_used(client, network_id, _named(body.get("fixed_ips", ()), mac))
    created = client.post(PORT.path, json={"port": body})["port"]
    warn_of_unknown_host(client, body.get("binding:host_id"))
    show_record(created, output_format=output_format, wanted=wanted)


@port.command(
    "list",
    epilog=examples(
        "ipam port list --network demo",
        "ipam port list --fixed-ip ip-address=10.0.0.20",
        "ipam port list --host node-7 --sort-column name -f value -c ID",
        "ipam port list --expires-before 7d",
    ),
)
@click.option("--network", metavar="NETWORK", help="Only those of this network.")
@click.option("--name", metavar="NAME", help="Only those with this name.")
@click.option("--mac-address", metavar="MAC", help="Only this MAC address.")
@click.option(
    "--fixed-ip",
    type=KeyValues([], ["subnet", "ip-address"]),
    metavar="subnet=SUBNET,ip-address=IP",
    help="Only those with this address, or one in this subnet.",
)
@click.option(
    "--device", "--device-id", "device_id", metavar="ID", help="Only the ports of this device."
)
@click.option("--device-owner", metavar="OWNER", help="Only the ports of this kind of device.")
@click.option("--host", metavar="HOST", help="Only those on this host.")
@click.option("--status", metavar="STATUS", help="Only ACTIVE or only DOWN ones.")
@click.option(
    "--expires-before",
    type=End(),
    metavar="WHEN",
    help="Only those that end by themselves before then (7d: within seven days), soonest first;"
    " never: all that end.",
)
@tag_filters
@project_option
@list_options
def list_ports(
    *,
    network: str | None,
    fixed_ip: dict[str, str] | None,
    expires_before: str | None,
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
    limit: int | None,
    sort_columns: Sequence[str],
    **fields: Any,
) -> None:
    """List ports."""
    client = connect()
    network_id = lookup.find_id(client, NETWORK, network) if network else None
    filters = given(network_id=network_id, **wire_filters(wire_binding(fields)))
    if expires_before:
        filters["expires_before"] = LAST if expires_before == End.never else expires_before
        sort_columns = sort_columns or ("Expires",)
        usual = PORT.brief if output_format == "table" else [one.title for one in PORT.columns]
        wanted = wanted or (() if long_list else (*usual, "Expires"))
    if fixed_ip:
        wanted_ip = wire_fixed_ip(client, network_id, fixed_ip)
        filters["fixed_ips"] = [f"{name}={value}" for name, value in wanted_ip.items()]
    show_list(
        client,
        PORT,
        filters,
        output_format=output_format,
        wanted=wanted,
        long_list=long_list,
        limit=limit,
        sort_columns=sort_columns,
    )


@port.command(epilog=examples("ipam port show web-1", "ipam port show web-1 -f json -c fixed_ips"))
@click.argument("name_or_id", metavar="PORT")
@format_options
def show(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one port, by name or id.

    Problems that its agents report follow on standard error. If its machine is on no host of an
    agent, admins see which agent is elected to answer it.
    """
    client = connect()
    found = lookup.find(client, PORT, name_or_id)
    agents = agents_or_none(client)
    for one in elected_agent.of_port(client, found, agents) or ():
        found |= {"elected_agent": elected_agent.line(one)}
    show_record(found, output_format=output_format, wanted=wanted)
    for trouble in troubles(found, agents or ()):
        say(trouble, err=True)


@port.command(
    "set",
    epilog=examples(
        "ipam port set web-1 --host node-8",
        "ipam port set web-1 --fixed-ip subnet=demo-v6",
        "ipam port set web-1 --no-fixed-ip --fixed-ip ip-address=10.0.0.21",
        "ipam port set printer --expires 30d",
    ),
)
@click.argument("name_or_id", metavar="PORT")
@click.option("--name", metavar="NAME", help="The new name.")
@fixed_ip_option
@check_option
@click.option("--no-fixed-ip", is_flag=True, help="First remove all addresses of the port.")
@extra_dhcp_option
@allowed_address_option
@click.option("--no-allowed-address", is_flag=True, help="First remove all allowed addresses.")
@machine_options
@tag_changes
@told_first
def change(
    name_or_id: str,
    *,
    tags: list[str] | None,
    no_tag: bool,
    fixed_ips: Sequence[dict[str, str]],
    check: bool,
    no_fixed_ip: bool,
    extra_dhcp_opts: Sequence[dict[str, str]],
    allowed_address_pairs: Sequence[dict[str, str]],
    no_allowed_address: bool,
    **fields: Any,
) -> None:
    """Change a port. Addresses are added to those it has, unless --no-fixed-ip empties them."""
    client = connect()
    found = lookup.find(client, PORT, name_or_id)
    changes = wire_changes(fields)
    added = [wire_fixed_ip(client, found["network_id"], one) for one in fixed_ips]
    if fixed_ips or no_fixed_ip:
        kept = [] if no_fixed_ip else found["fixed_ips"]
        changes["fixed_ips"] = kept + added
    if check:
        mac = canonical_mac(fields["mac_address"]) or found["mac_address"]
        address_checks.refuse_used(client, found["network_id"], _named(added, mac))
    if extra_dhcp_opts:
        changes["extra_dhcp_opts"] = [wire_dhcp_option(one) for one in extra_dhcp_opts]
    if allowed_address_pairs or no_allowed_address:
        pairs = [] if no_allowed_address else found["allowed_address_pairs"]
        changes["allowed_address_pairs"] = [
            *pairs,
            *(wire_address_pair(one) for one in allowed_address_pairs),
        ]
    # Only these lists depend on the values read, so only they need the revision.
    depends = changes.keys() & {"fixed_ips", "allowed_address_pairs"}
    revision = found["revision_number"] if depends else None
    update_with_tags(
        client,
        PORT,
        found["id"],
        changes,
        tags=tags,
        no_tag=no_tag,
        revision_number=revision,
    )
    warn_of_unknown_host(client, changes.get("binding:host_id"))


@port.command(
    epilog=examples(
        "ipam port unset web-1 --host",
        "ipam port unset web-1 --fixed-ip ip-address=10.0.0.21",
        "ipam port unset web-1 --extra-dhcp-option bootfile-name",
    )
)
@click.argument("name_or_id", metavar="PORT")
@fixed_ip_option
@click.option(
    "--extra-dhcp-option",
    "dhcp_options",
    multiple=True,
    metavar="NAME",
    help="Remove this option.",
)
@click.option("--host", "no_host", is_flag=True, help="Remove the host.")
@click.option("--device", "no_device", is_flag=True, help="Remove the device.")
@click.option("--dns-name", "no_dns_name", is_flag=True, help="Remove the host name.")
@click.option("--expires", "no_end", is_flag=True, help="Let the port not end by itself.")
@allowed_address_option
@tag_removals
@told_first
def unset(
    *,
    name_or_id: str,
    fixed_ips: Sequence[dict[str, str]],
    dhcp_options: Sequence[str],
    no_host: bool,
    no_device: bool,
    no_dns_name: bool,
    no_end: bool,
    allowed_address_pairs: Sequence[dict[str, str]],
    tags: Sequence[str],
    all_tags: bool,
) -> None:
    """Remove values from a port."""
    client = connect()
    found = lookup.find(client, PORT, name_or_id)
    changes: dict[str, Any] = {}
    if fixed_ips:
        gone = [owned_fixed_ip(client, found, one) for one in fixed_ips]
        changes["fixed_ips"] = lookup.without(found["fixed_ips"], gone, _owner(found), "fixed IP")
    if dhcp_options:
        changes["extra_dhcp_opts"] = [
            {"opt_name": name, "opt_value": None} for name in dhcp_options
        ]
    if no_host:
        changes["binding:host_id"] = ""
    if no_device:
        changes |= {"device_id": "", "device_owner": ""}
    if no_dns_name:
        changes["dns_name"] = ""
    if no_end:
        changes["expires_at"] = None
    if allowed_address_pairs:
        pairs = [owned_address_pair(found, one) for one in allowed_address_pairs]
        changes["allowed_address_pairs"] = lookup.without(
            found["allowed_address_pairs"], pairs, _owner(found), "allowed address pair"
        )
    if changes or not (tags or all_tags):
        revision = found["revision_number"] if fixed_ips or allowed_address_pairs else None
        lookup.update(client, PORT, found["id"], changes, revision_number=revision)
    remove_tags(client, PORT, found["id"], tags=tags, all_tags=all_tags)


def _named(fixed_ips: Iterable[Mapping[str, str]], mac: str | None) -> dict[str, str | None]:
    """The addresses that are named, with the MAC address of the machine that may use them."""
    return {one["ip_address"]: mac for one in fixed_ips if "ip_address" in one}


def _owner(found: dict[str, Any]) -> str:
    return f"The port {found['name'] or found['id']}"


port.add_command(delete)
port.add_command(wait)
port.add_command(probe)
