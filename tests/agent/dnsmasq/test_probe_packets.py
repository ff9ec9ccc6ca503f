"""Probes and the reading of their answers follow the RFCs."""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.dnsmasq import probe_dhcp4, probe_dhcp6, probe_frames, probe_router
from ipam.agent.dnsmasq.probe_answers import PROBE_DUID, Offer, Prefix, Refusal

MAC, SERVER_MAC = bytes.fromhex("fa163ec40a01"), bytes.fromhex("fa163ec40a02")
RELAY, RELAY6 = IPv4Address("10.8.0.2"), IPv6Address("2001:db8::2")


def option4(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


def option6(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def reply(options: bytes, *, file: bytes = b"", name: bytes = b"") -> bytes:
    head = bytes((2, 1, 6, 1)) + (7).to_bytes(4) + bytes(8) + socket.inet_aton("10.8.0.5")
    head += bytes(8) + MAC.ljust(16, b"\0") + name.ljust(64, b"\0") + file.ljust(128, b"\0")
    return head + probe_dhcp4.MAGIC + option4(53, b"\2") + options + b"\xff"


def advertise(options: bytes) -> bytes:
    message = bytes((2, 0, 0, 7)) + option6(2, b"\0\4server") + options
    return bytes((13, 0)) + bytes(32) + option6(9, message)


def test_a_discover_comes_from_a_relay_in_the_name_of_the_machine() -> None:
    frame = probe_frames.dhcp4_frame(
        SERVER_MAC,
        probe_dhcp4.discover(7, MAC, RELAY, [252, 6], client_id=b"\1me", most_octets=68),
    )
    assert frame[:6] == SERVER_MAC
    found = probe_frames.frame_content(frame)
    assert found is not None
    assert (found.kind, found.source) == (67, "0.0.0.0")
    assert probe_frames.checksum(frame[14:34]) == 0
    message = found.payload
    assert message[3] == 1, "hops: it was relayed"
    assert message[4:8] == (7).to_bytes(4)
    assert message[24:28] == RELAY.packed
    assert message[28:34] == MAC
    options = probe_dhcp4.read_options(message[240:])
    assert options[53] == b"\1"
    assert {6, 252, *probe_dhcp4.USUAL_OPTIONS} == set(options[55])
    assert options[57] == (576).to_bytes(2), "the least that a client may say"
    assert options[61] == b"\1me"
    assert 61 not in probe_dhcp4.read_options(probe_dhcp4.discover(7, MAC, RELAY)[240:])


def test_an_offer_is_read_with_split_and_overloaded_options() -> None:
    options = option4(1, b"\xff\xff\xfc\0") + option4(51, (60).to_bytes(4)) + option4(52, b"\3")
    options += (
        option4(6, b"\1\1\1\1") + option4(6, b"\2\2\2\2") + b"\0" + option4(54, RELAY.packed)
    )
    found = probe_dhcp4.read_offer(
        reply(options, file=option4(66, b"tftp") + b"\xff", name=option4(67, b"boot") + b"\xff")
    )
    assert found is not None
    xid, offer = found
    assert xid == 7
    assert (offer.address, offer.prefix_length, offer.lease_seconds) == ("10.8.0.5", 22, 60)
    assert offer.server == str(RELAY)
    assert offer.options[6] == b"\1\1\1\1\2\2\2\2"
    assert (offer.options[66], offer.options[67]) == (b"tftp", b"boot")
    assert (offer.boot_file, offer.server_name) == ("", "")
    assert set(offer.options) == {1, 6, 66, 67}


def test_what_is_no_offer_is_none() -> None:
    assert probe_dhcp4.read_offer(probe_dhcp4.discover(7, MAC, RELAY)) is None
    assert probe_dhcp4.read_offer(reply(b"")[:-3].replace(b"\x35\1\2", b"\x35\1\5")) is None
    assert probe_dhcp6.read_advertise(probe_dhcp6.solicit(7, MAC, RELAY6)) is None


def test_a_solicit_comes_from_a_relay_with_the_machines_mac_address() -> None:
    payload = probe_dhcp6.solicit(7, MAC, RELAY6, options=[21])
    found = probe_frames.frame_content(probe_frames.dhcp6_frame(SERVER_MAC, RELAY6, payload))
    assert found is not None
    assert (found.kind, found.source, found.payload) == (547, str(RELAY6), payload)
    assert payload[0] == 12
    assert payload[2:18] == RELAY6.packed
    options = probe_dhcp6.read_options(payload[34:])
    assert options[79] == [b"\0\1" + MAC]
    message = options[9][0]
    assert message[:4] == bytes((1, 0, 0, 7))
    inner = probe_dhcp6.read_options(message[4:])
    assert inner[1] == [PROBE_DUID]
    assert struct.unpack("!5H", inner[6][0]) == (21, *probe_dhcp6.USUAL_OPTIONS)
    assert 14 not in inner, "rapid commit would make a lease"


def test_information_is_asked_for_by_a_machine_without_an_address() -> None:
    message = probe_dhcp6.information_request(7, [21])
    frame = probe_frames.dhcp6_frame(SERVER_MAC, IPv6Address("fe80::1"), message, 546)
    assert struct.unpack("!HH", frame[54:58]) == (546, 547)
    assert message[:4] == bytes((11, 0, 0, 7))
    inner = probe_dhcp6.read_options(message[4:])
    assert struct.unpack("!5H", inner[6][0]) == (21, *probe_dhcp6.USUAL_OPTIONS)
    assert not {3, 4} & inner.keys(), "who asks for an address is not answered"
    reply = b"\7" + message[1:4] + option6(23, RELAY6.packed)
    assert probe_dhcp6.read_information(reply) == (7, {23: RELAY6.packed})
    assert probe_dhcp6.read_information(message) is None
    assert probe_dhcp6.read_information(b"\7") is None


def test_checksums_over_ipv6_are_right() -> None:
    solicit = probe_frames.dhcp6_frame(SERVER_MAC, RELAY6, b"odd")
    router = probe_frames.router_solicitation_frame(SERVER_MAC, IPv6Address("fe80::1"))
    for frame, protocol in ((solicit, 17), (router, 58)):
        pseudo = frame[22:54] + struct.pack("!II", len(frame) - 54, protocol)
        assert probe_frames.checksum(pseudo + frame[54:]) == 0


def test_an_advertised_address_is_an_offer_and_a_status_a_refusal() -> None:
    address = IPv6Address("2001:db8::5")
    inner = option6(5, address.packed + struct.pack("!II", 100, 200))
    found = probe_dhcp6.read_advertise(
        advertise(option6(3, bytes(12) + inner) + option6(23, RELAY6.packed))
    )
    assert found == (
        7,
        Offer("2001:db8::5", None, 200, b"\0\4server".hex(":"), {23: RELAY6.packed}),
    )
    status = option6(13, b"\0\2none left")
    for refused in (option6(3, bytes(12) + status), option6(3, bytes(12)) + status):
        assert probe_dhcp6.read_advertise(advertise(refused)) == (7, Refusal(2, "none left"))
    assert probe_dhcp6.read_advertise(advertise(b"")) == (7, probe_dhcp6.NO_ANSWER)


def test_an_advertisement_is_read() -> None:
    head = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0xC0, 1800, 0, 0)
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 3600, 0)
    prefix += IPv6Address("2001:db8::").packed
    mtu = struct.pack("!BBHI", 5, 1, 0, 1400)
    servers = struct.pack("!BBHI", 25, 3, 0, 600) + RELAY6.packed
    names = b"\3lab\7example\0".ljust(16, b"\0")
    search = struct.pack("!BBHI", 31, 3, 0, 600) + names
    found = probe_router.read_advertisement(head + prefix + mtu + servers + search)
    assert found is not None
    assert (found.managed, found.other, found.router_seconds, found.mtu) == (
        True,
        True,
        1800,
        1400,
    )
    assert found.prefixes == (
        Prefix(
            "2001:db8::/64",
            on_link=True,
            autonomous=True,
            valid_seconds=86400,
            preferred_seconds=3600,
        ),
    )
    assert (found.name_servers, found.search) == ((str(RELAY6),), ("lab.example",))


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_octets_break_the_reading(data: bytes, cut: int) -> None:
    good = reply(option4(1, b"\xff\xff\xfc\0"))
    for payload in (data, good[:cut] + data, advertise(data), advertise(option6(3, data))):
        probe_dhcp4.read_offer(payload)
        probe_dhcp6.read_advertise(payload)
        probe_router.read_advertisement(payload)
        probe_frames.frame_content(payload)
        probe_frames.frame_content(bytes(12) + b"\x08\0" + payload)
        probe_frames.frame_content(bytes(12) + b"\x86\xdd" + payload)


