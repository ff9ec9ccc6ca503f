"""The counters of subnets are what a count would find, at any moment and whatever runs beside."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from ipam import clock
from ipam.store import subnet_counters, tables
from ipam.store.engine.database import Database
from ipam.store.subnet_counters import Count
from ipam.worker import housekeeping
from tests.api.caller import Api
from tests.api.leases.test_event_requests import event, send

WRITERS = 2
CHANGES = 20
POOLS = (("10.0.0.16", "10.0.0.60"), ("10.0.0.10", "10.0.0.30"), ("10.0.0.16", "10.0.0.254"))


@pytest.fixture
def lan(api_on_each: Api) -> dict[str, Any]:
    network = api_on_each.create("network")
    return api_on_each.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        enable_dhcp=False,
        allocation_pools=[pool(0)],
        dynamic_ranges=[{"start": "10.0.0.9", "end": "10.0.0.9"}],
    )


def pool(number: int) -> dict[str, str]:
    start, end = POOLS[number]
    return {"start": start, "end": end}


def counts(database: Database) -> Count:
    found = database.read(lambda tx: subnet_counters.current(tx, clock.now_seconds()))
    (count,) = found.values()
    return count


def each_way(database: Database) -> Iterator[Count]:
    """The counts from events, then from counters."""
    yield counts(database)
    housekeeping.count_addresses(database)
    uncounted = select(func.count(tables.allocation_event.c.uncounted_in))
    assert database.read(lambda tx: tx.execute(uncounted).scalar_one()) == 0
    yield counts(database)


def wrong(database: Database) -> list[int]:
    return database.read(subnet_counters.wrong)


def test_what_changes_a_ports_state_changes_the_counts(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    api, network_id = api_on_each, lan["network_id"]
    first = api.create("port", network_id=network_id)
    second = api.create("port", network_id=network_id, device_id="vm-1")
    send(api, event(network_id, "add", ip_address="10.0.0.9"))
    (outside,) = api.list("port", device_owner="dhcp:lease")
    for found in each_way(database):
        assert found == Count(owned=3, used=2, held=1, dynamic=1)
    api.update("port", first["id"], device_id="vm-2")
    api.update("port", second["id"], name="not counted", dns_name="noted")
    api.update("port", outside["id"], device_owner="")
    for found in each_way(database):
        assert found == Count(owned=3, used=2)
    moved = [{"ip_address": "10.0.0.10"}]
    api.update("port", first["id"], device_id="", fixed_ips=moved)
    api.delete("port", second["id"])
    for found in each_way(database):
        assert found == Count(owned=2, cooling=2)
    api.update("subnet", lan["id"], allocation_pools=[pool(1)])
    for found in each_way(database):
        assert found == Count(owned=2, used=1, held=1, cooling=2)
    assert wrong(database) == []


def test_a_subnet_that_is_deleted_leaves_nothing_to_count(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    api_on_each.update("subnet", lan["id"], enable_dhcp=True)
    api_on_each.delete("network", lan["network_id"])
    column = tables.allocation_event.c.uncounted_in
    found = database.read(lambda tx: tx.execute(select(column)).scalars().all())
    assert found == [None, None]
    assert database.read(lambda tx: tx.execute(select(tables.subnet_usage)).all()) == []


def test_counters_that_are_wrong_are_corrected(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    api_on_each.create("port", network_id=lan["network_id"])
    table = tables.subnet_usage
    database.write(lambda tx: tx.execute(update(table).values(used=70, held=7)).rowcount)
    assert housekeeping.correct_counters(database) == 1
    for found in each_way(database):
        assert found == Count(owned=1, used=1, held=1)
    assert housekeeping.correct_counters(database) == 0


def test_a_subnet_that_an_old_version_made_gets_counters(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    database.write(lambda tx: tx.execute(delete(tables.subnet_usage)).rowcount)
    api_on_each.create("port", network_id=lan["network_id"])
    housekeeping.count_addresses(database)
    assert housekeeping.correct_counters(database) == 1
    for found in each_way(database):
        assert found == Count(owned=1, used=1, held=1)
    assert housekeeping.correct_counters(database) == 0


def test_no_moment_between_the_changes_of_many_has_a_wrong_count(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    done = Event()

    def until_done(work: Callable[[], object]) -> int:
        rounds = 0
        while not done.is_set():
            work()
            rounds += 1
        return rounds

    def change_ports(seed: int) -> None:
        random, ports = Random(seed), list[str]()
        for _ in range(CHANGES):
            match random.choice(("create", "create", "device", "delete")) if ports else "create":
                case "create":
                    port = api_on_each.create("port", network_id=lan["network_id"])
                    ports.append(port["id"])
                case "device":
                    device = random.choice(("", "vm"))
                    api_on_each.update("port", random.choice(ports), device_id=device)
                case _:
                    api_on_each.delete("port", ports.pop(random.randrange(len(ports))))

    def look() -> None:
        assert wrong(database) == []

    def change_pools() -> None:
        for number in (2, 0, 2):
            api_on_each.update("subnet", lan["id"], allocation_pools=[pool(number)])

    with ThreadPoolExecutor(WRITERS + 4) as threads:
        beside = [
            threads.submit(until_done, look),
            threads.submit(until_done, lambda: housekeeping.count_addresses(database)),
            threads.submit(until_done, lambda: housekeeping.count_addresses(database)),
        ]
        try:
            writers = [threads.submit(change_ports, seed) for seed in range(WRITERS)]
            writers.append(threads.submit(change_pools))
            for writer in writers:
                writer.result()
        finally:
            done.set()
        assert all(thread.result() for thread in beside)
    look()
    first, second = each_way(database)
    assert first == second
