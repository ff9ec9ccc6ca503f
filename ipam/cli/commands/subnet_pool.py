"""`ipam subnet pool …`: prefixes from which subnets are taken."""

from collections.abc import Sequence
from typing import Any

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import (
    Command,
    description_option,
    examples,
    format_options,
    given,
    list_options,
    project_option,
    stacked,
    tag_changes,
    tag_filters,
    tag_option,
    tag_removals,
    wire_filters,
)
from ipam.cli.printing import show_list, show_record
from ipam.cli.resource_kinds import ADDRESS_SCOPE, SUBNET_POOL
from ipam.cli.tags import remove_tags, update_with_tags


def shape_options(command: Command) -> Command:
    """The prefix lengths, the quota, --default and --address-scope."""
    return stacked(
        click.option(
            "--default-prefix-length",
            "default_prefixlen",
            type=click.IntRange(0, 128),
            metavar="BITS",
            help="The prefix length of a subnet that asks for none.",
        ),
        click.option(
            "--min-prefix-length",
            "min_prefixlen",
            type=click.IntRange(0, 128),
            metavar="BITS",
            help="The prefix length of its largest subnets.",
        ),
        click.option(
            "--max-prefix-length",
            "max_prefixlen",
            type=click.IntRange(0, 128),
            metavar="BITS",
            help="The prefix length of its smallest subnets.",
        ),
        click.option(
            "--default-quota",
            type=click.IntRange(min=0),
            metavar="N",
            help="How much one project may have: IPv4 addresses or IPv6 /64s; 0 sets no limit.",
        ),
        click.option(
            "--default/--no-default",
            "is_default",
            default=None,
            help="Whether it is the default pool of its IP version (--use-default-subnet-pool).",
        ),
        click.option("--address-scope", metavar="SCOPE", help="Name or id of its address scope."),
    )(command)


@click.group()
def pool() -> None:
    """Subnet pools: prefixes from which subnets are taken, so that none overlap."""


@pool.command(
    epilog=examples(
        "ipam subnet pool create corp --pool-prefix 10.0.0.0/16 --default-prefix-length 24",
        "ipam subnet pool create v6 --pool-prefix 2001:db8::/48 --default-prefix-length 64",
    )
)
@click.argument("name")
@click.option(
    "--pool-prefix",
    "prefixes",
    required=True,
    multiple=True,
    metavar="CIDR",
    help="A prefix of the pool; repeat for more.",
)
@shape_options
@click.option(
    "--share/--no-share", "shared", default=None, help="Every project may use it, or only its own."
)
@description_option
@tag_option
@project_option
@format_options
def create(
    name: str,
    *,
    prefixes: Sequence[str],
    address_scope: str | None,
    output_format: str,
    wanted: Sequence[str],
    **fields: Any,
) -> None:
    """Make a subnet pool."""
    client = connect()
    body = given(name=name, prefixes=list(prefixes), **fields)
    if address_scope:
        body["address_scope_id"] = lookup.find_id(client, ADDRESS_SCOPE, address_scope)
    created = client.post(SUBNET_POOL.path, json={SUBNET_POOL.body: body})[SUBNET_POOL.body]
    show_record(created, output_format=output_format, wanted=wanted)


@pool.command(
    "list",
    epilog=examples("ipam subnet pool list --long", "ipam subnet pool list --address-scope corp"),
)
@click.option("--name", metavar="NAME", help="Only those with this name.")
@click.option("--address-scope", metavar="SCOPE", help="Only those of this address scope.")
@click.option(
    "--default/--no-default", "is_default", default=None, help="Only the defaults, or the others."
)
@click.option("--share/--no-share", "shared", default=None, help="Only the shared, or the others.")
@tag_filters
@project_option
@list_options
def list_pools(
    *,
    address_scope: str | None,
    output_format: str,
    wanted: Sequence[str],
    long_list: bool,
    limit: int | None,
    sort_columns: Sequence[str],
    **filters: Any,
) -> None:
    """List subnet pools."""
    client = connect()
    if address_scope:
        filters["address_scope_id"] = lookup.find_id(client, ADDRESS_SCOPE, address_scope)
    show_list(
        client,
        SUBNET_POOL,
        wire_filters(given(**filters)),
        output_format=output_format,
        wanted=wanted,
        long_list=long_list,
        limit=limit,
        sort_columns=sort_columns,
    )


