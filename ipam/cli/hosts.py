"""Warns the user of hosts without an agent."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ipam.cli.resource_kinds import AGENT
from ipam.cli.terminal import say
from ipam.errors import NotFound, PolicyNotAuthorized

if TYPE_CHECKING:
    from ipam.client import Client


def warn_of_unknown_host(client: "Client", host: str | None) -> None:
    """Warn on standard error if no agent has ever reported the host that a port is bound to.

    A caller who may not see agents gets no warning.
    """
    if not host:
        return
    try:
        agents = client.list(AGENT.path, AGENT.collection, {"fields": ["host"]})
    except (PolicyNotAuthorized, NotFound):
        return
    hosts = sorted({str(agent["host"]) for agent in agents})
    if host in hosts:
        return
    near = get_close_matches(host, hosts, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    say(
        f"Warning: no agent has ever reported a host {host!r}, so nobody serves the port there."
        f"{hint} `ipam agent list` shows the hosts.",
        err=True,
    )
