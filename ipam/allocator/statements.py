"""Statements on addresses that differ between databases, or that several files here need."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CursorResult,
    Insert,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from ipam.allocator.ranges import AddressRange
from ipam.chunks import alternatives
from ipam.errors import ServiceRecovering, SubnetNotFound
from ipam.store import recovery
from ipam.store.engine import bulk, frequent
from ipam.store.engine.database import Transaction
from ipam.store.engine.retry import is_duplicate_key, is_foreign_key_violation, violated_constraint
from ipam.store.tables import (
    Address,
    Pk,
    allocation_pool,
    dynamic_range,
    ip_address,
    ip_candidates,
    subnet,
)

_A = ip_address.c

_CANDIDATE = select(
    ip_candidates.c.subnet_pk,
    bindparam("given", type_=Address),
    bindparam("to_owner", type_=Pk),
).where(
    ip_candidates.c.subnet_pk == bindparam("of_subnet", type_=Pk),
    ip_candidates.c.id == bindparam("from_list", type_=BigInteger()),
)
"""One row while the candidate's list exists, none after another process has seized it."""

# On PostgreSQL and SQLite a duplicate must not be an error, which would end the transaction.
# MariaDB's IGNORE would hide a missing port or subnet, too. An error there undoes only the
# statement, so the duplicate is caught instead.
_NEW: dict[str, Insert] = {
    "sqlite": sqlite.insert(ip_address).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(ip_address).on_conflict_do_nothing(),
    "mysql": insert(ip_address),
}
_MANY: dict[str, Insert] = _NEW | {"mysql": insert(ip_address).prefix_with("IGNORE")}
_COUNTED = {"preserve_rowcount": True}  # else SQLAlchemy forgets the count of inserted rows
_GIVEN = {name: new.execution_options(**_COUNTED) for name, new in _NEW.items()}
_FROM_CANDIDATE = {
    name: new.from_select(["subnet_pk", "ip", "owner_pk"], _CANDIDATE)
    for name, new in _NEW.items()
}


def insert_candidate(
    tx: Transaction, list_id: int, subnet_pk: int, ip: bytes, owner_pk: int
) -> bool:
    """Whether the owner now has the address: nobody had it, and its list still exists."""
    values = {"of_subnet": subnet_pk, "given": ip, "to_owner": owner_pk, "from_list": list_id}
    return _inserted(tx, lambda: frequent.run(tx, _FROM_CANDIDATE[tx.dialect], values))


def insert_given(tx: Transaction, subnet_pk: int, ip: bytes, owner_pk: int) -> bool:
    """Whether the owner now has the address. False if it has a row, even a free one."""
    values = {"subnet_pk": subnet_pk, "ip": ip, "owner_pk": owner_pk}
    return _inserted(tx, lambda: tx.execute(_GIVEN[tx.dialect], values))


def insert_many(tx: Transaction, subnet_pk: int, owners: Mapping[bytes, int]) -> set[bytes]:
    """The addresses that their owners now have."""
    ips = sorted(owners)  # so that two batches wait for each other in one order
    try:
        if tx.dialect == "postgresql":
            rows = [{"subnet_pk": subnet_pk, "ip": ip, "owner_pk": owners[ip]} for ip in ips]
            result = tx.execute(_NEW["postgresql"].returning(_A.ip), rows)
            inserted = {bytes(row[0]) for row in result}
        else:
            values = [(ip, subnet_pk, owners[ip]) for ip in ips]
            columns = ("ip", "subnet_pk", "owner_pk")
            inserted = set(bulk.insert_new(tx, ip_address, columns, values))
    except IntegrityError as error:
        raise _explained(error) from error
    if tx.dialect == "mysql":
        for ip in sorted(owners.keys() - inserted):  # taken, or an error that IGNORE hid
            if insert_given(tx, subnet_pk, ip, owners[ip]):
                inserted.add(ip)
    return inserted


