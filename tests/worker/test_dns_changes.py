"""Names on their way to a zone elsewhere: with a server that does as told, and a real one."""

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import select, update

from ipam.api.app import create_app
from ipam.backoff import Backoff
from ipam.protocol.wake import WakeSocket
from ipam.rules.dns_records import FEWEST_DRASTIC, Records
from ipam.rules.dns_zones import Zone
from ipam.settings import Settings, load
from ipam.store import dns_changes, recovery, tables
from ipam.store.engine.database import Database
from ipam.store.tables import dns_change, metadata
from ipam.worker.dns_changes import NameSender, ZoneSender, name_sender
from ipam.zones import delivery
from ipam.zones.refusals import TransferRefused, ZoneRefused
from ipam.zones.wanted import Wanted
from tests.api.caller import ADMIN, Api
from tests.servers.bind_server import BindServer
from tests.servers.primary_server import PrimaryServer
from tests.waiting import PATIENCE_SECONDS, eventually, ready_process

LAB, BACK = "lab.example", "2.0.192.in-addr.arpa"
ZONE = Zone(LAB)

PROGRAM = """
import logging, sys
from ipam import settings
from ipam.worker.main import run
from ipam.zones import delivery
delivery.BATCH_SECONDS = 0.1
logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
run(settings.load([sys.argv[1]]))
"""


