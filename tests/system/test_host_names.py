"""Of two hosts whose agents have one name only one serves, whichever comes first."""

from typing import Any

import pytest

from tests.system.two_hosts import Cloud, HostNamespace

pytestmark = [pytest.mark.root, pytest.mark.system]


def agent_of(cloud: Cloud, host: str) -> dict[str, Any]:
    """What the API says of the host's agent; empty if it has none."""
    found = cloud.client.get("/v2.0/agents", {"host": host})["agents"]
    return found[0] if found else {}


def bury(cloud: Cloud, host: HostNamespace) -> None:
    """Its agent is killed, and the API forgets it."""
    host.kill_agent()
    cloud.client.delete(f"/v2.0/agents/{agent_of(cloud, 'a')['id']}")


def ends(cloud: Cloud, host: HostNamespace) -> None:
    cloud.eventually(host.has_ended, f"the agent ends\n{host.log()[-3000:]}")
    assert host.exit_code() == 1, host.log()


def test_a_second_agent_of_a_name_does_not_start(cloud: Cloud) -> None:
    cloud.await_look(cloud.a)
    second = cloud.host("c", calls_itself="a")
    second.start_agent()
    ends(cloud, second)
    assert "Another agent is alive as host a" in second.log()
    assert second.servers() == []
    cloud.a.kill_agent()
    cloud.a.start_agent()
    cloud.await_look(cloud.a)


def test_one_that_learns_of_the_other_only_later_stops_what_it_serves(cloud: Cloud) -> None:
    other = cloud.host("c", calls_itself="a")
    bury(cloud, cloud.a)
    other.start_agent()
    cloud.await_look(other)
    assert other.servers() != []
    bury(cloud, other)
    cloud.a.start_agent()
    cloud.await_look(cloud.a)
    cloud.stop_api()
    other.start_agent()
    cloud.eventually(lambda: other.log().count("Agent of host a") == 2, "it serves what it knows")
    assert other.servers() != []
    cloud.start_api()
    ends(cloud, other)
    assert "This agent ends, and so does its DHCP." in other.log()
    assert other.servers() == []
    assert cloud.a.servers() != []
    cloud.await_look(cloud.a)
