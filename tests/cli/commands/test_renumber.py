"""`ipam renumber` on the real API: each step may be cut off, given again, and undone."""

import json
import time
import uuid
from typing import Any

import pytest

from ipam.cli import rehearsal
from ipam.client import Client
from ipam.errors import NotFound, ServiceUnavailable
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi


class Service:
    """What is there, asked beside the command line."""

    def __init__(self, client: Client) -> None:
        self.client = client
        network = client.post("/v2.0/networks", json={"network": {"name": "lan"}})["network"]
        self.on = {"network_id": network["id"]}
        subnet = {**self.on, "name": "v4", "cidr": "10.0.0.0/24", "ip_version": 4}
        pools = [("10.0.0.2", "10.0.0.99"), ("10.0.0.120", "10.0.0.254")]
        subnet["allocation_pools"] = [{"start": start, "end": end} for start, end in pools]
        client.post("/v2.0/subnets", json={"subnet": subnet})
        for number in (9, 10):
            port = {**self.on, "fixed_ips": [{"ip_address": f"10.0.0.{number}"}]}
            client.post("/v2.0/ports", json={"port": port | {"name": f"web{number}"}})

    def state(self) -> Any:
        """Subnets and ports as far as a renumbering touches them."""
        subnets = self.client.list("/v2.0/subnets", "subnets", self.on)
        ports = self.client.list("/v2.0/ports", "ports", self.on)
        return {
            **{one["cidr"]: (one["allocation_pools"], sorted(one["tags"])) for one in subnets},
            **{
                one["name"] or "server": (
                    [ip["ip_address"] for ip in one["fixed_ips"]],
                    [pair["ip_address"] for pair in one["allowed_address_pairs"]],
                    one["tags"],
                )
                for one in ports
            },
        }

    def addresses(self) -> list[str]:
        return [self.state()[name][0][0] for name in ("web9", "web10")]

    def lease(self, name: str) -> None:
        """The machine has asked, and got what its port has."""
        (port,) = self.client.list("/v2.0/ports", "ports", {"name": name})
        lease = {
            **self.on,
            "id": uuid.uuid4().hex,
            "host": "cn1",
            "action": "add",
            "ip_address": port["fixed_ips"][0]["ip_address"],
            "mac_address": port["mac_address"],
            "expires_at": int(time.time()) + 3600,
            "occurred_at_us": time.time_ns() // 1000,
        }
        self.client.post("/v2.0/lease-events", json={"lease_events": [lease]})


@pytest.fixture
def service(api: LiveApi) -> Any:
    with Client(socket_path=api.socket) as client:
        yield Service(client)


def run(ipam: Ipam, line: str, status: int = 0) -> str:
    outcome = ipam(*line.split())
    assert outcome.status == status, outcome
    return outcome.out + outcome.err


def test_machines_move_one_by_one_and_the_old_subnet_goes(local: Ipam, service: Service) -> None:
    run(local, "renumber start v4 10.8.0.0/24")
    run(local, "renumber start 10.0.0.0/24 10.8.0.0/24")  # again: nothing is to be done
    assert "renumbered to 10.8.0.0/24: `ipam" in run(
        local, "renumber start 10.0.0.0/24 10.9.0.0/24", 1
    )
    assert "`undo` ends that" in run(local, "renumber start 10.8.0.0/24 10.9.0.0/24", 1)
    assert service.state()["10.0.0.0/24"][0] == []
    run(local, "renumber move 10.8.0.0/24 --count 1")
    assert service.addresses() == ["10.8.0.9", "10.0.0.10"]
    assert service.state()["web9"][1] == ["10.0.0.9"]  # it may send from it until it renews
    shown = json.loads(local("renumber", "status", "10.0.0.0/24", "-f", "json").out)
    assert [one["State"] for one in shown] == ["waits for its machine", "to move"]
    assert "still has addresses on 1 port (web10)" in run(local, "renumber finish 10.8.0.0/24", 1)
    run(local, "renumber move 10.8.0.0/24")
    service.lease("web9")
    run(local, "renumber status 10.8.0.0/24", 1)
    assert "web10" in run(local, "renumber finish 10.8.0.0/24", 1)
    service.lease("web10")
    run(local, "renumber status 10.8.0.0/24")
    run(local, "renumber finish 10.8.0.0/24")
    state = service.state()
    assert "10.0.0.0/24" not in state
    assert state["10.8.0.0/24"][1] == []
    assert state["web9"] == (["10.8.0.9"], [], [])


