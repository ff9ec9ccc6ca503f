"""The API understands agents of other versions. Reports of older ones are recordings."""

import pytest

from tests.api.caller import Api
from tests.protocol.recordings import VERSIONS, recording


@pytest.mark.parametrize("version", VERSIONS)
def test_the_heartbeat_of_an_older_agent_is_taken(api: Api, version: str) -> None:
    body = recording(version)["heartbeat"]
    result = api.call("POST", "/agents", body)
    assert result.status_code == 200, result.text
    assert result.json["agent"]["configurations"] == body["agent"]["configurations"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("word", ["ready", "down"])
def test_the_port_reports_of_an_older_agent_are_taken(api: Api, version: str, word: str) -> None:
    said = recording(version)
    agent_id = api.call("POST", "/agents", said["heartbeat"]).json["agent"]["id"]
    body = said["ready_ports"]
    result = api.call("POST", f"/agents/{agent_id}/{word}-ports", body)
    assert result.status_code == 200, result.text
    assert result.json["ignored"] == sorted(port["id"] for port in body["ports"])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lease_events_of_an_older_agent_are_taken(api: Api, version: str) -> None:
    body = recording(version)["lease_events"]
    result = api.call("POST", "/lease-events", body)
    assert (result.status_code, result.json) == (200, {"applied": 5, "duplicates": 0})
    told = {event["id"]: event for event in body["lease_events"]}
    kept = api.call("GET", "/lease-events").json["lease_events"]
    assert {event["id"].replace("-", "") for event in kept} == set(told)
    for event in kept:
        before = told[event["id"].replace("-", "")]
        same = ("action", "ip_address", "mac_address", "duid", "iaid", "hostname", "details")
        assert {name: event[name] for name in same} == {name: before[name] for name in same}


def test_what_a_newer_agent_says_beyond_that_is_ignored(api: Api) -> None:
    more = {"of_a_later_version": {"any": "thing"}}
    said = recording(VERSIONS[-1])
    heartbeat = {"agent": said["heartbeat"]["agent"] | more}
    result = api.call("POST", "/agents", heartbeat)
    assert result.status_code == 200, result.text
    assert "of_a_later_version" not in result.json["agent"]
    ports = {"ports": [port | more for port in said["ready_ports"]["ports"]]} | more
    path = f"/agents/{result.json['agent']['id']}/ready-ports"
    assert api.call("POST", path, ports).status_code == 200
    events = [event | more for event in said["lease_events"]["lease_events"]]
    result = api.call("POST", "/lease-events", {"lease_events": events})
    assert result.json == {"applied": len(events), "duplicates": 0}


def test_a_misspelt_name_is_told_with_the_one_that_is_missed(api: Api) -> None:
    body = {"agent": {"hots": "host-a", "started_at": 1}}
    message = api.refused(400, "HTTPBadRequest", "POST", "/agents", body)
    assert "'host' not given" in message
    assert "'hots'" in message
