"""Each leaf of the decision tree: one link of a working machine is broken, and is the cause."""

import json

import pytest

from ipam.agent import holds
from ipam.agent.dnsmasq.verdict_words import sentence
from ipam.agent.dnsmasq.verdicts import Kind, Verdict
from ipam.cli.explain.chain import ASPECTS, explain
from ipam.cli.explain.facts import Facts
from ipam.cli.explain.screen import lines
from tests.cli.command_lines import parse
from tests.cli.explain_facts import (
    MAC,
    NETWORK_ID,
    NOW,
    OTHER_MAC,
    PORT_ID,
    SUBNET_ID,
    agent,
    event,
    lease,
    network,
    offer,
    port,
    probed,
    refusal,
    subnet,
    troubled,
    well,
)


def said(kind: Kind) -> str:
    """What an agent says of such a verdict of dnsmasq."""
    return sentence(Verdict(kind, "dnsmasq's words", address="10.0.0.20", mac=OTHER_MAC, line=1))


TAP = f"tap{PORT_ID[:11]}"
V6_IP = [{"subnet_id": SUBNET_ID, "ip_address": "2001:db8::20"}]

LEAVES = {
    "unknown": well(matches=[], leases=[]),
    "machine-without-port": well(matches=[], leases=[], refusals=[refusal()]),
    "lease-without-port": well(matches=[]),
    "several-ports": well(matches=[port(), port(id="p2", network_id="n2")]),
    "port-disabled": well(matches=[port(admin_state_up=False)]),
    "network-disabled": well(network=network(admin_state_up=False)),
    "no-address": well(matches=[port(fixed_ips=[])], subnets=[]),
    "dhcp-off": well(subnets=[subnet(enable_dhcp=False)]),
    "on-another-host": well(refusals=[refusal(host="cn2", tap="tap99")]),
    "on-another-network": well(refusals=[refusal(network_id="n2")]),
    "host-unknown": well(agents=[agent(host="cn9")]),
    "not-scheduled": well(matches=[port(**{"binding:host_id": ""})]),
    "agent-dead": well(agents=[agent(alive=False)]),
    "agent-disabled": well(
        matches=[port(**{"binding:host_id": ""})],
        serving_hosts=["cn1"],
        agents=[agent(admin_state_up=False)],
    ),
    "on-hold": well(agents=troubled(NETWORK_ID, holds.TROUBLE)),
    "network-trouble": well(agents=troubled(NETWORK_ID, "File exists")),
    "tap-trouble": well(agents=troubled(TAP, "cannot be put on the bridge: Device busy")),
    "tap-missing": well(matches=[port(status="DOWN")]),
    "not-ready": well(matches=[port(status="DOWN", device_owner="baremetal:none")]),
    "dnsmasq-down": well(agents=troubled(NETWORK_ID, said(Kind.START_REFUSED))),
    "line-refused": well(agents=troubled(PORT_ID, said(Kind.HOST_DROPPED))),
    "option-refused": well(agents=troubled(PORT_ID, said(Kind.OPTION_DROPPED))),
    "declined": well(agents=troubled(PORT_ID, said(Kind.ADDRESS_DECLINED))),
    "leased-to-another": well(leases=[lease(mac_address=OTHER_MAC)], events=[]),
    "subnet-trouble": well(agents=troubled(SUBNET_ID, "something new")),
    "probe-failed": well(probe=probed(trouble="the bridge has no free port")),
    "no-offer": well(probe=probed(offer(address="", lacks="no answer"))),
    "wrong-offer": well(probe=probed(offer(lacks="option router is 10.0.0.9"))),
    "no-reservation": well(refusals=[refusal()]),
    "no-range": well(refusals=[refusal(reason="no address range available")]),
    "no-leases-left": well(refusals=[refusal(reason="no leases left")]),
    "address-in-use": well(refusals=[refusal(reason="address in use")]),
    "other-address": well(refusals=[refusal(reason="address not available")]),
    "other-server": well(refusals=[refusal(reason="wrong server-ID")]),
    "no-identity": well(refusals=[refusal(reason="no unique-id")]),
    "refused": well(refusals=[refusal(reason="of a later dnsmasq")]),
    "another-address": well(leases=[lease(ip_address="10.0.0.99")]),
    "never-heard": well(leases=[], events=[]),
    "expired-unnoticed": well(leases=[], events=[event(action="missed")]),
    "lease-ended": well(leases=[], events=[event(action="del")]),
}
"""By code: the facts of which it is the cause."""
ASPECT_LEAVES = {
    ("route", "no-gateway"): {"subnets": [subnet(gateway_ip=None)]},
    ("dns", "no-dns"): {"subnets": [subnet(dns_nameservers=["0.0.0.0"])]},
    ("name", "no-name"): {"matches": [port(dns_name="")]},
}


def test_a_machine_that_has_its_address_is_fine() -> None:
    found = explain(well())
    assert found.verdict == "fine", found.facts
    assert found.cause is None
    steps = list(dict.fromkeys(one.step for one in found.facts))
    assert steps == ["identity", "address", "agent", "server", "dnsmasq", "lease", "guest"]


@pytest.mark.parametrize("code", LEAVES)
def test_a_broken_link_is_the_cause(code: str) -> None:
    found = explain(LEAVES[code])
    assert found.verdict == "broken"
    assert found.cause is not None
    assert found.cause.code == code, found.facts
    assert found.facts[-1] is found.cause


