import random

import pytest

from ipam.api.serving import unread
from ipam.api.serving.unread import Unread


def taken(one: Unread, most: int, skipped: int) -> bytes:
    """The first bytes, of which so many are sent."""
    sent = bytes(one.get(most))[:skipped]
    one.skip(len(sent))
    return sent


@pytest.mark.parametrize("limit", [0, 300, 10**6])
@pytest.mark.parametrize("seed", range(5))
def test_all_is_sent_in_its_order_in_memory_or_in_a_file(
    monkeypatch: pytest.MonkeyPatch, seed: int, limit: int
) -> None:
    monkeypatch.setattr(unread, "IN_MEMORY_BYTES", limit)
    monkeypatch.setattr(unread, "TOGETHER_BYTES", 100)
    chance = random.Random(seed)
    one, written, sent = Unread(), b"", b""
    for _ in range(300):
        piece = chance.randbytes(chance.choice((0, 1, 30, 200)))
        written += piece
        one.append(piece)
        one.bound()
        if chance.random() < 0.5 and len(one):
            sent += taken(one, chance.randrange(1, 250), chance.randrange(1, 250))
        assert len(one) == len(written) - len(sent)
    while len(one):
        sent += taken(one, 80, 80)
    assert sent == written


def test_a_head_and_its_body_are_sent_together() -> None:
    one = Unread()
    one.append(b"head ")
    one.append(b"body")
    assert one.get(10_000) == b"head body"


def test_a_long_piece_is_sent_without_being_copied() -> None:
    long = bytes(unread.IN_MEMORY_BYTES)
    one = Unread()
    one.append(b"head")
    one.append(long)
    one.skip(len(one.get(len(long))))
    piece = one.get(len(long))
    assert isinstance(piece, memoryview)
    assert piece.obj is long
