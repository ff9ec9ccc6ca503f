from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam import model
from ipam.rules import ipv6

MAC = st.binary(min_size=6, max_size=6)


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
def test_machines_make_their_own_address_where_either_mode_says_so(mode: str) -> None:
    assert ipv6.makes_own_addresses(mode, mode)
    assert ipv6.makes_own_addresses(None, mode)
    assert ipv6.makes_own_addresses(mode, None)


@pytest.mark.parametrize("ra_mode", ["dhcpv6-stateful", None])
@pytest.mark.parametrize("address_mode", ["dhcpv6-stateful", None])
def test_machines_ask_for_an_address_where_dhcp_gives_them(
    ra_mode: str | None, address_mode: str | None
) -> None:
    assert not ipv6.makes_own_addresses(ra_mode, address_mode)


@pytest.mark.parametrize(
    ("cidr", "mac", "address"),
    [
        ("2001:db8::/64", "fa:16:3e:00:00:01", "2001:db8::f816:3eff:fe00:1"),
        ("2001:db8:0:1::/64", "00:00:5e:00:53:ff", "2001:db8:0:1:200:5eff:fe00:53ff"),
        ("fe80::/64", "02:00:00:00:00:00", "fe80::ff:fe00:0"),
    ],
)
def test_an_address_is_made_as_the_rfc_says(cidr: str, mac: str, address: str) -> None:
    assert model.unpack(ipv6.eui64(cidr, mac)) == address


@given(MAC)
def test_an_address_lies_in_its_prefix_and_tells_the_mac(octets: bytes) -> None:
    made = ipv6.eui64("2001:db8:1:2::/64", octets.hex(":"))
    assert ip_address(made) in ip_network("2001:db8:1:2::/64")
    assert bytes([made[8] ^ 2]) + made[9:11] + made[13:] == octets
    assert made[11:13] == b"\xff\xfe"
