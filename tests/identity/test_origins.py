import pytest

from ipam.identity.origins import origin_of_address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("localhost", "localhost", True),
        ("unix:a", "unix:a", True),
        ("unix:a", "unix:b", False),
    ],
)
def test_an_ipv6_client_is_its_network(one: str, other: str, same: bool) -> None:
    found = origin_of_address(one) == origin_of_address(other)
    assert found is same
