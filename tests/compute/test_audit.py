"""The audit finds contradictions, and never proposes a port of an existing server."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.compute import audit, facts
from ipam.compute.facts import Listing, Port, Server
from ipam.compute.findings import Action, Finding, Kind
from tests.compute.looks import GONE, GRACE, IP, LIVE, MAC, NOW, iso, live, looked, port
from tests.compute.nova_listing import server as server_body


def kinds(findings: Iterable[Finding]) -> list[str]:
    return [str(finding.kind) for finding in findings]


def test_a_port_and_a_server_that_agree_are_no_finding() -> None:
    assert looked([port()], live()) == []


def test_a_port_whose_server_is_gone_is_an_orphan_with_its_facts() -> None:
    lost = port(GONE)
    (found,) = looked([lost, port()], live(), gone=[GONE])
    assert (found.kind, found.port, found.server_id) == (Kind.ORPHAN, lost, GONE)
    assert (found.project_id, found.network, found.addresses) == ("p", "n", (IP,))
    assert found.age_seconds == 3600
    for fact in (GONE, "404", iso(NOW), iso(lost.updated_at)):
        assert fact in found.evidence


@pytest.mark.parametrize(
    "changes",
    [
        {"updated_at": iso(NOW - timedelta(seconds=GRACE - 1))},
        {"device_owner": "network:dhcp"},
        {"device_owner": ""},
        {"device_owner": "compute:kuryr"},
        {"device_id": "not-a-uuid"},
        {"device_id": ""},
    ],
)
def test_a_port_of_something_else_or_just_changed_is_no_orphan(changes: dict[str, Any]) -> None:
    mine = port(**{"device_id": GONE, **changes})
    assert looked([mine], gone=[mine.device_id]) == []


def test_a_server_that_is_only_known_to_exist_is_no_finding() -> None:
    partial = facts.server({"id": LIVE, "tenant_id": "p", "status": "UNKNOWN"})
    assert looked([port(**{"binding:host_id": "elsewhere"})], partial) == []


@pytest.mark.parametrize(
    ("server", "bound_to", "found"),
    [
        ({"host": "host-b"}, "host-a", True),
        ({"host": "host-b"}, "", True),
        ({"host": "host-b"}, "host-b", False),
        ({"host": "host-b", "status": "VERIFY_RESIZE"}, "host-b", False),
        ({"host": "host-b", "status": "VERIFY_RESIZE"}, "host-a", True),
        ({"host": "host-b", "OS-EXT-STS:task_state": "migrating"}, "host-a", False),
        ({"host": None, "status": "SHELVED_OFFLOADED"}, "", False),
        ({"host": None, "status": "SHELVED_OFFLOADED"}, "host-a", False),
        ({"host": None, "status": "ERROR"}, "host-a", False),
        ({"host": None, "status": "BUILD"}, "host-a", False),
        ({"host": "host-b"}, None, False),
    ],
)
def test_a_port_is_on_the_wrong_host_where_nova_has_settled_on_another(
    server: dict[str, Any], bound_to: str | None, *, found: bool
) -> None:
    bound: dict[str, Any] = {"binding:host_id": bound_to}
    findings = looked([port(**bound)], live(**server))
    assert kinds(findings) == (["wrong host"] if found else [])
    for finding in findings:
        assert "host-b" in finding.evidence
        assert finding.action is Action.NONE


def test_a_baremetal_port_is_bound_to_a_node_and_not_to_novas_host() -> None:
    node = port(**{"binding:vnic_type": "baremetal", "binding:host_id": "a-node"})
    assert looked([node], live()) == []


def test_addresses_that_differ_are_a_stale_cache() -> None:
    (found,) = looked([port()], live((MAC, "10.0.0.9")))
    assert (found.kind, found.action) == (Kind.OTHER_ADDRESS, Action.NONE)
    assert IP in found.evidence
    assert "10.0.0.9" in found.evidence
    assert "network-changed" in found.proposal


def test_a_port_that_the_cache_does_not_show_is_a_stale_cache_unless_the_server_is_at_work() -> (
    None
):
    second = port(mac_address="fa:16:3e:00:00:02", fixed_ips=[{"ip_address": "10.0.0.6"}])
    assert kinds(looked([port(), second], live())) == ["other address"]
    busy = {"OS-EXT-STS:task_state": "rebooting"}
    assert looked([port(), second], live(**busy)) == []


def test_the_same_address_in_other_words_is_no_difference() -> None:
    mine = port(
        mac_address=MAC.upper(), fixed_ips=[{"ip_address": "2001:db8::1"}], device_id=LIVE.upper()
    )
    assert looked([mine], live((MAC, "2001:0db8:0:0::1"))) == []


def test_an_interface_without_a_port_is_a_stranger_with_who_has_its_mac_address() -> None:
    other = "fa:16:3e:00:00:02"
    elsewhere = port("", mac_address=other, device_owner="")
    (found,) = looked([port(), elsewhere], live((MAC, IP), (other, "10.0.0.7")))
    assert (found.kind, found.port, found.server_id) == (Kind.STRANGER, None, LIVE)
    assert (found.addresses, found.mac_address) == (("10.0.0.7",), other)
    assert (found.network, found.action) == ("lan", Action.NONE)
    assert elsewhere.id in found.evidence


def test_an_interface_whose_port_got_another_mac_address_is_told_once() -> None:
    moved = port(mac_address="fa:16:3e:00:00:02")
    assert kinds(looked([moved], live())) == ["other address"]


def test_floating_addresses_are_none_of_a_port() -> None:
    body = server_body(LIVE, (MAC, IP))
    floating = {"OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": MAC, "addr": "192.0.2.1"}
    body["addresses"]["lan"].append(floating)
    assert looked([port()], facts.server(body)) == []


def test_only_what_two_looks_find_at_an_untouched_port_is_confirmed() -> None:
    lost = port(GONE)
    first = looked([lost], gone=[GONE])
    assert audit.confirmed(first, looked([lost], gone=[GONE]))
    touched = replace(lost, revision_number=lost.revision_number + 1)
    assert audit.confirmed(first, looked([touched], gone=[GONE])) == []
    assert audit.confirmed([], first) == []


@dataclass
class World:
    """Servers that are born and die, and ports that come and go, between any two reads."""

    now: datetime = NOW
    living: list[str] = field(default_factory=list)
    ports: dict[str, Port] = field(default_factory=dict)

    def do(self, event: int, choice: int) -> None:
        some = sorted(self.ports)
        one = self.ports[some[choice % len(some)]] if some else None
        match event:
            case 0:  # a server first, as Nova does, and then its port
                self.living.append(str(uuid.UUID(int=len(self.living) + choice + (4 << 76))))
                self._put(port(self.living[-1], id=str(uuid.uuid4())))
            case 1 if self.living:
                self.living.pop(choice % len(self.living))
            case 2 if one:
                del self.ports[one.id]
            case 3 if one and self.living:  # attached to a living server
                self._put(replace(one, device_id=self.living[choice % len(self.living)]))
            case 4:
                self.now += timedelta(seconds=GRACE)
            case _:
                self.now += timedelta(seconds=choice % 60)

    def _put(self, changed: Port) -> None:
        revision = changed.revision_number + 1
        self.ports[changed.id] = replace(changed, revision_number=revision, updated_at=self.now)

    def orphans(self) -> set[str]:
        return {
            one.id
            for one in self.ports.values()
            if one.device_id not in self.living
            and self.now - one.updated_at >= timedelta(seconds=GRACE)
        }


Events = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 50)), max_size=4)


@given(st.lists(st.tuples(Events, Events, Events, st.sets(st.integers(0, 50))), max_size=8))
def test_no_port_of_a_living_server_is_proposed_whatever_happens_between_two_reads(
    looks: list[tuple[list[tuple[int, int]], ...]],
) -> None:
    world, last = World(), list[Finding]()

    def happen(events: list[tuple[int, int]]) -> None:
        for event in events:
            world.do(*event)

    def look(
        meanwhile: list[tuple[int, int]], later: list[tuple[int, int]], missed: Any
    ) -> list[Finding]:
        ports = tuple(world.ports.values())
        happen(meanwhile)
        listed = {one: Server(one) for n, one in enumerate(world.living) if n not in missed}
        happen(later)
        absent = facts.absent(ports, listed)
        found = {one: Server(one) for one in absent if one in world.living}
        gone = frozenset(absent) - found.keys()
        return audit.find(Listing(world.now, ports, listed | found, gone), grace_seconds=GRACE)

    for before, meanwhile, later, missed in looks:
        happen(before)
        found = look(meanwhile, later, missed)
        for finding in audit.confirmed(last, found):
            assert finding.kind is Kind.ORPHAN
            assert finding.port
            present = world.ports.get(finding.port.id)
            if present and present.revision_number == finding.port.revision_number:
                assert present.device_id not in world.living
        last = found
    quiet = audit.confirmed(look([], [], ()), look([], [], ()))
    assert {finding.port and finding.port.id for finding in quiet} == world.orphans()
