from pathlib import Path

from ipam.agent.holds import Holds

NETWORK = "00000001-aaaa-4000-8000-000000000000"


def test_a_hold_is_there_until_it_ends_however_often_it_is_asked_for(tmp_path: Path) -> None:
    holds = Holds(tmp_path)
    assert set(holds.network_ids()) == set()
    for _ in range(2):
        holds.hold(NETWORK)
    assert set(Holds(tmp_path).network_ids()) == {NETWORK}
    for _ in range(2):
        holds.end(NETWORK)
    assert set(holds.network_ids()) == set()
