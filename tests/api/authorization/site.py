"""A small cloud in one database, called by every persona, and put back after each change.

Project alpha owns everything that is not said to be another's. Its network `shared` is for all
projects, and beta has a port on it, `guest`. Agents run on host-a, where `port` is, and on host-b.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import falcon.testing

from ipam.api.app import create_app
from ipam.errors import Unauthorized
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.api.caller import Api, agent_of

PERSONAS: Final[Mapping[str, Caller | None]] = {
    "nobody": None,
    "reader": Caller("rita", "alpha", "reader"),
    "member": Caller("alice", "alpha", "member"),
    "stranger": Caller("bob", "beta", "member"),
    "admin": Caller("ada", "cloud", "admin"),
    "service": Caller("nova", "services", "service"),
    "agent": agent_of("host-a"),
    "other agent": agent_of("host-b"),
}

UNCOUNTED: Final = frozenset({"extensions", "audit_events"})
"""Lists that grow with the service, or with each request that is refused."""


class Site:
    """The application over SQLite, with one thing of each kind."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._file = directory / "ipam.sqlite"
        self._kept = directory / "kept.sqlite"
        self._caller: Caller | None = PERSONAS["admin"]
        self._database = Database(f"sqlite:///{self._file}")
        metadata.create_all(self._database.engine)
        application = create_app(settings, authenticate=self._called_by, database=self._database)
        self._api = Api(application)
        self.names: Mapping[str, str] = self._fill()
        self._database.dispose()
        shutil.copy(self._file, self._kept)

    def answer(self, persona: str, method: str, path: str, body: str) -> str:
        """What the persona is answered: the status, and what it sees.

        `(N)` is the number of items of a list; `hidden` says that a field was asked for in vain.
        """
        self._caller = PERSONAS[persona]
        raw = self._named(body) or None
        client: falcon.testing.TestClient = self._api.client
        result = client.simulate_request(method, self._named(path), body=raw)
        if method != "GET" and result.status_code < 400:
            self._put_back()
        seen = _seen(path, result) if method == "GET" else []
        return " ".join([str(result.status_code), *seen])

    def close(self) -> None:
        self._database.dispose()

    def _called_by(self, _environ: Any) -> Caller:
        if self._caller is None:
            raise Unauthorized("Authentication is required.")
        return self._caller

    def _named(self, text: str) -> str:
        """The text with the ids of things for their names: `{port}`."""
        return re.sub(r"\{(\w+)\}", lambda found: self.names[found[1]], text)

    def _put_back(self) -> None:
        self._database.dispose()
        for name in ("-wal", "-shm"):
            self._file.with_name(self._file.name + name).unlink(missing_ok=True)
        shutil.copy(self._kept, self._file)

    def _as(self, persona: str) -> Api:
        self._caller = PERSONAS[persona]
        return self._api

    def _fill(self) -> dict[str, str]:
        """The ids of the things, by their names on the page."""
        agents = [self._agent(persona) for persona in ("agent", "other agent")]
        alpha = self._as("member")
        network = alpha.create("network", name="private")
        subnet = alpha.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
        empty = alpha.create("network", name="empty")
        bare = alpha.create(
            "subnet", network_id=empty["id"], cidr="10.1.0.0/24", ip_version=4, enable_dhcp=False
        )
        shared = alpha.create("network", name="for all")
        on_shared = alpha.create(
            "subnet", network_id=shared["id"], cidr="10.2.0.0/24", ip_version=4, enable_dhcp=False
        )
        pool = alpha.create("subnetpool", name="pool", prefixes=["10.32.0.0/16", "10.33.0.0/16"])
        scope = self._post("/address-scopes", "address_scope", {"name": "s", "ip_version": 4})
        target = {"object_type": "network", "object_id": empty["id"], "target_tenant": "gamma"}
        policy = self._post(
            "/rbac-policies", "rbac_policy", target | {"action": "access_as_shared"}
        )
        port = alpha.create("port", network_id=network["id"], name="web")
        external = self._shared_by_admin(network["id"], shared["id"])
        guest = self._as("stranger").create("port", network_id=shared["id"], name="guest")
        nova = self._as("service")
        nova.update("port", port["id"], binding__host_id="host-a", device_owner="compute:nova")
        self._post(f"/ports/{port['id']}/bindings", "binding", {"host": "host-b"})
        for path in (f"/networks/{network['id']}/tags/red", f"/ports/{port['id']}/tags/red"):
            assert self._as("member").call("PUT", path).status_code == 201
        for path in (f"/subnets/{subnet['id']}/tags/red", f"/subnetpools/{pool['id']}/tags/red"):
            assert self._as("member").call("PUT", path).status_code == 201
        self._tell(agents[0], network["id"], port)
        assert self._as("member").call("POST", f"/ports/{port['id']}/probe").status_code == 202
        asked = {"dns_lookup": {"network_id": network["id"], "questions": ["web"]}}
        path = f"/agents/{agents[0]}/dns-lookup"
        assert self._as("admin").call("POST", path, asked).status_code == 202
        questions = f"/networks/{network['id']}/address-checks"
        address = port["fixed_ips"][0]["ip_address"]
        addresses = {"address_check": {"ip_addresses": [address]}}
        check = self._as("admin").call("POST", questions, addresses).json["address_check"]
        machine = {"ip_address": address, "mac_address": "52:54:00:00:00:66"}
        told = {"address_check": {"id": check["id"], "machines": [machine]}}
        path = f"/agents/{agents[0]}/address-checks"
        assert self._as("agent").call("POST", path, told).status_code == 204
        served = {"network_id": empty["id"]}
        path = f"/agents/{agents[0]}/dhcp-networks"
        assert self._as("admin").call("POST", path, served).status_code == 201
        limits = {"quota": {"network": 100}}
        assert self._as("admin").call("PUT", "/quotas/alpha", limits).status_code == 200
        return {
            "network": network["id"],
            "subnet": subnet["id"],
            "port": port["id"],
            "empty": empty["id"],
            "bare_subnet": bare["id"],
            "shared": shared["id"],
            "shared_subnet": on_shared["id"],
            "external": external["id"],
            "guest": guest["id"],
            "pool": pool["id"],
            "scope": scope["id"],
            "policy": policy["id"],
            "agent": agents[0],
            "host": "host-a",
            "target_host": "host-b",
            "project": "alpha",
            "tag": "red",
            "alias": "agent",
            "lease": self._oldest("leases"),
            "lease_event": self._oldest("lease-events"),
            "allocation_event": self._oldest("allocation-events"),
            "audit_event": self._oldest("audit-events", seen_by="member"),
            "refusal": self._oldest("dhcp-refusals"),
            "check": check["id"],
            "import": self._imported(),
            "uuid": "3f2d3f4e-8c5d-4a0e-9f3b-000000000000",
        }

    def _post(self, path: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        result = self._api.call("POST", path, {name: body})
        assert result.status_code == 201, result.text
        made: dict[str, Any] = result.json[name]
        return made

    def _imported(self) -> str:
        made = self._as("admin").call("POST", "/imports", {"import": {"format": "csv"}})
        assert made.status_code == 201, made.text
        import_id: str = made.json["import"]["id"]
        return import_id

    def _shared_by_admin(self, network_id: str, shared_id: str) -> dict[str, Any]:
        admin = self._as("admin")
        admin.update("network", shared_id, shared=True)
        assert admin.show("network", network_id)["shared"] is False
        external = admin.create("network", name="outside", router__external=True)
        outside = {"network_id": external["id"], "cidr": "192.0.2.0/24", "ip_version": 4}
        admin.create("subnet", **outside, enable_dhcp=False)
        return external

    def _agent(self, persona: str) -> str:
        caller = PERSONAS[persona]
        assert caller is not None
        body = {"agent": {"host": caller.host, "started_at": 1, "configurations": {}}}
        result = self._as(persona).call("POST", "/agents", body)
        return str(result.json["agent"]["id"])

    def _tell(self, agent_id: str, network_id: str, port: Mapping[str, Any]) -> None:
        """Have the agent of host-a tell of a lease and of a machine that got none."""
        agent = self._as("agent")
        address = port["fixed_ips"][0]["ip_address"]
        event = {
            "id": "0" * 32,
            "network_id": network_id,
            "host": "host-a",
            "action": "add",
            "ip_address": address,
            "mac_address": port["mac_address"],
            "occurred_at_us": 1,
            "expires_at": None,
            "details": {},
        }
        assert agent.call("POST", "/lease-events", {"lease_events": [event]}).status_code == 200
        # The agent takes its networks now, so that no later question changes anything.
        assert agent.call("GET", f"/agents/{agent_id}/dhcp-state").status_code == 200
        asked = {
            "network_id": network_id,
            "client": "52:54:00:00:00:01",
            "reason": "unknown",
            "count": 1,
            "first_at": 1,
            "last_at": 1,
        }
        path = f"/agents/{agent_id}/dhcp-refusals"
        assert agent.call("POST", path, {"dhcp_refusals": [asked]}).json == {"recorded": 1}

    def _oldest(self, collection: str, seen_by: str = "admin") -> str:
        items = self._as(seen_by).call("GET", f"/{collection}").json
        return str(items[collection.replace("-", "_")][-1]["id"])


def _seen(path: str, result: falcon.testing.Result) -> list[str]:
    """Words about what the answer to a GET shows."""
    if result.status_code != 200 or not result.text.startswith("{"):
        return []
    content = json.loads(result.text)
    collection = path.partition("?")[0].rpartition("/")[2].replace("-", "_")
    if isinstance(content.get(collection), list) and collection not in UNCOUNTED:
        return [f"({len(content[collection])})"]
    _, _, field = path.partition("?fields=")
    return ["hidden"] if field and not any(field in each for each in content.values()) else []
