"""This agent sends what an agent of an older version left on disk: nothing is lost."""

import json
import os
import pwd
from pathlib import Path

import pytest

from ipam.agent.leases.inbox import LeaseInbox, Spool
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.shipper import LeaseShipper
from ipam.agent.leases.table import LeaseTable
from tests.agent.fake_api import FakeApi
from tests.protocol.recordings import VERSIONS, recording

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("more", [{}, {"of_a_later_version": [1]}], ids=["older", "newer"])
def test_the_inbox_of_another_version_is_shipped_whole(
    tmp_path: Path, version: str, more: dict[str, object]
) -> None:
    events = recording(version)["lease_events"]["lease_events"]
    lines = [json.dumps(event | more) + "\n" for event in events]
    (tmp_path / "inbox").write_text("".join(lines))
    (tmp_path / "inbox.position").write_text(str(len(lines[0])))
    file, api = InboxFile(tmp_path), FakeApi()
    LeaseShipper(api.client, file, LeaseTable(tmp_path / "leases")).ship()
    file.close()
    assert _shipped(api) == _today(events[1:])
    assert not (tmp_path / "inbox.rejected").exists()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_spool_of_an_older_hook_becomes_the_same_events(tmp_path: Path, version: str) -> None:
    said = recording(version)
    events = said["lease_events"]["lease_events"]
    file, spool = InboxFile(tmp_path), Spool(tmp_path / "spool", ME)
    table = LeaseTable(tmp_path / "leases")
    spool.prepare(events[0]["network_id"]).write_text("\n" + "\n".join(said["spool_lines"]))
    inbox = LeaseInbox(
        tmp_path / "inbox.sock",
        host="compute-1",
        file=file,
        table=table,
        spool=spool,
        on_event=lambda: None,
    )
    inbox.start()
    inbox.stop()
    api = FakeApi()
    LeaseShipper(api.client, file, table).ship()
    file.close()
    shipped = _shipped(api)
    assert [event.pop("sequence") for event in shipped] == [*range(1, len(shipped) + 1)]
    assert {event.pop("epoch") for event in shipped} == {inbox.epoch}
    today = _today(events[: len(said["spool_lines"])])
    assert [event | {"epoch": None, "sequence": None} for event in shipped] == today
    assert spool.waiting() == []


def _today(events: list[dict[str, object]]) -> list[dict[str, object]]:
    """What this version says of the same events."""
    added = {"source": "hook", "epoch": None, "sequence": None}
    return [added | event for event in events]


def _shipped(api: FakeApi) -> list[dict[str, object]]:
    (body,) = api.bodies("lease-events")
    events: list[dict[str, object]] = body["lease_events"]
    return events