@pool.command(epilog=examples("ipam subnet pool show corp", "ipam subnet pool show corp -f json"))
@click.argument("name_or_id", metavar="POOL")
@format_options
def show(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
    """Show one subnet pool, by name or id."""
    found = lookup.find(connect(), SUBNET_POOL, name_or_id)
    show_record(found, output_format=output_format, wanted=wanted)


@pool.command(
    "set",
    epilog=examples(
        "ipam subnet pool set corp --pool-prefix 10.1.0.0/16",
        "ipam subnet pool set corp --no-address-scope --default",
    ),
)
@click.argument("name_or_id", metavar="POOL")
@click.option("--name", metavar="NAME", help="The new name.")
@click.option(
    "--pool-prefix",
    "prefixes",
    multiple=True,
    metavar="CIDR",
    help="A further prefix of the pool; repeat for more.",
)
@shape_options
@click.option("--no-address-scope", is_flag=True, help="Remove it from its address scope.")
@description_option
@tag_changes
def change(
    name_or_id: str,
    *,
    prefixes: Sequence[str],
    address_scope: str | None,
    no_address_scope: bool,
    tags: list[str] | None,
    no_tag: bool,
    **fields: Any,
) -> None:
    """Change a subnet pool. Given prefixes are added to it."""
    if address_scope and no_address_scope:
        raise click.UsageError("Say either --address-scope or --no-address-scope.")
    client = connect()
    found = lookup.find(client, SUBNET_POOL, name_or_id)
    changes = given(**fields)
    if prefixes:
        changes["prefixes"] = [*found["prefixes"], *prefixes]
    if address_scope:
        changes["address_scope_id"] = lookup.find_id(client, ADDRESS_SCOPE, address_scope)
    if no_address_scope:
        changes["address_scope_id"] = None
    update_with_tags(
        client,
        SUBNET_POOL,
        found["id"],
        changes,
        tags=tags,
        no_tag=no_tag,
        revision_number=found["revision_number"],
    )


@pool.command(epilog=examples("ipam subnet pool unset corp --pool-prefix 10.1.0.0/16"))
@click.argument("name_or_id", metavar="POOL")
@click.option(
    "--pool-prefix",
    "prefixes",
    multiple=True,
    metavar="CIDR",
    help="A prefix to remove, which no subnet uses; repeat for more.",
)
@tag_removals
def unset(
    name_or_id: str, prefixes: Sequence[str], tags: Sequence[str], *, all_tags: bool
) -> None:
    """Remove prefixes or tags from a subnet pool."""
    if not (prefixes or tags or all_tags):
        raise click.UsageError("Say what: --pool-prefix CIDR, --tag TAG or --all-tag.")
    client = connect()
    pool_id = lookup.find_id(client, SUBNET_POOL, name_or_id)
    if prefixes:
        path = f"{SUBNET_POOL.path}/{pool_id}/remove_prefixes"
        client.put(path, json={"prefixes": list(prefixes)})
    remove_tags(client, SUBNET_POOL, pool_id, tags=tags, all_tags=all_tags)


@pool.command(epilog=examples("ipam subnet pool delete corp"))
@click.argument("names_or_ids", metavar="POOL...", nargs=-1, required=True)
def delete(names_or_ids: Sequence[str]) -> None:
    """Delete subnet pools that have no subnets."""
    lookup.delete_each(connect(), SUBNET_POOL, names_or_ids)
