import gc
import weakref

import falcon
import falcon.testing

from ipam.api.http import faults
from ipam.errors import NetworkNotFound


class _Refusing:
    """Refuses every request, and knows when they are gone."""

    def __init__(self) -> None:
        self.requests: list[weakref.ref[falcon.Request]] = []

    def on_get(self, req: falcon.Request, _resp: falcon.Response) -> None:
        self.requests.append(weakref.ref(req))
        try:
            int("inner")
        except ValueError as inner:
            error = NetworkNotFound("Network x could not be found.")
            raise error from inner


class _Request(falcon.Request):
    """As Falcon's, which allows no weak reference."""

    __slots__ = ("__weakref__",)


def test_a_refused_request_is_gone_without_a_search_for_cycles() -> None:
    app: falcon.App[falcon.Request, falcon.Response] = falcon.App(request_type=_Request)
    faults.install(app)
    resource = _Refusing()
    app.add_route("/refused", resource)
    client = falcon.testing.TestClient(app)
    gc.collect()
    gc.disable()
    try:
        answer = client.simulate_get("/refused")
        assert answer.json["NeutronError"]["type"] == "NetworkNotFound"
        assert [each() for each in resource.requests] == [None]
    finally:
        gc.enable()
