"""Agents without hosts, which talk to the API as real ones do, all in one process.

Each polls, sends heartbeats, fetches networks that changed, reports ports that it would answer,
and sends the lease events of its machines. Beside them a client starts and ends machines. Run it
with a JSON object on standard input; it prints `begin` when the measured time begins, then one.
"""

import asyncio
import json
import random
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from ipam import model
from ipam.agent.api_link import NETWORKS_PER_REQUEST
from ipam.chunks import chunks
from ipam.protocol.dhcp_state import FullNetwork, read_digests, read_networks
from ipam.protocol.dns_names import read_changes
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.protocol.reports import AgentFacts, AgentReport, SeenPort, SeenPorts, read_agent_id
from ipam.protocol.wire import parsed
from scripts.bench_parts.api import HEADERS
from scripts.bench_parts.processes import quantile

LEASE_SECONDS: Final = 86_400


class Told:
    """How long answers took, by kind of request, and what went wrong."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.refused: defaultdict[str, int] = defaultdict(int)
        self.ready_seconds: list[float] = []
        self.measuring = False

    def took(self, kind: str, seconds: float, status: int) -> None:
        if self.measuring:
            self.seconds[kind].append(seconds)
            if status >= 400:
                self.refused[f"{kind} {status}"] += 1

    def figures(self, seconds: float) -> dict[str, Any]:
        return {
            "requests": {
                kind: {
                    "per_second": round(len(found) / seconds, 1),
                    "p50_ms": round(quantile(found, 0.5) * 1000, 1),
                    "p99_ms": round(quantile(found, 0.99) * 1000, 1),
                }
                for kind, found in sorted(self.seconds.items())
            },
            "refused": dict(self.refused),
            "port_to_ready_s": {
                "p50": round(quantile(self.ready_seconds, 0.5), 2),
                "p99": round(quantile(self.ready_seconds, 0.99), 2),
            }
            if self.ready_seconds
            else None,
        }


class Connection:
    """One kept connection to the API."""

    def __init__(self, port: int, told: Told) -> None:
        self._port = port
        self._told = told
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._lock = asyncio.Lock()

    async def ask(
        self, kind: str, method: str, path: str, body: Any = None, etag: str = ""
    ) -> tuple[int, str, bytes]:
        """Status, ETag and body."""
        async with self._lock:
            began = time.monotonic()
            try:
                answer = await self._exchange(method, path, body, etag)
            except (OSError, asyncio.IncompleteReadError):  # the server closes idle connections
                self.close()
                answer = await self._exchange(method, path, body, etag)
            self._told.took(kind, time.monotonic() - began, answer[0])
            return answer

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(
        self, method: str, path: str, body: Any, etag: str
    ) -> tuple[int, str, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        raw = b"" if body is None else msgspec.json.encode(body)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *HEADERS]
        lines += [f"If-None-Match: {etag}"] if etag else []
        lines += [f"Content-Length: {len(raw)}"] if raw else []
        writer.write("\r\n".join([*lines, "", ""]).encode() + raw)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (h.partition(":") for h in head)
        }
        found = await reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split(" ")[1]), headers.get("etag", ""), found


@dataclass(slots=True)
class Agent:
    """One host's agent."""

    host: str
    connection: Connection
    told: Told
    born: dict[str, float]
    """When the ports were asked for that wait to be ready; shared by all."""
    poll_seconds: float
    report_seconds: float
    agent_id: str = ""
    etag: str = ""
    cursor: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    leases: dict[str, LeaseEventCreate] = field(default_factory=dict)
    renewals_due: float = 0.0
    sequence: int = 0
    epoch: str = field(default_factory=lambda: uuid.uuid4().hex)
    started_at: int = field(default_factory=lambda: int(time.time()))

    async def run(self, first: float) -> None:
        """Poll for ever, the first time after so many seconds."""
        due, heartbeat_due = time.monotonic() + first, 0.0
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() >= heartbeat_due:
                heartbeat_due = time.monotonic() + self.report_seconds
                await self._heartbeat()
            await self._poll()
            await self._renew()
            due = time.monotonic() + self.poll_seconds

    async def _heartbeat(self) -> None:
        facts = AgentFacts(
            dnsmasq_version="2.90",
            networks=len(self.digests),
            ports=len(self.leases),
            leases=len(self.leases),
            troubles={},
            events_waiting=0,
            interface_mappings={},
            bridge_mappings={},
            tunnel_types=[],
            installation=self.host,
        )
        report = AgentReport(
            host=self.host, started_at=self.started_at, configurations=parsed(facts)
        )
        body = {"agent": parsed(report)}
        _, _, answer = await self.connection.ask("heartbeat", "POST", "/v2.0/agents", body)
        self.agent_id = read_agent_id(msgspec.json.decode(answer))

    async def _poll(self) -> None:
        path = f"/v2.0/agents/{self.agent_id}/dhcp-state"
        asked = f"{path}?names_since={self.cursor}"
        status, etag, raw = await self.connection.ask("poll", "GET", asked, etag=self.etag)
        if status != 200:
            return
        body = msgspec.json.decode(raw)
        digests = read_digests(body)
        moved = [one for one, digest in digests.items() if self.digests.get(one) != digest]
        for some in chunks(moved, NETWORKS_PER_REQUEST):
            wanted = "&".join(f"network_id={one}" for one in some)
            _, _, full = await self.connection.ask("networks", "GET", f"{path}?{wanted}")
            networks, _ = read_networks(full)
            await self._serve(networks)
        self.digests, self.etag = digests, etag
        if (changes := read_changes(body)) is not None:
            self.cursor = changes.cursor

    async def _serve(self, networks: Sequence[FullNetwork]) -> None:
        """Report the ports that are new, and what their machines lease."""
        ready, begun = [], []
        for network in networks:
            for port in network.ports:
                if port.status != model.ACTIVE:
                    ready.append(SeenPort(port.id, port.revision_number))
                if port.id not in self.leases and port.fixed_ips:
                    event = self._event(network.id, port.mac_address, port.fixed_ips[0].ip_address)
                    self.leases[port.id] = event
                    if port.status != model.ACTIVE:
                        begun.append(event)
        if ready:
            body = parsed(SeenPorts(ready))
            path = f"/v2.0/agents/{self.agent_id}/ready-ports"
            await self.connection.ask("ready ports", "POST", path, body)
            for port_id in (one.id for one in ready):
                if (since := self.born.pop(port_id, None)) and self.told.measuring:
                    self.told.ready_seconds.append(time.monotonic() - since)
        if begun:
            await self._send(begun)

    def _event(self, network_id: str, mac: str, address: str) -> LeaseEventCreate:
        return LeaseEventCreate(
            id=uuid.uuid4().hex,
            network_id=network_id,
            host=self.host,
            action="add",
            ip_address=address,
            occurred_at_us=time.time_ns() // 1000,
            mac_address=mac,
            client_id=f"01:{mac}",
            expires_at=int(time.time()) + LEASE_SECONDS,
            details={"interface": "tap0", "tags": "known tap0", "requested_options": "1,3,6,15"},
        )

    async def _renew(self) -> None:
        """What falls due of the machines' renewals: each in half a lease."""
        self.renewals_due += len(self.leases) * self.poll_seconds / (LEASE_SECONDS / 2)
        count = min(int(self.renewals_due), len(self.leases))
        self.renewals_due -= count
        if count:
            some = random.sample(list(self.leases.values()), count)
            await self._send([self._renewed(one) for one in some])

    @staticmethod
    def _renewed(event: LeaseEventCreate) -> LeaseEventCreate:
        return msgspec.structs.replace(
            event,
            id=uuid.uuid4().hex,
            action="old",
            occurred_at_us=time.time_ns() // 1000,
            expires_at=int(time.time()) + LEASE_SECONDS,
        )

    async def _send(self, events: Sequence[LeaseEventCreate]) -> None:
        numbered = []
        for event in events:
            self.sequence += 1
            numbered.append(
                msgspec.structs.replace(event, epoch=self.epoch, sequence=self.sequence)
            )
        body = {"lease_events": parsed(numbered), "sent_at_us": time.time_ns() // 1000}
        await self.connection.ask("lease events", "POST", "/v2.0/lease-events", body)


async def machines(
    connection: Connection,
    networks: Sequence[str],
    hosts: Sequence[str],
    born: dict[str, float],
    per_second: float,
) -> None:
    """Start machines for ever, and end each some time later, as many as that a second."""
    made: list[str] = []
    while True:
        await asyncio.sleep(random.expovariate(per_second))
        number = random.randrange(len(networks))
        port = {
            "network_id": networks[number],
            "binding:host_id": hosts[number % len(hosts)],
            "device_owner": "compute:nova",
            "device_id": model.new_id(),
        }
        began = time.monotonic()
        status, _, answer = await connection.ask("boot", "POST", "/v2.0/ports", {"port": port})
        if status == 201:
            made.append(json.loads(answer)["port"]["id"])
            born[made[-1]] = began
        if len(made) > 5 * per_second:
            await connection.ask("end", "DELETE", f"/v2.0/ports/{made.pop(0)}")


async def main(order: dict[str, Any]) -> None:
    """Run as ordered."""
    told, born = Told(), dict[str, float]()
    hosts, poll = order["hosts"], order["poll_seconds"]
    agents = [
        Agent(host, Connection(order["port"], told), told, born, poll, order["report_seconds"])
        for host in hosts
    ]
    tasks = [
        asyncio.create_task(agent.run(order["settle_seconds"] / 2 * n / len(agents)))
        for n, agent in enumerate(agents)
    ]
    await asyncio.sleep(order["settle_seconds"])
    client = Connection(order["port"], told)
    if order["boots_per_second"]:
        boots = machines(client, order["networks"], hosts, born, order["boots_per_second"])
        tasks.append(asyncio.create_task(boots))
    told.measuring = True
    began, used = time.monotonic(), time.process_time()
    print("begin", flush=True)
    await asyncio.sleep(order["seconds"])
    told.measuring = False
    seconds = time.monotonic() - began
    failed = [task.exception() for task in tasks if task.done()]
    if failed:
        raise RuntimeError(f"{len(failed)} agents ended, the first with {failed[0]!r}")
    share = round((time.process_time() - used) / seconds, 2)
    print(json.dumps({**told.figures(seconds), "agents_cores": share}), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
