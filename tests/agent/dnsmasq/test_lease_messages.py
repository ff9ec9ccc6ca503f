"""What dnsmasq is told in a machine's name. tests/system sees what it makes of it."""

import dataclasses
from ipaddress import IPv4Address, IPv6Address

import pytest

from ipam.agent.actions import RestoreLease
from ipam.agent.dnsmasq import lease_messages, probe_dhcp4, probe_dhcp6, probe_frames
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.state import Interface, Lease
from tests.agent.network_rows import NETWORK

INTERFACE = Interface("tap1", "ns-1", "fa:16:3e:00:00:02", 1450)
MAC, DUID = "fa:16:3e:00:00:05", "00:03:00:01:fa:16:3e:00:00:05"
LEASE = Lease("10.0.0.5", MAC, 7, "web", "01:fa:16:3e:00:00:05")
LEASE6 = Lease("2001:db8::5", MAC, 7, duid=DUID, iaid="T77")


def test_a_lease_is_asked_for_again_in_the_machines_own_words() -> None:
    step = RestoreLease(NETWORK, INTERFACE, "2001:db8::2", LEASE6)
    found = probe_frames.frame_content(lease_messages.request(step, 300))
    assert found is not None
    relayed = probe_dhcp6.read_options(found.payload[34:])
    assert relayed[79] == [b"\0\1" + bytes.fromhex("fa163e000005")]
    (message,) = relayed[9]
    assert message[0] == 3, "REQUEST"
    options = probe_dhcp6.read_options(message[4:])
    assert options[1] == [bytes.fromhex("00030001fa163e000005")]
    (address,) = probe_dhcp6.read_options(options[4][0][4:])[5]
    assert address == IPv6Address("2001:db8::5").packed + (300).to_bytes(4) * 2


def test_an_ipv4_lease_is_asked_for_as_by_a_machine_that_starts() -> None:
    lease = dataclasses.replace(LEASE, client_id="01:aa:bb", hostname="vm-5")
    step = RestoreLease(NETWORK, INTERFACE, "10.0.0.2", lease)
    found = probe_frames.frame_content(lease_messages.request(step, 300))
    assert found is not None
    assert found.payload[24:28] == IPv4Address("10.0.0.2").packed, "the relay"
    assert found.payload[28:34].hex(":") == LEASE.mac_address
    options = probe_dhcp4.read_options(found.payload[240:])
    assert options[53] == b"\3", "REQUEST"
    assert options[50] == IPv4Address(LEASE.ip_address).packed
    assert (options[51], options[61], options[12]) == ((300).to_bytes(4), b"\1\xaa\xbb", b"vm-5")
    assert 54 not in options, "a machine that starts names no server"
    cut = dataclasses.replace(step, lease=dataclasses.replace(lease, client_id="ab:" * 100))
    found = probe_frames.frame_content(lease_messages.request(cut, 300))
    assert found is not None
    assert 61 not in probe_dhcp4.read_options(found.payload[240:])


def test_a_lease_without_a_mac_address_cannot_be_asked_for() -> None:
    step = RestoreLease(
        NETWORK, INTERFACE, "10.0.0.2", dataclasses.replace(LEASE, mac_address=None)
    )
    with pytest.raises(DnsmasqFailed, match="no MAC address"):
        lease_messages.request(step, 300)
