from collections.abc import Mapping
from typing import Any

import falcon
import falcon.testing
import pytest

from ipam.api.app import make_service
from ipam.api.http import faults
from ipam.api.http.authorization import Authorization
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.networks.wire import KIND
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database

ALICE = Caller("alice", "alpha", "member")


class Shelves:
    """A route that says that it checks inside, and does so only with `?checked`."""

    operations: Mapping[str, Operation] = {
        "GET": Operation("Show shelves", rule="get_network", checked_inside=True)
    }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        if "checked" in req.query_string:
            req.context.access.viewer(KIND)
        respond(resp, {"shelves": "secret"})


class UndescribedDelete(Shelves):
    def on_delete(self, _req: falcon.Request, _resp: falcon.Response) -> None:
        raise AssertionError("nobody may come here")


@pytest.fixture
def authorization(settings: Settings, sqlite: Database) -> Authorization:
    return Authorization(make_service(settings, sqlite), lambda _environ: ALICE)


@pytest.fixture
def app(authorization: Authorization) -> falcon.App[Any, Any]:
    made: falcon.App[Any, Any] = falcon.App(middleware=[authorization])
    faults.install(made)
    return made


def test_an_answer_given_before_its_rule_was_applied_does_not_go_out(
    app: falcon.App[Any, Any], authorization: Authorization
) -> None:
    authorization.add_route(app, "/shelves", Shelves())
    client = falcon.testing.TestClient(app)
    assert client.simulate_get("/shelves?checked").json == {"shelves": "secret"}
    withheld = client.simulate_get("/shelves")
    assert withheld.status_code == 500
    assert "secret" not in withheld.text


def test_a_method_without_an_operation_is_not_served(
    app: falcon.App[Any, Any], authorization: Authorization
) -> None:
    with pytest.raises(ValueError, match="DELETE /shelves has no operation"):
        authorization.add_route(app, "/shelves", UndescribedDelete())


def test_a_route_that_the_check_does_not_know_is_not_served(app: falcon.App[Any, Any]) -> None:
    app.add_route("/shelves", Shelves())
    refused = falcon.testing.TestClient(app).simulate_get("/shelves?checked")
    assert refused.status_code == 500
    assert "secret" not in refused.text
