"""`ipam export` and `ipam apply`: a whole estate as text that is kind to diff."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ipam.cli import global_options, lookup
from ipam.cli.commands.imports import ITEMS_MAX
from ipam.cli.connection import connect
from ipam.cli.estate import text_form
from ipam.cli.estate.difference import Change, Existing, Plan, plan
from ipam.cli.estate.reading import format_of, parsed
from ipam.cli.options import dry_run_option, examples
from ipam.cli.output import counted
from ipam.cli.resource_kinds import NETWORK, PORT, SUBNET
from ipam.cli.terminal import say, say_lines

if TYPE_CHECKING:
    from ipam.client import Client

KINDS: Final = {"network": NETWORK, "subnet": SUBNET, "port": PORT}


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
    """Write networks, subnets and ports as text that `ipam apply` reads.

    It has names instead of ids, nothing that is as by default, and one order, so that two of them
    can be compared. Subnet pools, address scopes, policies, quotas and leases are not in it.
    """
    client = connect()
    network_id = lookup.find_id(client, NETWORK, network) if network else None
    found = _existing(client, network_id)
    names = Counter(one["name"] for one in found.networks)
    if twice := sorted(one for one, count in names.items() if count > 1 or not one):
        raise click.ClickException(
            f"{len(twice)} names of networks are not unique or empty, such as {twice[0]!r}:"
            " `ipam network set ID --name NAME` gives others."
        )
    say_lines(
        _written(text_form.document(found.networks, found.subnets, found.ports), output_format)
    )


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

    What the text does not name stays. New things are made in one transaction, which `ipam import
    undo` takes back; changes follow one by one. A second time there is nothing to do.
    """
    data, name = read_file(path)
    usual = "yaml" if path == "-" else None
    document = parsed(data, format_of(name, file_format or usual), name)
    client = connect()
    made = plan(document, _existing(client))
    if made.faults:
        say_lines("\n".join(made.faults), err=True)
        raise click.ClickException(
            f"{name} has {counted(len(made.faults), 'fault')}: nothing is done."
        )
    for line in _told(made):
        say(line)
    if global_options.is_dry_run():
        _make(client, made, name)
        lookup.for_each(made.changes, lambda change: _change(client, change))
        return
    if not yes:
        say("Nothing was changed. --yes does it." if _has_work(made) else "All is so.", err=True)
        return
    if import_id := _make(client, made, name):
        say(f"`ipam import undo {import_id}` takes back what was made.", err=True)
    lookup.for_each(made.changes, lambda change: _change(client, change))


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
    )


def _written(document: Mapping[str, Any], output_format: str) -> str:
    if output_format == "json":
        return json.dumps(document, indent=1)
    import yaml  # noqa: PLC0415  # only when it is needed

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(document, Dumper=dumper, sort_keys=False)).rstrip("\n")


def _told(made: Plan) -> list[str]:
    """A line for each thing that would be made or changed, then the numbers."""
    lines = [f"+ network {one['ref']}" for one in made.networks]
    lines += [f"+ subnet {one['body']['cidr']}" for one in made.subnets]
    lines += [
        f"+ port {one['body'].get('name') or one['body']['mac_address']}" for one in made.ports
    ]
    lines += [f"~ {one.noun} {one.called}: {', '.join(one.fields)}" for one in made.changes]
    new = len(made.networks) + len(made.subnets) + len(made.ports)
    return [*lines, f"{new} to make, {len(made.changes)} to change, {made.same} as they are"]


def _has_work(made: Plan) -> bool:
    return bool(made.networks or made.subnets or made.ports or made.changes)


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


def _change(client: "Client", change: Change) -> None:
    resource = KINDS[change.noun]
    path = f"{resource.path}/{change.id}"
    if change.body:
        client.put(path, json={resource.body: change.body})
    if change.tags is not None:
        client.put(f"{path}/tags", json={"tags": list(change.tags)})
