"""Looks at ports and servers, and carries out what the audit decided."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from ipam.client import Client
from ipam.compute import facts, reclaiming
from ipam.compute.facts import Listing, Port
from ipam.compute.findings import Action, Finding, Kind
from ipam.compute.servers import Servers
from ipam.errors import NotFound, RevisionNumberConstraintFailed

PAGE_SIZE = 1000

Progress = Callable[[int, int], None]
"""Is called with the numbers of ports and servers that were read so far."""


class Auditor:
    """Speaks to the Networking API and to Nova."""

    def __init__(self, client: Client, servers: Servers) -> None:
        self._client = client
        self._servers = servers

    def look(self, progress: Progress = lambda *_: None) -> Listing:
        """Reads both, ports first. Raises if either cannot be read completely."""
        ports = self._ports(progress)
        servers = self._servers.listed(lambda number: progress(len(ports), number))
        gone = set()
        for server_id in facts.absent(ports, servers):
            if server := self._servers.find(server_id):
                servers[server_id] = server
            else:
                gone.add(server_id)
        return Listing(datetime.now(UTC), ports, servers, frozenset(gone))

    def decided(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, with the decided action for each orphan."""
        return [
            reclaiming.decided(each, self._first_allocation(each))
            if each.kind is Kind.ORPHAN
            else each
            for each in findings
        ]

    def reclaim(self, finding: Finding) -> str:
        """Carry out the decided action. Gives a short description of what was done.

        A port that has changed since it was read is not touched.
        """
        port = finding.port
        if port is None or finding.action is Action.NONE:
            return ""
        path, revision = f"/v2.0/ports/{port.id}", port.revision_number
        try:
            if finding.action is Action.DELETE:
                self._client.delete(path, revision_number=revision)
                return "deleted"
            body = {"port": reclaiming.unbinding(port)}
            self._client.put(path, json=body, revision_number=revision)
            return "unbound"
        except RevisionNumberConstraintFailed:
            return "left alone: it was changed meanwhile"
        except NotFound:
            return "gone already"

    def _ports(self, progress: Progress) -> tuple[Port, ...]:
        params: list[tuple[str, str | int]] = [("fields", name) for name in facts.PORT_FIELDS]
        params.append(("limit", PAGE_SIZE))
        ports = []
        for body in self._client.iterate("/v2.0/ports", "ports", params):
            ports.append(facts.port(body))
            if len(ports) % PAGE_SIZE == 0:
                progress(len(ports), 0)
        return tuple(ports)

    def _first_allocation(self, finding: Finding) -> dict[str, Any] | None:
        """The oldest event in the port's allocation history."""
        assert finding.port is not None, finding
        params = {
            "port_id": finding.port.id,
            "sort_key": "occurred_at",
            "sort_dir": "asc",
            "limit": 1,
        }
        found = self._client.list(
            "/v2.0/allocation-events", "allocation_events", params, max_items=1
        )
        return found[0] if found else None