OPTIONS4 = st.dictionaries(
    st.integers(1, 254).filter(lambda code: code not in probe_dhcp4.ABOUT_THE_MESSAGE),
    st.binary(min_size=1, max_size=600),
    max_size=6,
)
OPTIONS6 = st.dictionaries(
    st.integers(1, 65535).filter(lambda code: code not in probe_dhcp6.ABOUT_THE_MESSAGE),
    st.binary(max_size=600),
    max_size=6,
)


@given(OPTIONS4, st.integers(0, 2**32 - 1), st.binary(max_size=9).map(bytes.hex))
def test_every_option_of_an_offer_is_read_as_it_was_sent(
    options: dict[int, bytes], seconds: int, boot_file: str
) -> None:
    """A long one comes in parts (RFC 3396)."""
    sent = b"".join(
        option4(code, value[at : at + 255])
        for code, value in options.items()
        for at in range(0, len(value), 255)
    )
    found = probe_dhcp4.read_offer(
        reply(sent + option4(51, seconds.to_bytes(4)), file=boot_file.encode())
    )
    assert found is not None
    assert found[1].options == options
    assert (found[1].lease_seconds, found[1].boot_file) == (seconds, boot_file)


@given(OPTIONS6, st.ip_addresses(v=6), st.integers(0, 2**32 - 1))
def test_every_option_of_an_advertised_lease_is_read_as_it_was_sent(
    options: dict[int, bytes], address: IPv6Address, seconds: int
) -> None:
    inner = option6(5, address.packed + struct.pack("!II", 0, seconds))
    sent = b"".join(option6(code, value) for code, value in options.items())
    found = probe_dhcp6.read_advertise(advertise(sent + option6(3, bytes(12) + inner)))
    assert found is not None
    offer = found[1]
    assert isinstance(offer, Offer)
    assert (offer.address, offer.lease_seconds, offer.options) == (str(address), seconds, options)


LABELS = st.text(st.characters(codec="ascii", exclude_characters=".\0"), min_size=1, max_size=63)


@given(st.lists(st.lists(LABELS, min_size=1, max_size=4).map(".".join), max_size=4))
def test_names_are_read_as_they_were_written(names: list[str]) -> None:
    written = b"".join(
        b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        for name in names
    )
    assert list(probe_router.read_names(written + bytes(7))) == names


@given(st.ip_addresses(v=6), st.binary(max_size=300))
def test_a_frame_is_read_as_it_was_sent(source: IPv6Address, payload: bytes) -> None:
    for frame, kind, sender in (
        (probe_frames.dhcp4_frame(SERVER_MAC, payload), 67, IPv4Address(0)),
        (probe_frames.dhcp6_frame(SERVER_MAC, source, payload), 547, source),
    ):
        for padding in (b"", bytes(30)):
            found = probe_frames.frame_content(frame + padding)
            assert found is not None
            assert (found.kind, found.payload) == (kind, payload)
            assert ip_address(found.source) == sender
