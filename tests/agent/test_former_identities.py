"""DHCPv6 leases end if their machine asks under another identity."""

import msgspec
import pytest

from ipam.agent.desired import served_network
from ipam.agent.dnsmasq.config import Site
from ipam.agent.dnsmasq.dhcp6_requests import Request6
from ipam.agent.former_identities import AGAIN_SECONDS, FormerIdentities
from ipam.agent.observed import ObservedNetwork
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Lease
from ipam.protocol.dhcp_state import FullNetwork
from ipam.templating import Word
from tests.agent.listener_double import ListenerDouble
from tests.agent.logs_double import LogsDouble
from tests.agent.network_rows import HOST, network, subnet4

SITE = Site(Word("/run"), Word("/tags"), Word("/hook"), Word("nobody"))
MAC, ADDRESS = "fa:16:3e:00:00:05", "2001:db8::5"
OLD, NEW = "00:03:00:01:fa:16:3e:00:00:05", "00:02:00:00:ab:11:01:02"
LEASE = Lease(ADDRESS, MAC, 0, duid=OLD, iaid="7")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Place:
    """A network whose port has an IPv6 address, leased under OLD."""

    def __init__(self) -> None:
        self.clock, self.logs = Clock(), LogsDouble()
        self.listener: ListenerDouble[Request6] = ListenerDouble()
        self.served = self.network()
        self.identities = FormerIdentities(self.logs, self.listener, self.clock)
        self.leases = [LEASE, Lease("10.0.0.5", MAC, 0)]

    def network(self, **more: object) -> ServedNetwork:
        return served_network(msgspec.convert(network(**more), FullNetwork), SITE, HOST)

    def asks(self, request: Request6) -> list[str]:
        """The addresses whose leases end when this machine has asked and was refused."""
        self.logs.refused = {self.served.state.id: {request.logged_duid}}
        self.listener.packets = {self.served.state.id: [request]}
        seen = ObservedNetwork(self.served.state, False, self.leases, frozenset())
        return [step.lease.ip_address for step in self.identities.plan(self.served, seen)]


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.mark.parametrize(
    "request6",
    [
        Request6(MAC, NEW, frozenset({"7"})),
        Request6(MAC, OLD, frozenset({"8"})),
    ],
    ids=["other DUID", "other IAID"],
)
def test_the_ports_machine_gets_its_address_under_another_identity(
    place: Place, request6: Request6
) -> None:
    assert place.asks(request6) == [ADDRESS]


@pytest.mark.parametrize(
    "request6",
    [
        Request6("fa:16:3e:00:00:99", NEW, frozenset({"7"})),
        Request6(MAC, OLD, frozenset({"7", "8"})),
    ],
    ids=["another machine", "the same identity"],
)
def test_a_lease_stays_its_machines(place: Place, request6: Request6) -> None:
    assert place.asks(request6) == []


def test_who_was_not_refused_takes_nothing(place: Place) -> None:
    other = Request6(MAC, NEW, frozenset({"7"}))
    place.asks(Request6(MAC, OLD, frozenset({"7"})))
    place.listener.packets = {place.served.state.id: [other]}
    seen = ObservedNetwork(place.served.state, False, place.leases, frozenset())
    assert place.identities.plan(place.served, seen) == []


def test_two_systems_on_one_machine_do_not_fight_without_a_pause(place: Place) -> None:
    assert place.asks(Request6(MAC, NEW, frozenset({"7"}))) == [ADDRESS]
    assert place.asks(Request6(MAC, NEW, frozenset({"7"}))) == []
    place.clock.now += AGAIN_SECONDS
    assert place.asks(Request6(MAC, NEW, frozenset({"7"}))) == [ADDRESS]


def test_who_was_refused_last_in_the_pause_gets_the_address_when_it_ends(place: Place) -> None:
    first, second, last = (Request6(MAC, NEW, frozenset({iaid})) for iaid in ("7", "8", "9"))
    assert place.asks(first) == [ADDRESS]
    place.leases = [Lease(ADDRESS, MAC, 0, duid=NEW, iaid="7")]
    assert place.asks(second) == place.asks(last) == []
    place.logs.refused, place.listener.packets = {}, {}

    def ended() -> list[str]:
        seen = ObservedNetwork(place.served.state, False, place.leases, frozenset())
        return [step.lease.ip_address for step in place.identities.plan(place.served, seen)]

    assert ended() == []
    place.clock.now += AGAIN_SECONDS
    assert ended() == [ADDRESS]
    assert ended() == []
    place.leases = [Lease(ADDRESS, MAC, 0, duid=NEW, iaid="9")]
    place.clock.now += AGAIN_SECONDS
    assert ended() == []
    place.asks(second)
    assert place.asks(last) == [], "the lease is its own"
    place.identities.tidy({})
    place.clock.now += AGAIN_SECONDS
    assert ended() == []


def test_a_network_is_listened_to_before_anybody_is_refused(place: Place) -> None:
    place.listener.packets = {place.served.state.id: [Request6(MAC, NEW, frozenset({"7"}))]}
    seen = ObservedNetwork(place.served.state, False, place.leases, frozenset())
    assert place.identities.plan(place.served, seen) == []
    assert place.listener.packets == {}, "it has begun to listen"
    assert place.asks(Request6(MAC, NEW, frozenset({"7"}))) == [ADDRESS]


def test_only_networks_that_give_dhcpv6_are_listened_to(place: Place) -> None:
    place.listener.packets = {place.served.state.id: [], "gone": []}
    place.identities.tidy({place.served.state.id: place.served})
    assert "gone" not in place.listener.packets
    place.listener.packets = {place.served.state.id: []}
    place.identities.tidy({place.served.state.id: place.network(subnets=[subnet4()])})
    assert place.listener.packets == {}
