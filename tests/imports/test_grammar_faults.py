"""No input makes a parser raise anything but its own error, and none hangs it."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipam.imports import neutral
from ipam.imports.estate import ImportUnreadable, Wishes
from ipam.imports.files import gathered
from ipam.imports.plan import Existing, plan
from ipam.imports.reading import FORMATS, read

EXISTING = Existing(
    networks=[{"id": "n", "name": "lan"}],
    subnets=[{"id": "s", "network_id": "n", "cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1"}],
)
WISHES = Wishes(1_795_800_000, ["192.0.2.0/24", "2001:db8::/64"])

SCRAPS = [
    *("dhcp-host=", "dhcp-range=", "dhcp-option=", "set:a,", "tag:!b,", "id:", "[::5]", "[", '"'),
    *("52:54:00:00:00:01", "192.0.2.5", "192.0.2.300", "2001:db8::5", ",", ";", "{", "}", "\n"),
    *("lease 192.0.2.5 {", "host a {", "subnet 192.0.2.0 netmask 255.255.255.0 {", "range ", "#"),
    *("hardware ethernet ", "ends 5 2026/13/40 99:99:99;", "ends epoch 9;", "ends never;", "uid "),
    *('{"Dhcp4": {', '"subnet4": [', '{"subnet": "192.0.2.0/24",', '"pools": [{"pool": "a-b"}]}'),
    *("]", '"reservations": [{"hw-address": 1}]', "/*", "//", '<?include "x"?>', "<network>"),
    *("<ip address='192.0.2.1' prefix='99'>", "<dhcp>", "<host mac='x' ip='y' name='z'/>", "</"),
    *("address,hwaddr,client_id,valid_lifetime,expire\n", "INSERT INTO `fixed_ips` VALUES (", "'"),
    *("CREATE TABLE `networks` (`id` int, `cidr` varchar(9));", "IP Address,VRF,Status\n"),
    *("config:\n  ipv4.address: 192.0.2.1/24\n", "0", "9" * 20, "\\", "\x00", "\t"),
    *("duid 00:01", "1795803600 ", "include ", "conf-dir=.", "dhcp-hostsfile=x", "read-ethers\n"),
    *("é", "\u202e", " = ", "infinite", "-", "/", "ia-na ", "iaaddr ", "option x code 1 = text;"),
]  # fmt: skip

texts = st.lists(st.one_of(st.sampled_from(SCRAPS), st.text(max_size=8)), max_size=25).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["", *FORMATS]), texts, texts)
def test_any_text_is_understood_or_refused_by_name(wanted: str, one: str, other: str) -> None:
    raw = {"dnsmasq.conf" if wanted == "dnsmasq" else "a": one.encode(), "x": other.encode()}
    with suppress(ImportUnreadable):
        estate = read(gathered(raw), WISHES, wanted)
        neutral.of(estate)
        assert all(each.place.file for each in estate.problems)
        made = plan(estate, EXISTING)
        assert all(row.source for row in made.rows)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", *FORMATS]))
def test_any_octets_are_understood_or_refused_by_name(raw: bytes, wanted: str) -> None:
    with suppress(ImportUnreadable):
        neutral.of(read(gathered({"a": raw}), WISHES, wanted))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"Dhcp4":' + "[" * 100_000,
        "<network>" + "<a>" * 100_000,
        "{" * 100_000,
        "subnet 192.0.2.0 netmask 255.255.255.0 " + "{" * 100_000,
        "a: " + "[" * 900,
        "dhcp-host=" + ",a" * 100_000,
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><network><name>&a;</name></network>',
    ],
)
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with suppress(ImportUnreadable):
        assert read(gathered({"a": text.encode()}), WISHES).problems


def test_a_file_that_includes_itself_is_read_once() -> None:
    conf = b"conf-file=dnsmasq.conf\ndhcp-host=52:54:00:00:00:01,192.0.2.5\n"
    estate = read(gathered({"dnsmasq.conf": conf}), WISHES)
    assert [one.addresses for one in estate.reservations] == [["192.0.2.5"]]
    isc = b'include "a";\nhost x { hardware ethernet 52:54:00:00:00:01; }\n'
    estate = read(gathered({"a": isc}), WISHES, "isc")
    assert "syntax" in {one.code for one in estate.problems}
    kea = b'{"Dhcp4": <?include "a"?> }'
    with pytest.raises(ImportUnreadable, match="a:1"):
        read(gathered({"a": kea}), WISHES)


def test_more_than_an_import_may_have_is_refused() -> None:
    with pytest.raises(ImportUnreadable, match="more than one import reads"):
        gathered({str(number): b"" for number in range(1001)})
