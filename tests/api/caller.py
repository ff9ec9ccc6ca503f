"""A client of the application whose failures name the request and the answer."""

import json
from collections.abc import Mapping
from typing import Any

import falcon
import falcon.testing

from ipam.identity.caller import Caller

ADMIN = Caller(user_id="alice", project_id="project-a", role="admin")
READER = Caller(user_id="rita", project_id="project-a", role="reader")
SERVICE = Caller(user_id="agent-1", project_id="service", role="service")


def agent_of(host: str) -> Caller:
    """The agent of this host, as `ipam agent enrol` makes it."""
    return Caller(user_id=f"agent@{host}", project_id="service", role="agent", host=host)


class Api:
    """Networks, subnets and ports by their singular names; paths below /v2.0."""

    def __init__(self, application: falcon.App[Any, Any]) -> None:
        self.client = falcon.testing.TestClient(application)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> falcon.testing.Result:
        raw = None if body is None else json.dumps(body)
        return self.client.simulate_request(
            method, f"/v2.0{path}", body=raw, params=params, params_csv=False, headers=headers
        )

    def create(self, name: str, /, **attributes: Any) -> dict[str, Any]:
        """The item made of these attributes; `binding__host_id` stands for `binding:host_id`."""
        result = self.call("POST", f"/{name}s", {name: wire(attributes)})
        assert result.status_code == 201, result.text
        made: dict[str, Any] = result.json[name]
        return made

    def update(self, name: str, resource_id: str, /, **attributes: Any) -> dict[str, Any]:
        result = self.call("PUT", f"/{name}s/{resource_id}", {name: wire(attributes)})
        assert result.status_code == 200, result.text
        changed: dict[str, Any] = result.json[name]
        return changed

    def show(self, name: str, resource_id: str) -> dict[str, Any]:
        result = self.call("GET", f"/{name}s/{resource_id}")
        assert result.status_code == 200, result.text
        found: dict[str, Any] = result.json[name]
        return found

    def delete(self, name: str, resource_id: str) -> None:
        result = self.call("DELETE", f"/{name}s/{resource_id}")
        assert result.status_code == 204, result.text

    def list(self, name: str, /, **params: Any) -> list[dict[str, Any]]:
        result = self.call("GET", f"/{name}s", params=wire(params))
        assert result.status_code == 200, result.text
        found: list[dict[str, Any]] = result.json[f"{name}s"]
        return found

    def refused(
        self, status: int, kind: str, method: str, path: str, body: Any = None, **more: Any
    ) -> str:
        """The message of a request that is refused with this status and Neutron type."""
        result = self.call(method, path, body, **more)
        assert result.status_code == status, result.text
        error = result.json["NeutronError"]
        assert set(error) == {"type", "message", "detail"}
        assert error["type"] == kind, error
        message: str = error["message"]
        return message


def wire(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", ":"): value for name, value in attributes.items()}
