import pytest

from ipam import model
from ipam.errors import CallerError, InvalidInput, InvalidIpForNetwork, InvalidIpForSubnet
from ipam.rules import fixed_ips
from ipam.rules.fixed_ips import Change, Claim, Pick, SubnetFacts, Wish
from ipam.rules.ipv6 import RESERVED_MAX

MAC = "fa:16:3e:00:00:01"
FOUR = SubnetFacts(1, "four", "10.0.0.0/24", 4, gateway=model.pack("10.0.0.1"))
FOUR_MORE = SubnetFacts(2, "four-more", "10.0.1.0/24", 4)
SIX = SubnetFacts(3, "six", "2001:db8::/64", 6)
AUTO = SubnetFacts(4, "auto", "2001:db8:1::/64", 6, automatic=True)
ROUTED = SubnetFacts(5, "routed", "10.9.0.0/24", 4, service_types=("network:routed",))
ALL = [FOUR, FOUR_MORE, SIX, AUTO]
AUTO_ADDRESS = model.pack("2001:db8:1::f816:3eff:fe00:1")


def test_a_new_port_gets_one_address_of_each_version_and_its_automatic_ones() -> None:
    assert fixed_ips.default_plan(ALL, MAC, "") == [
        Pick((FOUR, FOUR_MORE)),
        Pick((SIX,)),
        Claim(AUTO, AUTO_ADDRESS),
    ]


def test_a_subnet_with_service_types_serves_their_owners_alone_and_first() -> None:
    assert fixed_ips.default_plan([FOUR, ROUTED], MAC, "") == [Pick((FOUR,))]
    assert fixed_ips.default_plan([FOUR, ROUTED], MAC, "network:routed") == [Pick((ROUTED, FOUR))]


def test_an_empty_list_asks_for_no_address() -> None:
    assert fixed_ips.wished_plan(ALL, [], MAC, "") == []


def test_wishes_come_with_the_automatic_subnets_not_named() -> None:
    plan = fixed_ips.wished_plan(ALL, [Wish("four"), Wish(ip_address="10.0.1.7")], MAC, "")
    assert plan == [
        Pick((FOUR,)),
        Claim(FOUR_MORE, model.pack("10.0.1.7")),
        Claim(AUTO, AUTO_ADDRESS),
    ]


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Wish("elsewhere"), InvalidInput),
        (Wish(), InvalidInput),
        (Wish(ip_address="192.168.0.1"), InvalidIpForNetwork),
        (Wish("four", "10.0.1.7"), InvalidIpForSubnet),
        (Wish("four", "2001:db8::7"), InvalidIpForSubnet),
        (Wish(ip_address="10.0.0.0"), InvalidIpForSubnet),
        (Wish(ip_address="10.0.0.255"), InvalidIpForSubnet),
        (Wish(ip_address="10.0.0.1"), InvalidIpForSubnet),
        (Wish("auto", "2001:db8:1::7"), InvalidInput),
    ],
)
def test_an_address_a_port_cannot_have_is_refused(wish: Wish, error: type[CallerError]) -> None:
    with pytest.raises(error) as raised:
        fixed_ips.wished_plan(ALL, [wish], MAC, "")
    assert type(raised.value) is error


def test_a_router_may_have_the_gateway_address() -> None:
    wish = Wish(ip_address="10.0.0.1")
    plan = fixed_ips.wished_plan([FOUR], [wish], MAC, "network:router_interface")
    assert plan == [Claim(FOUR, model.pack("10.0.0.1"))]


def test_the_same_address_twice_is_refused() -> None:
    wishes = [Wish(ip_address="10.0.0.7"), Wish("four", "10.0.0.7")]
    with pytest.raises(InvalidInput, match="Duplicate IP address"):
        fixed_ips.wished_plan(ALL, wishes, MAC, "")


def test_an_update_keeps_what_it_names_and_releases_the_rest() -> None:
    held = [(1, model.pack("10.0.0.7")), (1, model.pack("10.0.0.8"))]
    wishes = [Wish("four"), Wish(ip_address="10.0.0.8"), Wish("four-more")]
    change = fixed_ips.change_plan(ALL, held, wishes, MAC, "")
    assert change == Change(release=(), acquire=(Pick((FOUR_MORE,)),))
    change = fixed_ips.change_plan(ALL, held, [Wish(ip_address="10.0.0.9")], MAC, "")
    assert change == Change(tuple(held), (Claim(FOUR, model.pack("10.0.0.9")),))


def test_an_update_to_what_is_there_changes_nothing() -> None:
    held = [(1, model.pack("10.0.0.7")), (4, AUTO_ADDRESS)]
    wishes = [Wish("four", "10.0.0.7"), Wish("auto")]
    assert fixed_ips.change_plan(ALL, held, wishes, MAC, "") == Change((), ())


def test_an_address_in_use_can_be_kept_though_it_became_the_gateway() -> None:
    held = [(1, model.pack("10.0.0.1"))]
    assert fixed_ips.change_plan(ALL, held, [Wish("four", "10.0.0.1")], MAC, "") == Change((), ())


def test_a_new_mac_moves_the_automatic_address() -> None:
    held = [(1, model.pack("10.0.0.7")), (4, AUTO_ADDRESS)]
    change = fixed_ips.mac_change_plan(ALL, held, MAC, "fa:16:3e:00:00:02")
    moved = Claim(AUTO, model.pack("2001:db8:1::f816:3eff:fe00:2"))
    assert change == Change(((4, AUTO_ADDRESS),), (moved,))


def test_a_port_has_no_more_ipv6_addresses_than_fit_into_dnsmasqs_line() -> None:
    six = [Claim(SIX, model.pack(f"2001:db8::{n:x}")) for n in range(1, RESERVED_MAX + 2)]
    others = [Claim(FOUR, model.pack("10.0.0.5")), Claim(AUTO, AUTO_ADDRESS)]
    fixed_ips.refuse_many_reserved(ALL, (), [*six[1:], *others])
    fixed_ips.refuse_many_reserved(ALL, [(SIX.pk, six[0].address)], six[2:])
    with pytest.raises(InvalidInput, match="15 IPv6 addresses by DHCPv6 take up to 1061 octets"):
        fixed_ips.refuse_many_reserved(ALL, (), six)
    with pytest.raises(InvalidInput, match="has room for 14"):
        fixed_ips.refuse_many_reserved(ALL, [(SIX.pk, six[0].address)], six[1:])
