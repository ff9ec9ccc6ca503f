"""The agent's conversation with the API, in one thread: what to serve, what is so, "I live".

The wake socket only says "look now"; the poll alone is enough to be right. With the API away the
thread keeps asking, and the rest of the agent serves what was known last.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ipam import clock, model
from ipam.agent.last_known_networks import KnownState
from ipam.chunks import chunks
from ipam.client import Client
from ipam.errors import AgentNotFound, IpamError
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

Json = dict[str, Any]

NETWORKS_PER_REQUEST = 50
PORTS_PER_REPORT = 500
SOONEST_HEARTBEAT_SECONDS = 1.0
"""Between heartbeats that only a changed count brings on."""


class ApiLink:
    """Keeps `networks` current and calls `on_change` after each change of it."""

    def __init__(
        self,
        client: Client,
        known: KnownState,
        *,
        host: str,
        zone: str,
        wake_path: Path,
        poll_seconds: float,
        report_seconds: float,
        facts: Callable[[], Json],
        on_change: Callable[[], None],
    ) -> None:
        self.networks: Mapping[str, Json] = known.load()
        self._client = client
        self._known = known
        self._host = host
        self._zone = zone or None
        self._poll_seconds = poll_seconds
        self._report_seconds = report_seconds
        self._facts = facts
        self._on_change = on_change
        self._started_at = clock.now_seconds()
        self._agent_id: str | None = None
        self._etag: str | None = None
        self._said: Json = {}
        self._heartbeat_at = float("-inf")
        self._lock = threading.Lock()
        self._reports: dict[str, tuple[int, bool]] = {}
        self._asked = False
        self._trouble = Trouble()
        self._stopping = False
        self._wake_path = wake_path
        self._wake_socket = _bind(wake_path)
        self._poke_reader, self._poke_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="api-link", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """End after the request at hand."""
        self._stopping = True
        self._poke()
        self._thread.join()
        self._wake_socket.close()
        self._wake_path.unlink(missing_ok=True)
        os.close(self._poke_reader)
        os.close(self._poke_writer)

    def report(self, ports: Mapping[str, tuple[int, bool]]) -> None:
        """By port, at which revision, whether DHCP would answer or the tap is missing."""
        with self._lock:
            self._reports.update(ports)
        self._poke()

    def ask(self) -> None:
        """Look at once what the API has."""
        self._asked = True
        self._poke()

    def turn(self) -> None:
        """Say and ask what is due. Raises IpamError when the API is away or refuses."""
        self._heartbeat()
        self._send_reports()
        self._fetch()

    def _run(self) -> None:
        next_poll = 0.0
        while not self._stopping:
            poked = self._wait(max(0.0, next_poll - time.monotonic()))
            try:
                is_report = poked == {self._poke_reader} and not self._asked
                if is_report and not self._trouble and self._agent_id:
                    self._send_reports()
                    continue
                self._asked = False
                self.turn()
                self._recovered()
            except IpamError as error:
                self._failed(error)
            except Exception as error:
                LOG.exception("api link")
                self._failed(error)
            next_poll = time.monotonic() + self._poll_seconds

    def _wait(self, seconds: float) -> set[int]:
        """Until something is to do; gives the descriptors that said so, emptied."""
        poll = select.poll()
        poll.register(self._wake_socket, select.POLLIN)
        poll.register(self._poke_reader, select.POLLIN)
        ready = {descriptor for descriptor, _event in poll.poll(seconds * 1000)}
        for descriptor in ready:
            _empty(descriptor)
        return ready

    def _heartbeat(self) -> None:
        facts = self._facts()
        waited = time.monotonic() - self._heartbeat_at
        due = waited >= self._report_seconds or (
            facts != self._said and waited >= SOONEST_HEARTBEAT_SECONDS
        )
        if not due and self._agent_id:
            return
        answer = self._client.post(
            "/v2.0/agents",
            json={
                "agent": {
                    "host": self._host,
                    "agent_type": model.DHCP_AGENT_TYPE,
                    "binary": model.AGENT_BINARY,
                    "started_at": self._started_at,
                    "availability_zone": self._zone,
                    "configurations": facts,
                }
            },
        )
        self._agent_id = answer["agent"]["id"]
        self._said = facts
        self._heartbeat_at = time.monotonic()

    def _fetch(self) -> None:
        """Bring `networks` to what the API says now: all digests, then what moved."""
        path = f"/v2.0/agents/{self._agent_id}/dhcp-state"
        etag, body = self._client.get_if_changed(path, self._etag)
        if body is None:
            return
        digests = {row["id"]: row["digest"] for row in body["networks"]}
        current = {key: row for key, row in self.networks.items() if key in digests}
        # At the first look everything: what the disk has of a status may be of any age.
        moved = [
            key
            for key in digests
            if self._etag is None or current.get(key, {}).get("digest") != digests[key]
        ]
        fetched: list[Json] = []
        for some in chunks(moved, NETWORKS_PER_REQUEST):
            fetched += self._client.get(path, params={"network_id": some})["networks"]
        current.update((row["id"], row) for row in fetched)
        self.networks = current
        self._on_change()
        self._etag = etag
        for row in fetched:
            self._known.save(row)

    def _send_reports(self) -> None:
        with self._lock:
            some = dict(list(self._reports.items())[:PORTS_PER_REPORT])
        for name, wanted in (("down-ports", False), ("ready-ports", True)):
            rows = [
                {"id": port_id, "revision_number": revision}
                for port_id, (revision, ready) in some.items()
                if ready is wanted
            ]
            if rows:
                self._client.post(f"/v2.0/agents/{self._agent_id}/{name}", json={"ports": rows})
        with self._lock:
            for port_id, report in some.items():
                if self._reports.get(port_id) == report:
                    del self._reports[port_id]
            more = bool(self._reports)
        if more:
            self._poke()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, AgentNotFound):
            self._agent_id = self._etag = None  # deleted by an administrator: sign on anew
        if self._trouble.begins(str(error) or type(error).__name__):
            LOG.warning("serving the last known state: %s", error)

    def _recovered(self) -> None:
        if self._trouble.ends():
            LOG.warning("the API answers again")

    def _poke(self) -> None:
        try:
            os.write(self._poke_writer, b"x")
        except BlockingIOError:
            return  # it is full of pokes already


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    wake = socket.socket(
        socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    )
    wake.bind(str(path))
    path.chmod(0o660)
    if os.geteuid() == 0:  # the API may run as the service's own user, which owns the directory
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    return wake


def _empty(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096) or True:  # an empty datagram reads as nothing
            pass
    except BlockingIOError:
        return
