"""Client classes that dnsmasq can be told, and whose addresses exist."""

from dataclasses import replace
from typing import Any

import pytest

from ipam.rules.client_classes import ClientClass, faults, matches_prefix, read

DYNAMIC = [("10.0.0.100", "10.0.0.149"), ("10.0.0.150", "10.0.0.199")]
PHONES = ClientClass(
    "phones",
    "Yealink",
    "00:15:65",
    "10.0.0.120",
    "10.0.0.169",
    (("tftp-server", "10.0.0.9"), ("router", "")),
)


def said(*classes: ClientClass, version: int = 4) -> list[str]:
    return [str(fault) for fault in faults(classes, version, DYNAMIC)]


def test_classes_with_addresses_options_or_both_are_sound() -> None:
    cameras = ClientClass("cameras", mac_prefix="52:54:00", start="10.0.0.170", end="10.0.0.170")
    boot = ClientClass(
        "boot", vendor_class="PXEClient:Arch:00007", dhcp_options=PHONES.dhcp_options
    )
    assert said(PHONES, cameras, boot) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "Phones"}, "is not 1 to 32 lower-case letters"),
        ({"name": "5d"}, "is not 1 to 32 lower-case letters"),
        ({"vendor_class": None, "mac_prefix": None}, "has neither vendor_class nor mac_prefix"),
        ({"vendor_class": ""}, "is not 1 to 255 printable ASCII"),
        ({"vendor_class": "a\nb"}, "is not 1 to 255 printable ASCII"),
        ({"vendor_class": "é"}, "is not 1 to 255 printable ASCII"),
        ({"mac_prefix": "00:15:65:1:1:1"}, "is not one to five octets"),
        ({"mac_prefix": "00:15:65:*"}, "is not one to five octets"),
        ({"mac_prefix": "00:15:65:01:02:03"}, "is not one to five octets"),
        ({"end": None}, "has one of start and end without the other"),
        ({"start": "10.0.0.170"}, "lies after its end"),
        ({"end": "10.0.0.200"}, "is not within one of the dynamic_ranges"),
        ({"start": "2001:db8::1"}, "is not of IP version 4"),
        ({"dhcp_options": (("no-such-option", "1"),)}, "dhcp_options of class 'phones': "),
        ({"dhcp_options": (("lease-time", "600"),)}, "is only for ports"),
        ({"dhcp_options": (("client-id", "00:01"),)}, "is only for ports"),
        ({"dhcp_options": (("mtu", "1400"), ("mtu", "1400"))}, "is given twice"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], expected: str) -> None:
    (fault,) = said(replace(PHONES, **change))
    assert fault.startswith("Invalid input for client_classes. Reason: ")
    assert expected in fault


def test_ipv6_names_and_overlaps_are_refused() -> None:
    assert "an IPv6 subnet has none" in said(replace(PHONES, start=None, end=None), version=6)[0]
    same, overlap = said(PHONES, PHONES)
    assert "two classes have the name 'phones'" in same
    assert "the ranges of classes phones and phones overlap" in overlap


def test_a_mac_address_begins_with_whole_octets() -> None:
    assert matches_prefix("00:15:65:01:02:03", "00:15:65")
    assert not matches_prefix("00:15:65:01:02:03", "00:15:6")
    assert not matches_prefix("00:15:66:01:02:03", "00:15:65")


def test_a_row_is_read_as_it_was_written() -> None:
    row = {
        "name": "phones",
        "vendor_class": None,
        "mac_prefix": "52:54:00",
        "start": None,
        "end": None,
        "dhcp_options": [{"opt_name": "mtu", "opt_value": "1400"}],
    }
    assert read([row]) == [
        ClientClass("phones", mac_prefix="52:54:00", dhcp_options=[("mtu", "1400")])
    ]
