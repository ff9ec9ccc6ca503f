from typing import Any

from ipam.store.scheduling import AnyAgent, may_take


def test_what_agents_of_all_zones_may_take_is_one_statement() -> None:
    """One for each zone would keep 0.6 MB: whoever may be an agent names zones."""
    with_zone: Any = AnyAgent(has_zone=True)
    without: Any = AnyAgent(has_zone=False)
    assert ":agent_hint" in str(may_take(with_zone))
    assert ":agent_hint" not in str(may_take(without))
