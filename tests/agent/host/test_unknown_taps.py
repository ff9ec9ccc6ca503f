"""The API is asked about an unknown tap at once, a few times more, and then not again."""

import math

from ipam.agent.host.raw_netlink import Link
from ipam.agent.host.unknown_taps import ASK_AFTER_SECONDS, UnknownTaps

NAME = "tap0a1b2c3d-4e"


def links(index: int = 7, name: str = NAME) -> dict[str, Link]:
    return {name: Link(index, name, 1500, up=False, master=0, mac="")}


def test_an_unknown_tap_is_asked_about_at_once_and_a_few_times_more() -> None:
    taps, now, asked = UnknownTaps(), 100.0, []
    for _ in range(20):
        ask, wait = taps.look(links(), set(), now)
        if ask:
            asked.append(round(now - 100.0, 3))
        now += min(wait, 5.0)
    assert asked == list(ASK_AFTER_SECONDS)
    assert wait == math.inf


def test_looking_more_often_does_not_ask_more_often() -> None:
    taps = UnknownTaps()
    asked = [taps.look(links(), set(), number / 100)[0] for number in range(1000)]
    assert sum(asked) == len(ASK_AFTER_SECONDS)


def test_a_late_look_asks_once_for_all_that_was_due() -> None:
    taps = UnknownTaps()
    taps.look(links(), set(), 0.0)
    assert taps.look(links(), set(), 60.0) == (True, math.inf)
    assert taps.look(links(), set(), 61.0) == (False, math.inf)


def test_a_known_tap_is_never_asked_about_even_once_its_port_is_gone() -> None:
    taps = UnknownTaps()
    assert taps.look(links(), {NAME}, 0.0) == (False, math.inf)
    assert taps.look(links(), set(), 1.0) == (False, math.inf)


def test_the_same_name_plugged_anew_is_another_tap() -> None:
    taps = UnknownTaps()
    taps.look(links(), {NAME}, 0.0)
    taps.look({}, set(), 1.0)
    assert taps.look(links(8), set(), 2.0)[0]


def test_taps_of_other_software_are_not_asked_about() -> None:
    others = [
        "tap0",
        "tap-vpn",
        "tun0",
        "vnet3",
        "brq0a1b2c3d-4e",
        "tapA1B2C3D4-E5",
        "tap0a1b2c3d",
    ]
    found = {name: links(number, name)[name] for number, name in enumerate(others)}
    assert UnknownTaps().look(found, set(), 0.0) == (False, math.inf)
