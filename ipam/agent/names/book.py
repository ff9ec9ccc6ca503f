"""What ports are called, on disk: an agent that starts without the API has names to serve.

A network may have tens of thousands of names, so none of them is kept in memory. Each claim is in
one of `BUCKETS` buckets, found by its name, so that all claims of a name are in one bucket. What a
machine calls itself stands with the claim of its port, in whose line it is answered.
"""

import contextlib
import logging
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ipam import files
from ipam.protocol.dns_names import NamedPort
from ipam.rules.dns_answers import Claim, claims
from ipam.rules.dns_names import host_label

LOG = logging.getLogger(__name__)

BUCKETS: Final = 4096
"""A network's names are in so many files at most, see `parts`."""
CACHE_KIB: Final = 512
VERSION: Final = 2
_ADDED: Final = (
    "ALTER TABLE claim ADD COLUMN own_name TEXT DEFAULT ''",
    "ALTER TABLE claim ADD COLUMN own_bucket INTEGER",
    "CREATE INDEX claim_beside ON claim (network_id, own_bucket) WHERE own_bucket IS NOT NULL",
    f"PRAGMA user_version = {VERSION}",
)
_SCHEMA: Final = (
    """
    CREATE TABLE claim (
        network_id TEXT, bucket INTEGER, port_id TEXT, address TEXT, name TEXT,
        is_leased INTEGER, is_stale INTEGER DEFAULT 0,
        PRIMARY KEY (network_id, bucket, port_id, address)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX claim_of_port ON claim (network_id, port_id)",
    *_ADDED,
)
_UPGRADES: Final = {
    0: _SCHEMA,
    # Names of several labels were in other buckets. The API tells them again.
    1: (*_ADDED, "DELETE FROM claim WHERE name LIKE '%.%'"),
    VERSION: (),
}

_COLUMNS: Final = "bucket, address, name, is_leased, own_name"
Row = tuple[int, str, str, bool, str]
"""Bucket, address, name, whether it is leased, how the machine calls itself."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What changed of one network: which addresses each bucket lost or has now."""

    lost: dict[int, set[str]] = field(default_factory=dict)
    gained: dict[int, set[str]] = field(default_factory=dict)

    @property
    def growth(self) -> int:
        """How many addresses more it has, at most."""
        return sum(map(len, self.gained.values())) - sum(map(len, self.lost.values()))

    def lose(self, rows: Iterable[Row]) -> None:
        for bucket, address, *_rest in rows:
            self.lost.setdefault(bucket, set()).add(address)

    def gain(self, rows: Iterable[Row]) -> None:
        for bucket, address, *_rest in rows:
            self.gained.setdefault(bucket, set()).add(address)


def bucket_of(name: str) -> int:
    """The bucket of a claimed name: with and without the domain it is the same."""
    return zlib.crc32(host_label(name).encode()) % BUCKETS


def claims_of(port: NamedPort) -> list[Claim]:
    """What the port claims."""
    return claims(port.dns_name, port.addresses, is_leased=port.is_leased, own_name=port.own_name)


class NameBook:
    """The claims of all networks. Not thread-safe. Raises sqlite3.Error if the disk refuses.

    SQLite has no statistics of this table, and would read a whole network for one port: so what
    asks for a port names the index.
    """

    def __init__(self, path: Path | None) -> None:
        """Without a path the book is in memory."""
        self._connection = self._connected("") if path is None else self._opened(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def change(self, ports: Iterable[NamedPort]) -> dict[str, Moves]:
        """Have these claims of ports for their earlier ones. Gives by network what changed."""
        moves: dict[str, Moves] = {}
        with self._connection:
            for port in ports:
                of_network = moves.setdefault(port.network_id, Moves())
                self._change(port, of_network)
        return moves

    def begin_all(self, network_ids: Sequence[str]) -> None:
        """What follows names every port of these networks."""
        with self._connection:
            self._connection.executemany(
                "UPDATE claim SET is_stale = 1 WHERE network_id = ?",
                [(one,) for one in network_ids],
            )

    def end_all(self, network_ids: Sequence[str]) -> dict[str, Moves]:
        """Remove what was not named since `begin_all`."""
        moves: dict[str, Moves] = {}
        with self._connection:
            for network_id in network_ids:
                stale = self._connection.execute(
                    f"DELETE FROM claim WHERE network_id = ? AND is_stale RETURNING {_COLUMNS}",  # noqa: S608  # ours
                    (network_id,),
                ).fetchall()
                moves.setdefault(network_id, Moves()).lose(stale)
        return moves

    def forget(self, network_id: str) -> None:
        """Remove a network's claims."""
        with self._connection:
            self._connection.execute("DELETE FROM claim WHERE network_id = ?", (network_id,))

    def claims(self, network_id: str, first: int, last: int) -> list[Claim]:
        """The claims of these buckets."""
        found = self._connection.execute(
            f"SELECT {_COLUMNS} FROM claim"  # noqa: S608  # ours
            " WHERE network_id = ? AND bucket BETWEEN ? AND ?",
            (network_id, first, last),
        )
        return [
            Claim(name, address, bool(is_leased), own_name)
            for _bucket, address, name, is_leased, own_name in found
        ]

    def beside(self, network_id: str, buckets: Iterable[int]) -> set[int]:
        """The buckets with a claim whose machine calls itself by a name of these buckets."""
        found: set[int] = set()
        for bucket in buckets:
            rows = self._connection.execute(
                "SELECT bucket FROM claim INDEXED BY claim_beside"
                " WHERE network_id = ? AND own_bucket = ?",
                (network_id, bucket),
            )
            found.update(each for (each,) in rows)
        return found

    def buckets(self, network_id: str) -> Mapping[int, int]:
        """The buckets with claims, and how many each has."""
        found = self._connection.execute(
            "SELECT bucket, count(*) FROM claim WHERE network_id = ? GROUP BY bucket",
            (network_id,),
        )
        return dict(found)

    def _change(self, port: NamedPort, moves: Moves) -> None:
        of_port = (port.network_id, port.port_id)
        before = set(
            self._connection.execute(
                f"SELECT {_COLUMNS} FROM claim INDEXED BY claim_of_port"  # noqa: S608  # ours
                " WHERE network_id = ? AND port_id = ?",
                of_port,
            )
        )
        now = {
            (bucket_of(one.name), one.address, one.name, one.is_leased, one.own_name)
            for one in claims_of(port)
        }
        if before == now:
            self._connection.execute(
                "UPDATE claim INDEXED BY claim_of_port SET is_stale = 0"
                " WHERE network_id = ? AND port_id = ?",
                of_port,
            )
            return
        self._connection.execute("DELETE FROM claim WHERE network_id = ? AND port_id = ?", of_port)
        self._connection.executemany(
            f"INSERT INTO claim (network_id, port_id, own_bucket, {_COLUMNS})"  # noqa: S608  # ours
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*of_port, bucket_of(row[-1]) if row[-1] else None, *row) for row in now],
        )
        moves.lose(before - now)
        moves.gain(now - before)

    def _opened(self, path: Path) -> sqlite3.Connection:
        """The file; a new one if it is damaged, of another version or refused by the disk."""
        try:
            return self._connected(str(path))
        except (sqlite3.DatabaseError, OSError) as error:
            LOG.warning("the names on disk cannot be used and are asked for anew: %s", error)
        try:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            return self._connected(str(path))
        except (sqlite3.DatabaseError, OSError) as error:
            LOG.error("names are kept in memory: %s: %s", path, error)  # noqa: TRY400
            return self._connected("")

    def _connected(self, path: str) -> sqlite3.Connection:
        if path:
            files.make(Path(path))
        connection = sqlite3.connect(path, check_same_thread=False)
        with contextlib.ExitStack() as opened:
            opened.callback(connection.close)
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in _UPGRADES:
                raise sqlite3.DatabaseError(f"version {version} and not {VERSION}")
            with connection:
                for statement in _UPGRADES[version]:
                    connection.execute(statement)
            opened.pop_all()
        return connection
