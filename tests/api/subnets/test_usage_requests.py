"""How full subnets are, on each database."""

import time
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store import tables, usage
from ipam.store.engine.database import Database
from ipam.worker import housekeeping
from tests.api.caller import Api

DAY = 86_400


@pytest.fixture
def lan(api_on_each: Api) -> dict[str, Any]:
    network = api_on_each.create("network")
    return api_on_each.create(
        "subnet",
        name="lan",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        enable_dhcp=False,
        allocation_pools=[{"start": "10.0.0.16", "end": "10.0.0.25"}],
    )


def machine(api: Api, lan: dict[str, Any], number: int, **more: Any) -> dict[str, Any]:
    wish = [{"ip_address": f"10.0.0.{number}"}]
    return api.create("port", network_id=lan["network_id"], fixed_ips=wish, **more)


def usage_of(api: Api, lan: dict[str, Any]) -> dict[str, Any]:
    result = api.call("GET", f"/subnet-usages/{lan['id']}")
    assert result.status_code == 200, result.text
    found: dict[str, Any] = result.json["subnet_usage"]
    return found


def test_addresses_of_the_pools_are_counted_by_state(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    api = api_on_each
    machine(api, lan, 16, device_id="vm-1")
    machine(api, lan, 17)
    machine(api, lan, 200, device_id="outside-of-the-pools")
    stranger = machine(api, lan, 201, device_id="stranger")
    of_lease = update(tables.port).where(tables.port.c.id == stranger["id"])
    database.write(lambda tx: tx.execute(of_lease.values(device_owner="dhcp:lease")))
    assert housekeeping.correct_counters(database) == 1
    gone = machine(api, lan, 18)
    api.delete("port", gone["id"])
    found = usage_of(api, lan)
    counts = ("total", "used", "held", "dynamic", "cooling", "free", "percent")
    assert [found[name] for name in counts] == [10, 2, 1, 1, 1, 7, 20.0]
    assert found["largest_free"] == "10.0.0.20/30"
    assert (found["outlook"], found["nearly_full"]) == ("unknown", False)


def test_a_pool_with_most_in_use_is_nearly_full_and_at_last_full(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    for number in range(16, 25):
        machine(api_on_each, lan, number)
    assert usage_of(api_on_each, lan)["nearly_full"] is True
    machine(api_on_each, lan, 25)
    found = usage_of(api_on_each, lan)
    assert (found["outlook"], found["free"], found["largest_free"]) == ("full", 0, None)


def test_growth_of_eight_weeks_tells_the_day(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    today = int(time.time()) // DAY
    for number in range(16, 20):
        machine(api_on_each, lan, number)

    def write(tx: Any) -> None:
        subnet = tables.subnet.c
        pk = tx.execute(select(subnet.pk).where(subnet.id == lan["id"])).scalar_one()
        rows = [
            {"subnet_pk": pk, "day": today - back, "used": 4 - back // 14} for back in range(1, 56)
        ]
        tx.execute(insert(tables.subnet_usage_day), rows)

    database.write(write)
    found = usage_of(api_on_each, lan)
    assert found["outlook"] == "growing"
    assert found["growth_per_week"] == pytest.approx(0.5, abs=0.1)
    assert found["full_on_earliest"] <= found["full_on"] <= found["full_on_latest"]
    assert found["full_on"] > time.strftime("%Y-%m-%d", time.gmtime((today + 56) * DAY))


def test_the_worker_keeps_the_peak_of_a_day_and_forgets_after_two_years(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    today = int(time.time()) // DAY
    ports = [machine(api_on_each, lan, number) for number in (16, 17)]
    housekeeping.sample_usage(database)
    api_on_each.delete("port", ports[0]["id"])
    housekeeping.sample_usage(database)
    table = tables.subnet_usage_day
    used = list(database.read(lambda tx: tx.execute(select(table.c.used)).scalars().all()))
    assert used == [2]
    database.write(lambda tx: usage.sample(tx, today - 800, int(time.time())))
    assert housekeeping.forget_usage(database) == 1
    days = database.read(lambda tx: tx.execute(select(table.c.day)).scalars().all())
    assert list(days) in ([today], [today + 1])


def test_a_subnets_samples_go_with_it(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    housekeeping.sample_usage(database)
    api_on_each.delete("subnet", lan["id"])
    assert database.read(lambda tx: tx.execute(select(tables.subnet_usage_day)).all()) == []


def test_only_who_owns_the_network_sees_how_full_it_is(
    settings: Settings, database: Database, lan: dict[str, Any]
) -> None:
    def seen_by(project: str) -> list[str]:
        caller = Caller(user_id="u", project_id=project, role="reader")
        api = Api(create_app(settings, authenticate=lambda _: caller, database=database))
        listed = api.call("GET", "/subnet-usages").json["subnet_usages"]
        return [each["id"] for each in listed]

    assert seen_by(lan["project_id"]) == [lan["id"]]
    assert seen_by("another") == []


def test_a_task_once_an_hour_does_nothing_in_between() -> None:
    counts = iter((7, 8))
    task = housekeeping.hourly(lambda: next(counts))
    assert (task(), task(), next(counts)) == (7, 0, 8)


def test_metrics_count_the_subnets_that_were_nearly_full_at_their_last_peak(
    api_on_each: Api, database: Database, lan: dict[str, Any]
) -> None:
    def counted() -> str:
        text = api_on_each.client.simulate_get("/metrics").text
        lines = [line for line in text.splitlines() if line.startswith("ipam_subnets_nearly_full")]
        return lines[0].rpartition(" ")[2]

    assert counted() == "0.0"
    ports = [machine(api_on_each, lan, number) for number in range(16, 25)]
    housekeeping.sample_usage(database)
    api_on_each.delete("port", ports[0]["id"])
    assert counted() == "1.0"
