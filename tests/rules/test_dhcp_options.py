import pytest

from ipam.rules import dhcp_options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mtu", "1400"),
        ("150", "10.0.0.9"),
        ("bootfile-name", "http://10.0.0.9/boot.ipxe?mac=${net0/mac}&x=1"),
        ("ntp-server", "10.0.0.1,10.0.0.2"),
        ("classless-static-route", "0.0.0.0/0,10.0.0.1"),
        ("domain-search", "a.example,b.example"),
        ("router", ""),
        ("server-ip-address", "2001:db8::1"),
        ("vendor-class", "some words"),
        ("mtu", None),
    ],
)
def test_useful_dhcp_options_pass(name: str, value: str | None) -> None:
    assert list(dhcp_options.option_faults([(name, value, 4)])) == []


@pytest.mark.parametrize(
    "value",
    [
        "a\nb",
        "a\rb",
        "a\0b",
        "a,b",
        "a#b",
        "#",
        "set:x",
        "10.0.0.1,set:x",
        "tag:x",
        "x option:3",
        'a"b',
        "a\\b",
        " a",
        "a ",
        "a  b",
        "",
        "ä",
        "option6:dns",
        "a\tb",
        "10.0.0.1,",
        "1,,2",
    ],
)
def test_a_value_that_could_be_syntax_is_refused(value: str) -> None:
    assert len(list(dhcp_options.option_faults([("bootfile-name", value, 4)]))) == 1


@pytest.mark.parametrize(
    "name",
    ["", "0", "255", "1000", "tag:x,mtu", "Mtu", "a b", "mtu\n", "option:mtu", "-a", "a,b", "#"],
)
def test_an_option_name_that_could_be_syntax_is_refused(name: str) -> None:
    assert len(list(dhcp_options.option_faults([(name, "1", 4)]))) == 1


def test_an_option_may_be_given_once_for_each_ip_version() -> None:
    assert list(dhcp_options.option_faults([("mtu", "1", 4), ("mtu", "1", 6)])) == []
    assert len(list(dhcp_options.option_faults([("mtu", "1", 4), ("mtu", "2", 4)]))) == 1


def test_an_update_sets_deletes_and_keeps_options() -> None:
    present = dhcp_options.merged_options([], [("mtu", "1", 4), ("ntp-server", "10.0.0.1", 4)])
    after = dhcp_options.merged_options(present, [("mtu", None, 4), ("150", "x", 4)])
    assert [option["opt_name"] for option in after] == ["ntp-server", "150"]
