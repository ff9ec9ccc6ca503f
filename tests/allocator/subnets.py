"""Rows that the allocator needs: a subnet with pools, and ports to own addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select

from ipam.allocator.allocator import Allocator
from ipam.allocator.ranges import AddressRange
from ipam.allocator.selection import Machine
from ipam.errors import IpAddressGenerationFailure
from ipam.model import AddressSelection, new_id, pack, unpack
from ipam.store import tables
from ipam.store.engine.database import Database, Transaction


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    seconds: int = 1_000_000

    def __call__(self) -> int:
        return self.seconds


@dataclass
class Ground:
    """A subnet and ports, and the allocator's methods in transactions of their own."""

    database: Database
    subnet: int
    ports: list[int]
    clock: Clock = field(default_factory=Clock)
    cooldown_seconds: int = 60

    def __post_init__(self) -> None:
        self.allocator = self.another_process()

    def another_process(self) -> Allocator:
        """An allocator that shares nothing with others but the database and the clock."""
        return Allocator(
            self.database,
            cooldown_seconds=self.cooldown_seconds,
            worker="test",
            now=self.clock,
        )

    def allocate(self, port: int = 0, by: Allocator | None = None) -> str:
        work = by or self.allocator
        return unpack(
            self.database.write(lambda tx: work.allocate(tx, self.subnet, self.ports[port]))
        )

    def allocate_by(self, selection: AddressSelection, machine: Machine, port: int = 0) -> str:
        owner = self.ports[port]
        return unpack(
            self.database.write(
                lambda tx: self.allocator.allocate_by(tx, self.subnet, owner, selection, machine)
            )
        )

    def hold(self, address: str, port: int = 0) -> bool:
        return self.database.write(
            lambda tx: self.allocator.release(
                tx, self.subnet, pack(address), self.ports[port], held=True
            )
        )

    def allocate_cooling(self, port: int = 0, by: Allocator | None = None) -> str:
        work = by or self.allocator
        return unpack(
            self.database.write(
                lambda tx: work.allocate_cooling(tx, self.subnet, self.ports[port])
            )
        )

    def allocate_many(self, count: int, by: Allocator | None = None) -> list[str]:
        work, owners = by or self.allocator, [self.ports[0]] * count
        given = self.database.write(lambda tx: work.allocate_many(tx, self.subnet, owners))
        return [unpack(ip) for ip in given]

    def lowest(self, port: int = 0) -> str:
        return unpack(
            self.database.write(
                lambda tx: self.allocator.allocate_lowest(tx, self.subnet, self.ports[port])
            )
        )

    def claim(self, address: str, port: int = 0, by: Allocator | None = None) -> None:
        work = by or self.allocator
        self.database.write(
            lambda tx: work.claim(tx, self.subnet, pack(address), self.ports[port])
        )

    def release(self, address: str, port: int = 0) -> bool:
        return self.database.write(
            lambda tx: self.allocator.release(tx, self.subnet, pack(address), self.ports[port])
        )

    def change_pools(self, *pools: str, by: Allocator | None = None) -> None:
        work, ranges = by or self.allocator, parse(pools)

        def change(tx: Transaction) -> None:
            write_pools(tx, self.subnet, ranges)
            work.change_pools(tx, self.subnet, ranges)

        self.database.write(change)

    def fill(self, by: Allocator | None = None) -> list[str]:
        """Allocate until there is no more."""
        got: list[str] = []
        try:
            while True:
                got.append(self.allocate(by=by))
        except IpAddressGenerationFailure:
            return got

    def owned(self) -> list[str]:
        """Every address that has an owner, lowest first."""
        table = tables.ip_address.c
        query = select(table.ip).where(table.subnet_pk == self.subnet, table.owner_pk.isnot(None))
        rows = self.database.read(lambda tx: tx.execute(query.order_by(table.ip)).all())
        return [unpack(bytes(row[0])) for row in rows]

    def count(self, table: Any) -> int:
        """How many rows a table has."""
        return len(self.database.read(lambda tx: tx.execute(select(table)).all()))


def parse(pools: Sequence[str]) -> list[AddressRange]:
    """Pools from "first-last" each."""
    return [
        (pack(first), pack(last)) for first, _, last in (pool.partition("-") for pool in pools)
    ]


def make_ground(database: Database, pools: Sequence[str], ports: int = 1) -> Ground:
    """A new subnet with these pools and so many ports."""
    ranges = parse(pools)
    subnet, owners = database.write(lambda tx: _insert(tx, ranges, ports))
    made = Ground(database, subnet, owners)
    database.write(lambda tx: made.allocator.open_pools(tx, subnet, ranges))
    return made


def write_pools(tx: Transaction, subnet: int, ranges: Sequence[AddressRange]) -> None:
    """What the API does with the pools themselves."""
    pool = tables.allocation_pool
    tx.execute(pool.delete().where(pool.c.subnet_pk == subnet))
    rows = [{"subnet_pk": subnet, "first": first, "last": last} for first, last in ranges]
    if rows:
        tx.execute(insert(pool), rows)


def _insert(tx: Transaction, ranges: Sequence[AddressRange], ports: int) -> tuple[int, list[int]]:
    network = _row(tx, tables.network, admin_state_up=True, shared=False, mtu=1500)
    is_ipv6 = any(":" in unpack(first) for first, _last in ranges)
    version, cidr = (6, "::/0") if is_ipv6 else (4, "0.0.0.0/0")
    subnet = _row(
        tx, tables.subnet, network_pk=network, ip_version=version, cidr=cidr, enable_dhcp=True
    )
    write_pools(tx, subnet, ranges)
    owners = [
        _row(tx, tables.port, network_pk=network, mac_address=f"{number:017x}", status="DOWN")
        for number in range(ports)
    ]
    return subnet, owners


def _row(tx: Transaction, table: Any, **values: object) -> int:
    """Insert a row; columns that are not given and must not be NULL get an empty value."""
    values["id"] = new_id()
    empty: dict[type, object] = {str: "", int: 0, bool: False}
    for column in table.columns:
        if not (column.nullable or column.primary_key or column.name in values):
            values[column.name] = empty.get(column.type.python_type, [])
    key = tx.execute(insert(table), values).inserted_primary_key
    return int(key[0]) if key else 0
