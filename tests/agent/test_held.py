"""What a host tells of its leases after a restore is what the API can keep."""

from pathlib import Path

from ipam.agent.held import held_leases
from ipam.agent.leases.record import found_event
from ipam.agent.leases.table import LeaseTable
from ipam.agent.state import Lease

NETWORK = "00000001-aaaa-4000-8000-000000000000"
NOW = 1_000


def test_leases_that_last_are_told_and_no_hardware_address_but_of_ethernet(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    for lease in (
        Lease("10.0.0.5", "fa:16:3e:00:00:05", NOW + 1),
        Lease("10.0.0.6", "06-fa:16:3e:00:00:06", 0),
        Lease("10.0.0.7", "fa:16:3e:00:00:07", NOW),
    ):
        table.apply(found_event(NETWORK, "host-1", "add", lease, 1))
    told = {one.ip_address: one.mac_address for one in held_leases(table, NOW)}
    assert told == {"10.0.0.5": "fa:16:3e:00:00:05", "10.0.0.6": None}
