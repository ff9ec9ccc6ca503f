"""`ipam import`: shown first, made with --yes, the same the second time, undone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ipam

CASES = Path(__file__).parents[2] / "imports" / "cases"
AS_OF = ("--as-of", "2026-11-27T17:20:00Z")
NAMES = sorted(path.name for path in CASES.glob("*.input"))

CONF = """\
interface=br-lan
listen-address=192.0.2.2
dhcp-range=192.0.2.100,192.0.2.110,255.255.255.0,12h
dhcp-option=3,192.0.2.1
dhcp-host=52:54:00:00:00:01,web,192.0.2.10,1d
dhcp-host=id:rack7,192.0.2.11
"""
LEASES = """\
1795803600 52:54:00:00:00:02 192.0.2.100 laptop 01:52:54:00:00:00:02
1795700000 52:54:00:00:00:03 192.0.2.101 gone *
"""


@pytest.fixture
def estate(tmp_path: Path) -> str:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "dnsmasq.conf").write_text(CONF)
    (folder / "dnsmasq.leases").write_text(LEASES)
    return str(folder)


def rows(ipam: Ipam, *words: str) -> list[dict[str, Any]]:
    outcome = ipam("import", *words, *AS_OF, "-f", "json")
    assert outcome.status == 0, outcome.err
    found: list[dict[str, Any]] = json.loads(outcome.out)
    return found


def ports(ipam: Ipam) -> dict[str, str]:
    """The MAC of each address."""
    found = json.loads(ipam("port", "list", "-f", "json", "--long").out)
    return {
        fixed["ip_address"]: one["MAC Address"]
        for one in found
        for fixed in one["Fixed IP Addresses"]
    }


def test_nothing_is_changed_without_yes(local: Ipam, estate: str) -> None:
    shown = rows(local, estate)
    assert all(row["Source"] for row in shown)
    taken = {(row["Kind"], row["Subject"]) for row in shown if row["Action"] == "take"}
    assert taken == {
        ("network", "br-lan"),
        ("subnet", "192.0.2.0/24"),
        ("host", "52:54:00:00:00:01"),
        ("host", "52:54:00:00:00:02"),
    }
    held = {row["Subject"] for row in shown if row["Action"] == "hold"}
    assert held == {"192.0.2.11", "192.0.2.100-192.0.2.110"}
    assert json.loads(local("network", "list", "-f", "json").out) == []


def test_a_live_lease_is_a_port_and_the_server_keeps_its_address(local: Ipam, estate: str) -> None:
    assert local("import", estate, *AS_OF, "--yes").status == 0
    found = ports(local)
    assert found["192.0.2.10"] == "52:54:00:00:00:01"
    assert found["192.0.2.100"] == "52:54:00:00:00:02"
    assert {"192.0.2.2", "192.0.2.11"} < found.keys()
    assert "192.0.2.101" not in found


def test_a_second_import_finds_all_the_same(local: Ipam, estate: str) -> None:
    assert local("import", estate, *AS_OF, "--yes").status == 0
    before = ports(local)
    again = rows(local, estate)
    assert {row["Action"] for row in again} <= {"same", "look at", "leave out"}
    assert "Nothing to import" in local("import", estate, *AS_OF, "--yes").err
    assert ports(local) == before


def test_an_import_is_listed_shown_and_undone(local: Ipam, estate: str) -> None:
    assert local("import", estate, *AS_OF, "--yes").status == 0
    (one,) = json.loads(local("import", "list", "-f", "json").out)
    assert (one["Networks"], one["Subnets"], one["Ports"]) == (1, 1, 3)
    report = local("import", "show", one["ID"], "--report").out
    assert "dnsmasq.conf:5: take host 52:54:00:00:00:01: 192.0.2.10" in report
    undone = local("import", "undo", one["ID"])
    assert undone.status == 0, undone.err
    assert ports(local) == {}
    again = local("import", "undo", one["ID"])
    assert again.status == 1
    assert "was undone at" in again.err


def test_an_undo_says_what_stays(local: Ipam, estate: str) -> None:
    assert local("import", estate, *AS_OF, "--yes").status == 0
    (one,) = json.loads(local("import", "list", "-f", "json").out)
    assert local("port", "set", "web", "--description", "mine").status == 0
    undone = local("import", "undo", one["ID"])
    assert undone.status == 1
    assert "stays: it was changed since" in undone.err


def test_hosts_go_into_a_network_that_exists(local: Ipam, tmp_path: Path) -> None:
    assert local("network", "create", "lan").status == 0
    made = ("subnet", "create", "--network", "lan", "--subnet-range", "192.0.2.0/24")
    assert local(*made).status == 0
    file = tmp_path / "list.csv"
    file.write_text("mac,ip,hostname\n52:54:00:00:00:05,192.0.2.5,web\n,192.0.2.6,printer\n")
    assert local("import", "from", str(file), "--network", "lan", "--yes").status == 0
    found = ports(local)
    assert found["192.0.2.5"] == "52:54:00:00:00:05"
    assert "192.0.2.6" in found


@pytest.mark.parametrize("name", NAMES)
def test_every_case_is_imported_and_undone(local: Ipam, name: str) -> None:
    path = str(CASES / name)
    subnet = ("subnet", "create", "--network", "lan", "--subnet-range", "192.0.2.0/24", "s")
    if "leases" in name or "csv" in name:
        assert local("network", "create", "lan").status == 0
        assert local(*subnet, "--no-dhcp").status == 0
    done = local("import", path, *AS_OF, "--yes")
    assert done.status == 0, done.err
    assert "`ipam import undo" in done.err, done.out
    (one,) = json.loads(local("import", "list", "-f", "json").out)
    undone = local("import", "undo", one["ID"])
    assert undone.status == 0, undone.err


def test_the_estate_is_printed_without_a_service(ipam: Ipam, estate: str) -> None:
    outcome = ipam("import", estate, *AS_OF, "--estate")
    assert outcome.status == 0, outcome.err
    found = json.loads(outcome.out)
    assert [one["address"] for one in found["leases"]] == ["192.0.2.100"]


@pytest.mark.parametrize("text", ["", "hello\n", "\x00\x01", "{", "<network>"])
def test_what_is_no_estate_is_refused_in_a_sentence(
    local: Ipam, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "odd"
    file.write_text(text)
    outcome = local("import", str(file))
    assert outcome.status == 1, outcome.out
    assert outcome.err.count("\n") == 1
    assert local("import", "from", "/nowhere").status == 1
