"""The chain of seals over audit events: what a seal covers, and what a comparison finds.

A seal has a mark for each event, of its number and a keyed hash of its content, and a digest that
covers the marks and the digest of the seal before. Who lacks the key can make neither.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

NUMBER_BYTES: Final = 8
HASH_BYTES: Final = 16
MARK_BYTES: Final = NUMBER_BYTES + HASH_BYTES
KEY_MIN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Differences:
    """The numbers of events that are not as they were sealed."""

    altered: Sequence[int]
    removed: Sequence[int]
    inserted: Sequence[int]


def mark(key: bytes, event: Mapping[str, Any]) -> bytes:
    """The mark of an event, given all its columns."""
    covered = dict(event)
    if covered["user_name"] == covered["user_id"]:
        del covered["user_name"]  # events had no such column when the first seals were made
    content = msgspec.json.encode(covered, order="deterministic")
    number: int = event["pk"]
    return number.to_bytes(NUMBER_BYTES, "big") + hmac.digest(key, content, "sha256")[:HASH_BYTES]


def marks_digest(marks: bytes) -> str:
    """What stays of the marks when the events are past their retention."""
    return hashlib.sha256(marks).hexdigest()


def digest(key: bytes, previous: str, seal: Mapping[str, Any]) -> str:
    """The digest of a seal after the one with the digest `previous`; "" for the first."""
    covered = ("number", "first_pk", "last_pk", "last_at_us", "sealed_at", "marks_digest")
    content = msgspec.json.encode([previous, *(seal[name] for name in covered)])
    return hmac.digest(key, content, "sha256").hex()


def differences(sealed: bytes, present: Sequence[bytes]) -> Differences:
    """What changed between the marks of a seal and those of the events that are there."""
    before = {_number(each): each for each in _parts(sealed)}
    after = {_number(each): each for each in present}
    return Differences(
        altered=sorted(n for n in before.keys() & after.keys() if before[n] != after[n]),
        removed=sorted(before.keys() - after.keys()),
        inserted=sorted(after.keys() - before.keys()),
    )


def _parts(marks: bytes) -> list[bytes]:
    return [marks[n : n + MARK_BYTES] for n in range(0, len(marks), MARK_BYTES)]


def _number(one: bytes) -> int:
    return int.from_bytes(one[:NUMBER_BYTES], "big")
