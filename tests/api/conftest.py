"""The real application over a fresh database; SQLite unless a test asks for all three."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import falcon
import falcon.testing
import pytest

from ipam import settings as ipam_settings
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.api.caller import ADMIN, Api


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    return ipam_settings.load([str(file)])


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/api.sqlite")
    metadata.create_all(opened.engine)
    yield opened
    opened.dispose()


@pytest.fixture
def caller() -> Caller:
    return ADMIN


@pytest.fixture
def application(settings: Settings, sqlite: Database, caller: Caller) -> falcon.App[Any, Any]:
    return create_app(settings, authenticate=lambda _environ: caller, database=sqlite)


@pytest.fixture
def api(application: falcon.App[Any, Any]) -> Api:
    """Calls to the application on SQLite."""
    return Api(application)


@pytest.fixture
def api_on_each(settings: Settings, database: Database) -> Api:
    """Calls to the application on each of the three databases."""
    return Api(create_app(settings, authenticate=lambda _environ: ADMIN, database=database))


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    return api.create("network", name="net")


@pytest.fixture
def subnet(api: Api, network: dict[str, Any]) -> dict[str, Any]:
    return api.create(
        "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, name="sub"
    )


@pytest.fixture
def port(
    api: Api, network: dict[str, Any], subnet: dict[str, Any]
) -> Callable[..., dict[str, Any]]:
    """Makes a port on the network that has the subnet."""

    def make(**attributes: Any) -> dict[str, Any]:
        return api.create("port", network_id=network["id"], **attributes)

    return make
