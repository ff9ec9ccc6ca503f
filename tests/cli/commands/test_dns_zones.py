"""`ipam dns zones|sync|retry`, where the service's settings are, with a real name server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam.rules.dns_records import FEWEST_DRASTIC
from ipam.settings.dns import DnsSettings, primary_servers
from ipam.store import dns_changes, schema
from ipam.store.engine.database import Database
from ipam.zones.name_server import name_server
from tests.cli.conftest import Ipam
from tests.servers.bind_server import BindServer
from tests.waiting import PATIENCE_SECONDS

OTHER, BACK = "other.example", "2.0.192.in-addr.arpa"


@pytest.fixture
def config(tmp_path: Path, bind: BindServer) -> Path:
    file = tmp_path / "ipam.conf"
    zones = ", ".join(bind.line(zone) for zone in (OTHER, BACK))
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n"
        f"[dns]\nzones = {zones}\nkey_file = {bind.directory}/ipam.key\n"
    )
    return file


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    schema.upgrade(opened)
    yield opened
    opened.dispose()


def test_what_waits_is_shown_with_its_reason_and_tried_again(
    ipam: Ipam, config: Path, database: Database, bind: BindServer
) -> None:
    names = [(OTHER, "a.other.example"), (OTHER, "b.other.example")]
    database.write(lambda tx: dns_changes.put(tx, names))
    (first, _) = database.write(
        lambda tx: dns_changes.claim(tx, OTHER, now_us=1, hold_us=2**60, limit=9)
    )
    later = {"send_at_us": 2**61, "last_error": "REFUSED, and why"}
    database.write(lambda tx: dns_changes.postpone(tx, first, **later))  # type: ignore[arg-type]
    shown = ipam("dns", "zones", "--config-file", str(config), "-f", "json")
    found = {row["Zone"]: row for row in json.loads(shown.out)}
    assert (found[OTHER]["Waiting"], found[OTHER]["Failed"]) == (2, 1)
    assert found[OTHER]["Error"] == "REFUSED, and why"
    assert found[OTHER]["Server"] == f"127.0.0.1:{bind.port}"
    assert (found[BACK]["Waiting"], found[BACK]["Error"]) == (0, "")
    done = ipam("dns", "retry", OTHER, "--config-file", str(config))
    assert (done.status, done.err) == (0, "Names to be tried again: 1.\n")


def test_a_zone_is_compared_and_its_differences_are_left_to_the_worker(
    ipam: Ipam, config: Path, database: Database, bind: BindServer
) -> None:
    (server,) = primary_servers([bind.line(OTHER)])
    key = bind.directory / "ipam.key"
    settings = DnsSettings((server,), key, "ipam", 60, PATIENCE_SECONDS, 3600)
    left = [f"left{number}.{OTHER}" for number in range(FEWEST_DRASTIC + 1)]
    with name_server(server, settings) as opened:
        opened.publish(dict.fromkeys(left, frozenset({("A", "192.0.2.7")})))
    bind.edit(OTHER, [(f"theirs.{OTHER}", "A", "192.0.2.8")])
    command = ("dns", "sync", OTHER, "--config-file", str(config))
    dry = ipam(*command, "--dry-run", "-f", "json")
    rows = json.loads(dry.out)
    assert {row["Name"] for row in rows} == set(left)
    assert {row["Difference"] for row in rows} == {"left over"}
    assert dry.err == f"Names of {OTHER} that would be put right: {len(left)}.\n"
    refused = ipam(*command)
    assert refused.status == 1
    assert "--allow-drastic" in refused.err
    assert database.read(dns_changes.waiting) == []
    done = ipam(*command, "--allow-drastic")
    assert done.err.endswith(f"that the worker puts right: {len(left)}.\n")
    (waiting,) = database.read(dns_changes.waiting)
    assert (waiting.zone, waiting.names) == (OTHER, len(left))


def test_a_zone_that_is_not_set_is_named_with_those_that_are(ipam: Ipam, config: Path) -> None:
    done = ipam("dns", "sync", "nowhere.example", "--config-file", str(config))
    assert done.status == 1
    assert f"It has: {OTHER}, {BACK}." in done.err


def test_a_refusal_names_the_remedy_and_the_secret_is_nowhere(
    ipam: Ipam, config: Path, bind: BindServer, database: Database
) -> None:
    config.write_text(config.read_text().replace("ipam.key", "weak.key"))
    done = ipam("dns", "sync", OTHER, "--config-file", str(config))
    assert done.status == 1
    assert "allow-transfer { key weak; }" in done.err
    shown = ipam("config", "show", "--config-file", str(config))
    assert str(bind.directory / "weak.key") in shown.out
    assert bind.secret("weak") not in done.err + shown.out
