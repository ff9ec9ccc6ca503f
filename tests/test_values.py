import pytest

from ipam import values


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.0.0.0/24", "10.0.0.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0::/64", "2001:db8::/64"),
        ("2001:db8::1/128", "2001:db8::1/128"),
    ],
)
def test_a_cidr_is_given_in_canonical_form(text: str, canonical: str) -> None:
    assert values.cidr(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "::/129",
        "10.0/8",
        "x/8",
        "/8",
        "10.0.0.0/255.255.255.0",
        "10.0.0.0/٢٤",
        "10.0.0.0/24/8",
        "10.0.0.0\0/24",
    ],
)
def test_what_is_no_cidr_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid CIDR"):
        values.cidr(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.7/24", r"host bits set; the network is 10\.0\.0\.0/24"),
        ("127.0.0.0/8", "loopback"),
        ("::1/128", "loopback"),
        ("10.0.0.0", "not a valid CIDR"),
    ],
)
def test_a_route_leads_to_a_network_elsewhere(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        values.route_cidr(text)
    assert values.route_cidr("10.7.0.0/16") == "10.7.0.0/16"


@pytest.mark.parametrize("text", ["224.0.0.5", "239.0.0.0/8", "ff02::1"])
def test_an_address_pair_is_no_multicast_address(text: str) -> None:
    with pytest.raises(ValueError, match="multicast"):
        values.pair_address(text)
    assert values.pair_address("10.0.0.7/24") == "10.0.0.0/24"


def test_host_bits_of_a_cidr_are_dropped() -> None:
    assert values.cidr("10.0.0.7/24") == "10.0.0.0/24"
    assert values.cidr("2001:DB8::1/64") == "2001:db8::/64"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fa:16:3e:00:00", "not a valid MAC"),
        ("fa:16:3e:00:00:0g", "not a valid MAC"),
        ("fa163e000001", "not a valid MAC"),
        ("01:00:5e:00:00:01", "multicast"),
        ("ff:ff:ff:ff:ff:ff", "multicast"),
        ("00:00:00:00:00:00", "no machine's"),
        ("fa:16:3e:00:00:01\n", "not a valid MAC"),
    ],
)
def test_a_mac_no_machine_can_have_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        values.mac(text)


def test_a_mac_is_given_in_lower_case_with_colons() -> None:
    assert values.mac("FA-16-3E-00-00-0A") == "fa:16:3e:00:00:0a"


@pytest.mark.parametrize("text", ["a", "web-1", "a.b.example", "x" * 63, ""])
def test_rfc_1123_names_are_host_names(text: str) -> None:
    assert values.hostname(text) == text


@pytest.mark.parametrize(
    "text",
    ["-a", "a-", "a_b", "a b", "x" * 64, "a..b", ".", "a\n", "a,b", "#a", "set:a", "a\0", "ä"],
)
def test_what_is_no_rfc_1123_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        values.hostname(text)


@pytest.mark.parametrize("text", ["a\0", "a\n", "\x7f", "\x85"])
def test_control_characters_are_refused_in_names(text: str) -> None:
    with pytest.raises(ValueError, match="Control character"):
        values.printable(text)


def test_a_shown_value_is_cut_and_printable() -> None:
    assert len(values.shown("x" * 1000)) < 110
    assert "\n" not in values.shown("a\nb")