def take_over(tx: Transaction, subnet_pk: int, ip: bytes, owner_pk: int, now: int | None) -> bool:
    """Whether the owner now has a released address whose cooldown ended by `now` (None: any).

    A candidate may be such an address and must then be taken: on MariaDB the refused insert holds
    a lock on its row, so no refill of this process would ever get it.
    """
    released = [_A.subnet_pk == subnet_pk, _A.ip == ip, _A.owner_pk.is_(None)]
    cooled = [] if now is None else [_A.free_at <= now]
    statement = (
        update(ip_address).where(*released, *cooled).values(owner_pk=owner_pk, free_at=None)
    )
    return tx.execute(statement).rowcount == 1


def insert_free(
    tx: Transaction, subnet_pk: int, ips: Collection[bytes], *, free_at: int = 0
) -> None:
    """Insert rows that say `free` for addresses without a row."""
    statement = _MANY[tx.dialect]
    rows = [
        {"subnet_pk": subnet_pk, "ip": ip, "owner_pk": None, "free_at": free_at}
        for ip in sorted(ips)
    ]
    if rows:
        tx.execute(statement, rows)


def release(tx: Transaction, subnet_pk: int, ip: bytes, owner_pk: int, free_at: int) -> bool:
    """Whether the owner had the address. It may be given again from `free_at` on."""
    which = {"of_subnet": subnet_pk, "given": ip, "of_owner": owner_pk}
    return tx.execute(_RELEASE, {**which, "free_at": free_at}).rowcount == 1


_RELEASE: Final = (
    update(ip_address)
    .where(
        _A.subnet_pk == bindparam("of_subnet"),
        _A.ip == bindparam("given"),
        _A.owner_pk == bindparam("of_owner"),
    )
    .values(owner_pk=None)
)
"""Sets `free_at`, which is a parameter, too."""


def list_stands(tx: Transaction, subnet_pk: int, list_id: int) -> bool:
    """Whether a candidate list still has its row."""
    query = select(literal(1)).where(
        ip_candidates.c.subnet_pk == subnet_pk, ip_candidates.c.id == list_id
    )
    return tx.execute(query).first() is not None


def delete_rows(tx: Transaction, subnet_pk: int, ips: Collection[bytes]) -> None:
    """Delete the rows of addresses."""
    for some in alternatives(sorted(ips)):
        tx.execute(delete(ip_address).where(_A.subnet_pk == subnet_pk, _A.ip.in_(some)))


def without_row(tx: Transaction, subnet_pk: int, ips: Sequence[bytes]) -> list[bytes]:
    """The addresses that nobody owns and that are not cooling, as far as this transaction sees."""
    used: set[bytes] = set()
    for some in alternatives(ips):
        query = select(_A.ip).where(_A.subnet_pk == subnet_pk, _A.ip.in_(some))
        used.update(bytes(row[0]) for row in tx.execute(_by_key(query)))
    return [ip for ip in ips if ip not in used]


def rows_within(
    tx: Transaction, subnet_pk: int, window: AddressRange
) -> dict[bytes, tuple[int | None, int | None]]:
    """Owner and end of cooldown of each address in the window that has a row."""
    query = select(_A.ip, _A.owner_pk, _A.free_at).where(
        _A.subnet_pk == subnet_pk, _A.ip.between(*window)
    )
    return {bytes(row[0]): (row[1], row[2]) for row in tx.execute(query)}


def rows_of(
    tx: Transaction, subnet_pk: int, ips: Sequence[bytes]
) -> dict[bytes, tuple[int | None, int | None]]:
    """Owner and end of cooldown of each of these addresses that has a row."""
    found: dict[bytes, tuple[int | None, int | None]] = {}
    for some in alternatives(ips):
        query = select(_A.ip, _A.owner_pk, _A.free_at).where(
            _A.subnet_pk == subnet_pk, _A.ip.in_(some)
        )
        found |= {bytes(row[0]): (row[1], row[2]) for row in tx.execute(_by_key(query))}
    return found


