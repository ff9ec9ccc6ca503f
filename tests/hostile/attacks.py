"""Every kind of hostile request, and which one a number stands for.

A request is made from a seed and its number alone, and from the ids of what is there: the same
seed and number give the same form of request again.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from tests.hostile import floods, mutants
from tests.hostile.framing import FRAMINGS
from tests.hostile.requests import Request
from tests.hostile.target import Target


def request(seed: int, number: int, target: Target, kinds: Sequence[str] = ()) -> Request:
    """The request of this number, of one of these kinds or of any."""
    chance = Random(f"{seed}:{number}")
    among = kinds or list(ATTACKS)
    kind = chance.choices(among, [ATTACKS[each][0] for each in among])[0]
    return ATTACKS[kind][1](kind, target, chance)


def _framing(kind: str, target: Target, chance: Random) -> Request:
    """Bytes that are hardly HTTP, or whose end two servers would see in two places."""
    name = chance.choice(list(FRAMINGS))
    signed = target.authorizations[chance.choice(("reader", "member"))].encode()
    return FRAMINGS[name](f"{kind}: {name}", signed, chance)


ATTACKS: Final[Mapping[str, tuple[int, Callable[[str, Target, Random], Request]]]] = {
    "plain": (14, mutants.plain),
    "body": (30, mutants.body),
    "query": (20, mutants.query),
    "path": (12, mutants.path),
    "header": (11, mutants.header),
    "framing": (8, _framing),
    "multiplied": (2, floods.multiplied),
    "large": (2, floods.large),
    "login": (1, floods.login),
}
"""Shares of all requests, in percent."""
