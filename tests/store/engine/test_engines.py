"""What URLs stand for a database, and how connections to MariaDB are asked for."""

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from ipam.errors import SettingsUnfit
from ipam.store.engine.database import Database
from ipam.store.engine.engines import create_engine


class NotNowError(Exception):
    """The connection is not made."""


def asked_for(url: str) -> dict[str, Any]:
    """The arguments of the driver for a connection."""
    if "mysqldb" in url:
        pytest.importorskip("MySQLdb", reason="needs the driver mysqlclient")
    engine = create_engine(make_url(url), pool_size=1, lock_wait_seconds=1)
    arguments: dict[str, Any] = {}

    def note(_dialect: object, _record: object, _unnamed: object, named: dict[str, Any]) -> None:
        arguments.update(named)
        raise NotNowError

    event.listen(engine, "do_connect", note)
    with pytest.raises(NotNowError):
        engine.connect()
    return arguments


@pytest.mark.parametrize("driver", ["pymysql", "mysqldb"])
def test_a_server_is_sent_no_files(driver: str) -> None:
    assert asked_for(f"mysql+{driver}://ipam@db.example.org/ipam")["local_infile"] is False


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("", None),
        ("?ssl_ca=/ca.pem", "VERIFY_IDENTITY"),
        ("?ssl_capath=/ca", "VERIFY_IDENTITY"),
        ("?ssl_ca=/ca.pem&ssl_check_hostname=false", None),
        ("?ssl_ca=/ca.pem&ssl_mode=REQUIRED", "REQUIRED"),
    ],
)
def test_with_a_ca_mysqlclient_asks_whose_certificate_it_is(query: str, mode: str | None) -> None:
    url = f"mysql+mysqldb://ipam@db.example.org/ipam{query}"
    assert asked_for(url).get("ssl_mode") == mode
    assert "ssl_mode" not in asked_for(url.replace("mysqldb", "pymysql").partition("&ssl_mode")[0])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "it is no URL"),
        ("ipam.sqlite", "it is no URL"),
        ("postgresql+psycopg://ipam:hunter2@db:543x/ipam", "its port is no number"),
        ("oracle://ipam:hunter2@db/ipam", "oracle is none of sqlite, postgresql and mysql"),
        ("postgresql+other://ipam:hunter2@db/ipam", "postgresql.other"),
        ("mysql+asyncmy://ipam:hunter2@db/ipam", "asyncmy"),
        ("sqlite://", "must be a file"),
    ],
)
def test_a_url_of_no_database_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(SettingsUnfit) as refused:
        Database(url)
    assert "[database] connection: " in str(refused.value)
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)
