"""Whose the leases are that dnsmasq's file has."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ipam.agent.dnsmasq import lease_file
from ipam.agent.leases.record import found_event
from ipam.agent.leases.table import LeaseTable
from ipam.agent.server_leases import ServerLeases
from ipam.agent.state import Lease
from tests.agent.network_rows import NETWORK

FOUR = Lease("10.0.0.5", "fa:16:3e:00:00:05", 100)
SIX = Lease("2001:db8::5", None, 100, None, None, "00:03:00:01:fa:16:3e:00:00:05", "7")
WHOLE_SIX = replace(SIX, mac_address=FOUR.mac_address)


def write(directory: Path, *leases: Lease) -> None:
    text = lease_file.text_of(leases, "00:04")
    directory.joinpath(NETWORK).mkdir(exist_ok=True)
    directory.joinpath(NETWORK, lease_file.NAME).write_text(text)


def test_a_lease_of_dhcpv6_counts_with_its_mac_address_once_the_hook_has_told_it(
    tmp_path: Path,
) -> None:
    table = LeaseTable(tmp_path / "table")
    nothing: Any = SimpleNamespace()
    leases = ServerLeases(tmp_path, host="host", table=table, inbox=nothing, logs=nothing)
    write(tmp_path, FOUR, SIX)
    assert leases.of(NETWORK) == [FOUR]
    table.apply(found_event(NETWORK, "host", "add", WHOLE_SIX, 1))
    assert leases.of(NETWORK) == [FOUR, WHOLE_SIX]
    table.apply(found_event(NETWORK, "host", "del", WHOLE_SIX, 2))
    assert leases.of(NETWORK) == [FOUR]
