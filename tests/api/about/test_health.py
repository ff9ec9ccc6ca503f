import socket
from typing import Any

import falcon
import falcon.testing
import pytest

from ipam.api.app import create_app
from ipam.errors import Unauthorized
from ipam.settings import Settings
from ipam.store.engine.database import Database


def refuse(_environ: object) -> Any:
    raise Unauthorized("nobody comes in")


@pytest.fixture
def stranger(settings: Settings, sqlite: Database) -> falcon.testing.TestClient:
    app = create_app(settings, authenticate=refuse, database=sqlite)
    return falcon.testing.TestClient(app)


def test_health_is_told_to_everyone(stranger: falcon.testing.TestClient) -> None:
    result = stranger.simulate_get("/healthcheck")
    assert (result.status_code, result.text) == (200, "ok\n")
    assert stranger.simulate_head("/healthcheck").status_code == 200
    assert stranger.simulate_get("/v2.0/ports").status_code == 401


@pytest.mark.parametrize("asked", [{"headers": {"Accept": "application/json"}}, {}])
def test_reasons_come_in_json_when_asked_for(
    stranger: falcon.testing.TestClient, asked: dict[str, Any]
) -> None:
    result = stranger.simulate_get("/healthcheck" if asked else "/healthcheck?detailed", **asked)
    assert result.json == {
        "status": "ok",
        "checks": [{"name": "database", "status": "ok", "reason": ""}],
    }


def test_without_its_database_it_is_503_with_the_reason(
    settings: Settings,
) -> None:
    away = Database(f"postgresql+psycopg://ipam@127.0.0.1:{free_port()}/none", max_attempts=2)
    client = falcon.testing.TestClient(create_app(settings, database=away))
    assert client.simulate_get("/healthcheck").status_code == 503
    result = client.simulate_get("/healthcheck?detailed")
    assert result.json["status"] == "failed"
    assert "does not answer" in result.json["checks"][0]["reason"]
    assert "ipam_database_up 0.0" in client.simulate_get("/metrics").text
    away.dispose()


def free_port() -> int:

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
