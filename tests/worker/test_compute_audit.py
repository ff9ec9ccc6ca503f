"""The worker's audit, with the real API, changing servers, and an oracle that counts ports."""

import contextlib
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam import settings as ipam_settings
from ipam.client import Client
from ipam.compute.auditor import Auditor
from ipam.compute.servers import Servers
from ipam.errors import CallerError
from ipam.store import schema
from ipam.store.engine.database import Database
from ipam.worker import compute_audit
from ipam.worker.compute_audit import AuditRounds
from tests.compute.audited_cloud import AuditedCloud
from tests.compute.nova_listing import NovaListing, error, nova_listing, server
from tests.servers.live_api import LiveApi, live_api
from tests.waiting import PATIENCE_SECONDS, eventually

Json = dict[str, Any]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[LiveApi]:
    template = tmp_path / "template.sqlite"
    database = Database(f"sqlite:///{template}")
    schema.upgrade(database)
    database.dispose()
    (tmp_path / "service").mkdir()
    with live_api(template, tmp_path / "service") as running:
        yield running


@pytest.fixture
def nova() -> Iterator[NovaListing]:
    with nova_listing(page_size=7) as running:
        yield running


@pytest.fixture
def client(api: LiveApi) -> Iterator[Client]:
    with Client(socket_path=api.socket) as client:
        yield client


class Cloud(AuditedCloud):
    """Servers that are born and die, and leave ports behind."""

    def __init__(self, client: Client, nova: NovaListing) -> None:
        super().__init__(client, nova)
        self.living: dict[str, Json] = {}
        self.dead: dict[str, Json] = {}

    def birth(self) -> str:
        """As Nova does it: the server first, then its port."""
        server_id = self.nova.add(server(str(uuid.uuid4())))
        self.living[server_id] = self.port_of(server_id)
        return server_id

    def death(self, server_id: str) -> None:
        self.dead[server_id] = self.living.pop(server_id)
        # A page may be on its way: the dict is replaced, not changed.
        self.nova.servers = {k: v for k, v in self.nova.servers.items() if k != server_id}

    def ports(self) -> dict[str, Json]:
        found = self.client.list("/v2.0/ports", "ports", {"device_owner": "compute:nova"})
        return {port["device_id"]: port for port in found}


@pytest.fixture
def site(client: Client, nova: NovaListing) -> Cloud:
    return Cloud(client, nova)


def rounds(api: LiveApi, nova: NovaListing, *, grace_seconds: float = 0) -> AuditRounds:
    @contextlib.contextmanager
    def connect() -> Iterator[Auditor]:
        with Client(socket_path=api.socket) as client:
            yield Auditor(client, Servers(nova.adapter()))

    return AuditRounds(connect, grace_seconds=grace_seconds)


