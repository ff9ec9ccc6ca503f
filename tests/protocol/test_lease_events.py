"""Lease events have one form on the wire and on disk, from which kept leases follow."""

import msgspec
import pytest

from ipam.errors import Malformed
from ipam.protocol.lease_events import LeaseEventCreate, read_recorded
from ipam.rules.leases import LeaseEvent
from tests.protocol.recordings import VERSIONS, recording


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_agent_told_is_read_to_the_last_field(version: str) -> None:
    told = recording(version)["lease_events"]["lease_events"]
    assert {each["action"] for each in told} == {"add", "old", "del", "missed"}
    read = msgspec.to_builtins(msgspec.convert(told, list[LeaseEventCreate]))
    added = {"source": "hook", "epoch": None, "sequence": None}
    assert read == [added | each for each in told]


SENT = [LeaseEventCreate(str(n), "n", "h", "add", "a", n, epoch="e", sequence=n) for n in (7, 8)]
ANSWER = {"applied": 1, "duplicates": 1, "epoch": "e", "sequence": 8}


def test_an_answer_that_names_the_batch_is_taken() -> None:
    assert read_recorded(ANSWER, SENT).applied == 1
    assert read_recorded(ANSWER | {"of_a_later_version": 1}, SENT).duplicates == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [],
        "written",
        {"applied": 2, "duplicates": 0},
        ANSWER | {"applied": 0},
        ANSWER | {"duplicates": 2},
        ANSWER | {"epoch": "another"},
        ANSWER | {"sequence": 7},
        ANSWER | {"applied": "1"},
    ],
)
def test_an_answer_that_names_another_batch_or_none_is_not_taken(answer: object) -> None:
    with pytest.raises(Malformed, match="lease events"):
        read_recorded(answer, SENT)


def test_every_field_that_is_told_is_kept() -> None:
    told = {field.name for field in msgspec.structs.fields(LeaseEventCreate)}
    kept = {field.name for field in msgspec.structs.fields(LeaseEvent)}
    assert kept == told | {"own_name"}  # which follows from the details
