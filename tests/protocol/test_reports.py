"""Reports of agents: an agent writes them and an API reads them."""

import msgspec
import pytest

from ipam.errors import Malformed
from ipam.protocol.reports import AgentFacts, AgentReport, SeenPorts, read_agent_id
from tests.protocol.recordings import VERSIONS, recording


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_agent_reported_is_read(version: str) -> None:
    said = recording(version)
    report = msgspec.convert(said["heartbeat"]["agent"], AgentReport)
    newer = {"wake": None}  # with what it says while an agent does not
    assert msgspec.to_builtins(report) == newer | said["heartbeat"]["agent"]
    facts = msgspec.convert(report.configurations, AgentFacts)
    assert facts.dnsmasq_version == "2.91"
    ports = msgspec.convert(said["ready_ports"], SeenPorts)
    assert msgspec.to_builtins(ports) == said["ready_ports"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_id_is_read_in_an_older_apis_answer(version: str) -> None:
    answer = recording(version)["heartbeat_answer"]
    assert read_agent_id(answer) == answer["agent"]["id"]


@pytest.mark.parametrize("answer", [None, {}, {"agent": None}, {"agent": {"id": 5}}])
def test_an_answer_without_an_id_is_named(answer: object) -> None:
    with pytest.raises(Malformed, match="the answer to a heartbeat"):
        read_agent_id(answer)


def test_an_agent_that_does_not_say_how_guests_are_plugged_in_leaves_it_out() -> None:
    facts = AgentFacts(dnsmasq_version="2.91", networks=1, ports=2, leases=3, troubles={"n": "x"})
    assert msgspec.to_builtins(facts) == {
        "dnsmasq_version": "2.91",
        "networks": 1,
        "ports": 2,
        "leases": 3,
        "troubles": {"n": "x"},
    }
    assert msgspec.to_builtins(msgspec.structs.replace(facts, vif_type="tap"))["vif_type"] == "tap"
