"""A realistic API for a benchmark: two granian workers on a private database."""

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, text

from ipam import model
from ipam.identity import htpasswd
from ipam.store import schema, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Database, Transaction
from tests.changed_settings import NO_QUOTAS
from tests.servers.private_server import is_listening

WORKERS = 2
THREADS = 2
"""Of each worker: one computes while another waits for the database."""
START_SECONDS = 30
USER, PASSWORD = "bench", "bench-password"


def prepared(url: str) -> Database:
    """The database with the schema in it."""
    database = Database(url)
    schema.upgrade(database)
    return database


@contextlib.contextmanager
def settings_file(url: str, more: str = "") -> Iterator[Path]:
    """Settings for that database, with one admin; a released address is free at once.

    `more` is added to them as it is.
    """
    with tempfile.TemporaryDirectory(prefix="ipam-bench-") as directory:
        config = Path(directory, "ipam.conf")
        config.write_text(
            f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\nlog_level = WARNING\n"
            f"[database]\nconnection = {url}\n[quotas]\n{NO_QUOTAS}"
            f"[network]\naddress_cooldown_seconds = 0\n{more}"
        )
        file = Path(directory, "htpasswd")
        htpasswd.put(file, USER, PASSWORD, role="admin", project_id="bench")
        yield config


@dataclass(frozen=True)
class Served:
    """An API on a database: what it is measured by."""

    database: Database
    config: Path
    port: int
    pid: int

    def agent_settings(self, host: str, run_path: Path, more: str = "") -> Path:
        """Settings for the agent of this host, with `more` lines of [agent]."""
        directory = self.config.parent
        for path in (directory, run_path):
            path.chmod(0o755)
        (directory / "password").write_text(PASSWORD)
        file = directory / "agent.conf"
        file.write_text(
            f"[DEFAULT]\nhost = {host}\nstate_path = {directory}\nrun_path = {run_path}\n"
            f"log_level = ERROR\n[agent]\napi_url = http://127.0.0.1:{self.port}\n"
            f"username = {USER}\npassword_file = {directory}/password\n"
            f"allow_vulnerable_dnsmasq = true\n{more}"
        )
        return file


@contextlib.contextmanager
def served(url: str, more: str = "") -> Iterator[Served]:
    """The API on a new schema of this database, with `more` settings."""
    database = prepared(url)
    try:
        with (
            settings_file(url, more) as config,
            granian("ipam.wsgi:application", config) as (port, pid),
        ):
            yield Served(database, config, port, pid)
    finally:
        database.dispose()


@contextlib.contextmanager
def granian(target: str, config: Path | None = None) -> Iterator[tuple[int, int]]:
    """The application served by granian: its TCP port and the process at the root of its tree."""
    port = random.randrange(20000, 30000)
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi"),
        *("--port", str(port), "--workers", str(WORKERS), "--blocking-threads", str(THREADS)),
        *("--no-ws", "--http", "1", "--log-level", "warning", "--workers-kill-timeout", "3"),
        target,
    ]
    environment = {**os.environ, "IPAM_CONFIG_FILE": str(config or "")}
    server = subprocess.Popen(command, env=environment, stdout=sys.stderr)  # as in `processes`
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("granian did not start")
            time.sleep(0.05)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def fill(
    database: Database, network_id: str, subnet_id: str, ports: int, *, free: int = 0
) -> list[str]:
    """Give the network's /16 so many ports, and `free` released addresses; the ports' ids.

    The rows are those that the API would have left behind after every address was given once.
    """

    def work(tx: Transaction) -> list[str]:
        network_pk, subnet_pk, cidr = numbers(tx, network_id, subnet_id)
        made = [port_row(network_pk, number) for number in range(ports)]
        pks = rows.insert_many(tx, tables.port, made)
        first = int.from_bytes(model.pack(cidr.partition("/")[0]), "big") + 3
        owners: list[int | None] = [*pks, *([None] * free)]
        random.shuffle(owners)
        addresses = [
            {
                "subnet_pk": subnet_pk,
                "ip": (first + number).to_bytes(4, "big"),
                "owner_pk": owner,
                "free_at": None if owner else 0,
            }
            for number, owner in enumerate(owners)
        ]
        tx.execute(insert(tables.ip_address), addresses)
        for table in (tables.ip_cursor, tables.ip_candidates) if free else ():
            tx.execute(delete(table).where(table.c.subnet_pk == subnet_pk))
        return [row["id"] for row in made]

    made = database.write(work)
    words = "ANALYZE" if database.url.get_backend_name() == "postgresql" else "ANALYZE TABLE port"
    database.write(lambda tx: tx.execute(text(words)))  # what the server does by itself, later
    return made


def numbers(tx: Transaction, network_id: str, subnet_id: str) -> tuple[int, int, str]:
    """The keys of the network and its subnet, and the subnet's CIDR."""
    subnet, network = tables.subnet, tables.network
    row = tx.execute(
        select(network.c.pk, subnet.c.pk.label("subnet_pk"), subnet.c.cidr)
        .join_from(subnet, network, network.c.pk == subnet.c.network_pk)
        .where(network.c.id == network_id, subnet.c.id == subnet_id)
    ).one()
    return row.pk, row.subnet_pk, row.cidr


def port_row(network_pk: int, number: int) -> dict[str, Any]:
    """A port; its MAC address has the number."""
    return rows.with_standard_columns(
        {
            "network_pk": network_pk,
            "project_id": "bench",
            "name": f"port-{number}",
            "mac_address": (b"\xfa\x16\x3e" + number.to_bytes(3, "big")).hex(":"),
            "admin_state_up": True,
            "status": model.ACTIVE,
            "device_id": model.new_id(),
            "device_owner": "compute:nova",
            "binding_host_id": f"node-{number % 100}",
            "binding_vnic_type": "normal",
            "binding_profile": {},
            "binding_vif_type": model.VIF_TAP,
            "extra_dhcp_opts": [],
            "allowed_address_pairs": [],
            "port_security_enabled": False,
        }
    )
