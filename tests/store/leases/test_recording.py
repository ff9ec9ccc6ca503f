"""A batch of lease events that is applied whole, against its events one by one."""

import uuid
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select

from ipam import model
from ipam.rules.leases import LeaseEvent
from ipam.store.engine.database import Database
from ipam.store.leases import recording
from ipam.store.tables import lease, lease_event

NOW_US = 1_700_000_000_000_000
MACS = ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02")
COMPARED = ("ip_address", "mac_address", "host", "hostname", "expires_at", "last_seen_at_us")
TOLD = ("action", "ip_address", "mac_address", "host", "hostname", "expires_at", "details")

events = st.lists(
    st.builds(
        LeaseEvent,
        id=st.just(""),
        network_id=st.just(""),
        host=st.sampled_from(["a", "b"]),
        action=st.sampled_from(["add", "old", "del", "missed"]),
        ip_address=st.sampled_from([model.pack(f"10.0.0.{n}") for n in range(3)]),
        occurred_at_us=st.integers(NOW_US - 3, NOW_US),
        mac_address=st.sampled_from([None, *MACS]),
        hostname=st.sampled_from([None, "ann", "tab\\t\\N', \N{SNOWMAN}"]),
        expires_at=st.none() | st.integers(2**31, 2**31 + 2),
        details=st.dictionaries(st.sampled_from(["tags", "a'\\b"]), st.text("\\'\"x", max_size=3)),
        epoch=st.sampled_from([None, "life"]),
    ),
    max_size=10,
)


def told(given: Sequence[LeaseEvent]) -> list[LeaseEvent]:
    """These events on a network that is theirs, with ids, by hosts that nobody else is."""
    network, mark = str(uuid.uuid4()), uuid.uuid4().hex
    return [
        replace(
            each,
            id=str(uuid.uuid4()),
            network_id=network,
            host=f"{each.host}-{mark}",
            sequence=number if each.epoch else None,
        )
        for number, each in enumerate(given)
    ]


def state(
    database: Database, sent: Sequence[LeaseEvent]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The leases and the history of the network that these events are about."""
    network = sent[0].network_id if sent else ""

    def rows(table: Any, names: Sequence[str]) -> list[dict[str, Any]]:
        query = select(*(table.c[name] for name in names)).where(table.c.network_id == network)
        order = table.c.ip_address if table is lease else table.c.pk
        found = database.read(lambda tx: tx.execute(query.order_by(order)).all())
        return [row._asdict() | {"host": row.host.partition("-")[0]} for row in found]

    return rows(lease, COMPARED), rows(lease_event, TOLD)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=events, repeated=st.integers(0, 20))
def test_a_batch_does_what_its_events_do_one_by_one(
    database: Database, given: list[LeaseEvent], repeated: int
) -> None:
    whole, single = told(given), told(given)
    assert recording.record(database, whole).applied == len(given)
    for each in single:
        recording.record(database, [each])
    assert state(database, whole) == state(database, single)
    again = recording.record(database, [*whole[:repeated], *whole])
    assert (again.applied, again.duplicates) == (0, len(whole) + min(repeated, len(whole)))
    assert state(database, whole) == state(database, single)


def test_a_known_id_is_applied_once_though_its_place_is_new(database: Database) -> None:
    (first, second) = told(
        [
            LeaseEvent("", "", "a", "add", model.pack(f"10.0.0.{n}"), NOW_US, epoch="life")
            for n in range(2)
        ]
    )
    recording.record(database, [first])
    repeated = replace(first, sequence=1)
    last = replace(second, sequence=2)
    found = recording.record(database, [repeated, last])
    assert (found.applied, found.duplicates) == (1, 1)
    assert len(state(database, [first])[1]) == 2


def test_a_large_batch_writes_renews_and_ends_every_lease(database: Database) -> None:
    (one,) = told([LeaseEvent("", "", "a", "add", b"", NOW_US, mac_address=MACS[0])])

    def batch(**more: Any) -> list[LeaseEvent]:
        return [
            replace(
                one, id=str(uuid.uuid4()), ip_address=bytes([10, 0, n // 256, n % 256]), **more
            )
            for n in range(1200)
        ]

    recording.record(database, batch(expires_at=1))
    recording.record(database, batch(action="old", expires_at=2, hostname="ann"))
    leases, _ = state(database, [one])
    assert [(row["expires_at"], row["hostname"]) for row in leases] == [(2, "ann")] * 1200
    recording.record(database, batch(action="del"))
    leases, history = state(database, [one])
    assert (len(leases), len(history)) == (0, 3600)
