"""An offer's options as an admin reads them."""

import socket

from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.dnsmasq.probe_words import in_words


def words(code: int, data: bytes, version: int = 4) -> tuple[str, str]:
    (found,) = in_words({code: data}, version)
    assert found["code"] == str(code)
    return found["name"], found["value"]


def test_options_have_dnsmasqs_names_and_readable_values() -> None:
    two = socket.inet_aton("10.0.0.1") + socket.inet_aton("10.0.0.2")
    assert words(3, two[:4]) == ("router", "10.0.0.1")
    assert words(6, two) == ("dns-server", "10.0.0.1, 10.0.0.2")
    assert words(26, b"\x05\x78") == ("mtu", "1400")
    assert words(15, b"lab.example") == ("domain-name", "lab.example")
    assert words(121, bytes.fromhex("100a050a4d0003000a4d0001"))[1] == (
        "10.5.0.0/16 via 10.77.0.3, 0.0.0.0/0 via 10.77.0.1"
    )
    assert words(119, b"\3lab\7example\0") == ("domain-search", "lab.example")
    assert words(119, b"\1a\7example\0\1b\xc0\2\0")[1] == "a.example, b.example"
    assert words(12, b"web-1") == ("hostname", "web-1")
    assert words(252, b"http://x\0") == ("", "http://x")
    assert words(252, b"\x01\xff") == ("", "01:ff")
    address = socket.inet_pton(socket.AF_INET6, "2001:db8::53")
    assert words(23, address, 6) == ("dns-server", "2001:db8::53")


def test_what_has_not_its_form_is_shown_as_octets() -> None:
    assert words(6, b"\1\2\3")[1] == "01:02:03"
    assert words(121, b"\xff\0\0\0\0\0")[1] == "ff:00:00:00:00:00"
    assert words(119, b"\3lab\xc0\0")[1] == "03:6c:61:62:c0:00"
    assert words(119, b"\3lab\xc0\x09")[1] == "03:6c:61:62:c0:09"
    assert words(119, b"\3la")[1] == "03:6c:61"


@given(st.integers(0, 255), st.binary(max_size=300), st.sampled_from([4, 6]))
def test_no_octets_break_it(code: int, data: bytes, version: int) -> None:
    words(code, data, version)
