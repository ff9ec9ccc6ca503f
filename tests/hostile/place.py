"""The service under attack: a real `ipam api` on loopback, its users, and things to aim at."""

import base64
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ipam import model
from ipam.identity import htpasswd
from ipam.store import schema
from ipam.store.engine.database import Database
from tests.hostile.requests import JSON, written
from tests.hostile.wire import Connection
from tests.servers.mariadb_server import MariadbServer
from tests.servers.postgresql_server import PostgresqlServer
from tests.servers.private_server import PrivateServer
from tests.waiting import ready_process

DATABASES: Final = ("sqlite", "postgresql", "mariadb")
SERVERS: Final[Mapping[str, type[PrivateServer]]] = {
    "postgresql": PostgresqlServer,
    "mariadb": MariadbServer,
}
PASSWORD: Final = "sesame"
PROJECT: Final = "project-a"
AGENTS_HOST: Final = "host-1"
PERSONAS: Final = {
    "admin": ("admin", "operators"),
    "member": ("member", PROJECT),
    "other": ("member", "project-b"),
    "reader": ("reader", PROJECT),
    "nova": ("service", "service"),
    "agent": ("agent", "service"),
    "bystander": ("member", "bystanders"),
}
"""By name: role and project. Nobody has no account."""

QUOTA: Final = {"network": 30, "subnet": 60, "port": 120, "subnetpool": 30, "rbac_policy": 30}
LISTED: Final = ("networks", "subnets", "ports", "subnetpools", "address-scopes", "rbac-policies")
KNOWN_IDS: Final = 12


class Place(Struct):
    """Where the service is, as its attackers need to know it."""

    pid: int
    port: int
    socket: str
    log: str
    document: str
    """The file with the OpenAPI document."""
    authorizations: dict[str, str]

    def call(
        self, method: str, path: str, body: Any = None, persona: str = "admin"
    ) -> tuple[int, Any]:
        """Status and body of the answer to an honest request, on a connection of its own."""
        content = b"" if body is None else json.dumps(body).encode()
        signed = ("Authorization", self.authorizations[persona])
        connection = Connection(("127.0.0.1", self.port))
        answer = connection.exchange(written(method, path, [signed, JSON], content))
        connection.close()
        return answer.status, json.loads(answer.body) if answer.body else None

    def ids(self) -> dict[str, list[str]]:
        """Some ids of each collection, those of what was made last."""
        found = {}
        for name in LISTED:
            page = f"limit={KNOWN_IDS}&sort_key=id&fields=id"
            found[name] = self._ids(f"/v2.0/{name}?{page}&project_id={PROJECT}", name)
        for name in ("agents", "leases", "lease-events", "allocation-events"):
            found[name] = self._ids(f"/v2.0/{name}?limit={KNOWN_IDS}&fields=id", name)
        return found

    def _ids(self, path: str, name: str) -> list[str]:
        status, answer = self.call("GET", path)
        if status != 200:
            return []
        return [item["id"] for item in answer[name.replace("-", "_")] if "id" in item]

    def furnish(self) -> None:
        """Make room and make what is missing, so that ids in requests are those of something."""
        for project in (PROJECT, "project-b"):
            self.call("PUT", f"/v2.0/quotas/{project}", {"quota": QUOTA})
        self._thin_out()
        _, made = self.call("POST", "/v2.0/networks", {"network": {"name": "net"}}, "member")
        if not made or "network" not in made:
            return
        network = made["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/16"}
        self.call("POST", "/v2.0/subnets", {"subnet": subnet}, "member")
        ports = [{"network_id": network, "tags": ["red"]}] * 3
        self.call("POST", "/v2.0/ports", {"ports": ports}, "member")
        for kind, body in (
            ("rbac-policies", {"rbac_policy": _policy(network)}),
            ("subnetpools", {"subnetpool": {"name": "p", "prefixes": ["10.64.0.0/10"]}}),
            ("address-scopes", {"address_scope": {"name": "s", "ip_version": 4}}),
        ):
            self.call("POST", f"/v2.0/{kind}", body, "member")
        self.call("POST", "/v2.0/agents", {"agent": {"host": AGENTS_HOST, "started_at": 1}})

    def _thin_out(self) -> None:
        """Delete things of the attacked project until creating is possible again."""
        for name in (
            "ports",
            "subnets",
            "networks",
            "subnetpools",
            "address-scopes",
            "rbac-policies",
        ):
            path = f"/v2.0/{name}?project_id={PROJECT}&fields=id"
            found = self._ids(path, name)
            for each in found[: len(found) // 2] if len(found) > KNOWN_IDS else ():
                self.call("DELETE", f"/v2.0/{name}/{each}")


def _policy(network: str) -> dict[str, str]:
    return {
        "object_type": "network",
        "object_id": network,
        "action": "access_as_shared",
        "target_tenant": "project-b",
    }


@contextlib.contextmanager
def attacked(kind: str) -> Iterator[Place]:
    """A service on that database, gone at the end. Raises RuntimeError if it cannot be had."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ipam-hostile-")))
        url = stack.enter_context(_database(kind, directory))
        database = Database(url)
        schema.upgrade(database)
        database.dispose()
        config = _configured(directory, url)
        log = directory / "api.log"
        command = [sys.executable, "-m", "ipam", "api", "--config-file", str(config)]
        together = ["setpriv", "--pdeathsig", "KILL", *command]
        process: subprocess.Popen[str] = stack.enter_context(
            ready_process(together, directory, log)
        )
        text = log.read_text()
        port = int(text.partition("http://127.0.0.1:")[2].split()[0])
        socket, document = directory / "api.sock", directory / "openapi.json"
        place = Place(process.pid, port, str(socket), str(log), str(document), _authorizations())
        _, described = place.call("GET", "/v2.0/openapi.json")
        document.write_text(json.dumps(described))
        place.furnish()
        yield place


@contextlib.contextmanager
def _database(kind: str, directory: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{directory}/ipam.sqlite"
        return
    if reason := SERVERS[kind].missing():
        raise RuntimeError(reason)
    server = SERVERS[kind]()
    server.launch()
    try:
        yield server.fresh_url()
    finally:
        server.remove()


def _configured(directory: Path, url: str) -> Path:
    config = directory / "ipam.conf"
    config.write_text(
        f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\n"
        f"[database]\nconnection = {url}\n[api]\nbind_port = 0\n"
        "[network]\naddress_cooldown_seconds = 0\n"
    )
    config.chmod(0o600)
    for name, (role, project) in PERSONAS.items():
        file = directory / "htpasswd"
        htpasswd.put(file, _user(name), PASSWORD, role=role, project_id=project)
    return config


def _authorizations() -> dict[str, str]:
    return {
        name: "Basic " + base64.b64encode(f"{_user(name)}:{PASSWORD}".encode()).decode()
        for name in PERSONAS
    }


def _user(persona: str) -> str:
    return model.agent_user(AGENTS_HOST) if persona == "agent" else persona
