"""`ipam export` and `ipam apply`: a whole estate as text that is kind to diff."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from ipam.cli import global_options, lookup
from ipam.cli.commands.imports import ITEMS_MAX
from ipam.cli.connection import connect
from ipam.cli.estate import surroundings, text_form
from ipam.cli.estate.difference import Change, Existing, Plan, plan
from ipam.cli.estate.reading import format_of, parsed
from ipam.cli.estate.surroundings import Surroundings
from ipam.cli.options import dry_run_option, examples, given
from ipam.cli.output import counted
from ipam.cli.resource_kinds import (
    ADDRESS_SCOPE,
    NETWORK,
    PORT,
    QUOTA,
    RBAC_POLICY,
    SUBNET,
    SUBNET_POOL,
    Resource,
)
from ipam.cli.terminal import say, say_lines
from ipam.errors import NotFound, PolicyNotAuthorized

if TYPE_CHECKING:
    from ipam.client import Client

KINDS: Final = {
    "network": NETWORK,
    "subnet": SUBNET,
    "port": PORT,
    "subnet_pool": SUBNET_POOL,
    "address_scope": ADDRESS_SCOPE,
}
OBJECTS: Final = {"network": NETWORK, "subnetpool": SUBNET_POOL, "address_scope": ADDRESS_SCOPE}
"""What can be shared, by object_type."""


@click.command(
    epilog=examples(
        "ipam export > estate.yaml",
        "ipam export --network demo -f json > demo.json",
    )
)
@click.option("--network", metavar="NETWORK", help="Only this network with all in it.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    help="The format of the text.",
)
def export(network: str | None, output_format: str) -> None:
    """Write networks with their subnets and ports as text that `ipam apply` reads.

    Without --network, it also has address scopes, subnet pools, RBAC policies and, for admins,
    quotas of projects. It has names instead of ids, nothing that is as by default, and one order,
    so that two of them can be compared. Leases are not in it.
    """
    client = connect()
    network_id = lookup.find_id(client, NETWORK, network) if network else None
    found = _existing(client, network_id)
    around = found.around
    for resource, things in (
        (NETWORK, found.networks),
        (SUBNET_POOL, around.pools),
        (ADDRESS_SCOPE, around.scopes),
    ):
        _refuse_same_names(resource, things)
    document = {
        "version": text_form.VERSION,
        **surroundings.sections(around, found.networks),
        "networks": text_form.entries(found.networks, found.subnets, found.ports, around.pools),
    }
    say_lines(_written(document, output_format))


@click.command(
    epilog=examples(
        "ipam apply --from-file estate.yaml",
        "ipam apply --from-file estate.yaml --yes",
        "ipam export | sed s/old-name/new-name/ | ipam apply --from-file - --yes",
    )
)
@click.option(
    "--from-file",
    "path",
    required=True,
    metavar="FILE",
    help="The text; - for standard input.",
)
@click.option(
    "--file-format",
    type=click.Choice(["yaml", "json"]),
    help="What FILE is, if its name does not say.",
)
@click.option("--yes", is_flag=True, help="Do it. Without this, only show it.")
@dry_run_option
def apply(path: str, file_format: str | None, *, yes: bool) -> None:
    """Make and change networks, subnets and ports until they are as a text says.

    What the text does not name stays. Quotas, address scopes and subnet pools come first, one by
    one. New networks, subnets and ports are made in one transaction, which `ipam import undo`
    takes back. Changes and RBAC policies follow one by one. A second time there is nothing to do.
    """
    data, name = read_file(path)
    usual = "yaml" if path == "-" else None
    document = parsed(data, format_of(name, file_format or usual), name)
    client = connect()
    existing = _existing(client)
    made = plan(document, existing)
    if made.faults:
        say_lines("\n".join(made.faults), err=True)
        raise click.ClickException(
            f"{name} has {counted(len(made.faults), 'fault')}: nothing is done."
        )
    for line in _told(made):
        say(line)
    if not (yes or global_options.is_dry_run()):
        say("Nothing was changed. --yes does it." if _has_work(made) else "All is so.", err=True)
        return
    ids = _make_surroundings(client, made, existing.around)
    import_id = _make(client, made, name)
    if import_id and not global_options.is_dry_run():
        say(f"`ipam import undo {import_id}` takes back what was made.", err=True)
    lookup.for_each(made.changes, lambda change: _change(client, change, ids))
    lookup.for_each(made.policies, lambda policy: _share(client, policy))


def read_file(path: str) -> tuple[bytes, str]:
    """The bytes of a file or of standard input, and what to call it."""
    if path == "-":
        return sys.stdin.buffer.read(), "standard input"
    return Path(path).read_bytes(), path


def _existing(client: "Client", network_id: str | None = None) -> Existing:
    below = {"network_id": network_id} if network_id else {}
    own = {"id": network_id} if network_id else {}
    return Existing(
        client.list(NETWORK.path, NETWORK.collection, own),
        client.list(SUBNET.path, SUBNET.collection, below),
        client.list(PORT.path, PORT.collection, below),
        _around(client, is_whole=network_id is None),
    )


def _around(client: "Client", *, is_whole: bool) -> Surroundings:
    """What is around networks. Of one network alone, only whom it is shared with."""
    policies = client.list(RBAC_POLICY.path, RBAC_POLICY.collection)
    if not is_whole:
        return Surroundings(policies=policies)
    pools = client.list(SUBNET_POOL.path, SUBNET_POOL.collection)
    scopes = client.list(ADDRESS_SCOPE.path, ADDRESS_SCOPE.collection)
    try:
        quotas = client.get(QUOTA.path)[QUOTA.collection]
        default = client.get(f"{QUOTA.path}/default/default")["quota"]
    except PolicyNotAuthorized:  # only admins may see those of all projects
        quotas, default = [], {}
    return Surroundings(scopes, pools, policies, quotas, default)


def _refuse_same_names(resource: Resource, things: Sequence[Mapping[str, Any]]) -> None:
    """Raise if two of these things have one name, or one has none: the text has names alone."""
    names = Counter(one["name"] for one in things)
    if twice := sorted(one for one, count in names.items() if count > 1 or not one):
        raise click.ClickException(
            f"{len(twice)} names of {resource.plural} are not unique or empty, such as"
            f" {twice[0]!r}: `ipam {resource.noun} set ID --name NAME` gives others."
        )


def _written(document: Mapping[str, Any], output_format: str) -> str:
    if output_format == "json":
        return json.dumps(document, indent=1)
    import yaml  # noqa: PLC0415  # only when it is needed

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(document, Dumper=dumper, sort_keys=False)).rstrip("\n")


def _told(made: Plan) -> list[str]:
    """A line for each thing that would be made or changed, then the numbers."""
    lines = [f"~ quota {project}: {', '.join(limits)}" for project, limits in made.quotas]
    lines += [f"+ address scope {one['name']}" for one in made.scopes]
    lines += [f"+ subnet pool {one['name']}" for one in made.pools]
    lines += [f"+ network {one['ref']}" for one in made.networks]
    lines += [f"+ subnet {one['body']['cidr']}" for one in made.subnets]
    lines += [
        f"+ port {one['body'].get('name') or one['body']['mac_address']}" for one in made.ports
    ]
    lines += [f"~ {one.noun} {one.called}: {', '.join(one.fields)}" for one in made.changes]
    lines += [
        f"+ rbac policy {one['object_type']} {one['object']} for {one['target_project']}"
        for one in made.policies
    ]
    new = sum(map(len, _new(made)))
    changes = len(made.changes) + len(made.quotas)
    return [*lines, f"{new} to make, {changes} to change, {made.same} as they are"]


def _new(made: Plan) -> tuple[Sequence[object], ...]:
    return made.scopes, made.pools, made.networks, made.subnets, made.ports, made.policies


def _has_work(made: Plan) -> bool:
    return any(_new(made)) or bool(made.changes or made.quotas)


Ids = Callable[[str, str], str | None]
"""Gives the id of a thing by its kind and name."""


def _make_surroundings(client: "Client", made: Plan, around: Surroundings) -> Ids:
    """Set quotas, make address scopes and subnet pools, and say of which pools new subnets are.

    A dry run forgets each request, so in one nothing refers to what is only tried.
    """
    present = (("address_scope", around.scopes), ("subnet_pool", around.pools))
    known = {(kind, one["name"]): str(one["id"]) for kind, found in present for one in found}

    def id_of(kind: str, name: str) -> str | None:
        return known.get((kind, name))

    for project, limits in made.quotas:
        client.put(f"{QUOTA.path}/{quote(project, safe='')}", json={"quota": limits})
    for kind, entries in (("address_scope", made.scopes), ("subnet_pool", made.pools)):
        resource = KINDS[kind]
        for entry in entries:
            body = surroundings.body_of_pool(entry, id_of)
            answer = client.post(resource.path, json={resource.body: body})
            if not global_options.is_dry_run():
                known[kind, entry["name"]] = answer[resource.body]["id"]
    for subnet in made.subnets:
        if pool_id := id_of("subnet_pool", subnet.pop("subnet_pool", "")):
            subnet["body"]["subnetpool_id"] = pool_id
    return id_of


def _share(client: "Client", policy: Mapping[str, Any]) -> None:
    """Make an RBAC policy. One of an object that is only tried cannot be tried."""
    kind = policy["object_type"]
    try:
        object_id = lookup.find_id(client, OBJECTS[kind], policy["object"])
    except NotFound:
        if global_options.is_dry_run():
            return
        raise
    body = given(
        object_type=kind,
        object_id=object_id,
        action=policy["action"],
        target_tenant=policy["target_project"],
        project_id=policy.get("project_id"),
    )
    client.post(RBAC_POLICY.path, json={RBAC_POLICY.body: body})


def _make(client: "Client", made: Plan, source: str) -> str:
    """Make what is new: all in one import if there are not too many. Gives the last one's id."""
    if not (made.networks or made.subnets or made.ports):
        return ""
    if max(len(made.networks), len(made.subnets)) > ITEMS_MAX:
        raise click.ClickException(f"At most {ITEMS_MAX} networks and subnets are made at once.")
    first = {
        "networks": made.networks,
        "subnets": made.subnets,
        "ports": made.ports[:ITEMS_MAX],
    }
    import_id = _import(client, first, source)
    if len(made.ports) <= ITEMS_MAX:
        return import_id
    ids = {one["name"]: one["id"] for one in client.list(NETWORK.path, NETWORK.collection)}
    for start in range(ITEMS_MAX, len(made.ports), ITEMS_MAX):
        some = made.ports[start : start + ITEMS_MAX]
        ports = [{**one, "network": ids.get(one["network"], one["network"])} for one in some]
        import_id = _import(client, {"ports": ports}, source)
    return import_id


def _import(client: "Client", things: Mapping[str, Any], source: str) -> str:
    body = {"format": "ipam", "source": source[:255], **things}
    return str(client.post("/v2.0/imports", json={"import": body})["import"]["id"])


def _change(client: "Client", change: Change, id_of: Ids) -> None:
    resource = KINDS[change.noun]
    path = f"{resource.path}/{change.id}"
    if change.body:
        body = surroundings.body_of_pool(change.body, id_of)
        client.put(path, json={resource.body: body})
    if change.tags is not None:
        client.put(f"{path}/tags", json={"tags": list(change.tags)})
