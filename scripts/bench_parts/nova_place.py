"""A cloud for the recorded boot: Keystone, MariaDB, the API of two granian workers, its users."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ipam import model
from scripts.bench_parts import api_place
from scripts.bench_parts.api_load import Wire
from scripts.bench_parts.nova_calls import Boot
from tests.servers.keystone_server import Directory, KeystoneServer, api_settings
from tests.servers.mariadb_server import MariadbServer

PASSWORD: Final = "bench-password"
PORTS_BEFORE: Final = 20
"""Of each project: Nova counts them all at each boot."""
HOSTS: Final = 50

SETTINGS: Final = """\
[network]
agent_down_time = 3600
[compute]
send_events = true
"""


@dataclass(frozen=True)
class Session:
    """Nova at work for the user of one project: requests go by either token."""

    project_id: str
    user: Wire
    service: Wire

    def close(self) -> None:
        """Close its connections."""
        self.user.close()
        self.service.close()


class Cloud:
    """What there is to boot servers on, and who boots them: a user for each project."""

    def __init__(self, keystone: Directory, port: int, pids: dict[str, int]) -> None:
        self.port = port
        self.pids = pids
        self._keystone = keystone
        self._projects: dict[str, str] = {}
        self._nova = self.token("nova", "service")
        self._wire = self._as(self._nova)
        network = self._make("network", name="public", shared=True)
        subnet = self._make("subnet", network_id=network["id"], cidr="10.0.0.0/16", ip_version=4)
        self.network_id, self.subnet_id = network["id"], subnet["id"]
        for number in range(HOSTS):
            self._make("agent", host=_host(number), started_at=1_700_000_000)

    def token(self, user: str, project: str) -> str:
        """A new token."""
        return self._keystone.server.token(user, PASSWORD, project)

    def session(self, number: int) -> Session:
        """Nova at work for the user of this number, with a token that is new."""
        name = f"project-{number}"
        if name not in self._projects:
            self._add_project(name)
        user = self._as(self.token(name, name))
        return Session(self._projects[name], user, self._as(self._nova))

    def boot(self, session: Session, number: int) -> Boot:
        """The next server of a project."""
        server = (_host(number % HOSTS), model.new_id())
        return Boot(session.project_id, self.network_id, self.subnet_id, *server)

    def forget(self, boots: Sequence[Boot]) -> None:
        """Delete the servers' ports."""
        for boot in boots:
            self._wire.call("DELETE", f"/v2.0/ports/{boot.port_id}")

    def close(self) -> None:
        """Close its own connection."""
        self._wire.close()

    def _as(self, token: str) -> Wire:
        return Wire(self.port, (f"X-Auth-Token: {token}", f"X-Service-Token: {self._nova}"))

    def _add_project(self, name: str) -> None:
        self._keystone.user(name, PASSWORD, name, "member", "reader")
        self._projects[name] = project_id = self._keystone.project(name)
        port = {"network_id": self.network_id, "project_id": project_id}
        self._wire.call("POST", "/v2.0/ports", {"ports": [port] * PORTS_BEFORE})

    def _make(self, kind: str, **attributes: Any) -> dict[str, Any]:
        made = self._wire.call("POST", f"/v2.0/{kind}s", {kind: attributes})
        found: dict[str, Any] = msgspec.json.decode(made)[kind]
        return found


def _host(number: int) -> str:
    return f"compute{number}"


@contextlib.contextmanager
def cloud() -> Iterator[Cloud]:
    """Everything started, and gone afterwards."""
    with contextlib.ExitStack() as stack:
        database, keystone = MariadbServer(durable=True), KeystoneServer()
        for server in (database, keystone):
            server.launch()
            stack.callback(server.remove)
        directory = Directory(keystone)
        for name in ("nova", "ipam"):
            directory.user(name, PASSWORD, "service", "admin", "service")
        # auth_token looks into the catalog before it believes in service_type.
        directory.endpoint("network", "ipam", "http://127.0.0.1:9696")
        url = database.fresh_url()
        api_place.prepared(url).dispose()
        more = SETTINGS + api_settings(keystone.url, PASSWORD)
        config = stack.enter_context(api_place.settings_file(url, more))
        port, pid = stack.enter_context(api_place.granian("ipam.wsgi:application", config))
        made = Cloud(directory, port, {"api": pid, "database": database.pid})
        stack.callback(made.close)
        yield made
