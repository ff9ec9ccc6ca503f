"""Whether this process can do its work, for load balancers, and with reasons for people."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import falcon
import msgspec
from msgspec import Meta, Struct

from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.errors import Temporary

PATH: Final = "/healthcheck"


class Check(Struct):
    """One thing that has to work. `reason` says why it does not."""

    name: Annotated[str, Meta(description="What was checked.")]
    status: Annotated[Literal["ok", "failed"], Meta(description="ok or failed.")]
    reason: Annotated[str, Meta(description="Why it does not work; empty when it does.")] = ""


class HealthRoute:
    """GET for everyone: 200 while everything works, else 503."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        looked = Operation(
            "Whether the service can work: 200 or 503, with reasons in JSON when asked for",
            response={"status": str, "checks": list[Check]},
            text="text/plain",
            also=(503,),
            query={"detailed": "Answer in JSON, as with Accept: application/json."},
            public=True,
        )
        return {"GET": looked, "HEAD": looked}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        checks = [self._database()]
        well = all(check.status == "ok" for check in checks)
        resp.status = falcon.HTTP_200 if well else falcon.HTTP_503
        resp.set_header("Cache-Control", "no-store")
        word = "ok" if well else "failed"
        if _wants_json(req):
            resp.content_type = falcon.MEDIA_JSON
            resp.data = msgspec.json.encode({"status": word, "checks": checks})
        else:
            resp.content_type = falcon.MEDIA_TEXT
            resp.text = f"{word}\n"

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.on_get(req, resp)

    def _database(self) -> Check:
        try:
            self.service.database.ping()
        except Temporary as error:
            return Check("database", "failed", str(error))
        return Check("database", "ok")


def _wants_json(req: falcon.Request) -> bool:
    asked = "detailed" in req.params or "detailed" in req.query_string.split("&")
    return asked or falcon.MEDIA_JSON in req.accept
