"""Lets processes take and release addresses of few subnets, kills some, and asks who owns what.

What was acknowledged is in files of the workers. Files, tables, and what can still be allocated at
the end of each round are compared by `tests.allocator.acknowledgements`.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ipam.store import schema
from ipam.store.engine.database import Database
from tests.allocator.crowd import Crowd
from tests.servers.galera_cluster import GaleraCluster
from tests.servers.mariadb_server import MariadbServer
from tests.servers.postgresql_server import PostgresqlServer

DATABASES: Final = ("sqlite", "postgresql", "mariadb", "galera")
WORKERS: Final = 16
KILLS: Final = 6
ROUND_SECONDS: Final = 15
POOLS: Final = (
    ("10.1.0.2-10.1.0.30", "10.2.0.1-10.2.3.254"),
    ("10.1.0.1-10.1.0.6", "10.2.0.1-10.2.15.254"),
    ("10.1.0.2-10.1.0.250", "2001:db8::2-2001:db8::7ff"),
)
WORDS: Final = ("own", "name", "made", "key", "given", "undone", "refused", "unknown")


@dataclass
class Served:
    """One database that the workers share."""

    urls: list[str]
    cluster: GaleraCluster | None = None


@dataclass
class Found:
    """What the rounds with one database have shown."""

    rounds: int = 0
    killed_workers: int = 0
    killed_nodes: int = 0
    words: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def row(self) -> dict[str, int]:
        said = {word: self.words[word] for word in WORDS}
        killed = {"killed workers": self.killed_workers, "killed nodes": self.killed_nodes}
        return {"rounds": self.rounds, **killed, **said, "faults": len(self.faults)}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """A row for each database, and every fault."""
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", file=sys.stderr)
    names = [arguments.database] if arguments.database else DATABASES
    result: dict[str, Any] = {"seed": seed}
    faults: list[str] = []
    for name in names:
        with _served(name) as served:
            found = _rounds(name, served, seed, arguments.minutes * 60 / len(names))
        result[name] = found.row()
        faults += found.faults
    return result | {"faults": faults}


def _rounds(name: str, served: Served, seed: int, seconds: float) -> Found:
    found = Found()
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        chance = random.Random(f"{seed} {name} {found.rounds}")
        with tempfile.TemporaryDirectory(prefix="ipam-stress-") as directory:
            faults = _whole_round(served, Path(directory), chance, found)
        found.faults += [f"{name}, round {found.rounds}: {fault}" for fault in faults]
        found.rounds += 1
        said = ", ".join(f"{number} {word}" for word, number in found.row().items())
        left = max(0, round(ends_at - time.monotonic()))
        print(f"{name}: {said}; {left} s left", *faults, sep="\n  ", file=sys.stderr, flush=True)
    return found


def _whole_round(
    served: Served, directory: Path, chance: random.Random, found: Found
) -> list[str]:
    """What was wrong in one round. A worker or a server that ends by itself is a fault, too."""
    try:
        return _round(served, directory, chance, found)
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        return [f"it could not be ended: {error}"]


def _round(served: Served, directory: Path, chance: random.Random, found: Found) -> list[str]:
    """What was wrong in one round."""
    pools = chance.choice(POOLS)
    with closing(Crowd(served.urls, directory, ports=WORKERS + KILLS, pools=pools)) as crowd:
        workers = [crowd.add(chance.randrange(2**31)) for _ in range(WORKERS)]
        crowd.wait_until_all_own()
        for number in range(KILLS):
            time.sleep(chance.uniform(0, 2 * ROUND_SECONDS / KILLS))
            crowd.kill(workers.pop(chance.randrange(len(workers))))
            workers.append(crowd.add(chance.randrange(2**31)))
            if served.cluster and number == KILLS // 2:
                _kill_node(served.cluster, chance)
                found.killed_nodes += 1
        crowd.stop()
        if served.cluster:
            served.cluster.settle()
        for record in crowd.records():
            found.words.update(record.counts)
        found.killed_workers += KILLS
        faults = crowd.faults()
        unfilled = crowd.unfilled()
    return [*faults, f"{unfilled} addresses cannot be allocated"] if unfilled else faults


def _kill_node(cluster: GaleraCluster, chance: random.Random) -> None:
    node = chance.randrange(len(cluster.nodes))
    cluster.kill(node)
    time.sleep(chance.uniform(0, 5))
    cluster.bring_back(node)


@contextmanager
def _served(name: str) -> Iterator[Served]:
    """A database with the schema."""
    with tempfile.TemporaryDirectory(prefix="ipam-stress-") as directory:
        if name == "sqlite":
            url = f"sqlite:///{directory}/ipam.sqlite"
            _make_schema(url)
            yield Served([url])
            return
        kinds = {"postgresql": PostgresqlServer, "mariadb": MariadbServer, "galera": GaleraCluster}
        server = kinds[name]()
        if reason := server.missing():
            raise SystemExit(reason)
        server.launch()
        try:
            url = server.fresh_url()
            _make_schema(url)
            cluster = server if isinstance(server, GaleraCluster) else None
            yield Served(cluster.urls(url) if cluster else [url], cluster)
        finally:
            server.remove()


def _make_schema(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
