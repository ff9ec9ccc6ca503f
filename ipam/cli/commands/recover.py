"""`ipam recover …`: the time after a restore, until the agents have told what they hold."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import click

from ipam.cli.connection import connect
from ipam.cli.options import examples
from ipam.cli.terminal import say, say_lines

SHOWN: Final = 10

_OF_PORTS: Final = (
    ("taken_back", "Ports that the backup did not have, taken back from their hosts"),
    ("changed", "Ports that are now as their hosts knew them"),
    ("removed", "Ports that are gone, because another port has their MAC address"),
    ("unserved", "Ports of the backup that their hosts do not know, most likely deleted since"),
)


@click.group()
def recover() -> None:
    """After a restore: which hosts have told what they hold, and what came of it."""


@recover.command(
    epilog=examples(
        "ipam recover status", "ipam recover status --all", "ipam recover status -f json"
    )
)
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="The format of the output.",
)
@click.option("--all", "shows_all", is_flag=True, help="Every finding, not the first ones alone.")
def status(output_format: str, *, shows_all: bool) -> None:
    """Say how far the recovery is, and what it found. The status is 1 while it goes on."""
    found = connect().get("/v2.0/recovery")["recovery"]
    if output_format == "json":
        say_lines(json.dumps(found, indent=2))
    else:
        _say(found, None if shows_all else SHOWN)
    if found["status"] == "recovering":
        raise click.exceptions.Exit(1)


@recover.command(epilog=examples("ipam recover finish", "ipam recover finish --yes"))
@click.option("--yes", is_flag=True, help="Do not ask.")
def finish(*, yes: bool) -> None:
    """End the recovery now, without the hosts that have not told.

    Addresses that their machines hold may then be given to others. A host that tells later keeps
    the addresses of its machines as far as they are free.
    """
    client = connect()
    missing = client.get("/v2.0/recovery")["recovery"]["missing"]
    if missing and not yes:
        click.confirm(
            f"Not told: {_joined(missing, SHOWN)}. End the recovery without them?",
            abort=True,
            err=True,
        )
    _say(client.put("/v2.0/recovery/finish")["recovery"], SHOWN)


def _say(found: Mapping[str, Any], most: int | None) -> None:
    for line in _told(found, most):
        say(line)


def _told(found: Mapping[str, Any], most: int | None) -> list[str]:
    if found["status"] == "none":
        return ["No backup was restored into this database."]
    goes_on = found["status"] == "recovering"
    lines = [
        f"Backup of {found['made_at']}, restored at {found['restored_at']}.",
        "RECOVERING: nothing can be changed until the agents have told what their hosts hold."
        if goes_on
        else f"The recovery ended at {found['finished_at']}.",
        f"Told: {_joined(found['told'], most)}",
        f"Not told: {_joined(found['missing'], most)}",
    ]
    if goes_on and found["missing"]:
        lines.append("`ipam recover finish` ends it without them.")
    for kind, title in _OF_PORTS:
        lines += _listed(found, kind, title, most, _port)
    lines += _listed(found, "conflicts", "Conflicts", most, str)
    lines += _listed(
        found, "set_aside", "Addresses that machines hold and no port has, set aside", most, str
    )
    lines += _listed(found, "networks", "Networks made again", most, str)
    title = "Subnets made again, without allocation pools: `ipam subnet set --allocation-pool`"
    lines += _listed(found, "subnets", title, most, str)
    title = "Networks whose segments others have now: DHCP ends there"
    lines += _listed(found, "unknown_networks", title, most, _network)
    return lines


def _listed(
    found: Mapping[str, Any], kind: str, title: str, most: int | None, shown: Callable[[Any], str]
) -> list[str]:
    count = found["counts"].get(kind, 0)
    if not count:
        return []
    lines = [f"  {shown(one)}" for one in found[kind][:most]]
    more = count - len(lines)
    return [f"{title}: {count}", *lines, *([f"  and {more} more"] if more else [])]


def _port(one: Mapping[str, Any]) -> str:
    return f"{one['port']}  {', '.join(one['addresses']) or 'no address'}  {one['host']}".rstrip()


def _network(one: Mapping[str, Any]) -> str:
    return f"{one['network']}  {', '.join(one['hosts'])}"


def _joined(names: Sequence[str], most: int | None) -> str:
    shown = ", ".join(names[:most]) or "nobody"
    more = len(names) - len(names[:most])
    return f"{shown} and {more} more" if more else shown
