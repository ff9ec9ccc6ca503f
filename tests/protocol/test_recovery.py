"""A report fits into requests, however much a host holds."""

from msgspec.structs import replace

from ipam.protocol.dhcp_state import FullNetwork, ServedDhcpOption, ServedPort
from ipam.protocol.recovery import (
    LEASES_MAX,
    NETWORKS_MAX,
    PORTS_MAX,
    HeldLease,
    HeldPart,
    parts_of,
)
from ipam.protocol.wire import read, write

PORT = ServedPort(
    id="",
    mac_address="52:54:00:00:00:01",
    revision_number=0,
    device_id="",
    device_owner="",
    admin_state_up=True,
    status="ACTIVE",
    binding_host_id="here",
    hostname="web",
    fixed_ips=[],
    extra_dhcp_opts=[],
)
NETWORK = FullNetwork(
    id="",
    digest="",
    project_id="",
    mtu=1500,
    dns_domain="",
    admin_state_up=True,
    lease_seconds=60,
    dhcp_port=None,
    subnets=[],
    ports=[],
)


def network(name: str, ports: int) -> FullNetwork:
    return replace(NETWORK, id=name, ports=[replace(PORT, id=f"{name}-{n}") for n in range(ports)])


def test_a_report_is_cut_into_parts_that_have_all_of_it() -> None:
    held = {
        one.id: one for one in (network("a", 2 * PORTS_MAX + 1), network("b", 3), network("c", 0))
    }
    held |= {f"d{n}": network(f"d{n}", 0) for n in range(NETWORKS_MAX + 1)}
    leases = [
        HeldLease(network_id="a", ip_address=f"10.0.{n >> 8}.{n & 255}")
        for n in range(4 * LEASES_MAX)
    ]
    parts = [read(HeldPart, write(part), "a part") for part in parts_of(held, leases)]
    assert [part.part for part in parts] == list(range(len(parts)))
    assert [part.is_last for part in parts] == [*[False] * (len(parts) - 1), True]
    assert max(sum(len(one.ports) for one in part.networks) for part in parts) <= PORTS_MAX
    assert {one.id for part in parts for one in part.networks} == held.keys()
    told = [port.id for part in parts for one in part.networks for port in one.ports]
    assert sorted(told) == sorted(port.id for one in held.values() for port in one.ports)
    assert [lease for part in parts for lease in part.leases] == leases


def test_a_part_is_no_longer_than_a_request_may_be() -> None:
    options = [ServedDhcpOption("tftp-server", "x" * 4000)] * 5
    long = replace(PORT, extra_dhcp_opts=options)
    held = {name: replace(NETWORK, id=name, ports=[long] * 60) for name in "abc"}
    parts = parts_of(held, [])
    assert max(len(write(part)) for part in parts) < 1 << 20
    assert sum(len(one.ports) for part in parts for one in part.networks) == 180


def test_a_host_that_holds_nothing_says_so_in_one_part() -> None:
    assert parts_of({}, []) == [HeldPart(part=0, is_last=True, networks=[], leases=[])]