def test_a_machine_in_the_place_of_the_new_router_gets_another(
    local: Ipam, service: Service
) -> None:
    run(local, "renumber start v4 10.8.0.0/24 --gateway 10.8.0.9")
    run(local, "renumber move 10.8.0.0/24")
    moved = service.addresses()
    assert all(one.startswith("10.8.0.") for one in moved)
    assert "10.8.0.9" not in moved


def test_a_machine_without_its_place_takes_no_others(local: Ipam, service: Service) -> None:
    lowest = {"gateway_ip": None, "enable_dhcp": False, "address_selection": "lowest"}
    subnet = {**service.on, **lowest, "name": "small", "cidr": "10.1.0.0/29", "ip_version": 4}
    service.client.post("/v2.0/subnets", json={"subnet": subnet})
    for number in (1, 2):
        port = {**service.on, "fixed_ips": [{"ip_address": f"10.1.0.{number}"}]}
        service.client.post("/v2.0/ports", json={"port": port | {"name": f"db{number}"}})
    run(local, "renumber start small 10.8.0.0/29 --gateway 10.8.0.1")
    run(local, "renumber move 10.8.0.0/29")
    state = service.state()
    assert [state[name][0] for name in ("db1", "db2")] == [["10.8.0.3"], ["10.8.0.2"]]


