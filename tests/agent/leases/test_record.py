import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam import dnsmasq_hook
from ipam.agent.leases.record import MalformedRecordError, lease_of, parse_record, printable

NETWORK = b"11111111-1111-4111-8111-111111111111"
ENVIRONMENT = {b"IPAM_NETWORK": NETWORK}


def test_an_ipv6_event_has_duid_iaid_and_the_mac_that_dnsmasq_knows() -> None:
    line = dnsmasq_hook.record(
        [b"add", b"00:01:00:01:aa", b"2001:db8:0::5", b"web"],
        ENVIRONMENT
        | {
            b"DNSMASQ_IAID": b"123",
            b"DNSMASQ_MAC": b"fa:16:3e:00:00:05",
            b"DNSMASQ_SERVER_DUID": b"00:04:11",
            b"DNSMASQ_LEASE_EXPIRES": b"0",
        },
    )
    event = parse_record(line, "h", 0)
    assert (event.duid, event.iaid) == ("00:01:00:01:aa", "123")
    assert event.ip_address == "2001:db8::5"
    assert event.mac_address == "fa:16:3e:00:00:05"
    assert event.expires_at is None
    assert lease_of(event).server_duid == "00:04:11"


def test_the_tags_that_repeat_the_mac_address_are_left_out() -> None:
    environment = ENVIRONMENT | {b"DNSMASQ_TAGS": b"ipxe m0-fa m1-16 m5-05 ns-1"}
    line = dnsmasq_hook.record([b"add", b"fa:16:3e:00:00:05", b"10.0.0.5"], environment)
    assert parse_record(line, "h", 0).details == {"tags": "ipxe ns-1"}


def test_an_address_of_another_hardware_type_is_no_mac_address() -> None:
    line = dnsmasq_hook.record([b"add", b"06-aa:bb", b"10.0.0.5"], ENVIRONMENT)
    assert parse_record(line, "h", 0).mac_address is None


@given(
    values=st.lists(st.binary(max_size=60), min_size=4, max_size=4),
    extra=st.dictionaries(st.sampled_from([b"TAGS", b"VENDOR_CLASS", b"X"]), st.binary()),
)
def test_whatever_a_client_says_is_one_printable_event(
    values: list[bytes], extra: dict[bytes, bytes]
) -> None:
    environment = ENVIRONMENT | {b"DNSMASQ_" + name: value for name, value in extra.items()}
    line = dnsmasq_hook.record([b"add", values[0], b"10.0.0.5", values[1]], environment)
    assert line.count(b"\n") == 1
    event = parse_record(line, "h", 0)
    texts = [event.hostname or "", *event.details.values()]
    assert all(text.isprintable() for text in texts)
    assert event.ip_address == "10.0.0.5"


@given(line=st.binary(max_size=200))
def test_a_line_of_no_hook_is_refused_cleanly(line: bytes) -> None:
    with pytest.raises(MalformedRecordError):
        parse_record(line, "h", 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"MSFT 5.0", "MSFT 5.0"),
        ("é".encode(), "é"),
        (b"a\nb", "a\\x0ab"),
        (b"\xff\n", "\\xff\\x0a"),
        ("\u2028".encode(), "\\xe2\\x80\\xa8"),
    ],
)
def test_printable(value: bytes, text: str) -> None:
    assert printable(value) == text


def test_a_clock_of_seconds_gets_the_rest_from_the_agents_clock() -> None:
    line = dnsmasq_hook.record([b"add", b"fa:16:3e:00:00:05", b"10.0.0.5"], ENVIRONMENT)
    line = b"\t".join(
        b"s=1700000000" if field.startswith(b"us=") else field for field in line.split(b"\t")
    )
    at = 1_700_000_000_000_000
    for now_us, moment in ((at + 5, at + 5), (at - 1, at), (at + 7_000_000, at + 999_999)):
        assert parse_record(line, "h", now_us).occurred_at_us == moment
