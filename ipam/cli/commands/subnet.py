"""`ipam subnet …`: the addresses of a network."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.commands.boot import boot_group
from ipam.cli.commands.dhcp_settings_options import (
    Json,
    dhcp_settings_options,
    for_subnet,
    gone_dhcp_option,
    no_dhcp_option,
    wire_lease_time,
    wire_options,
    with_options,
    without_options,
)
from ipam.cli.commands.subnet_cut import merge, split
from ipam.cli.commands.subnet_map import draw
from ipam.cli.commands.subnet_options import (
    LIST_WORDS,
    address_selection_option,
    class_options,
    dhcp_option,
    dns_publish_option,
    gateway_option,
    list_value_options,
    wire_classes,
    wire_gateway,
    wire_lists,
    with_classes,
)
from ipam.cli.commands.subnet_pool import pool
from ipam.cli.commands.subnet_range import subnet_range
from ipam.cli.commands.subnet_resize import resize
from ipam.cli.commands.subnet_usage import usage
from ipam.cli.connection import connect
from ipam.cli.options import (
    description_option,
    dry_run_option,
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
    watch_option,
    wire_filters,
)
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import NETWORK, SUBNET, SUBNET_ADDRESS, SUBNET_POOL
from ipam.cli.tags import remove_tags, update_with_tags
from ipam.cli.terminal import say

IPV6_MODES = ("dhcpv6-stateful", "dhcpv6-stateless", "slaac")


@click.group()
def subnet() -> None:
    """Subnets: the addresses of a network, and what DHCP tells machines with them."""


@subnet.command(
    epilog=examples(
        "ipam subnet create --network demo --subnet-range 10.0.0.0/24 demo-v4",
        "ipam subnet create --network demo --subnet-range 10.1.0.0/16 --gateway none \\",
        "    --allocation-pool start=10.1.0.10,end=10.1.3.255 --dns-nameserver 10.1.0.2",
        "ipam subnet create --network demo --subnet-range 2001:db8::/64 \\",
        "    --ipv6-ra-mode dhcpv6-stateful --ipv6-address-mode dhcpv6-stateful",
        "ipam subnet create --network demo --subnet-pool corp --prefix-length 26",
    )
)
@click.argument("name_argument", metavar="[NAME]", required=False)
@click.option("--name", "name_option", metavar="NAME", help="The name, as NAME at the end.")
@click.option("--network", required=True, metavar="NETWORK", help="Name or id of its network.")
@click.option("--subnet-range", "cidr", metavar="CIDR", help="The prefix with all its addresses.")
@click.option("--subnet-pool", metavar="POOL", help="Take it from this subnet pool.")
@click.option("--use-default-subnet-pool", is_flag=True, help="Take it from the default pool.")
@click.option(
    "--prefix-length",
    type=click.IntRange(0, 128),
    metavar="BITS",
    help="The prefix length to take from a pool, if not the pool's default.",
)
@gateway_option
@list_value_options("Set")
@address_selection_option
@class_options
@dhcp_settings_options("Set")
@dhcp_option
@dns_publish_option
@click.option(
    "--ip-version",
    type=click.Choice(["4", "6"]),
    help="The IP version. It follows from the CIDR or pool.",
)
@click.option(
    "--ipv6-ra-mode", type=click.Choice(IPV6_MODES), help="The mode that routers advertise."
)
@click.option(
    "--ipv6-address-mode",
    type=click.Choice(IPV6_MODES),
    help="The way in which machines get addresses.",
)
@description_option
@tag_option
@project_option
@format_options
@dry_run_option
def create(
    *,
    name_argument: str | None,
    name_option: str | None,
    network: str,
    cidr: str | None,
    subnet_pool: str | None,
    use_default_subnet_pool: bool,
    prefix_length: int | None,
    gateway: str | None,
    ip_version: str | None,
    output_format: str,
    wanted: Sequence[str],
    **fields: Any,
) -> None:
    """Make a subnet in a network, with a given CIDR or from a subnet pool."""
    if not (cidr or subnet_pool or use_default_subnet_pool):
        raise click.UsageError("Say --subnet-range, --subnet-pool or --use-default-subnet-pool.")
    client = connect()
    origin = lookup.find(client, SUBNET_POOL, subnet_pool) if subnet_pool else None
    version = 6 if ":" in (cidr or "") else 4
    if origin is not None and not cidr:
        version = origin["ip_version"]
    added = wire_lists(fields) | {"client_classes": wire_classes(fields)}
    number = int(ip_version) if ip_version else version
    settings = wire_lease_time(fields) | wire_options(fields, number)
    body = given(
        name=name_argument or name_option,
        network_id=lookup.find_id(client, NETWORK, network),
        cidr=cidr,
        subnetpool_id=origin["id"] if origin else None,
        use_default_subnetpool=True if use_default_subnet_pool else None,
        prefixlen=prefix_length,
        ip_version=number,
        **fields,
    )
    body |= settings
    body |= {name: values for name, values in added.items() if values} | wire_gateway(gateway)
    created = client.post(SUBNET.path, json={"subnet": body})["subnet"]
    show_record(created, output_format=output_format, wanted=wanted)
    if created.get("gateway_served") is False:  # an older service does not say
        gateway = created["gateway_ip"]
        say(
            f"Notice: no port has the gateway's address {gateway}, so no machine gets further than"
            " this network. A router's port has that address and the device owner"
            f" network:router_interface; `ipam subnet set {created['id']} --gateway none` tells"
            " machines of no gateway.",
            err=True,
        )


@subnet.command(
    "list",
    epilog=examples("ipam subnet list --network demo", "ipam subnet list --ip-version 6 --long"),
)
@click.option("--network", metavar="NETWORK", help="Only those of this network.")
@click.option("--name", metavar="NAME", help="Only those with this name.")
@click.option("--subnet-range", "cidr", metavar="CIDR", help="Only this CIDR.")
@click.option("--gateway", "gateway_ip", metavar="IP", help="Only those with this gateway.")
@click.option("--ip-version", type=click.Choice(["4", "6"]), help="Only this IP version.")
@dhcp_option
@tag_filters
@project_option
@list_options
def list_subnets(
    *,
    network: str | None,
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
    limit: int | None,
    sort_columns: Sequence[str],
    **filters: Any,
) -> None:
    """List subnets."""
    client = connect()
    filters["network_id"] = lookup.find_id(client, NETWORK, network) if network else None
    show_list(
        client,
        SUBNET,
        given(**wire_filters(filters)),
        output_format=output_format,
        wanted=wanted,
        long_list=long_list,
        limit=limit,
        sort_columns=sort_columns,
    )


@subnet.command(epilog=examples("ipam subnet show demo-v4", "ipam subnet show demo-v4 -c cidr"))
@click.argument("name_or_id", metavar="SUBNET")
@format_options
def show(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one subnet, by name or id."""
    found = lookup.find(connect(), SUBNET, name_or_id)
    show_record(found, output_format=output_format, wanted=wanted)