def _by_key(query: Select[Any]) -> Select[Any]:
    """The query of some addresses of one subnet, for which MariaDB would else read all of it."""
    hint = "FORCE INDEX (PRIMARY)"
    return query.with_hint(ip_address, hint, "mysql").with_hint(ip_address, hint, "mariadb")


def pools_of(tx: Transaction, subnet_pk: int) -> list[AddressRange]:
    """The allocation pools of a subnet, lowest first."""
    return [(bytes(row[0]), bytes(row[1])) for row in tx.execute(_pools(subnet_pk))]


def open_pools_of(tx: Transaction, subnet_pk: int) -> list[AddressRange]:
    """The allocation pools of a subnet, lowest first, to give an address of them.

    Raises ServiceRecovering if nobody may have an address now.
    """
    query = _pools(subnet_pk).add_columns(_IS_RECOVERING)
    found = tx.execute(query).all()
    if any(row.is_recovering is not None for row in found):
        raise ServiceRecovering(recovery.MESSAGE)
    return [(bytes(row.first), bytes(row.last)) for row in found]


def _pools(subnet_pk: int) -> Select[Any]:
    pool = allocation_pool.c
    return select(pool.first, pool.last).where(pool.subnet_pk == subnet_pk).order_by(pool.first)


def is_dynamic(tx: Transaction, subnet_pk: int, ip: bytes) -> bool:
    """Whether a dynamic range of the subnet has the address.

    Raises ServiceRecovering if nobody may have an address now.
    """
    return surroundings(tx, subnet_pk, ip)[1]


def surroundings(tx: Transaction, subnet_pk: int, ip: bytes) -> tuple[str, bool]:
    """The subnet's prefix, and whether a dynamic range of it has the address.

    Raises ServiceRecovering if nobody may have an address now.
    """
    row = tx.execute(_SURROUNDINGS, {"of_subnet": subnet_pk, "given": ip}).one()
    if row.is_recovering is not None:
        raise ServiceRecovering(recovery.MESSAGE)
    return str(row.cidr), row.is_dynamic is not None


_IS_DYNAMIC: Final = select(literal(1)).where(
    dynamic_range.c.subnet_pk == bindparam("of_subnet"),
    dynamic_range.c.first <= bindparam("given", type_=Address),
    dynamic_range.c.last >= bindparam("given", type_=Address),
)
_IS_RECOVERING: Final = recovery.GOES_ON.scalar_subquery().label("is_recovering")
_SURROUNDINGS: Final = select(
    subnet.c.cidr,
    _IS_DYNAMIC.limit(1).scalar_subquery().label("is_dynamic"),
    _IS_RECOVERING,
).where(subnet.c.pk == bindparam("of_subnet"))


def lock_subnet(tx: Transaction, subnet_pk: int, *, alone: bool, nowait: bool = False) -> None:
    """Wait until no one changes the subnet's pools; with `alone`, until no one uses them either.

    Raises SubnetNotFound when it is gone.
    """
    query: Any = select(literal(1)).select_from(subnet).where(subnet.c.pk == subnet_pk)
    if alone:
        query = query.with_for_update()
    else:
        query = query.with_for_update(read=True, key_share=True, nowait=nowait)
    if tx.execute(query).first() is None:
        raise SubnetNotFound("The subnet was deleted meanwhile.")


def count_expired(tx: Transaction, subnet_pk: int, now: int) -> int:
    """How many released addresses have cooled down."""
    query = select(func.count()).where(
        _A.subnet_pk == subnet_pk, _A.owner_pk.is_(None), _A.free_at <= now
    )
    return int(tx.execute(query).scalar_one())


def _inserted(tx: Transaction, insert_one: Callable[[], CursorResult[Any]]) -> bool:
    try:
        return insert_one().rowcount == 1
    except IntegrityError as error:
        if tx.dialect == "mysql" and is_duplicate_key(error):
            return False
        raise _explained(error) from error


def _explained(error: IntegrityError) -> Exception:
    if is_foreign_key_violation(error) and violated_constraint(error) == "fk_ip_address_subnet_pk":
        return SubnetNotFound("The subnet was deleted meanwhile.")
    return error
