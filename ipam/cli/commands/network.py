"""`ipam network …`: what machines are plugged into."""

from collections.abc import Sequence
from typing import Any

import click

from ipam.cli import global_options, lookup
from ipam.cli.commands import elected_agent
from ipam.cli.commands.boot import boot_group
from ipam.cli.commands.dhcp_settings_options import (
    Json,
    dhcp_settings_options,
    gone_dhcp_option,
    no_dhcp_option,
    wire_lease_time,
    wire_options,
    with_options,
    without_options,
)
from ipam.cli.commands.network_agent import network_agent
from ipam.cli.commands.network_delete import delete_with_ports
from ipam.cli.commands.network_hosts import hosts_of, lines_of
from ipam.cli.commands.network_options import (
    external_option,
    network_options,
    provider_options,
    shared_option,
    wire_dns_servers,
    wire_fields,
)
from ipam.cli.commands.network_uplink import uplink_of
from ipam.cli.commands.rbac import rbac
from ipam.cli.connection import connect
from ipam.cli.options import (
    admin_state_option,
    dry_run_option,
    examples,
    format_options,
    given,
    list_options,
    list_or_none,
    project_option,
    tag_changes,
    tag_filters,
    tag_option,
    tag_removals,
    told_first,
    wire_filters,
)
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import NETWORK
from ipam.cli.tags import remove_tags, update_with_tags
from ipam.cli.terminal import say
from ipam.rules.segments import OF_UPLINKS


@click.group()
def network() -> None:
    """Networks, which machines are plugged into.

    Each has a bridge on every host that serves it.
    """


@network.command(
    epilog=examples(
        "ipam network create demo",
        "ipam network create lab --dns-domain lab.example --dhcp-option ntp-server=10.0.0.7",
        "ipam network create lan --uplink eth1",
    )
)
@click.argument("name")
@network_options
@dhcp_settings_options("Set")
@provider_options
@click.option(
    "--uplink",
    metavar="INTERFACE",
    help="The interface of one host that leads to its LAN; instead of --provider-….",
)
@click.option(
    "--host", metavar="HOST", help="With --uplink: whose interface it is, if there are several."
)
@click.option(
    "--availability-zone-hint",
    "availability_zone_hints",
    multiple=True,
    metavar="ZONE",
    callback=list_or_none,
    help="A zone whose agents should serve it; repeat for more.",
)
@tag_option
@project_option
@format_options
def create(
    name: str,
    *,
    uplink: str | None,
    host: str | None,
    output_format: str,
    wanted: Sequence[str],
    dns_servers: Sequence[str],
    **fields: Any,
) -> None:
    """Make a network."""
    settings = wire_lease_time(fields) | wire_options(fields) | wire_dns_servers(dns_servers)
    body = given(name=name, **wire_fields(fields)) | settings
    if host and not uplink:
        raise click.UsageError("--host says whose --uplink it is: name that, too.")
    if uplink and any(key.startswith("provider:") for key in body):
        raise click.UsageError("--uplink says all that --provider-… would: leave one out.")
    client, most = connect(), 0
    if uplink:
        provider, most = uplink_of(client, uplink, host, fields["mtu"])
        body |= provider
    created = client.post(NETWORK.path, json={"network": body})["network"]
    if 0 < most < created["mtu"]:
        say(f"Its MTU is {most}, as that of {uplink}.", err=True)
        path = f"{NETWORK.path}/{created['id']}"
        created = client.put(path, json={"network": {"mtu": most}})["network"]
    show_record(created, output_format=output_format, wanted=wanted)


@network.command(
    "list",
    epilog=examples(
        "ipam network list", "ipam network list --long -f json", "ipam network list -c ID"
    ),
)
@click.option("--name", metavar="NAME", help="Only those with this name.")
@click.option("--status", metavar="STATUS", help="Only those with this status, such as ACTIVE.")
@admin_state_option
@shared_option
@external_option
@provider_options
@tag_filters
@project_option
@list_options
def list_networks(
    *,
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
    limit: int | None,
    sort_columns: Sequence[str],
    **filters: Any,
) -> None:
    """List networks."""
    show_list(
        connect(),
        NETWORK,
        given(**wire_fields(wire_filters(filters))),
        output_format=output_format,
        wanted=wanted,
        long_list=long_list,
        limit=limit,
        sort_columns=sort_columns,
    )