@subnet.command(
    "set",
    epilog=examples(
        "ipam subnet set demo-v4 --dns-nameserver 9.9.9.9",
        "ipam subnet set demo-v4 --dynamic-range start=10.0.0.100,end=10.0.0.199",
        "ipam subnet set demo-v4 --address-selection mac-address",
        "ipam subnet set demo-v4 --client-class name=phones,vendor-class=Yealink"
        " --client-class-option class=phones,option=tftp-server,value=10.0.0.9",
        "ipam subnet set demo-v4 --no-dns-nameservers --dns-nameserver 10.0.0.2",
        "ipam subnet set demo-v4 --dhcp-option domain-search=a.example,b.example --lease-time 12h",
        "ipam subnet set v4 --no-allocation-pool --allocation-pool start=10.0.0.9,end=10.0.0.99",
    ),
)
@click.argument("name_or_id", metavar="SUBNET")
@click.option("--name", metavar="NAME", help="The new name.")
@gateway_option
@list_value_options("Add")
@class_options
@dhcp_settings_options("Add")
@no_dhcp_option
@click.option("--no-client-class", is_flag=True, help="First remove the present client classes.")
@click.option("--no-allocation-pool", is_flag=True, help="First remove the present ranges.")
@click.option("--no-dynamic-range", is_flag=True, help="First remove the present dynamic ranges.")
@click.option("--no-dns-nameservers", is_flag=True, help="First remove the present DNS servers.")
@click.option("--no-host-route", is_flag=True, help="First remove the present routes.")
@address_selection_option
@dhcp_option
@dns_publish_option
@description_option
@tag_changes
@told_first
def change(
    name_or_id: str,
    *,
    tags: list[str] | None,
    no_tag: bool,
    gateway: str | None,
    no_dhcp_option: bool,
    no_client_class: bool,
    no_allocation_pool: bool,
    no_dynamic_range: bool,
    no_dns_nameservers: bool,
    no_host_route: bool,
    **fields: Any,
) -> None:
    """Change a subnet. Given values are added to lists; the --no-… options empty them first."""
    client = connect()
    found = lookup.find(client, SUBNET, name_or_id)
    emptied = {
        "allocation_pools": no_allocation_pool,
        "dynamic_ranges": no_dynamic_range,
        "dns_nameservers": no_dns_nameservers,
        "host_routes": no_host_route,
    }
    added, classes = wire_lists(fields), wire_classes(fields)
    options = wire_options(fields, found["ip_version"]).get("dhcp_options", [])
    changes = wire_lease_time(fields) | given(**fields) | wire_gateway(gateway)
    if options or no_dhcp_option:
        present = [] if no_dhcp_option else found["dhcp_options"]
        changes["dhcp_options"] = with_options(present, options)
    if classes or no_client_class:
        changes["client_classes"] = with_classes(
            [] if no_client_class else found["client_classes"], classes
        )
    for name, values in added.items():
        if values or emptied[name]:
            changes[name] = ([] if emptied[name] else found[name]) + values
    update_with_tags(
        client,
        SUBNET,
        found["id"],
        changes,
        tags=tags,
        no_tag=no_tag,
        revision_number=found["revision_number"],
    )


