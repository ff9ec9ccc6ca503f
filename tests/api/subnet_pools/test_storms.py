"""Many who take from one subnet pool at the same time, on each database."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

from ipam.rules import prefixes
from tests.api.caller import Api

THREADS = 8


def test_subnets_taken_at_once_never_overlap_and_use_up_the_pool(api_on_each: Api) -> None:
    api = api_on_each
    pool = api.create("subnetpool", prefixes=["10.0.0.0/24"], min_prefixlen=24)
    networks = [api.create("network")["id"] for _ in range(THREADS)]
    lengths = [27, 28, 29, 30]

    def make(number: int) -> tuple[int, str]:
        body = {
            "network_id": networks[number % THREADS],
            "ip_version": 4,
            "subnetpool_id": pool["id"],
            "prefixlen": lengths[number % len(lengths)],
            "enable_dhcp": False,
        }
        result = api.call("POST", "/subnets", {"subnet": body})
        key = "subnet" if result.status_code == 201 else "NeutronError"
        return result.status_code, result.json[key].get("cidr") or result.json[key]["type"]

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(make, range(32)))
    made = [cidr for status, cidr in answers if status == 201]
    assert {kind for status, kind in answers if status != 201} <= {"SubnetAllocationError"}
    for one, other in combinations(made, 2):
        assert prefixes.overlaps([one], [other]) is None
    for number, (status, _) in enumerate(answers):
        if status != 201:  # nothing was given back, so what was refused then fits nowhere now
            assert prefixes.free_prefix(["10.0.0.0/24"], made, lengths[number % 4]) is None


def test_a_quota_holds_against_many_at_once(api_on_each: Api) -> None:
    api = api_on_each
    pool = api.create(
        "subnetpool", prefixes=["10.0.0.0/16"], default_prefixlen=26, default_quota=256
    )
    networks = [api.create("network")["id"] for _ in range(THREADS)]

    def make(network_id: str) -> int:
        body = {"network_id": network_id, "ip_version": 4, "subnetpool_id": pool["id"]}
        return api.call("POST", "/subnets", {"subnet": body}).status_code

    with ThreadPoolExecutor(THREADS) as threads:
        statuses = sorted(threads.map(make, networks))
    assert statuses == [201] * 4 + [409] * 4


def test_of_overlapping_pools_that_enter_a_scope_at_once_one_gets_in(api_on_each: Api) -> None:
    api = api_on_each
    for _ in range(3):
        body = {"address_scope": {"ip_version": 4}}
        scope = api.call("POST", "/address-scopes", body).json["address_scope"]
        waiting = api.create("subnetpool", prefixes=["10.0.0.0/8"])

        def enter(number: int, scope_id: str = scope["id"], pool_id: str = waiting["id"]) -> int:
            if number == 0:
                change = {"subnetpool": {"address_scope_id": scope_id}}
                return api.call("PUT", f"/subnetpools/{pool_id}", change).status_code
            made = {"prefixes": [f"10.{number}.0.0/16", "10.9.0.0/16"]}
            made |= {"address_scope_id": scope_id}  # type: ignore[dict-item]  # one of the two
            return api.call("POST", "/subnetpools", {"subnetpool": made}).status_code

        with ThreadPoolExecutor(4) as threads:
            statuses = list(threads.map(enter, range(4)))
        assert sorted(statuses)[1:] == [409] * 3, statuses


def test_a_pool_deleted_while_subnets_are_taken_leaves_no_subnet_without_it(
    api_on_each: Api,
) -> None:
    api = api_on_each
    for _ in range(3):
        pool = api.create("subnetpool", prefixes=["10.0.0.0/16"], default_prefixlen=24)
        networks = [api.create("network")["id"] for _ in range(3)]

        def act(number: int, pool_id: str = pool["id"], networks: list[str] = networks) -> int:
            if number == 1:
                return api.call("DELETE", f"/subnetpools/{pool_id}").status_code
            body = {"network_id": networks[number % 3], "ip_version": 4, "subnetpool_id": pool_id}
            return api.call("POST", "/subnets", {"subnet": body}).status_code

        with ThreadPoolExecutor(3) as threads:
            statuses = list(threads.map(act, range(3)))
        deleted = statuses.pop(1)
        assert set(statuses) <= ({404} if deleted == 204 else {201}), (deleted, statuses)