class FakeServer:
    """A zone as a dictionary. It refuses and transfers as it is told."""

    zone = ZONE

    def __init__(self) -> None:
        self.names: dict[str, Records] = {}
        self.foreign: set[str] = set()
        self.error: Exception | None = None
        self.transfer_error: Exception | None = None
        self.sent: list[list[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def publish(self, wanted: Mapping[str, Records]) -> bool:
        self.sent.append(sorted(wanted))
        if self.error:
            raise self.error
        kinds = {self._kind(name) for name in wanted}
        if len(kinds) > 1 or "foreign" in kinds:
            return False
        for name, records in wanted.items():
            self.names.pop(name, None)
            if records:
                self.names[name] = records
        return True

    def _kind(self, name: str) -> str:
        if name in self.foreign:
            return "foreign"
        return "own" if name in self.names else "new"

    def transfer(self) -> tuple[dict[str, Records], set[str]]:
        if self.transfer_error:
            raise self.transfer_error
        others = dict.fromkeys(self.foreign, frozenset({("A", "192.0.2.99")}))
        return self.names | others, set(self.names)


class Site:
    """An application whose ports are published, and the database under it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.api = Api(
            create_app(settings, authenticate=lambda _environ: ADMIN, database=database)
        )
        self.network = self.api.create("network", dns_domain=LAB)
        self.api.create(
            "subnet",
            network_id=self.network["id"],
            cidr="192.0.2.0/24",
            ip_version=4,
            dns_publish_fixed_ip=True,
        )

    def port(self, name: str, last: int) -> dict[str, Any]:
        fixed_ips = [{"ip_address": f"192.0.2.{last}"}]
        return self.api.create(
            "port", network_id=self.network["id"], dns_name=name, fixed_ips=fixed_ips
        )

    def waiting(self) -> list[Any]:
        query = select(dns_change).order_by(dns_change.c.zone, dns_change.c.name)
        return list(self.database.read(lambda tx: tx.execute(query).all()))

    def make_due(self) -> None:
        """As if the time to send had come for all that waits."""
        self.database.write(
            lambda tx: tx.execute(update(dns_change).values(send_at_us=0)).rowcount
        )


def loaded(
    tmp_path: Path, *zones: str, key: object = "", database: str = "", timeout: float = 30
) -> Settings:
    file = tmp_path / "ipam.conf"
    text = f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n"
    text += f"[dns]\nzones = {', '.join(zones)}\nkey_file = {key}\ntimeout = {timeout}\n"
    if database:
        text += f"[database]\nconnection = {database}\n[worker]\ninterval = 3600\n"
    file.write_text(text)
    return load([str(file)])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Database(f"sqlite:///{tmp_path}/zones.sqlite")
    metadata.create_all(opened.engine)
    yield Site(loaded(tmp_path, f"{LAB} 192.0.2.53"), opened)
    opened.dispose()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def sender(site: Site, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> ZoneSender:
    without_waits(monkeypatch)
    return sender_of(site.database, server)


def sender_of(database: Database, server: FakeServer) -> ZoneSender:
    return ZoneSender(database, server, Wanted([ZONE], ""), timeout=1)


def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OF_ZONE", "OF_REFUSED_NAME"):
        monkeypatch.setattr(delivery, name, Backoff(0.0, 0.0))


def send_all(sender: ZoneSender | NameSender) -> None:
    while sender.send_batch():
        pass


def test_a_zone_follows_its_ports_and_nothing_waits_afterwards(
    tmp_path: Path, database: Database, server: FakeServer
) -> None:
    site = Site(loaded(tmp_path, f"{LAB} 192.0.2.53"), database)
    sender = sender_of(database, server)
    web, _ = site.port("web", 5), site.port("web", 6)
    send_all(sender)
    assert server.names == {f"web.{LAB}": {("A", "192.0.2.5"), ("A", "192.0.2.6")}}
    site.api.update("port", web["id"], dns_name="www")
    send_all(sender)
    assert set(server.names) == {f"web.{LAB}", f"www.{LAB}"}
    site.api.update("network", site.network["id"], dns_domain="other.example")
    send_all(sender)
    assert server.names == {}
    assert site.waiting() == []


def test_a_refusal_is_said_once_and_the_names_wait_one_by_one(
    site: Site, sender: ZoneSender, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number in range(5, 8):
        site.port(f"n{number}", number)
    server.error = ZoneRefused("192.0.2.53 refuses an update of lab.example: why")
    for _ in range(3):
        assert sender.send_batch()
    assert [len(names) for names in server.sent] == [3, 1, 1, 1]
    assert {row.last_error for row in site.waiting()} == {str(server.error)}
    server.error = None
    site.make_due()
    send_all(sender)
    assert len(server.names) == 3
    said = [
        record.message for record in caplog.records if record.name == "ipam.worker.dns_changes"
    ]
    assert (
        said[0]
        == "Names of lab.example wait; trying on: 192.0.2.53 refuses an update of lab.example: why"
    )
    assert sum("wait" in line for line in said) == 1
    assert "Works again: names of lab.example" in said


def test_a_name_that_is_refused_alone_does_not_stop_the_others(
    site: Site, sender: ZoneSender, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "OF_REFUSED_NAME", Backoff(3600.0, 3600.0))
    plain = server.publish

    def but_one(wanted: Mapping[str, Records]) -> bool:
        if f"n5.{LAB}" in wanted:
            raise ZoneRefused("REFUSED")
        return plain(wanted)

    monkeypatch.setattr(server, "publish", but_one)
    for number in range(5, 8):
        site.port(f"n{number}", number)
    send_all(sender)
    assert set(server.names) == {f"n6.{LAB}", f"n7.{LAB}"}
    assert [(row.name, row.last_error) for row in site.waiting()] == [(f"n5.{LAB}", "REFUSED")]


def test_a_name_of_somebody_else_is_said_and_tried_again_later(
    site: Site, sender: ZoneSender, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.foreign = {f"web.{LAB}"}
    site.port("web", 5)
    send_all(sender)
    (row,) = site.waiting()
    assert row.last_error == delivery.kept(f"web.{LAB}", LAB)
    site.make_due()
    send_all(sender)
    assert [record.message for record in caplog.records] == [row.last_error]
    server.foreign.clear()
    site.make_due()
    send_all(sender)
    assert set(server.names) == {f"web.{LAB}"}
    assert site.waiting() == []


def test_a_name_that_changes_while_it_is_sent_is_sent_again(
    site: Site, sender: ZoneSender, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = site.port("web", 5)
    plain = server.publish

    def meanwhile(wanted: Mapping[str, Records]) -> bool:
        monkeypatch.setattr(server, "publish", plain)
        site.api.update("port", web["id"], fixed_ips=[{"ip_address": "192.0.2.6"}])
        return plain(wanted)

    monkeypatch.setattr(server, "publish", meanwhile)
    send_all(sender)
    assert server.names == {f"web.{LAB}": {("A", "192.0.2.6")}}
    assert site.waiting() == []


def test_a_comparison_puts_right_what_is_not_as_it_should_be(
    site: Site, sender: ZoneSender, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5, 8):
        site.port(f"n{number}", number)
    send_all(sender)
    right = dict(server.names)
    server.names[f"n5.{LAB}"] = frozenset({("A", "192.0.2.66")})
    del server.names[f"n6.{LAB}"]
    server.names[f"old.{LAB}"] = frozenset({("A", "192.0.2.5")})
    caplog.set_level(logging.INFO)
    sender.compare()
    assert "Compared lab.example: 1 missing, 1 other, 1 left over" in caplog.messages
    send_all(sender)
    assert server.names == right


def test_most_names_go_only_when_they_are_asked_to(
    site: Site, sender: ZoneSender, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty database in place of the right one leaves the zone alone."""
    old = frozenset({("A", "192.0.2.5")})
    server.names = {f"old{n}.{LAB}": old for n in range(FEWEST_DRASTIC + 1)}
    sender.compare()
    send_all(sender)
    assert len(server.names) == FEWEST_DRASTIC + 1
    assert "--allow-drastic" in caplog.text
    site.database.write(lambda tx: dns_changes.put(tx, [(LAB, dns_changes.WHOLE_ZONE)]))
    send_all(sender)
    assert server.names == {}


def test_a_restored_service_changes_no_name_before_it_knows_its_hosts(
    site: Site, sender: ZoneSender, server: FakeServer, tmp_path: Path
) -> None:
    server.names = {f"old.{LAB}": frozenset({("A", "192.0.2.5")})}
    site.port("web", 5)
    wakes = WakeSocket(tmp_path / "wakes")
    names = NameSender(site.database, [sender], wakes, compare_interval=3600)
    site.database.write(lambda tx: recovery.begin(tx, made_at=1, restored_at=2))
    assert not names.send_batch()
    over = tables.recovery.update().values(finished_at_us=3)
    site.database.write(lambda tx: tx.execute(over).rowcount)
    send_all(names)
    wakes.close()
    assert set(server.names) == {f"web.{LAB}"}


def test_without_transfers_every_name_is_sent(
    site: Site, sender: ZoneSender, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    site.port("web", 5)
    send_all(sender)
    server.names = {f"old.{LAB}": frozenset({("A", "192.0.2.5")})}
    server.transfer_error = TransferRefused("no transfers.")
    for _ in range(2):
        sender.compare()
        send_all(sender)
    assert set(server.names) == {f"old.{LAB}", f"web.{LAB}"}
    assert caplog.text.count("no transfers.") == 1


@pytest.fixture
def real(tmp_path: Path, primary: PrimaryServer) -> Iterator[tuple[Site, NameSender]]:
    """A site with two zones of BIND or Knot, and a sender with its real parts."""
    url = f"sqlite:///{tmp_path}/ipam.sqlite"
    settings = loaded(
        tmp_path,
        *(primary.line(zone) for zone in (LAB, BACK)),
        key=primary.directory / "ipam.key",
        database=url,
    )
    database = Database(url)
    from ipam.store import schema  # noqa: PLC0415  # for this fixture alone

    schema.upgrade(database)
    made = name_sender(settings, database)
    yield Site(settings, database), made
    with contextlib.suppress(OSError):
        made._wakes.close()
    database.dispose()


def test_with_a_real_server_names_and_addresses_follow_the_port_through_drift_and_outage(
    real: tuple[Site, NameSender], primary: PrimaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, sender = real
    without_waits(monkeypatch)
    web, theirs, pointer = f"web.{LAB}", f"theirs.{LAB}", f"5.{BACK}"
    primary.edit(LAB, [(theirs, "A", "192.0.2.200")])
    port = site.port("web", 5)
    site.port("theirs", 6)
    send_all(sender)
    assert primary.values(web, "A") == ["192.0.2.5"]
    assert primary.values(pointer, "PTR") == [f"{web}."]
    assert primary.values(theirs, "A") == ["192.0.2.200"]
    assert primary.values(f"6.{BACK}", "PTR") == [f"{theirs}."]
    assert [row.name for row in site.waiting()] == [theirs]

    primary.edit(LAB, [(web, "A", "192.0.2.66")])
    primary.edit(BACK, [], removing=pointer)
    sender._compare_at = 0
    send_all(sender)
    assert primary.values(web, "A") == ["192.0.2.5"]
    assert primary.values(pointer, "PTR") == [f"{web}."]

    primary.stop()
    site.api.update("port", port["id"], dns_name="www")
    assert sender.send_batch()
    assert {row.name for row in site.waiting()} >= {web, f"www.{LAB}", pointer}
    primary.start()
    site.make_due()
    send_all(sender)
    assert primary.values(web, "A") == []
    assert primary.values(f"www.{LAB}", "A") == ["192.0.2.5"]
    assert primary.values(pointer, "PTR") == [f"www.{LAB}."]

    primary.edit(LAB, [], removing=theirs)
    for one in site.api.list("port"):
        if one["dns_name"]:
            site.api.delete("port", one["id"])
    site.make_due()
    send_all(sender)
    assert primary.values(f"www.{LAB}", "A") == primary.values(pointer, "PTR") == []
    assert primary.values(theirs, "A") == []
    assert site.waiting() == []


@pytest.mark.parametrize("primary", [BindServer], indirect=True, ids=["bind"])
def test_a_killed_worker_leaves_its_names_to_the_next(
    real: tuple[Site, NameSender], primary: PrimaryServer, tmp_path: Path
) -> None:
    site, _ = real
    site.port("killed", 9)
    log, command = (
        tmp_path / "worker.log",
        [sys.executable, "-c", PROGRAM, str(tmp_path / "ipam.conf")],
    )
    primary.pause(on=True)
    with ready_process(command, tmp_path, log) as worker:
        eventually(lambda: any(row.attempts for row in site.waiting()), "no name was claimed")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    primary.pause(on=False)
    assert site.waiting() != []
    site.make_due()
    with ready_process(command, tmp_path, log) as worker:
        eventually(lambda: not site.waiting(), log.read_text)
        worker.send_signal(signal.SIGTERM)
        worker.wait(PATIENCE_SECONDS)
    assert primary.values(f"killed.{LAB}", "A") == ["192.0.2.9"]
    assert primary.values(f"9.{BACK}", "PTR") == [f"killed.{LAB}."]
    assert primary.secret("ipam") not in log.read_text()
