"""Completes names of networks, subnets, ports, hosts and so on, and of columns, by Tab.

What an option or argument takes is known by its metavar. A service that does not answer, or that
refuses, completes nothing.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ipam.cli import global_options
from ipam.cli.connection import connect
from ipam.cli.resource_kinds import (
    ADDRESS_SCOPE,
    AGENT,
    KINDS,
    LEASE,
    NETWORK,
    PORT,
    SUBNET,
    SUBNET_POOL,
    Resource,
)
from ipam.errors import IpamError

if TYPE_CHECKING:
    from ipam.client import Client

TIMEOUT_SECONDS = 2.0
NAMES_READ = 500
"""Where there are more names, those are searched for what was typed."""
SEARCHED_FROM = 2
"""How many characters a search needs."""
OBJECTS = {
    "NETWORK": NETWORK,
    "SUBNET": SUBNET,
    "PORT": PORT,
    "POOL": SUBNET_POOL,
    "SCOPE": ADDRESS_SCOPE,
    "HOST": AGENT,
    "AGENT": AGENT,
    "LEASE": LEASE,
}
"""What is named where a metavar says so."""
LISTED = {kind.list_command.removesuffix(" list"): kind for kind in KINDS}
"""Whose columns the commands that begin with these words show; the longest match counts."""
_WHOLE_WORD = re.compile(r"[\w.@%+=/-]+")
"""Names that a shell takes for one word; others it would have to quote."""


def add_to(command: click.Command) -> None:
    """Make the command, and each below it, complete what its parameters take."""
    for param in command.params:
        metavar = (param.metavar or "").strip("[].…")
        if metavar in OBJECTS:
            param.type = ObjectName(OBJECTS[metavar])
        elif metavar.startswith("COLUMN") and "COLUMNS" not in metavar:
            param.type = ColumnName()
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            add_to(inner)


class ColumnName(click.ParamType[str]):
    """A column of the list or record that the command shows."""

    name = "column"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002  # click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """The columns that begin so, as one word."""
        words = ctx.command_path.split()[1:]
        for count in range(len(words), 0, -1):
            if resource := LISTED.get(" ".join(words[:count])):
                titles = [
                    column.title.lower().replace(" ", "_") for column in resource.every_column
                ]
                return _items(titles, incomplete)
        return []


class ObjectName(click.ParamType[str]):
    """The name of a resource of this kind."""

    name = "name"

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002  # click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """The names that begin so, if the service tells them at once."""
        global_options.put(ctx, asks=False, quiet=True, timeout=TIMEOUT_SECONDS)
        try:
            with ctx:
                return _items(_names(connect(), self.resource, incomplete), incomplete)
        except (IpamError, click.ClickException, OSError):
            return []


def _names(client: "Client", resource: Resource, incomplete: str) -> list[str]:
    key = resource.key
    params = [("fields", key), ("sort_key", key), ("sort_dir", "asc"), ("limit", NAMES_READ)]
    found = list(islice(client.iterate(resource.path, resource.collection, params), NAMES_READ))
    if len(found) == NAMES_READ and len(incomplete) >= SEARCHED_FROM:
        answer: dict[str, Any] = client.get("/v2.0/find", {"q": incomplete})
        found = answer.get(resource.collection, found)
    return [str(one[key]) for one in found]


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    fitting = sorted({name for name in names if name.startswith(incomplete)})
    return [CompletionItem(name) for name in fitting if _WHOLE_WORD.fullmatch(name)]
