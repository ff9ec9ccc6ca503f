"""Finds how many hosts one API serves: simulated agents, in growing numbers, against PostgreSQL.

The agents speak the real protocol and have no kernel. Two granian workers, the worker, PostgreSQL,
whose commits wait for the disk, and the agents share this machine, so what counts is the CPU that
the service uses for each number of hosts, and the number at which that is as much as its cores
have. All hosts' ports and networks are there from the beginning.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from sqlalchemy import insert, text

from ipam import model
from ipam.store import subnet_counters, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Database, Transaction
from scripts.bench_parts import api_place, progress
from scripts.bench_parts.api_load import cpu_seconds
from scripts.bench_parts.processes import IPAM
from tests.servers.postgresql_server import PostgresqlServer

HOSTS: Final = 1000
PORTS: Final = 100
"""Of each network, and of each host: a network has ports on `SPREAD` hosts."""
SPREAD: Final = 10
SIZES: Final = (50, 100, 250, 500, 1000)
QUICK: Final = (25, 50)
POLL_SECONDS: Final = 2.0
REPORT_SECONDS: Final = 30.0
BOOTS_PER_HOST: Final = 0.001
"""A second: each host starts and ends a machine in 17 minutes, a thousand hosts one a second."""
SETTLE_SECONDS: Final = 20
MEASURED_SECONDS: Final = 30
CORES: Final = 2
KEPT: Final = 0.9
"""Of the polls, so that a number of hosts was kept."""


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in by number of hosts: requests, their times, and cores used by each process."""
    sizes = QUICK if quick else SIZES
    server = PostgresqlServer(durable=True)
    server.launch()
    try:
        with api_place.served(server.fresh_url()) as api, _worker(api) as worker:
            networks = fill(api.database, sizes[-1])
            pids = {"api": api.pid, "database": server.pid, "worker": worker}
            figures["by_hosts"] = found = {}
            for size in sizes:
                found[str(size)] = _of_size(api.port, pids, networks, size)
                progress.say(f"{size} hosts: {found[str(size)]}")
                figures["hosts_on_two_cores"] = _reach(found)
    finally:
        server.remove()


@contextmanager
def _worker(api: api_place.Served) -> Iterator[int]:
    command = [IPAM, "worker", "--config-file", str(api.config)]
    running = subprocess.Popen(command, stdout=sys.stderr)
    try:
        yield running.pid
    finally:
        running.terminate()
        running.wait(60)


def _of_size(port: int, pids: dict[str, int], networks: list[str], size: int) -> dict[str, Any]:
    order = {
        "port": port,
        "hosts": [_host(number) for number in range(size)],
        "networks": networks[:size],
        "poll_seconds": POLL_SECONDS,
        "report_seconds": REPORT_SECONDS,
        "boots_per_second": BOOTS_PER_HOST * size,
        "settle_seconds": SETTLE_SECONDS,
        "seconds": MEASURED_SECONDS,
    }
    command = [sys.executable, "-m", "scripts.bench_parts.scale_agents"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agents:
        assert agents.stdin is not None
        assert agents.stdout is not None
        agents.stdin.write(json.dumps(order).encode())
        agents.stdin.close()
        agents.stdout.readline()
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        line = agents.stdout.readline()
        used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    if not line:
        raise RuntimeError(f"the agents ended with {agents.returncode}")
    cores = {name: round(seconds / MEASURED_SECONDS, 3) for name, seconds in used.items()}
    told = json.loads(line)
    polls = told["requests"]["poll"]["per_second"]
    return {
        "cores": cores,
        "cores_together": round(sum(cores.values()), 3),
        "cpu_ms_a_poll_with_all_else": round(sum(cores.values()) / polls * 1000, 1),
        "of_the_polls": round(polls / (size / POLL_SECONDS), 2),
        **told,
    }


def _reach(found: dict[str, Any]) -> int:
    """With how many hosts the cores are used up, by the cost of a host of the most that were kept.

    A number of hosts was kept if its agents polled nearly as often as they wanted to.
    """
    kept = {int(size): one for size, one in found.items() if one["of_the_polls"] >= KEPT}
    size, one = max(kept.items(), default=(0, None))
    return round(CORES * size / one["cores_together"]) if one else 0


def fill(database: Database, hosts: int) -> list[str]:
    """As many networks as hosts, with ports of which each host has some; the networks' ids."""
    made = [database.write(partial(_network, number=n, hosts=hosts)) for n in range(hosts)]
    database.write(lambda tx: tx.execute(text("ANALYZE")))
    progress.say(f"{hosts} networks with {hosts * PORTS} ports are there")
    return made


def _network(tx: Transaction, number: int, hosts: int) -> str:
    network = _row(
        admin_state_up=True,
        shared=False,
        mtu=1500,
        port_security_enabled=False,
        router_external=False,
        is_default=False,
        provider_network_type="local",
    )
    network_pk = rows.insert_one(tx, tables.network, network)
    first = 0x0A000000 + (number << 8)
    subnet = _row(
        network_pk=network_pk,
        ip_version=4,
        cidr=f"{model.unpack(first.to_bytes(4))}/24",
        gateway_ip=(first + 1).to_bytes(4),
        enable_dhcp=True,
        dns_nameservers=[],
        host_routes=[],
        service_types=[],
    )
    subnet_pk = rows.insert_one(tx, tables.subnet, subnet)
    subnet_counters.open_(tx, subnet_pk)
    pool = {
        "subnet_pk": subnet_pk,
        "first": (first + 2).to_bytes(4),
        "last": (first + 254).to_bytes(4),
    }
    tx.execute(insert(tables.allocation_pool), pool)
    tx.execute(
        insert(tables.ip_cursor),
        {
            "subnet_pk": subnet_pk,
            "shard": 0,
            "next": (first + 150).to_bytes(4),
            "last": pool["last"],
        },
    )
    ports = [
        api_place.port_row(network_pk, n)
        | {"binding_host_id": _host((number + n % SPREAD) % hosts)}
        for n in range(PORTS)
    ]
    server = api_place.port_row(network_pk, PORTS) | {
        "binding_host_id": "",
        "device_owner": model.DHCP_PORT_OWNER,
        "device_id": model.dhcp_device_id(network["id"]),
    }
    pks = rows.insert_many(tx, tables.port, [*ports, server])
    owned = [
        {"subnet_pk": subnet_pk, "ip": (first + 2 + n).to_bytes(4), "owner_pk": pk}
        for n, pk in enumerate(pks)
    ]
    tx.execute(insert(tables.ip_address), owned)
    subnet_counters.count_anew(tx, subnet_pk)
    return str(network["id"])


def _row(**values: Any) -> dict[str, Any]:
    return rows.with_standard_columns({"project_id": "bench", "name": "", **values})


def _host(number: int) -> str:
    return f"host-{number}"
