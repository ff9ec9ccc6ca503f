"""The same machines with Kea, whose leases are in PostgreSQL, too.

One kea-dhcp4 with as many threads as cores answers on a cable to each of the groups; each has
its subnet with a pool, which costs Kea less than reservations. Kea acknowledges a lease after its
INSERT, so nothing lags behind the last ACK.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from scripts.bench_parts import progress
from scripts.bench_parts.api_load import cpu_seconds
from scripts.bench_parts.hook import load
from scripts.bench_parts.processes import wait
from tests.servers import debian_packages
from tests.servers.postgresql_server import PostgresqlServer

PACKAGES: Final = (
    "kea-admin",
    "kea-common",
    "kea-dhcp4-server",
    "liblog4cplus-2.0.5",
    "libmariadb3",
)
SCHEMA: Final = "usr/share/kea/scripts/pgsql/dhcpdb_create.pgsql"
THREADS: Final = 2
SPACE: Final = "bench-kea-machines"


def storm(server: PostgresqlServer, machines: int, a_network: int, window: int) -> dict[str, Any]:
    """The rates; empty without the packages."""
    folder = debian_packages.unpacked("kea", PACKAGES)
    if folder is None:
        progress.say("no Kea: apt-get download finds no kea-dhcp4-server")
        return {}
    url = make_url(server.fresh_url())
    with ExitStack() as stack:
        database = psycopg.connect(
            host=url.host, port=url.port, user=url.username, dbname=url.database, autocommit=True
        )
        stack.enter_context(database)
        database.execute((folder / SCHEMA).read_bytes())
        orders = stack.enter_context(_cables(machines, a_network))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ipam-kea-")))
        config = directory / "kea.conf"
        config.write_text(json.dumps(_config(url, len(orders), directory)))
        program = debian_packages.wrapper(folder, "usr/sbin/kea-dhcp4")
        kea = stack.enter_context(_running(program, config, directory))
        log = directory / "log"
        wait(lambda: log.exists() and "DHCP4_STARTED" in log.read_text(), 60, 0.1)
        pids = {"kea": kea.pid, "database": server.pid}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        found = load(SPACE, {"machines": orders, "window": window})
        spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        count = found["acknowledged"]
        (recorded,) = database.execute("SELECT count(*) FROM lease4").fetchone() or (0,)
        return {
            "machines": sum(map(len, orders.values())),
            "acknowledged": count,
            "lost": count - recorded,
            "recorded_per_second": round(count / (found["last"] - found["began"]), 1),
            "asked_again": found["repeated"],
            "load_cpu_us": round(found["cpu"] / count * 1e6),
            "cpu_us": {name: round(used / count * 1e6) for name, used in spent.items()},
        }


def _config(url: Any, networks: int, directory: Path) -> dict[str, Any]:
    return {
        "Dhcp4": {
            "interfaces-config": {
                "interfaces": [f"kea{n}" for n in range(networks)],
                "dhcp-socket-type": "raw",
            },
            "multi-threading": {"enable-multi-threading": True, "thread-pool-size": THREADS},
            "lease-database": {
                "type": "postgresql",
                "host": url.host,
                "port": url.port,
                "name": url.database,
                "user": url.username,
                "password": "",
            },
            "valid-lifetime": 86400,
            "subnet4": [
                {
                    "subnet": f"10.60.{n}.0/24",
                    "interface": f"kea{n}",
                    "pools": [{"pool": f"10.60.{n}.10 - 10.60.{n}.250"}],
                    "option-data": [{"name": "routers", "data": f"10.60.{n}.1"}],
                }
                for n in range(networks)
            ],
            "loggers": [
                {
                    "name": "kea-dhcp4",
                    "severity": "INFO",
                    "output_options": [{"output": str(directory / "log")}],
                },
                {"name": "kea-dhcp4.leases", "severity": "WARN"},
            ],
        }
    }


@contextmanager
def _running(program: Path, config: Path, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "KEA_PIDFILE_DIR": str(directory),
        "KEA_LOCKFILE_DIR": str(directory),
    }
    started = subprocess.Popen(
        [program, "-c", str(config)], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(60)


@contextmanager
def _cables(machines: int, a_network: int) -> Iterator[dict[str, Sequence[str]]]:
    """A cable for each group; gives the MAC addresses by interface of the machines' namespace."""
    subprocess.run(["ip", "netns", "add", SPACE], check=True)
    try:
        groups = max(1, machines // a_network)
        for n in range(groups):
            inner = ["name", f"eth{n}", "netns", SPACE]
            link = ["ip", "link", "add", f"kea{n}", "type", "veth", "peer", *inner]
            subprocess.run(link, check=True)
            address = ["ip", "address", "add", f"10.60.{n}.1/24", "dev", f"kea{n}"]
            subprocess.run(address, check=True)
            subprocess.run(["ip", "link", "set", f"kea{n}", "up"], check=True)
            subprocess.run(["ip", "-n", SPACE, "link", "set", f"eth{n}", "up"], check=True)
        yield {f"eth{n}": _macs(n, a_network) for n in range(groups)}
    finally:
        subprocess.run(["ip", "netns", "del", SPACE], check=False)


def _macs(group: int, count: int) -> list[str]:
    return [(b"\xfa\x16\x3f\x00" + bytes((group, n))).hex(":") for n in range(count)]
