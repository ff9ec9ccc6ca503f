"""GET of leases. test_event_requests.py tests how they are made."""

from typing import Any

import pytest

from tests.api.caller import Api
from tests.api.leases.test_event_requests import MAC, NOWHERE, event, send


def test_leases_are_filtered_sorted_and_cut_to_fields(api_on_each: Api) -> None:
    send(
        api_on_each,
        event(NOWHERE, ip_address="10.0.0.10", hostname="ten", expires_at=2_000_000_000),
        event(NOWHERE, ip_address="10.0.0.9", hostname=None, expires_at=None),
        event(NOWHERE, ip_address="fd00::1", hostname="six", duid="00:01", host="host-b"),
    )

    def found(**params: Any) -> list[str]:
        return [lease["ip_address"] for lease in api_on_each.list("lease", **params)]

    assert found(sort_key="ip_address") == ["10.0.0.9", "10.0.0.10", "fd00::1"]
    assert found(ip_address="FD00:0::1") == ["fd00::1"]
    assert found(hostname="ten") == ["10.0.0.10"]
    assert found(host="host-b") == ["fd00::1"]
    assert found(expires_at="2033-05-18T03:33:20Z") == ["10.0.0.10"]
    assert sorted(found(mac_address=MAC)) == sorted(found())
    assert found(sort_key="hostname", limit=1) == ["fd00::1"]
    (named,) = api_on_each.list("lease", fields="hostname", hostname="ten")
    assert named == {"hostname": "ten"}


def test_leases_are_found_by_the_time_in_which_they_were_seen(api_on_each: Api) -> None:
    for second, action in ((1_000_000_000, "add"), (1_000_000_100, "old")):
        send(api_on_each, event(NOWHERE, action, occurred_at_us=second * 1_000_000))

    def found(since: int, until: int) -> int:
        return len(api_on_each.list("lease", since=str(since), until=str(until)))

    assert found(1_000_000_050, 1_000_000_060) == 1
    assert found(1_000_000_100, 1_000_000_200) == 1
    assert found(1_000_000_101, 1_000_000_200) == 0
    assert found(999_999_000, 1_000_000_000) == 0


def test_pages_of_leases_with_empty_values_leave_none_out(api_on_each: Api) -> None:
    send(
        api_on_each,
        *(
            event(NOWHERE, ip_address=f"10.0.0.{n}", hostname=None if n % 2 else f"h{n}")
            for n in range(1, 8)
        ),
    )
    seen: list[str] = []
    marker: dict[str, str] = {}
    while page := api_on_each.list("lease", sort_key="hostname", limit=3, **marker):
        seen += [lease["ip_address"] for lease in page]
        marker = {"marker": page[-1]["id"]}
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_leases_are_read_only(api: Api, method: str) -> None:
    api.refused(405, "HTTPMethodNotAllowed", method, "/leases")


def test_an_unknown_lease_is_not_found(api: Api) -> None:
    api.refused(404, "LeaseNotFound", "GET", f"/leases/{NOWHERE}")
    api.refused(404, "LeaseNotFound", "GET", "/leases/10.0.0.5")


def test_a_deleted_port_has_no_lease_and_its_history_stays(api_on_each: Api) -> None:
    network = api_on_each.create("network")
    api_on_each.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    port = api_on_each.create(
        "port",
        network_id=network["id"],
        mac_address=MAC,
        fixed_ips=[{"ip_address": "10.0.0.5"}],
    )
    send(api_on_each, event(network["id"]))
    assert [lease["port_id"] for lease in api_on_each.list("lease")] == [port["id"]]
    api_on_each.delete("port", port["id"])
    assert api_on_each.list("lease") == []
    told = api_on_each.call("GET", "/lease-events", params={"port_id": port["id"]}).json
    assert len(told["lease_events"]) == 2