def test_a_port_that_cannot_be_moved_back_is_not_forgotten_on_a_terminal(
    local: Ipam, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would follow on its move is not done, and the next undo does all of it."""
    before = service.state()
    run(local, "renumber start v4 10.8.0.0/24")
    run(local, "renumber move 10.8.0.0/24")
    real, puts = Client.put, []

    def put(self: Client, *words: Any, **named: Any) -> Any:
        puts.append(words)
        if len(puts) == 1:
            raise ServiceUnavailable("busy")
        return real(self, *words, **named)

    delete = Client.delete

    def gone(self: Client, *words: Any, **named: Any) -> None:
        """Like a deletion that somebody else was faster with."""
        delete(self, *words, **named)
        raise NotFound("It is gone.")

    monkeypatch.setattr(rehearsal, "is_terminal", lambda: True)
    with monkeypatch.context() as patch:
        patch.setattr(Client, "put", put)
        assert "busy" in run(local, "renumber undo 10.0.0.0/24", 1)
    state = service.state()
    assert state["web9"][2] == ["renumber-from:10.0.0.9"]  # so it is known where it belongs
    assert state["web10"] == before["web10"]  # the others have moved
    assert state["10.0.0.0/24"][0] == []
    with monkeypatch.context() as patch:
        patch.setattr(Client, "delete", gone)
        run(local, "renumber undo 10.0.0.0/24")
    assert service.state() == before


def test_all_is_undone_wherever_it_was_cut_off(
    local: Ipam, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command is cut off at each of its requests, as by kill -9, and undone from there."""
    before = service.state()

    def cut_off(requests: int, *lines: str) -> None:
        """Run these command lines, with a service that goes away after so many changes."""
        left = [requests]
        with monkeypatch.context() as patch:
            for name in ("post", "put", "delete"):
                real = getattr(Client, name)

                def counted(self: Client, *words: Any, real: Any = real, **named: Any) -> Any:
                    left[0] -= 1
                    if left[0] < 0:
                        raise ServiceUnavailable("cut off")
                    return real(self, *words, **named)

                patch.setattr(Client, name, counted)
            for line in lines:
                local(*line.split())

    steps = ("renumber start v4 10.8.0.0/24", "renumber move 10.8.0.0/24")
    for cut in range(1, 8):
        cut_off(cut, *steps)
        run(local, "renumber undo 10.0.0.0/24")
        assert service.state() == before, cut
    for cut in range(1, 10):
        cut_off(99, *steps)
        cut_off(cut, "renumber undo 10.0.0.0/24")
        local("renumber", "undo", "10.0.0.0/24")
        assert service.state() == before, cut


def slaac(service: Service) -> Any:
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    on = {**service.on, "ip_version": 6, **modes, "name": "v6", "lease_time": 3600}
    service.client.post("/v2.0/subnets", json={"subnet": {**on, "cidr": "2001:db8:1::/64"}})
    service.client.post("/v2.0/ports", json={"port": {**service.on, "name": "web6"}})

    def prefixes() -> tuple[list[str], Any]:
        (port,) = service.client.list("/v2.0/ports", "ports", {"name": "web6"})
        mine = [one["ip_address"] for one in port["fixed_ips"] if ":" in one["ip_address"]]
        found = service.client.list("/v2.0/subnets", "subnets", {"cidr": "2001:db8:1::/64"})
        times = found[0]["lease_time"] if found else None
        return sorted(":".join(one.split(":")[:3]) for one in mine), times

    return prefixes


def test_machines_that_make_their_addresses_have_both_until_the_old_prefix_goes(
    local: Ipam, service: Service
) -> None:
    prefixes = slaac(service)
    run(local, "renumber start 2001:db8:1::/64 2001:db8:2::/64")
    run(local, "renumber move 2001:db8:2::/64")
    assert prefixes() == (["2001:db8:1", "2001:db8:2"], 0)  # the old prefix is deprecated
    run(local, "renumber undo 2001:db8:2::/64")
    assert prefixes() == (["2001:db8:1"], 3600)
    run(local, "renumber start 2001:db8:1::/64 2001:db8:2::/64")
    run(local, "renumber move 2001:db8:2::/64")
    assert "web6" in run(local, "renumber finish 2001:db8:2::/64", 1)
    run(local, "renumber finish 2001:db8:2::/64 --yes")
    assert prefixes() == (["2001:db8:2"], None)


def test_stateful_ipv6_moves_like_ipv4(local: Ipam, service: Service) -> None:
    modes = {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
    subnet = {**service.on, "ip_version": 6, **modes, "cidr": "2001:db8:1::/64"}
    service.client.post("/v2.0/subnets", json={"subnet": subnet})
    port = {**service.on, "name": "web6", "fixed_ips": [{"ip_address": "2001:db8:1::9"}]}
    service.client.post("/v2.0/ports", json={"port": port})
    before = service.state()
    run(local, "renumber start 2001:db8:1::/64 2001:db8:2::/64")
    run(local, "renumber move 2001:db8:2::/64")
    assert service.state()["web6"][:2] == (["2001:db8:2::9"], ["2001:db8:1::9"])
    run(local, "renumber undo 2001:db8:2::/64")
    assert service.state() == before


def test_dynamic_leases_end_and_their_machines_get_new_ones(local: Ipam, service: Service) -> None:
    span = [{"start": "10.3.0.100", "end": "10.3.0.109"}]
    classes = [{"name": "phones", "mac_prefix": "52:54:00", **span[0]}]
    subnet = {**service.on, "name": "dyn", "cidr": "10.3.0.0/24", "ip_version": 4}
    subnet |= {"dynamic_ranges": span, "client_classes": classes}
    service.client.post("/v2.0/subnets", json={"subnet": subnet})
    event = {
        **service.on,
        "host": "cn1",
        "ip_address": "10.3.0.100",
        "mac_address": "52:54:00:00:00:01",
        "expires_at": int(time.time()) + 3600,
    }

    def tell(action: str) -> None:
        own = {"id": uuid.uuid4().hex, "action": action}
        now = {"occurred_at_us": time.time_ns() // 1000}
        service.client.post("/v2.0/lease-events", json={"lease_events": [event | own | now]})

    def dynamic() -> Any:
        found = service.client.list("/v2.0/subnets", "subnets", service.on)
        return {
            one["cidr"]: (one["dynamic_ranges"], one["client_classes"][0]["start"])
            for one in found
            if one["name"] == "dyn"
        }

    tell("add")
    run(local, "renumber start dyn 10.8.0.0/24")
    there = [{"start": "10.8.0.100", "end": "10.8.0.109"}]
    assert dynamic()["10.8.0.0/24"] == (there, "10.8.0.100")
    run(local, "renumber move 10.8.0.0/24")
    assert dynamic()["10.3.0.0/24"] == ([], None)
    assert "1 dynamic lease of the old subnet" in run(local, "renumber status 10.8.0.0/24", 1)
    assert "have not ended yet" in run(local, "renumber finish 10.8.0.0/24", 1)
    run(local, "renumber undo 10.8.0.0/24")
    assert dynamic() == {"10.3.0.0/24": (span, "10.3.0.100")}
    run(local, "renumber start dyn 10.8.0.0/24")
    run(local, "renumber move 10.8.0.0/24")
    tell("del")
    run(local, "renumber status 10.8.0.0/24")
    run(local, "renumber finish 10.8.0.0/24")
    assert dynamic() == {"10.8.0.0/24": (there, "10.8.0.100")}