@subnet.command(
    epilog=examples(
        "ipam subnet unset demo-v4 --dns-nameserver 9.9.9.9",
        "ipam subnet unset demo-v4 --client-class phones",
        "ipam subnet unset demo-v4 --dhcp-option domain-search",
        "ipam subnet unset demo-v4 --host-route destination=10.9.0.0/16,gateway=10.0.0.9",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@list_value_options("Take away")
@click.option(
    "--client-class",
    "gone_classes",
    multiple=True,
    metavar="NAME",
    help="Take away a client class; repeat for more.",
)
@gone_dhcp_option
@tag_removals
@told_first
def unset(
    name_or_id: str,
    tags: Sequence[str],
    gone_classes: Sequence[str],
    gone_options: Sequence[Json],
    *,
    all_tags: bool,
    **fields: Any,
) -> None:
    """Remove single values from a subnet's lists, or tags."""
    client = connect()
    found = lookup.find(client, SUBNET, name_or_id)
    owner = f"The subnet {found['name'] or found['cidr']}"
    changes: dict[str, Any] = {}
    for name, values in wire_lists(fields).items():
        if values:
            changes[name] = lookup.without(found[name], values, owner, LIST_WORDS[name])
    if gone_classes:
        classes = found["client_classes"]
        names = [one["name"] for one in classes]
        left = lookup.without(names, gone_classes, owner, "client class")
        changes["client_classes"] = [one for one in classes if one["name"] in left]
    if gone_options:
        gone = for_subnet(gone_options, found["ip_version"])
        changes["dhcp_options"] = without_options(found["dhcp_options"], gone, owner)
    if changes or not (tags or all_tags):
        revision = found["revision_number"]
        lookup.update(client, SUBNET, found["id"], changes, revision_number=revision)
    remove_tags(client, SUBNET, found["id"], tags=tags, all_tags=all_tags)


@subnet.command(epilog=examples("ipam subnet delete demo-v4"))
@click.argument("names_or_ids", metavar="SUBNET...", nargs=-1, required=True)
@told_first
def delete(names_or_ids: Sequence[str]) -> None:
    """Delete subnets in which no port has an address."""
    lookup.delete_each(connect(), SUBNET, names_or_ids)


@subnet.command(
    epilog=examples(
        "ipam subnet addresses demo-v4",
        "ipam subnet addresses demo-v4 --state cooling --long",
    )
)
@click.argument("name_or_id", metavar="SUBNET")
@click.option(
    "--state",
    type=click.Choice(["allocated", "cooling", "leased"]),
    help="Only addresses that a port has, that cool down, or that are leased without a port.",
)
@click.option("--long", "long_list", is_flag=True, help="More columns.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many items.")
@watch_option
@format_options
def addresses(name_or_id: str, state: str | None, **listing: Any) -> None:
    """List the addresses of a subnet that are not free, in their order."""
    client = connect()
    subnet_id = lookup.find_id(client, SUBNET, name_or_id)
    path = SUBNET_ADDRESS.path.format(subnet_id=subnet_id)
    resource = replace(SUBNET_ADDRESS, path=path)
    show_list(client, resource, given(state=state), sort_columns=(), **listing)


subnet.add_command(pool)
subnet.add_command(resize)
subnet.add_command(split)
subnet.add_command(merge)
subnet.add_command(usage)
subnet.add_command(draw)
subnet.add_command(subnet_range)
subnet.add_command(boot_group(SUBNET))
