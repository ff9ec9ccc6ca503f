import json
from pathlib import Path

import msgspec
import pytest

from ipam import files
from ipam.agent.leases.table import LeaseTable
from ipam.agent.leases.unrecorded import UnrecordedLeases
from ipam.agent.state import Lease
from ipam.model import LeaseAction
from ipam.protocol.lease_events import LeaseEventCreate

NETWORK = "11111111-1111-4111-8111-111111111111"
MAC = "fa:16:3e:00:00:01"


def event(action: LeaseAction, address: str = "10.0.0.5") -> LeaseEventCreate:
    return LeaseEventCreate(
        id="0" * 32,
        network_id=NETWORK,
        host="h",
        action=action,
        ip_address=address,
        occurred_at_us=1,
        mac_address=MAC,
        expires_at=1_900_000_000,
        hostname="web",
        client_id="01:" + MAC,
    )


def test_leases_survive_a_restart(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    table.apply(event("add"))
    table.apply(event("add", "10.0.0.6"))
    table.apply(event("del", "10.0.0.6"))
    table.save()
    again = LeaseTable(tmp_path)
    assert again.leases(NETWORK) == table.leases(NETWORK)
    assert [lease.ip_address for lease in again.leases(NETWORK)] == ["10.0.0.5"]


def test_what_dnsmasq_repeats_at_a_reload_is_no_news(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    assert not table.knows(event("old")), "of what is not known all is news"
    table.apply(event("add"))
    echo = event("old")
    assert table.knows(echo)
    assert table.knows(msgspec.structs.replace(echo, hostname=None, mac_address=None))
    assert table.knows(event("add")), "it was found before its hook told it"
    assert not table.knows(event("del"))
    for news in (
        {"expires_at": 1_900_000_001},
        {"expires_at": None},
        {"hostname": "other"},
        {"mac_address": "fa:16:3e:00:00:02"},
        {"client_id": "ff:01"},
        {"duid": "00:04:11", "iaid": "1"},
    ):
        assert not table.knows(msgspec.structs.replace(echo, **news)), news


def test_an_identifier_that_the_hook_was_told_in_part_is_no_news(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    table.apply(msgspec.structs.replace(event("add"), client_id="00" + ":61" * 120))
    told = msgspec.structs.replace(event("add"), client_id="00" + ":61" * 99 + ":")
    assert table.knows(told)
    assert not table.knows(msgspec.structs.replace(told, client_id="00" + ":61" * 99))


def test_the_late_end_of_another_machines_lease_ends_nothing(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    table.apply(event("add"))
    table.apply(msgspec.structs.replace(event("del"), mac_address="fa:16:3e:00:00:02"))
    assert table.count() == 1
    table.apply(event("del"))
    assert table.count() == 0


def test_an_end_that_was_found_is_not_told_again_by_a_late_hook(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    table.apply(event("add"))
    assert not table.knows(event("del"))
    table.apply(msgspec.structs.replace(event("missed"), source="reconciled"))
    assert table.knows(event("del"))
    table.apply(event("add"))
    assert not table.knows(event("del"))


def test_the_last_lease_takes_the_file_along(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    table.apply(event("add"))
    table.save()
    table.apply(event("missed"))
    table.save()
    assert list(tmp_path.iterdir()) == []
    assert table.count() == 0


def test_leases_that_a_full_disk_refused_are_saved_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The shipper forgets the events behind a lease after the next save that succeeds."""
    table = LeaseTable(tmp_path)
    other = "22222222-2222-4222-8222-222222222222"
    table.apply(event("add"))
    table.apply(msgspec.structs.replace(event("add"), network_id=other))

    def full(*_unused: object, **_also: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files, "put", full)
        assert not table.save()
        assert not table.save()
    assert LeaseTable(tmp_path).count() == 0
    assert table.save()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert LeaseTable(tmp_path).network_ids() == {NETWORK, other}


def test_a_save_writes_only_what_has_changed(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path)
    table.apply(event("add"))
    table.save()
    (tmp_path / f"{NETWORK}.json").unlink()
    table.save()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_costs_only_its_leases(tmp_path: Path) -> None:
    (tmp_path / f"{NETWORK}.json").write_text('[{"ip_address": "10.0')
    assert LeaseTable(tmp_path).leases(NETWORK) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[{"ip_address": "10.0', "truncated"),
        ('[{"ip_address": "10.0.0.5"}]', "missing required field `mac_address` - at `$[0]`"),
        ('[{"ip_address": 5, "mac_address": null, "expires_at": 0}]', "at `$[0].ip_address`"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_with_its_field(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, what: str
) -> None:
    (tmp_path / f"{NETWORK}.json").write_text(text)
    assert LeaseTable(tmp_path).count() == 0
    (record,) = caplog.records
    assert what in record.getMessage()


def test_the_file_of_a_later_version_is_read(tmp_path: Path) -> None:
    row = {"ip_address": "10.0.0.5", "mac_address": MAC, "expires_at": 7, "colour": "red"}
    (tmp_path / f"{NETWORK}.json").write_text(json.dumps([row]))
    assert LeaseTable(tmp_path).leases(NETWORK) == [Lease("10.0.0.5", MAC, 7)]


def test_what_was_given_is_known_to_the_next_life_unless_it_was_recorded(tmp_path: Path) -> None:
    table = LeaseTable(tmp_path, unrecorded=UnrecordedLeases(tmp_path / "unrecorded"))
    recorded, renewed, over, lost = ("10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8")
    table.apply(event("add", renewed))
    table.apply(event("add", over))
    table.apply(event("del", over))
    for address in (recorded, renewed, over, lost):
        table.note_given(NETWORK, address, MAC)
    table.apply(event("add", recorded))
    assert table.given_before(NETWORK) == []
    again = LeaseTable(tmp_path, unrecorded=UnrecordedLeases(tmp_path / "unrecorded"))
    assert again.given_before(NETWORK) == [(lost, MAC)]
