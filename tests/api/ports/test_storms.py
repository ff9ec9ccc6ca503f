"""Requests at the same time, on each database."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.api.caller import Api

THREADS = 8


def test_200_ports_made_at_once_by_8_threads_get_200_addresses(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)

    def make(_number: int) -> str:
        port = api.create("port", network_id=network["id"])
        address: str = port["fixed_ips"][0]["ip_address"]
        return address

    with ThreadPoolExecutor(THREADS) as pool:
        addresses = list(pool.map(make, range(200)))
    assert len(set(addresses)) == 200


def test_of_overlapping_subnets_made_at_once_one_wins(api_on_each: Api) -> None:
    api = api_on_each
    for round_number in range(5):
        network = api.create("network")

        def make(number: int, network: dict[str, Any] = network) -> int:
            body = {
                "network_id": network["id"],
                "cidr": f"10.0.0.0/{16 + number}",
                "ip_version": 4,
            }
            return api.call("POST", "/subnets", {"subnet": body}).status_code

        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(make, range(4)))
        assert statuses == [201, 400, 400, 400], round_number
        assert len(api.list("subnet", network_id=network["id"])) == 1
        assert len(api.list("port", network_id=network["id"])) == 1


def test_one_address_asked_for_by_many_goes_to_one(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    body = {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.0.0.50"}]}

    def make(_number: int) -> int:
        return api.call("POST", "/ports", {"port": body}).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        assert sorted(pool.map(make, range(8))) == [201] + [409] * 7


def test_a_network_deleted_while_ports_are_made_leaves_nothing_behind(api_on_each: Api) -> None:
    api = api_on_each
    for _ in range(5):
        network = api.create("network")
        api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)

        def act(number: int, network: dict[str, Any] = network) -> int:
            if number == 2:
                return api.call("DELETE", f"/networks/{network['id']}").status_code
            body = {"port": {"network_id": network["id"]}}
            return api.call("POST", "/ports", body).status_code

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(act, range(4)))
        deleted = statuses.pop(2)
        assert deleted in (204, 409)
        assert set(statuses) <= ({404} if deleted == 204 else {201}), statuses


def test_changes_of_one_port_at_once_each_get_a_revision(api_on_each: Api) -> None:
    api = api_on_each
    port = api.create("port", network_id=api.create("network")["id"])

    def change(number: int) -> int:
        revision: int = api.update("port", port["id"], name=str(number))["revision_number"]
        return revision

    with ThreadPoolExecutor(THREADS) as pool:
        assert sorted(pool.map(change, range(1, 25))) == list(range(1, 25))


def test_changes_of_one_port_at_once_are_answered_and_recorded_one_after_another(
    api_on_each: Api,
) -> None:
    api = api_on_each
    network = api.create("network", name="n")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    port = api.create("port", network_id=network["id"])
    asked: list[dict[str, Any]] = []
    for number in range(20):
        address = {"subnet_id": subnet["id"], "ip_address": f"10.0.0.{100 + number}"}
        asked += [{"name": f"n{number}"}, {"fixed_ips": [address]}]
        asked += [{"name": f"m{number}", "description": f"d{number}"}]

    def change(wanted: dict[str, Any]) -> dict[str, Any]:
        return api.update("port", port["id"], **wanted)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(change, asked))
    in_order = sorted(
        zip(answers, asked, strict=True), key=lambda each: int(each[0]["revision_number"])
    )
    expected, told = port, []
    for answer, wanted in in_order:
        told.append({name: [expected[name], value] for name, value in wanted.items()})
        expected = expected | wanted | {"revision_number": expected["revision_number"] + 1}
        names = ["name", "description", "fixed_ips", "revision_number"]
        assert {name: answer[name] for name in names} == {name: expected[name] for name in names}
    assert api.show("port", port["id"]) == answer

    def address_alone(value: Any) -> Any:
        return [each["ip_address"] for each in value] if isinstance(value, list) else value

    result = api.call("GET", "/audit-events", params={"operation": "update_port"})
    recorded = [event["changes"] for event in reversed(result.json["audit_events"])]
    assert recorded == [
        {name: [*map(address_alone, pair)] for name, pair in changes.items()} for changes in told
    ]
