"""Questions of admins, asked of a prober that answers as it is told."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from ipam.agent import inquiries
from ipam.agent.desired import served_network
from ipam.agent.dnsmasq.probe_answers import Advertisement, Offer, Prefix, Question
from ipam.agent.inquiries import ATTEMPTS, Inquiries
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Interface, Lease
from ipam.protocol.dhcp_state import FullNetwork
from ipam.protocol.probes import AskedProbe, ProbeAnswer
from tests.agent.network_rows import HOST, NETWORK, PORT, Json, network, subnet4, subnet6
from tests.agent.test_desired import SITE

STRANGER = "99999999-9999-4999-8999-999999999999"
PREFIX = Prefix(
    "2001:db8::/64", on_link=True, autonomous=False, valid_seconds=7, preferred_seconds=7
)
ADVERTISED = Advertisement(
    managed=True,
    other=True,
    router_seconds=0,
    mtu=None,
    prefixes=(PREFIX,),
    name_servers=(),
    search=(),
)


class Prober:
    """Offers the address that is asked for in tests, unless the host is in trouble."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.solicited = 0
        self.is_open = True
        self.trouble: OSError | None = None

    def ask(
        self,
        network_id: str,
        interface: Interface,
        questions: Sequence[Question],
        *,
        attempts: int,
    ) -> Mapping[Question, Offer]:
        assert (network_id, interface.inside) == (NETWORK, "ns-22222222-22")
        assert attempts == ATTEMPTS, "an admin's question is not left to one lost packet"
        if self.trouble:
            raise self.trouble
        self.asked += questions
        return {
            one: Offer("2001:db8::5" if ":" in one.server else "10.0.0.5", None, 60, one.server)
            for one in questions
        }

    def advertisement(self, _network_id: str, _interface: Interface) -> Advertisement | None:
        self.solicited += 1
        return ADVERTISED

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def prober(monkeypatch: pytest.MonkeyPatch) -> Prober:
    one = Prober()
    monkeypatch.setattr(inquiries, "PacketProber", lambda _announce: one)
    return one


def served(row: Json) -> ServedNetwork:
    return served_network(msgspec.convert(row, FullNetwork), SITE, HOST)


def answers(row: Json, *port_ids: str, leases: Sequence[Lease] = ()) -> list[ProbeAnswer]:
    asking = Inquiries(lambda: {NETWORK: served(row)}, lambda _id: leases, lambda *_told: None)
    return asking.answer([AskedProbe(str(n), port_id) for n, port_id in enumerate(port_ids)])


def test_a_port_is_asked_for_in_each_subnet_and_told_what_is_advertised(prober: Prober) -> None:
    row = network(ports=[{**network()["ports"][0], "extra_dhcp_opts": []}])
    (found,) = answers(row, PORT)
    assert [(one.server, one.address) for one in found.offers] == [
        ("10.0.0.2", "10.0.0.5"),
        ("2001:db8::2", "2001:db8::5"),
        ("router advertisement", "2001:db8::"),
    ]
    assert "has no DHCP option 1 (netmask), 3 (router)" in found.offers[0].lacks
    assert "has no DHCP option 23 (dns-server)" in found.offers[1].lacks
    assert not prober.is_open


def test_no_router_is_asked_in_a_network_without_ipv6(prober: Prober) -> None:
    (found,) = answers(network(subnets=[subnet4()]), PORT)
    assert [one.server for one in found.offers] == ["10.0.0.2"]
    assert prober.solicited == 0


def test_an_ipv6_address_is_asked_for_in_the_name_of_who_has_its_lease(prober: Prober) -> None:
    """dnsmasq refuses it to anybody else."""
    lease = Lease("2001:db8::5", None, 0, duid="00:04:aa", iaid="7")
    answers(network(subnets=[subnet6()]), PORT, leases=[lease])
    (asked,) = prober.asked
    assert (asked.duid, asked.iaid) == (b"\0\4\xaa", (7).to_bytes(4))


def test_each_question_has_one_answer_even_if_nobody_can_be_asked(prober: Prober) -> None:
    found = answers(network(), STRANGER, PORT)
    assert [one.id for one in found] == ["0", "1"]
    assert found[0].trouble == "The agent has not heard of the port yet."
    assert found[1].offers
    (found_off,) = answers(network(admin_state_up=False), PORT)
    assert found_off.trouble == "The network has no DHCP server here."
    prober.trouble = FileNotFoundError(2, "No such file or directory")
    (found_gone,) = answers(network(), PORT)
    assert found_gone.trouble.startswith("dnsmasq cannot be asked: [Errno 2]")
    assert not prober.is_open


def test_the_prober_is_closed_even_if_an_answer_fails(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    prober.trouble = ZeroDivisionError("ours")  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        answers(network(), PORT)
    assert not prober.is_open
