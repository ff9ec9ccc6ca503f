"""A small HTTP server that lists servers like Nova: in pages, by cells, for admins."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from keystoneauth1 import session, token_endpoint
from keystoneauth1.adapter import Adapter

from tests.servers.quiet_server import QuietHttpServer

Answer = tuple[int, Any]


def error(kind: str, status: int, message: str) -> Answer:
    return status, {kind: {"code": status, "message": message}}


def server(
    server_id: str, *interfaces: tuple[str, str], host: str | None = "host-a", **changes: Any
) -> dict[str, Any]:
    """A server as an admin sees it; an interface is its MAC and IP address on the network lan."""
    addresses = [
        {"addr": ip, "version": 4, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": mac}
        for mac, ip in interfaces
    ]
    return {
        "id": server_id,
        "tenant_id": "a-project",
        "status": "ACTIVE",
        "updated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "OS-EXT-STS:task_state": None,
        "OS-EXT-SRV-ATTR:host": host,
        "addresses": {"lan": addresses} if addresses else {},
        **changes,
    }


@dataclass
class NovaListing:
    """What it knows; `servers` are listed the newest first, as they stand here from the end.

    `before`: called with each path before it is answered, and may answer in its stead.
    """

    page_size: int = 1000
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    soft_deleted: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    before: Callable[[str], Answer | None] = lambda _: None
    url: str = ""

    def add(self, body: dict[str, Any]) -> str:
        self.servers[body["id"]] = body
        return str(body["id"])

    def adapter(self) -> Adapter:
        """Signed in, whoever that may be."""
        auth = token_endpoint.Token(self.url, "a-token")
        return Adapter(session.Session(auth=auth), service_type="compute")

    def answer(self, path: str, microversion: str) -> Answer:
        self.paths.append(path)
        if instead := self.before(path):
            return instead
        if microversion != "compute 2.69":
            return error("computeFault", 406, f"{microversion} is not supported")
        parts = urlsplit(path)
        if parts.path == "/v2.1/servers/detail":
            return self._list({name: texts[-1] for name, texts in parse_qs(parts.query).items()})
        server_id = parts.path.rpartition("/")[2]
        if server_id not in self.servers:
            return error("itemNotFound", 404, f"Instance {server_id} could not be found.")
        return 200, {"server": self._view(server_id)}

    def _list(self, query: dict[str, str]) -> Answer:
        assert query.pop("all_tenants") == "1"
        shown = [one for one in reversed(self.servers) if one not in self.down]
        partial = [] if query else [one for one in self.servers if one in self.down]
        if marker := query.get("marker"):
            if marker not in shown:
                return error("badRequest", 400, f"marker [{marker}] not found")
            shown = shown[shown.index(marker) + 1 :]
        listed = [one for one in shown if one not in self.soft_deleted]
        size = min(self.page_size, int(query.get("limit", self.page_size)))
        page = partial + listed[:size]
        return 200, {"servers": [self._view(one) for one in page]}

    def _view(self, server_id: str) -> dict[str, Any]:
        body = self.servers[server_id]
        if server_id in self.down:
            names = ("id", "tenant_id")
            return {"status": "UNKNOWN", **{name: body[name] for name in names}}
        if server_id in self.soft_deleted:
            return {**body, "status": "SOFT_DELETED"}
        return body


@contextmanager
def nova_listing(**settings: Any) -> Iterator[NovaListing]:
    """One that answers until the block ends."""
    nova = NovaListing(**settings)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            version = self.headers.get("OpenStack-API-Version", "")
            status, body = nova.answer(self.path, version)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    http = QuietHttpServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    nova.url = f"http://127.0.0.1:{http.server_address[1]}/v2.1"
    try:
        yield nova
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