@pytest.mark.parametrize("code", LEAVES)
def test_a_cause_tells_a_command_that_there_is(code: str) -> None:
    cause = explain(LEAVES[code]).cause
    assert cause is not None
    assert cause.fix is not None, code
    assert cause.fix.command
    words = cause.fix.command.removeprefix("sudo ")
    if words.startswith("ipam "):
        parse(words.removeprefix("ipam "))


@pytest.mark.parametrize(("why", "code"), ASPECT_LEAVES)
def test_what_lacks_is_the_cause_if_it_is_asked_for_and_else_a_note(why: str, code: str) -> None:
    facts = well(**ASPECT_LEAVES[why, code])
    asked = explain(facts, why).cause
    assert asked is not None
    assert (asked.step, asked.code) == (why, code)
    assert asked.fix is not None
    parse(asked.fix.command.removeprefix("ipam "))
    unasked = explain(facts)
    assert unasked.verdict == "fine"
    assert code in [one.code for one in unasked.facts]


@pytest.mark.parametrize("why", ASPECTS)
def test_what_is_there_breaks_nothing(why: str) -> None:
    assert explain(well(), why).verdict == "fine"


def test_what_the_dhcp_server_offers_counts_more_than_what_is_configured() -> None:
    options = [{"code": "6", "name": "dns-server", "value": "10.0.0.2"}]
    facts = well(subnets=[subnet(dns_nameservers=[])], probe=probed(offer(options=options)))
    assert explain(facts, "dns").cause is None


def test_an_agent_that_says_of_a_lease_in_the_way_is_understood() -> None:
    cause = explain(well(agents=troubled(PORT_ID, said(Kind.ADDRESS_LEASED)))).cause
    assert cause is not None
    assert cause.code == "leased-to-another"


def test_an_older_refusal_than_the_last_lease_is_no_cause() -> None:
    old = refusal(last_at="2026-11-29T08:00:00Z")
    assert explain(well(refusals=[old])).verdict == "fine"


@pytest.mark.parametrize("reason", ["wrong network", "wrong address", "lease not found"])
def test_a_nak_that_ends_by_itself_is_no_cause(reason: str) -> None:
    found = explain(well(refusals=[refusal(reason=reason)]))
    assert found.verdict == "unknown"
    assert "asks anew" in " ".join(one.text for one in found.facts)


@pytest.mark.parametrize(
    "facts",
    [
        well(agents=None),
        well(probe={"answers": []}),
        well(matches=[port(status="DOWN", updated_at="2026-11-29T11:59:55Z")]),
        well(leases=[]),
    ],
)
def test_a_source_that_lacks_is_never_all_well(facts: Facts) -> None:
    assert explain(facts).verdict == "unknown"


def test_a_cloned_machine_is_told_of() -> None:
    events = [event(duid="00:01:aa"), event(duid="00:01:bb")]
    assert "duid-changed" in [one.code for one in explain(well(events=events)).facts]


def test_machines_that_make_their_own_address_need_no_lease() -> None:
    six = subnet(ip_version=6, ipv6_address_mode="slaac", cidr="2001:db8::/64")
    facts = well(matches=[port(fixed_ips=V6_IP)], subnets=[six], leases=[], events=[])
    assert explain(facts).verdict == "fine"


def test_the_dhcp_servers_own_port_needs_no_lease() -> None:
    facts = well(matches=[port(device_owner="network:dhcp")], leases=[], events=[])
    assert explain(facts).verdict == "fine"


def test_to_the_end_tells_what_lies_behind_the_cause() -> None:
    facts = well(matches=[port(admin_state_up=False)], leases=[], events=[])
    codes = [one.code for one in explain(facts, to_the_end=True).facts if one.ok is False]
    assert codes == ["port-disabled", "never-heard"]


def test_the_tree_for_programs_has_the_cause_and_its_command() -> None:
    record = json.loads(json.dumps(explain(LEAVES["dhcp-off"]).as_record()))
    assert record["verdict"] == "broken"
    assert record["cause"] == {"code": "dhcp-off", "step": "address"}
    assert record["facts"][-1]["ok"] is False
    assert record["fixes"] == [
        {"text": "Switch it on.", "command": "ipam subnet set lan-v4 --dhcp"},
    ]


@pytest.mark.parametrize("has_marks", [True, False])
def test_a_screen_has_a_line_a_link_with_its_age_and_the_command(has_marks: bool) -> None:
    told = list(lines(explain(LEAVES["agent-dead"]), NOW, has_marks=has_marks, width=80))
    assert told[0].startswith("web-1: ")
    broken = "✗" if has_marks else "bad"
    assert f"  {broken} the agent of cn1 is silent (agent, 10 s ago)" in told
    assert told[-1].endswith(" sudo systemctl start ipam-agent")
    assert all("✓" not in line for line in told) or has_marks


def test_hostile_names_cannot_reach_the_terminal_nor_the_shell() -> None:
    facts = well(matches=[port(name="x\x1b[2J; rm -rf /", admin_state_up=False)])
    told = "\n".join(lines(explain(facts), NOW, has_marks=True, width=200))
    assert "\x1b" not in told
    assert "'x\\x1b[2J; rm -rf /'" in told
    assert MAC not in told
    assert network()["name"] not in told