def test_an_orphan_is_given_back_by_the_second_look_with_one_line(
    api: LiveApi, site: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ipam")
    for _ in range(4):
        site.birth()
    lost = next(iter(site.living))
    site.death(lost)
    worker = rounds(api, site.nova)
    worker.round()
    assert len(site.ports()) == 4
    worker.round()
    assert site.ports().keys() == site.living.keys()
    (line,) = [r.getMessage() for r in caplog.records if "deleted" in r.getMessage()]
    for fact in (site.dead[lost]["id"], lost, "404", "Nova made it"):
        assert fact in line


def test_what_is_found_is_told_when_it_changes(
    api: LiveApi, site: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ipam.worker")
    body = site.nova.servers[site.birth()]
    worker = rounds(api, site.nova)
    for host in ("host-a", "host-b", "host-a"):
        body["OS-EXT-SRV-ATTR:host"] = host
        body["OS-EXT-STS:task_state"] = None
        port = next(iter(site.ports().values()))
        address = port["fixed_ips"][0]["ip_address"]
        body["addresses"] = server("x", (port["mac_address"], address))["addresses"]
        for _ in range(3):
            worker.round()
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("ipam.worker")]
    assert lines == ["Audit: wrong host: 1", "Audit: ports and servers agree"]


def worker_warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The worker's; the API, in the same process here, has its own."""
    ours = [record for record in caplog.records if record.name.startswith("ipam.worker")]
    return [record.getMessage() for record in ours if record.levelname == "WARNING"]


def test_a_nova_that_fails_is_told_once_and_costs_nothing(
    api: LiveApi, site: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ipam.worker")
    for _ in range(20):
        site.birth()
    for one in list(site.living)[:5]:
        site.death(one)
    worker = rounds(api, site.nova)
    site.nova.before = lambda path: error("x", 500, "broken") if "marker" in path else None
    for _ in range(3):
        worker.round()
    assert len(site.ports()) == 20
    site.nova.before = lambda _: (200, {"servers": []}) if "detail" in _ else None
    for _ in range(3):
        worker.round()
    assert site.living.keys() <= site.ports().keys()
    warnings = worker_warnings(caplog)
    assert len(warnings) == len(set(warnings)) == 1
    assert "broken" in warnings[0]


def test_most_ports_at_once_are_given_back_by_no_worker(
    api: LiveApi, site: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(6):
        site.birth()
    for one in list(site.living)[:4]:
        site.death(one)
    worker = rounds(api, site.nova)
    for _ in range(3):
        worker.round()
    assert len(site.ports()) == 6
    (warning,) = worker_warnings(caplog)
    assert "4 of 6" in warning


def test_workers_side_by_side_give_back_the_dead_and_never_touch_the_living(
    api: LiveApi, site: Cloud
) -> None:
    chance = random.Random(7)
    stop = threading.Event()
    workers = [rounds(api, site.nova, grace_seconds=1) for _ in range(2)]

    def work(worker: AuditRounds) -> None:
        while not stop.is_set():
            worker.round()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for _ in range(60):  # enough for the brake never to hold
        site.birth()
    for thread in threads:
        thread.start()
    try:
        for _ in range(150):
            if chance.random() < 0.3:
                site.death(chance.choice(list(site.living)))
            else:
                site.birth()
            touched = {port["id"]: port for port in site.ports().values()}
            for port in site.living.values():
                assert touched.get(port["id"]) == port
        eventually(lambda: site.ports().keys() == site.living.keys())
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {port["id"]: port for port in site.ports().values()} == {
        port["id"]: port for port in site.living.values()
    }
    released = site.client.list(
        "/v2.0/allocation-events", "allocation_events", {"action": "released"}
    )
    assert sorted(event["device_id"] for event in released) == sorted(site.dead)
    assert len(site.dead) > 20


def settings_for(api: LiveApi, nova: NovaListing) -> Path:
    path = Path(api.config_file)
    with path.open("a") as file:
        file.write(
            f"[nova]\nauth_type = none\nendpoint_override = {nova.url}\n"
            "[compute]\nreclaim_orphans = true\naudit_interval = 1\norphan_grace_seconds = 1\n"
            "[worker]\ninterval = 0.1\n"
        )
    return path


def start_worker(config: Path, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ipam", "worker", "--config-file", str(config)]
    with log.open("ab") as output:
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stderr=output)


def test_a_worker_that_is_killed_at_any_moment_leaves_no_orphan_behind(
    api: LiveApi, site: Cloud, tmp_path: Path
) -> None:
    config, log = settings_for(api, site.nova), tmp_path / "worker.log"
    for _ in range(12):
        site.birth()
    for one in list(site.living)[:5]:
        site.death(one)
    asked = threading.Event()
    requests: list[str] = []

    def note(path: str) -> None:
        requests.append(path)
        if len(requests) > 10:
            asked.set()

    site.nova.before = note
    first = start_worker(config, log)
    try:
        assert asked.wait(PATIENCE_SECONDS), log.read_text()
        os.kill(first.pid, signal.SIGKILL)
    finally:
        first.wait()
    second = start_worker(config, log)
    try:
        eventually(lambda: site.ports().keys() == site.living.keys())
        second.send_signal(signal.SIGTERM)
        assert second.wait(PATIENCE_SECONDS) == 0
    finally:
        second.kill()
        second.wait()
    text = log.read_text()
    assert "Traceback" not in text
    assert "Comparing ports with servers every 1 s" in text
    ports = {port["id"]: port for port in site.ports().values()}
    assert ports == {port["id"]: port for port in site.living.values()}


def test_settings_that_do_not_say_how_to_sign_in_end_the_worker_with_a_sentence(
    api: LiveApi, nova: NovaListing
) -> None:
    with Path(api.config_file).open("a") as file:
        file.write("[nova]\nauth_type = password\n")
    with pytest.raises(CallerError, match="auth_url"):
        compute_audit.start(ipam_settings.load([api.config_file]))
