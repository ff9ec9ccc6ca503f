"""The worker's tasks on three databases, alone and in parallel."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.rules.leases import LeaseEvent
from ipam.store import agents
from ipam.store.engine.database import Database
from ipam.store.leases.recording import record
from ipam.store.tables import agent, lease, lease_event, network, network_dhcp_agent
from ipam.worker import housekeeping
from ipam.worker.housekeeping import Sweep

NETWORK_ID = "11111111-2222-4333-8444-555555555555"
DAY = 86_400


def now() -> int:
    return int(time.time())


def begin(database: Database, number: int, *, expires_at: int | None) -> None:
    """A lease of 10.0.0.<number>, recorded as an agent's event."""
    told = LeaseEvent(
        id=model.new_id(),
        network_id=NETWORK_ID,
        host="host-a",
        action="add",
        ip_address=bytes([10, 0, number // 256, number % 256]),
        occurred_at_us=(now() - DAY) * 1_000_000,
        mac_address="fa:16:3e:00:00:01",
        hostname=f"h{number}",
        expires_at=expires_at,
    )
    record(database, [told])


def rows(database: Database, statement: Any) -> list[Any]:
    return list(database.read(lambda tx: tx.execute(statement).all()))


def at_once(work: Callable[[], int], threads: int = 4) -> list[int]:
    """What each of several workers did."""
    together = threading.Barrier(threads)

    def start() -> int:
        together.wait()
        return work()

    with ThreadPoolExecutor(threads) as pool:
        return [each.result() for each in [pool.submit(start) for _ in range(threads)]]


def allocator(database: Database) -> Allocator:
    return Allocator(database, cooldown_seconds=0, worker="test")


def end_leases(database: Database, sweep: Sweep | None = None) -> int:
    return housekeeping.end_leases(
        database, allocator(database), grace_seconds=60, sweep=sweep or Sweep()
    )


def test_a_lease_past_its_end_and_the_grace_ends_with_a_missed_event(database: Database) -> None:
    ended_at = now() - 100
    begin(database, 1, expires_at=ended_at)
    begin(database, 2, expires_at=now() - 10)
    begin(database, 3, expires_at=now() + 100)
    begin(database, 4, expires_at=None)
    assert end_leases(database) == 1
    left = rows(database, select(lease.c.hostname).order_by(lease.c.hostname))
    assert [row.hostname for row in left] == ["h2", "h3", "h4"]
    (missed,) = rows(database, select(lease_event).where(lease_event.c.action == "missed"))
    assert (missed.hostname, missed.network_id) == ("h1", NETWORK_ID)
    assert missed.occurred_at_us == ended_at * 1_000_000
    assert "reason" in missed.details
    assert end_leases(database) == 0


def test_a_renewal_that_arrives_late_brings_the_lease_back(database: Database) -> None:
    begin(database, 1, expires_at=now() - 100)
    end_leases(database)
    begin(database, 1, expires_at=(renewed := now() + 100))
    assert [row.expires_at for row in rows(database, select(lease.c.expires_at))] == [renewed]


def test_workers_side_by_side_end_each_lease_once(database: Database) -> None:
    for number in range(50):
        begin(database, number, expires_at=now() - 100)
    done = at_once(lambda: end_leases(database))
    done.append(end_leases(database))
    assert sum(done) == 50
    assert rows(database, select(lease.c.pk)) == []
    missed = select(lease_event.c.pk).where(lease_event.c.action == "missed")
    assert len(rows(database, missed)) == 50


def test_more_leases_than_a_batch_are_ended_in_one_round(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH_ROWS", 3)
    for number in range(10):
        begin(database, number, expires_at=now() - 100)
    assert end_leases(database) == 10


def test_a_round_is_bounded_and_the_next_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH_ROWS", 2)
    monkeypatch.setattr(housekeeping, "BATCHES", 3)
    for number in range(10):
        begin(database, number, expires_at=now() - 100)
    assert [end_leases(database) for _ in range(3)] == [6, 4, 0]


def test_one_round_after_the_other_looks_at_all_leases(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "LOOKED_AT", 4)
    monkeypatch.setattr(housekeeping, "BATCH_ROWS", 2)
    monkeypatch.setattr(housekeeping, "BATCHES", 1)
    for number in range(10):
        begin(database, number, expires_at=now() + (1000 if number in (0, 9) else -100))
    sweep = Sweep()
    ended = [end_leases(database, sweep) for _ in range(12)]
    assert sum(ended) == 8
    begin(database, 1, expires_at=now() - 100)
    assert sum(end_leases(database, sweep) for _ in range(3)) == 1
    assert len(rows(database, select(lease.c.pk))) == 2


def age_events(database: Database, days: int, *, first: int) -> None:
    """Make the first events this old."""
    statement = (
        update(lease_event)
        .where(lease_event.c.hostname.in_([f"h{n}" for n in range(first)]))
        .values(recorded_at_us=(now() - days * DAY) * 1_000_000)
    )
    database.write(lambda tx: tx.execute(statement).rowcount)


def test_events_are_forgotten_after_their_retention(database: Database) -> None:
    for number in range(4):
        begin(database, number, expires_at=None)
    age_events(database, 11, first=3)
    assert housekeeping.forget_events(database, retention_days=12) == 0
    assert housekeeping.forget_events(database, retention_days=0) == 0
    assert housekeeping.forget_events(database, retention_days=10) == 3
    assert [row.hostname for row in rows(database, select(lease_event.c.hostname))] == ["h3"]
    assert len(rows(database, select(lease.c.pk))) == 4


def test_workers_side_by_side_forget_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH_ROWS", 5)
    for number in range(40):
        begin(database, number, expires_at=None)
    age_events(database, 11, first=40)
    done = at_once(lambda: housekeeping.forget_events(database, retention_days=10))
    done.append(housekeeping.forget_events(database, retention_days=10))
    assert sum(done) == 40


def add_agent(database: Database, host: str, *, silent_seconds: int, up: bool = True) -> None:
    def write(tx: Any) -> None:
        state = {"binary": "ipam-agent", "configurations": {}, "started_at": now()}
        agents.report(tx, agent_type="DHCP agent", host=host, state=state, agent_down_time=75)
        values = {"heartbeat_at": now() - silent_seconds, "admin_state_up": up}
        tx.execute(update(agent).where(agent.c.host == host).values(values))

    database.write(write)


def assign(database: Database, *hosts: str) -> None:
    """A network each, scheduled to the agents of these hosts."""

    def write(tx: Any) -> None:
        for host in hosts:
            values = {
                "id": model.new_id(),
                "project_id": "p",
                "created_at": now(),
                "updated_at": now(),
                "admin_state_up": True,
                "shared": False,
                "mtu": 1500,
                "port_security_enabled": True,
                "router_external": False,
                "is_default": False,
            }
            pk = tx.execute(insert(network).values(values)).inserted_primary_key[0]
            agent_pk = tx.execute(select(agent.c.pk).where(agent.c.host == host)).scalar_one()
            row = {"network_pk": pk, "slot": 0, "agent_pk": agent_pk}
            tx.execute(insert(network_dhcp_agent).values(row))

    database.write(write)


def assigned(database: Database) -> list[str]:
    statement = select(agent.c.host).join(
        network_dhcp_agent, network_dhcp_agent.c.agent_pk == agent.c.pk
    )
    return sorted(row.host for row in rows(database, statement))


def test_dead_and_switched_off_agents_lose_their_networks(database: Database) -> None:
    add_agent(database, "living", silent_seconds=0)
    add_agent(database, "late", silent_seconds=20)
    add_agent(database, "dead", silent_seconds=100)
    add_agent(database, "off", silent_seconds=0, up=False)
    assign(database, "living", "late", "dead", "dead", "off")
    assert housekeeping.unschedule(database, agent_down_time=75) == 3
    assert assigned(database) == ["late", "living"]
    assert housekeeping.unschedule(database, agent_down_time=75) == 0


def test_networks_stay_where_they_are_while_nobody_could_take_them(database: Database) -> None:
    add_agent(database, "dead", silent_seconds=100)
    add_agent(database, "off", silent_seconds=0, up=False)
    assign(database, "dead")
    assert housekeeping.unschedule(database, agent_down_time=75) == 0
    assert assigned(database) == ["dead"]


def test_workers_side_by_side_unschedule_together(database: Database) -> None:
    add_agent(database, "living", silent_seconds=0)
    add_agent(database, "dead", silent_seconds=100)
    assign(database, "living", *["dead"] * 10)
    done = at_once(lambda: housekeeping.unschedule(database, agent_down_time=75))
    assert sum(done) == 10
    assert assigned(database) == ["living"]
