"""Version discovery, which keystoneauth reads first."""

from collections.abc import Mapping
from typing import Any

import falcon

from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.http.urls import public_url
from ipam.api.service import Service

RESOURCES = ("networks", "subnets", "ports")


class VersionsRoute:
    """GET /: the only version."""

    def __init__(self, service: Service) -> None:
        self._settings = service.settings

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer = {"versions": list[dict[str, Any]]}
        return {"GET": Operation("List API versions", response=answer, public=True)}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        link = {"rel": "self", "href": f"{public_url(req, self._settings)}/v2.0/"}
        respond(resp, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


class VersionRoute:
    """GET /v2.0/: links to its main resources."""

    def __init__(self, service: Service) -> None:
        self._settings = service.settings

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer = {"resources": list[dict[str, Any]]}
        return {"GET": Operation("List the main resources", response=answer, public=True)}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        base = f"{public_url(req, self._settings)}/v2.0"
        resources = [
            {
                "name": name.removesuffix("s"),
                "collection": name,
                "links": [{"rel": "self", "href": f"{base}/{name}"}],
            }
            for name in RESOURCES
        ]
        respond(resp, {"resources": resources})