@network.command(
    epilog=examples("ipam network show demo", "ipam network show demo -f value -c id")
)
@click.argument("name_or_id", metavar="NETWORK")
@format_options
def show(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one network, by name or id. Admins see where it is: hosts, wires, peers, guards."""
    client = connect()
    found = lookup.find(client, NETWORK, name_or_id)
    hosts = hosts_of(client, found["id"]) if not wanted or "hosts" in wanted else None
    if hosts is not None:
        found |= {"hosts": lines_of(hosts) if output_format == "table" else hosts}
    if found.get("provider:network_type") in OF_UPLINKS:
        for one in elected_agent.elected(client, network_id=found["id"]) or ():
            found |= {"elected_agent": elected_agent.line(one)}
    show_record(found, output_format=output_format, wanted=wanted)


@network.command(
    "set",
    epilog=examples(
        "ipam network set demo --name lab",
        "ipam network set demo --disable",
        "ipam network set demo --dhcp-option ntp-server=10.0.0.7 --lease-time 12h",
        "ipam network set demo --dns-server 192.0.2.53",
    ),
)
@click.argument("name_or_id", metavar="NETWORK")
@click.option("--name", metavar="NAME", help="The new name.")
@network_options
@dhcp_settings_options("Add")
@no_dhcp_option
@tag_changes
@told_first
def change(
    name_or_id: str,
    *,
    tags: list[str] | None,
    no_tag: bool,
    no_dhcp_option: bool,
    dns_servers: Sequence[str],
    **fields: Any,
) -> None:
    """Change a network. A DHCP option of the same name is replaced."""
    client = connect()
    found = lookup.find(client, NETWORK, name_or_id)
    added, changes = wire_options(fields), wire_lease_time(fields)
    revision = None
    if added or no_dhcp_option:
        present = [] if no_dhcp_option else found["dhcp_options"]
        changes["dhcp_options"] = with_options(present, added.get("dhcp_options", ()))
        revision = found["revision_number"]
    update_with_tags(
        client,
        NETWORK,
        found["id"],
        changes | given(**wire_fields(fields)) | wire_dns_servers(dns_servers),
        tags=tags,
        no_tag=no_tag,
        revision_number=revision,
    )


@network.command(
    epilog=examples(
        "ipam network unset demo --tag lab",
        "ipam network unset demo --all-tag",
        "ipam network unset demo --dhcp-option ntp-server",
    )
)
@click.argument("name_or_id", metavar="NETWORK")
@gone_dhcp_option
@tag_removals
@told_first
def unset(
    name_or_id: str, tags: Sequence[str], gone_options: Sequence[Json], *, all_tags: bool
) -> None:
    """Remove DHCP options or tags from a network."""
    if not (tags or all_tags or gone_options):
        raise click.UsageError("Say what: --dhcp-option NAME, --tag TAG, or --all-tag.")
    client = connect()
    found = lookup.find(client, NETWORK, name_or_id)
    if gone_options:
        owner = f"The network {found['name'] or found['id']}"
        left = without_options(found["dhcp_options"], gone_options, owner)
        revision = found["revision_number"]
        changes = {"dhcp_options": left}
        lookup.update(client, NETWORK, found["id"], changes, revision_number=revision)
    remove_tags(client, NETWORK, found["id"], tags=tags, all_tags=all_tags)


@network.command(
    epilog=examples(
        "ipam network delete demo",
        "ipam network delete lab test",
        "ipam network delete lab --recursive --yes",
    )
)
@click.argument("names_or_ids", metavar="NETWORK...", nargs=-1, required=True)
@click.option(
    "--recursive",
    is_flag=True,
    help="With all ports on it, which are shown first and deleted with --yes.",
)
@click.option("--yes", is_flag=True, help="With --recursive: do it. Without this, only show it.")
@dry_run_option
def delete(names_or_ids: Sequence[str], *, recursive: bool, yes: bool) -> None:
    """Delete networks with their subnets. One that machines use needs --recursive."""
    if not recursive:
        lookup.delete_each(connect(), NETWORK, names_or_ids)
        return
    client, tries = connect(), global_options.is_dry_run()
    lookup.for_each(names_or_ids, lambda name: delete_with_ports(client, name, yes=yes or tries))
    if not (yes or tries):
        say("Nothing was changed. --yes does it.", err=True)


network.add_command(rbac)
network.add_command(network_agent)
network.add_command(boot_group(NETWORK))
