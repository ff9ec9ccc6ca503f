from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from ipam.api.app import create_app
from ipam.api.http import time_limits
from ipam.settings import Settings
from ipam.store.engine import time_limit
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, Api

FOR_EVER = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    ),
    "postgresql": "SELECT pg_sleep(100000)",
    "mariadb": "SELECT SLEEP(100000)",
}


def test_a_request_past_its_time_is_answered_with_503_and_when_to_try_again(
    api_on_each: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = api_on_each.create("network", name="before")
    path = f"/networks/{network['id']}"
    with monkeypatch.context() as patched:
        patched.setattr(time_limits, "time", _Clock(lambda: 0.0))
        patched.setattr(time_limit, "time", _Clock(lambda: 31.0))
        result = api_on_each.call("PUT", path, {"network": {"name": "after"}})
    assert result.status_code == 503
    assert result.headers["Retry-After"] == "5"
    error = result.json["NeutronError"]
    assert error["type"] == "TimeLimitExceeded"
    assert error["message"] == "The request took longer than 30 s, and nothing of it was done."
    assert api_on_each.show("network", network["id"])["name"] == "before"
    assert api_on_each.update("network", network["id"], name="after")["name"] == "after"


def test_a_request_with_a_statement_past_its_time_is_answered_with_503(
    settings: Settings, database_url: str, backend: str
) -> None:
    hasty = Database(database_url, statement_seconds=1)
    api = Api(create_app(settings, authenticate=lambda _environ: ADMIN, database=hasty))
    subnet = api.create("network", name="n")
    write = hasty.write

    def slowly(work: Callable[[Any], Any]) -> Any:
        def both(tx: Any) -> Any:
            result = work(tx)
            tx.execute(text(FOR_EVER[backend]))
            return result

        return write(both)

    hasty.write = slowly  # type: ignore[method-assign]
    result = api.call("PUT", f"/networks/{subnet['id']}", {"network": {"name": "after"}})
    hasty.write = write  # type: ignore[method-assign]
    assert (result.status_code, result.json["NeutronError"]["type"]) == (503, "TimeLimitExceeded")
    assert api.update("network", subnet["id"], description="free")["name"] == "n"
    hasty.dispose()


def test_a_request_whose_client_left_changes_nothing(api: Api) -> None:
    result = api.client.simulate_post(
        "/v2.0/networks",
        json={"network": {"name": "unheard"}},
        extras={time_limits.CLIENT_GONE: lambda: True},
    )
    assert result.status_code == 499
    assert api.list("network") == []


class _Clock:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
