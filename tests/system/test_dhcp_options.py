"""Options, names and routes as they are on the wire, of a real dnsmasq."""

import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.agent.network_rows import SUBNET4, Json, network, port
from tests.system.wire import Wire, wire

pytestmark = [pytest.mark.root, pytest.mark.system]

ROUNDS = 50


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ipam-wire-") as name:
        Path(name).chmod(0o755)  # for the user that dnsmasq becomes
        yield Path(name)


def option(name: str, value: str, version: int = 4) -> Json:
    return {"opt_name": name, "opt_value": value, "ip_version": version}


def numbered(number: int, *, address: str = "", options: list[Json] | None = None) -> Json:
    """Ports whose MAC addresses differ in one octet alone."""
    return port(
        id=f"55555555-5555-4555-8555-0000000000{number:02x}",
        mac_address=f"fa:16:3e:00:00:{number:02x}",
        hostname=f"vm-{number}",
        fixed_ips=[{"subnet_id": SUBNET4, "ip_address": address or f"10.0.0.{number}"}],
        extra_dhcp_opts=options or [],
    )


def test_dnsmasq_lives_through_reloads_after_it_has_served_ports_with_options(
    directory: Path,
) -> None:
    with wire(directory, network(ports=[numbered(5)])) as site:
        for turn in range(ROUNDS):
            ntp = None if turn % 5 == 4 else f"10.0.0.{100 + turn}"
            site.row["ports"] = [
                numbered(5, options=[option("ntp-server", ntp)] if ntp else []),
                numbered(6, options=[option("bootfile-name", f"boot-{turn}")]),
                numbered(7, address=f"10.0.0.{200 + turn % 2}"),
            ]
            site.reload()
            _assert_served(site, turn, ntp)
        assert site.process.poll() is None


def _assert_served(site: Wire, turn: int, ntp: str | None) -> None:
    client_id = {61: b"\x00any"} if turn % 3 else {}
    first = site.lease("fa:16:3e:00:00:05", client_id)
    assert first.address == "10.0.0.5"
    assert first.options.get(42) == (ip_address(ntp).packed if ntp else None)
    assert 67 not in first.options
    second = site.lease("fa:16:3e:00:00:06", client_id)
    assert (second.options[67], second.options.get(42)) == (f"boot-{turn}\0".encode(), None)
    assert 67 not in site.ask("fa:16:3e:00:00:07").options


@pytest.mark.parametrize(
    "name", ["2024", "5d", "0", "infinite", "ignore", "deprecated", "vm1.example.org", "vm1.net."]
)
def test_a_machine_gets_the_name_and_the_address_of_its_port(directory: Path, name: str) -> None:
    row = network(ports=[port(hostname=name, extra_dhcp_opts=[])])
    with wire(directory, row) as site:
        answer = site.lease("fa:16:3e:00:00:05")
        assert answer.address == "10.0.0.5"
        assert answer.options[12] == name.partition(".")[0].encode()
        assert answer.options[51] == (86400).to_bytes(4)
        assert "Ignoring" not in site.log()
    assert not site.faults
