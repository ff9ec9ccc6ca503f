"""The reports of machines that are refused, with the links from which they ask."""

from ipam.agent.dnsmasq.refusals import Refused
from ipam.agent.refusal_reports import MOST_LOOKED_UP, seen_refusals
from ipam.protocol.refusals import LONGEST_CLIENT, LONGEST_REASON
from tests.agent.network_rows import NETWORK

MAC = "fa:16:3e:00:00:05"


def refused(client: str, reason: str = "no address available") -> Refused:
    return Refused(client, reason, "10.0.0.5", 3, 7, 9)


def test_a_machine_is_told_with_the_link_behind_which_its_mac_address_is() -> None:
    asked = []

    def link_of(*asked_for: str) -> str:
        asked.append(asked_for)
        return "tap1"

    (one,) = seen_refusals({NETWORK: [refused(MAC)]}, link_of)
    assert (one.network_id, one.client, one.tap, one.count) == (NETWORK, MAC, "tap1", 3)
    assert (one.ip_address, one.first_at, one.last_at) == ("10.0.0.5", 7, 9)
    ((bridge, mac),) = asked
    assert NETWORK.startswith(bridge.removeprefix("brq"))
    assert mac == MAC


def test_who_has_no_mac_address_or_comes_in_a_flood_is_told_without_a_link() -> None:
    looked_up: list[str] = []
    flood = [refused(f"fa:16:3e:00:{n // 256:02x}:{n % 256:02x}") for n in range(300)]
    machines = {NETWORK: [refused("00:04:aa"), *flood]}

    def link_of(_bridge: str, mac: str) -> str:
        looked_up.append(mac)
        return "tap1"

    found = list(seen_refusals(machines, link_of))
    assert len(found) == 301
    assert found[0].tap == ""
    assert len(looked_up) == MOST_LOOKED_UP
    assert found[-1].tap == ""


def test_long_words_of_a_client_are_cut() -> None:
    machines = {NETWORK: [refused("00:" * 200 + "00", "x" * 400)]}
    (one,) = seen_refusals(machines, lambda *_asked: "")
    assert (len(one.client), len(one.reason)) == (LONGEST_CLIENT, LONGEST_REASON)
