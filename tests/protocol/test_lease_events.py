"""Lease events have one form on the wire and on disk, from which kept leases follow."""

from dataclasses import fields

import msgspec
import pytest

from ipam.protocol.lease_events import LeaseEventCreate
from ipam.rules.leases import LeaseEvent
from tests.protocol.recordings import VERSIONS, recording


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_agent_told_is_read_to_the_last_field(version: str) -> None:
    told = recording(version)["lease_events"]["lease_events"]
    assert {each["action"] for each in told} == {"add", "old", "del", "missed"}
    assert msgspec.to_builtins(msgspec.convert(told, list[LeaseEventCreate])) == told


def test_every_field_that_is_told_is_kept() -> None:
    told = {field.name for field in msgspec.structs.fields(LeaseEventCreate)}
    assert {field.name for field in fields(LeaseEvent)} == told
