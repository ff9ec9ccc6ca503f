"""POST and GET of lease events, and the leases that follow from them."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.api.http.kind import HISTORY_PAGE_MAX
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, READER, SERVICE, Api

MAC = "fa:16:3e:00:00:01"
OTHER_MAC = "fa:16:3e:00:00:02"
NOWHERE = "11111111-2222-4333-8444-555555555555"


def seconds_ago(seconds: float) -> int:
    return int((time.time() - seconds) * 1_000_000)


def event(network_id: str, action: str = "add", **more: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "network_id": network_id,
        "host": "host-a",
        "action": action,
        "ip_address": "10.0.0.5",
        "mac_address": MAC,
        "hostname": "ann",
        "client_id": "01:fa:16:3e:00:00:01",
        "duid": None,
        "iaid": None,
        "expires_at": int(time.time()) + 3600,
        "occurred_at_us": seconds_ago(60),
        "details": {},
    } | more


def send(api: Api, *events: Any) -> dict[str, Any]:
    result = api.call("POST", "/lease-events", {"lease_events": list(events)})
    assert result.status_code == 200, result.text
    answer: dict[str, Any] = result.json
    return answer


def history(api: Api, **params: Any) -> list[dict[str, Any]]:
    result = api.call("GET", "/lease-events", params=params)
    assert result.status_code == 200, result.text
    found: list[dict[str, Any]] = result.json["lease_events"]
    return found


@pytest.fixture
def served(api_on_each: Api) -> dict[str, Any]:
    """A network with a subnet and a port at 10.0.0.5."""
    network = api_on_each.create("network", project_id="project-b")
    api_on_each.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    return api_on_each.create(
        "port",
        network_id=network["id"],
        mac_address=MAC,
        fixed_ips=[{"ip_address": "10.0.0.5"}],
        project_id="project-c",
    )


def test_an_add_becomes_the_lease_of_the_port_that_has_the_address(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    sent = event(served["network_id"])
    assert send(api_on_each, sent) == {"applied": 1, "duplicates": 0}
    (lease,) = api_on_each.list("lease")
    assert lease["port_id"] == served["id"]
    assert lease["subnet_id"] == served["fixed_ips"][0]["subnet_id"]
    assert lease["project_id"] == lease["tenant_id"] == "project-c"
    assert (lease["ip_address"], lease["mac_address"]) == ("10.0.0.5", MAC)
    assert (lease["hostname"], lease["host"]) == ("ann", "host-a")
    assert lease["expires_at"] == time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(sent["expires_at"])
    )
    assert api_on_each.show("lease", lease["id"]) == lease
    (told,) = history(api_on_each)
    assert told["id"] == str(uuid.UUID(sent["id"]))
    assert (told["port_id"], told["action"]) == (served["id"], "add")


def test_an_address_that_another_mac_took_is_not_counted_to_the_port(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    send(api_on_each, event(served["network_id"], mac_address=OTHER_MAC))
    (lease,) = api_on_each.list("lease")
    assert (lease["port_id"], lease["project_id"]) == (None, "project-b")
    assert lease["subnet_id"] == served["fixed_ips"][0]["subnet_id"]


def test_each_id_is_applied_once(api_on_each: Api, served: dict[str, Any]) -> None:
    begin = event(served["network_id"], occurred_at_us=seconds_ago(9))
    end = event(served["network_id"], "del", occurred_at_us=seconds_ago(8))
    again = event(served["network_id"], occurred_at_us=seconds_ago(7))
    assert send(api_on_each, begin, end, begin)["duplicates"] == 1
    assert send(api_on_each, begin, end, again) == {"applied": 1, "duplicates": 2}
    assert send(api_on_each, again | {"id": str(uuid.UUID(again["id"]))})["duplicates"] == 1
    assert len(history(api_on_each)) == 3
    assert len(api_on_each.list("lease")) == 1


def test_a_batch_is_applied_in_its_order(api_on_each: Api, served: dict[str, Any]) -> None:
    at = seconds_ago(5)
    network_id = served["network_id"]
    send(
        api_on_each,
        event(network_id, occurred_at_us=at),
        event(network_id, "del", occurred_at_us=at),
        event(network_id, mac_address=OTHER_MAC, occurred_at_us=at),
    )
    (lease,) = api_on_each.list("lease")
    assert lease["mac_address"] == OTHER_MAC
    assert [each["action"] for each in history(api_on_each)] == ["add", "del", "add"]


def numbered(events: list[dict[str, Any]], epoch: str = "life") -> list[dict[str, Any]]:
    return [each | {"epoch": epoch, "sequence": n} for n, each in enumerate(events, 1)]


def test_each_place_of_an_epoch_is_applied_once_and_the_answer_names_the_last(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    begin, end = numbered([event(served["network_id"]), event(served["network_id"], "del")])
    answer = {"epoch": "life", "sequence": 1}
    assert send(api_on_each, begin) == {"applied": 1, "duplicates": 0} | answer
    answer["sequence"] = 2
    assert send(api_on_each, begin, end) == {"applied": 1, "duplicates": 1} | answer
    again = begin | {"id": uuid.uuid4().hex}
    assert send(api_on_each, again, end) == {"applied": 0, "duplicates": 2} | answer
    assert api_on_each.list("lease") == []
    anew = send(api_on_each, again | {"epoch": "next life"})
    assert anew == {"applied": 1, "duplicates": 0, "epoch": "next life", "sequence": 1}
    assert len(api_on_each.list("lease")) == 1
    assert send(api_on_each, begin, end)["duplicates"] == 2, "by their ids"
    assert len(api_on_each.list("lease")) == 1


@pytest.mark.parametrize("hours", [-1, 1], ids=["behind", "ahead"])
def test_a_clock_an_hour_off_is_corrected(
    api_on_each: Api, served: dict[str, Any], hours: int
) -> None:
    now = int(time.time())
    off = hours * 3600
    told = event(
        served["network_id"],
        occurred_at_us=(now + off - 10) * 1_000_000,
        expires_at=now + off + 600,
    )
    body = {"lease_events": [told], "sent_at_us": (now + off) * 1_000_000}
    answer = api_on_each.call("POST", "/lease-events", body).json
    behind = answer["clock_difference_us"] // 1_000_000 + off
    assert 0 <= behind < 600
    (lease,) = api_on_each.list("lease")
    assert moment(lease["expires_at"]) == now + 600 + behind
    assert moment(lease["last_seen_at"]) == now - 10 + behind


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_events_in_order_count_though_a_clock_was_put_back_between_them(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    network_id = served["network_id"]
    begin = event(network_id, occurred_at_us=seconds_ago(5))
    end = event(network_id, "del", occurred_at_us=seconds_ago(3600))
    anew = event(network_id, occurred_at_us=seconds_ago(7200))
    first, second, third = numbered([begin, end, anew])
    send(api_on_each, first)
    send(api_on_each, second)
    assert api_on_each.list("lease") == []
    send(api_on_each, third)
    assert len(api_on_each.list("lease")) == 1


@pytest.mark.parametrize("strange", ["now", 1.5, True, 10**19, [], {}])
def test_a_time_of_sending_that_is_none_is_refused(api: Api, strange: Any) -> None:
    body = {"lease_events": [event(NOWHERE)], "sent_at_us": strange}
    message = api.refused(400, "HTTPBadRequest", "POST", "/lease-events", body)
    assert "sent_at_us" in message
    assert history(api) == []


def test_an_older_event_goes_into_the_history_and_not_over_the_lease(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    network_id = served["network_id"]
    send(api_on_each, event(network_id, hostname="new", occurred_at_us=seconds_ago(5)))
    send(api_on_each, event(network_id, hostname="late", occurred_at_us=seconds_ago(50)))
    send(api_on_each, event(network_id, "del", occurred_at_us=seconds_ago(40)))
    assert [lease["hostname"] for lease in api_on_each.list("lease")] == ["new"]
    assert len(history(api_on_each)) == 3


def test_a_late_del_does_not_end_the_lease_of_the_next_machine(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    network_id = served["network_id"]
    send(api_on_each, event(network_id, occurred_at_us=seconds_ago(9)))
    send(api_on_each, event(network_id, mac_address=OTHER_MAC, occurred_at_us=seconds_ago(8)))
    send(api_on_each, event(network_id, "del", occurred_at_us=seconds_ago(7)))
    assert [lease["mac_address"] for lease in api_on_each.list("lease")] == [OTHER_MAC]
    send(
        api_on_each,
        event(network_id, "del", mac_address=OTHER_MAC, occurred_at_us=seconds_ago(6)),
    )
    assert api_on_each.list("lease") == []


def test_an_add_that_arrives_after_a_newer_del_does_not_bring_the_lease_back(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    network_id = served["network_id"]
    send(api_on_each, event(network_id, "del", occurred_at_us=seconds_ago(5)))
    send(api_on_each, event(network_id, host="host-b", occurred_at_us=seconds_ago(6)))
    assert api_on_each.list("lease") == []
    send(api_on_each, event(network_id, occurred_at_us=seconds_ago(4)))
    assert len(api_on_each.list("lease")) == 1


@pytest.mark.parametrize("action", ["del", "missed"])
def test_a_lease_goes_with_its_port_to_another_host_and_keeps_id_and_beginning(
    api_on_each: Api, served: dict[str, Any], action: str
) -> None:
    network_id = served["network_id"]
    api_on_each.update("port", served["id"], binding__host_id="host-a")
    send(api_on_each, event(network_id, occurred_at_us=seconds_ago(50)))
    (given,) = api_on_each.list("lease")
    api_on_each.update("port", served["id"], binding__host_id="host-b")
    send(api_on_each, event(network_id, action, occurred_at_us=seconds_ago(40)))
    assert api_on_each.list("lease") == [given]
    assert [each["action"] for each in history(api_on_each)] == [action, "add"]
    send(api_on_each, event(network_id, occurred_at_us=seconds_ago(30), host="host-b"))
    (moved,) = api_on_each.list("lease")
    assert moved["host"] == "host-b"
    for name in ("id", "first_seen_at", "port_id"):
        assert moved[name] == given[name]
    send(api_on_each, event(network_id, action, occurred_at_us=seconds_ago(20), host="host-b"))
    assert api_on_each.list("lease") == []


def test_an_event_of_a_network_that_is_gone_is_kept_all_the_same(api_on_each: Api) -> None:
    send(api_on_each, event(NOWHERE), event(NOWHERE, "del"))
    assert [each["network_id"] for each in history(api_on_each)] == [NOWHERE, NOWHERE]
    assert api_on_each.list("lease") == []


def test_dhcpv6_leases_have_a_duid_and_no_mac(api_on_each: Api) -> None:
    send(
        api_on_each,
        event(NOWHERE, ip_address="FD00::0:5", mac_address=None, duid="00:03:aa", iaid="77"),
    )
    (lease,) = api_on_each.list("lease", ip_address="fd00:0::5")
    assert (lease["ip_address"], lease["duid"], lease["iaid"]) == ("fd00::5", "00:03:aa", "77")
    assert lease["mac_address"] is None


def test_a_lease_without_end_shows_none(api_on_each: Api) -> None:
    send(api_on_each, event(NOWHERE, expires_at=None))
    assert [lease["expires_at"] for lease in api_on_each.list("lease")] == [None]


def test_a_large_batch_is_one_transaction(api_on_each: Api) -> None:
    events = [event(NOWHERE, ip_address=f"10.1.{n // 250}.{n % 250}") for n in range(1200)]
    assert send(api_on_each, *events)["applied"] == 1200
    assert send(api_on_each, *events)["duplicates"] == 1200
    assert len(api_on_each.list("lease")) == 1200


def as_admin(settings: Settings, database: Database) -> Api:
    return Api(create_app(settings, authenticate=lambda _environ: ADMIN, database=database))


def test_the_same_batch_from_many_senders_at_once_is_applied_once(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings, authenticate=lambda _environ: SERVICE, database=database)
    events = [event(NOWHERE, ip_address=f"10.1.0.{n}") for n in range(20)]
    together = threading.Barrier(6)

    def deliver() -> int:
        together.wait()
        return int(send(Api(app), *events)["applied"])

    with ThreadPoolExecutor(6) as threads:
        applied = [each.result() for each in [threads.submit(deliver) for _ in range(6)]]
    assert sum(applied) == 20
    api = as_admin(settings, database)
    assert len(history(api)) == 20
    assert len(api.list("lease")) == 20


def test_two_hosts_that_tell_of_one_address_at_once_leave_one_lease(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings, authenticate=lambda _environ: SERVICE, database=database)
    together = threading.Barrier(6)

    def deliver(number: int) -> None:
        together.wait()
        for turn in range(5):
            at = seconds_ago(100) + turn * 10 + number
            send(Api(app), event(NOWHERE, host=f"host-{number}", occurred_at_us=at))

    with ThreadPoolExecutor(6) as threads:
        for each in [threads.submit(deliver, number) for number in range(6)]:
            each.result()
    api = as_admin(settings, database)
    assert len(history(api)) == 30
    (lease,) = api.list("lease")
    newest = max(history(api), key=lambda told: str(told["occurred_at"]))
    assert (lease["host"], lease["last_seen_at"]) == (newest["host"], newest["occurred_at"])


def test_what_a_client_sent_is_bounded_and_made_printable(api_on_each: Api) -> None:
    hostile = event(
        NOWHERE,
        hostname="a\nb\0" + "ü" * 400,
        client_id="f" * 5000,
        host="\x1b[31mhost",
        expires_at=10**15,
        occurred_at_us=10**18,
        details={"k" * 200: "v" * 5000, "bad\r": "\u202e", **{f"n{n}": "x" for n in range(99)}},
    )
    assert send(api_on_each, hostile)["applied"] == 1
    (lease,) = api_on_each.list("lease")
    assert lease["hostname"] == "a\ufffdb\ufffd" + "ü" * 251
    assert len(lease["client_id"]) == 1024
    assert lease["host"] == "\ufffd[31mhost"
    assert lease["expires_at"] == "9999-12-31T23:59:59Z"
    (told,) = history(api_on_each)
    assert told["occurred_at"] <= told["recorded_at"]
    assert len(told["details"]) == 32
    assert told["details"]["k" * 64] == "v" * 1024
    assert told["details"]["bad\ufffd"] == "\ufffd"


def test_hardware_that_is_not_ethernet_is_kept_in_the_details(api: Api) -> None:
    send(api, event(NOWHERE, mac_address="20-80:00:02:08:fe:80:00:00:00"))
    assert [lease["mac_address"] for lease in api.list("lease")] == [None]
    assert history(api)[0]["details"]["mac_address"] == "20-80:00:02:08:fe:80:00:00:00"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"action": "tftp"}, ["action"]),
        ({"ip_address": "10.0.0.300"}, ["ip_address"]),
        ({"network_id": "net"}, ["network_id"]),
        ({"id": "x"}, ["id"]),
        ({"host": 7, "action": None}, ["host", "action"]),
        ({"expires_at": "soon", "ip_address": ""}, ["expires_at", "ip_address"]),
    ],
)
def test_a_batch_with_an_impossible_event_is_refused_whole_with_every_fault(
    api: Api, change: dict[str, Any], words: list[str]
) -> None:
    body = {"lease_events": [event(NOWHERE), event(NOWHERE) | change, {}]}
    message = api.refused(400, "HTTPBadRequest", "POST", "/lease-events", body)
    assert all(f"[1] Invalid input for {word}." in message for word in words)
    assert "[2] Failed to parse request." in message
    assert history(api) == []


@pytest.mark.parametrize("strange", [None, 7, "event", [], {}, {"id": None}])
def test_what_is_no_event_is_refused(api: Api, strange: Any) -> None:
    api.refused(400, "HTTPBadRequest", "POST", "/lease-events", {"lease_events": [strange]})


def test_what_a_newer_agent_adds_does_no_harm(api: Api) -> None:
    assert send(api, event(NOWHERE) | {"vendor_class": "MSFT"})["applied"] == 1


@pytest.mark.parametrize("body", [{}, {"lease_events": {}}, {"lease_events": None}])
def test_a_body_without_a_list_is_refused(api: Api, body: Any) -> None:
    api.refused(400, "HTTPBadRequest", "POST", "/lease-events", body)


def test_events_are_filtered_by_what_an_admin_asks_for(
    api_on_each: Api, served: dict[str, Any]
) -> None:
    network_id = served["network_id"]
    send(
        api_on_each,
        event(network_id, occurred_at_us=1_000_000_000_000_000, hostname="first"),
        event(network_id, "del", occurred_at_us=1_000_000_010_000_000, hostname="second"),
        event(
            NOWHERE,
            occurred_at_us=1_000_000_020_000_000,
            hostname="third",
            host="host-b",
            ip_address="10.0.0.6",
            mac_address=OTHER_MAC,
        ),
    )

    def found(**params: Any) -> list[str]:
        return [each["hostname"] for each in history(api_on_each, **params)]

    assert found() == ["third", "second", "first"]
    assert found(ip_address="10.0.0.6") == ["third"]
    assert found(mac_address=MAC.upper()) == ["second", "first"]
    assert found(hostname=["first", "third"]) == ["third", "first"]
    assert found(network_id=network_id) == ["second", "first"]
    assert found(port_id=served["id"], action="add") == ["first"]
    assert found(host="host-b") == ["third"]
    assert found(project_id="project-c") == ["second", "first"]
    assert found(since="1000000010") == ["third", "second"]
    assert found(until="2001-09-09T01:46:50Z") == ["first"]
    assert found(since="2001-09-09T01:46:50.000000Z", until="2001-09-09 01:47:00") == ["second"]
    assert found(since="2001-09-09T03:46:50+02:00") == ["third", "second"]
    assert found(occurred_at="1000000020") == ["third"]
    assert found(limit=1) == ["third"]
    assert found(sort_key="occurred_at") == ["first", "second", "third"]
    assert found(sort_key="hostname", sort_dir="desc") == ["third", "second", "first"]


def test_the_history_is_paged_newest_first(api_on_each: Api) -> None:
    send(api_on_each, *(event(NOWHERE, hostname=f"h{n}") for n in range(5)))
    first = api_on_each.call("GET", "/lease-events", params={"limit": 2}).json
    assert [each["hostname"] for each in first["lease_events"]] == ["h4", "h3"]
    assert [link["rel"] for link in first["lease_events_links"]] == ["next"]
    marker = first["lease_events"][-1]["id"]
    assert [each["hostname"] for each in history(api_on_each, limit=2, marker=marker)] == [
        "h2",
        "h1",
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"since": "yesterday"},
        {"until": ""},
        {"since": "9" * 30},
        {"ip_address": "10.0.0"},
        {"mac_address": "x"},
        {"action": "begin"},
        {"expires_at": "never"},
        {"limit": "-1"},
        {"sort_key": "details"},
    ],
)
def test_an_impossible_filter_is_refused(api_on_each: Api, params: dict[str, str]) -> None:
    api_on_each.refused(400, "HTTPBadRequest", "GET", "/lease-events", params=params)


def test_one_event_is_shown_by_its_id_with_or_without_hyphens(api: Api) -> None:
    sent = event(NOWHERE)
    send(api, sent)
    for name in (sent["id"], str(uuid.UUID(sent["id"]))):
        result = api.call("GET", f"/lease-events/{name}", params={"fields": "hostname"})
        assert result.json == {"lease_event": {"hostname": "ann"}}
    api.refused(404, "LeaseEventNotFound", "GET", "/lease-events/nonsense")
    api.refused(404, "LeaseEventNotFound", "GET", f"/lease-events/{NOWHERE}")


def test_agents_and_admins_may_tell_of_events_and_readers_may_not(
    settings: Settings, sqlite: Database
) -> None:
    def as_caller(caller: Any) -> Callable[..., Any]:
        app = create_app(settings, authenticate=lambda _environ: caller, database=sqlite)
        return Api(app).call

    body = {"lease_events": [event(NOWHERE)]}
    for caller, status in ((SERVICE, 200), (ADMIN, 200), (READER, 403)):
        assert as_caller(caller)("POST", "/lease-events", body).status_code == status
        assert as_caller(caller)("GET", "/lease-events").status_code == 200


def test_a_history_comes_in_pages_to_whoever_asks_for_all(api: Api) -> None:
    network = api.create("network")["id"]
    api.create("subnet", network_id=network, ip_version=4, cidr="10.0.0.0/16")
    for half in range(3):
        numbers = range(half * 334, (half + 1) * 334)
        send(api, *(event(network, ip_address=f"10.0.{n // 200}.{n % 200 + 5}") for n in numbers))
    first = api.call("GET", "/lease-events").json
    assert len(first["lease_events"]) == HISTORY_PAGE_MAX
    assert len(history(api, limit=5_000)) == HISTORY_PAGE_MAX
    rest = api.call("GET", first["lease_events_links"][0]["href"].partition("/v2.0")[2]).json
    known = {one["id"] for page in (first, rest) for one in page["lease_events"]}
    assert len(known) == 1_002
