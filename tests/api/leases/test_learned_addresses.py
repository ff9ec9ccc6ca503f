"""IPv6 addresses that machines made and were seen with: whose they are, and how they end."""

import time
from typing import Any

import pytest

from ipam.store.engine.database import Database
from ipam.store.leases import endings
from tests.api.caller import Api
from tests.api.leases.test_event_requests import MAC, NOWHERE, OTHER_MAC, event, history, send
from tests.store.statements import statements

OWN = "2001:db8::f816:3eff:fe00:1"
PRIVATE = "2001:db8::abcd:1"


def seen(network_id: str, address: str = PRIVATE, action: str = "add", **more: Any) -> Any:
    plain = {"source": "slaac", "hostname": None, "client_id": None}
    return event(network_id, action, ip_address=address, **plain | more)


@pytest.fixture
def port(api_on_each: Api) -> dict[str, Any]:
    """A port of a network whose machines make their addresses, and another network's."""
    for cidr in ("2001:db8:9::/64", "2001:db8::/64"):
        network = api_on_each.create("network")
        modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        six = {"cidr": cidr, "ip_version": 6, **modes}
        api_on_each.create("subnet", network_id=network["id"], **six)
        made = api_on_each.create("port", network_id=network["id"], mac_address=MAC)
    return made


def shown(api: Api, **params: Any) -> dict[str, Any]:
    (lease,) = api.list("lease", **params)
    return lease


@pytest.mark.parametrize("address", [OWN, PRIVATE])
def test_an_address_that_a_machine_made_is_its_ports_and_says_where_it_is_from(
    api_on_each: Api, port: dict[str, Any], address: str
) -> None:
    send(api_on_each, seen(port["network_id"], address))
    lease = shown(api_on_each)
    assert (lease["ip_address"], lease["mac_address"]) == (address, MAC)
    assert (lease["port_id"], lease["source"]) == (port["id"], "slaac")
    assert lease["subnet_id"] == port["fixed_ips"][0]["subnet_id"]
    assert [one["source"] for one in history(api_on_each)] == ["slaac"]
    assert shown(api_on_each, source="slaac") == lease
    assert api_on_each.list("lease", source="dhcp") == []
    assert addresses(api_on_each, port) == [OWN], "only the port's own has its name"


def test_many_machines_take_as_many_statements_as_few(
    api_on_each: Api, port: dict[str, Any], database: Database
) -> None:
    on_network = {"network_id": port["network_id"]}
    macs = [MAC, *(f"fa:16:3e:00:01:0{number}" for number in range(7))]
    ids = [port["id"]]
    ids += [api_on_each.create("port", **on_network, mac_address=mac)["id"] for mac in macs[1:]]
    counts = []
    for first, last in ((0, 2), (2, 8)):
        given = [
            seen(port["network_id"], f"2001:db8::abcd:{number}", mac_address=macs[number])
            for number in range(first, last)
        ]
        with statements(database) as asked:
            send(api_on_each, *given)
        counts.append(len(asked))
    assert counts[0] == counts[1]
    held = {lease["mac_address"]: lease["port_id"] for lease in api_on_each.list("lease")}
    assert held == dict(zip(macs, ids, strict=True))


def addresses(api: Api, port: dict[str, Any]) -> list[str]:
    shown = api.show("port", port["id"])
    assert [one["ip_address"] for one in shown["dns_assignment"]] == [OWN]
    return [one["ip_address"] for one in shown["fixed_ips"]]


def test_it_goes_with_its_port(api_on_each: Api, port: dict[str, Any]) -> None:
    send(api_on_each, seen(port["network_id"]))
    api_on_each.delete("port", port["id"])
    assert api_on_each.list("lease") == []
    assert [one["action"] for one in history(api_on_each)] == ["del", "add"]


@pytest.mark.parametrize(
    "more",
    [
        {"mac_address": OTHER_MAC},
        {"ip_address": "2001:db8:77::1"},
        {"ip_address": "10.0.0.5"},
        {"network_id": NOWHERE},
    ],
    ids=["a stranger's", "of another prefix", "of IPv4", "of no network"],
)
def test_what_belongs_to_no_port_is_nobodys(
    api_on_each: Api, port: dict[str, Any], more: dict[str, str]
) -> None:
    send(api_on_each, seen(port["network_id"]) | more)
    assert shown(api_on_each)["port_id"] is None


def test_another_machine_with_a_ports_address_is_not_the_port(
    api_on_each: Api, port: dict[str, Any]
) -> None:
    send(api_on_each, seen(port["network_id"], OWN, mac_address=OTHER_MAC))
    lease = shown(api_on_each)
    assert (lease["port_id"], lease["mac_address"]) == (None, OTHER_MAC)


def test_one_that_is_not_seen_any_more_ends_with_its_reason(
    api_on_each: Api, port: dict[str, Any], database: Database
) -> None:
    until = int(time.time()) - 60
    send(api_on_each, seen(port["network_id"], expires_at=until))
    every: Any = {"after": 0, "last": 2**31, "limit": 9}
    ended = database.write(lambda tx: endings.end_overdue(tx, before=until + 1, **every))
    assert len(ended) == 1
    assert api_on_each.list("lease") == []
    assert "not seen" in history(api_on_each)[0]["details"]["reason"]


def test_no_server_is_asked_to_end_it(api_on_each: Api, port: dict[str, Any]) -> None:
    send(api_on_each, seen(port["network_id"]))
    path = f"/leases/{shown(api_on_each)['id']}/release"
    api_on_each.refused(409, "LeaseOfMachine", "PUT", path)


def test_a_dhcp_server_that_gives_the_address_makes_it_its_own(
    api_on_each: Api, port: dict[str, Any]
) -> None:
    send(api_on_each, seen(port["network_id"]))
    send(api_on_each, event(port["network_id"], ip_address=PRIVATE))
    assert shown(api_on_each)["source"] == "dhcp"
