"""Links between the service and the machine's wire: agent, host, dnsmasq. Pure."""

from collections.abc import Iterator
from typing import Final

from ipam import model
from ipam.cli.explain.configured import called, called_network
from ipam.cli.explain.facts import Fact, Facts, Fix, Record
from ipam.cli.instants import moment

PATIENCE_SECONDS: Final = 30.0
"""So long an agent may need to serve a change: it looks every few seconds."""
KNOWN_TROUBLES: Final = (
    ("is still leased to", "leased-to-another", "End that lease."),
    ("machine declined", "declined", "Find the machine that uses the address, and remove it."),
    ("answers for", "declined", "Find the machine that uses the address, and remove it."),
    ("dropped line", "line-refused", "Correct the port's MAC address, dns_name or fixed IPs."),
    ("dropped DHCP option", "option-refused", "Correct or remove the option."),
    ("does not start", "dnsmasq-down", "See the agent's log on that host."),
    ("on hold", "on-hold", "End the hold on that host."),
)
"""Part of an agent's sentence, the code of such a trouble, what to do. The first that fits."""


def agent(facts: Facts) -> Iterator[Fact]:
    """Whether an agent is there, alive, switched on, and serves the network."""
    (port,) = facts.matches
    host = port.get("binding:host_id") or ""
    if facts.agents is None:
        text = "the agents: not looked at (you may not see them)"
        yield Fact("agent", "agents-unseen", None, text)
        return
    mine = _in_charge(facts, host)
    alive = [one for one in mine if one["alive"]]
    if host and not mine:
        yield Fact(
            "agent",
            "host-unknown",
            False,
            f"it is bound to {host}, where no agent ever reported",
            fix=Fix("Start an agent there, or bind it to another host.", "sudo ipam agent run"),
        )
    elif not mine:
        yield Fact(
            "agent",
            "not-scheduled",
            False,
            f"no agent serves the network {called_network(facts)}",
            fix=Fix("Start an agent, or bind the port to a host.", "ipam agent list"),
        )
    elif not alive:
        last = max(mine, key=lambda one: str(one["heartbeat_timestamp"]))
        yield Fact(
            "agent",
            "agent-dead",
            False,
            f"the agent of {last['host']} is silent",
            source="agent",
            at=last["heartbeat_timestamp"],
            fix=Fix(f"Start it on {last['host']}.", "sudo systemctl start ipam-agent"),
        )
    elif not host and not any(one["admin_state_up"] for one in alive):
        name = alive[0]["host"]
        yield Fact(
            "agent",
            "agent-disabled",
            False,
            f"the agent of {name} is switched off",
            fix=Fix("Switch it on.", f"ipam agent set {name} --enable"),
        )
    else:
        where = "bound to" if host else "served on"
        hosts = ", ".join(sorted(one["host"] for one in alive))
        yield Fact(
            "agent",
            "agent-alive",
            True,
            f"{where} {hosts}, whose agent is alive",
            source="agent",
            at=max(one["heartbeat_timestamp"] for one in alive),
        )


def _in_charge(facts: Facts, host: str) -> list[Record]:
    """The agents that should serve the port."""
    agents = facts.agents or ()
    if host:
        return [one for one in agents if one["host"] == host]
    if facts.serving_hosts is not None:
        return [one for one in agents if one["host"] in facts.serving_hosts]
    return list(agents)


def troubles(facts: Facts) -> Iterator[Fact]:
    """What living agents say is not as it should be."""
    (port,) = facts.matches
    tap = model.tap_name(port["id"])
    subjects = {
        port["id"]: "port",
        tap: f"tap {tap}",
        **{one["subnet_id"]: "subnet" for one in port["fixed_ips"]},
        port["network_id"]: "network",
    }
    for agent_ in _in_charge(facts, port.get("binding:host_id") or ""):
        said = (agent_.get("configurations") or {}).get("troubles", {})
        for subject, noun in subjects.items():
            if agent_["alive"] and subject in said:
                yield _trouble(facts, agent_, noun, str(said[subject]))


def _trouble(facts: Facts, agent_: Record, noun: str, said: str) -> Fact:
    known = ((code, advice) for part, code, advice in KNOWN_TROUBLES if part in said)
    code, advice = next(
        known, (f"{noun.split(maxsplit=1)[0]}-trouble", f"See the log of {agent_['host']}.")
    )
    command = _mending(facts, code) or f"ssh {agent_['host']} journalctl -u ipam-agent"
    return Fact(
        "server",
        code,
        False,
        f"{agent_['host']} of its {noun}: {said}",
        source="agent",
        at=agent_["heartbeat_timestamp"],
        fix=Fix(advice, command),
    )


def _mending(facts: Facts, code: str) -> str:
    (port,) = facts.matches
    network = called_network(facts)
    address = port["fixed_ips"][0]["ip_address"] if port["fixed_ips"] else ""
    return {
        "leased-to-another": f"ipam lease release {address} --network {network}",
        "declined": f"ipam find {address}",
        "line-refused": f"ipam port set {called(port)} --dns-name NAME",
        "option-refused": f"ipam port unset {called(port)} --extra-dhcp-option NAME",
        "on-hold": f"sudo ipam agent hold {network} --off",
    }.get(code, "")


def readiness(facts: Facts) -> Iterator[Fact]:
    """Whether the agent has reported that DHCP would answer the machine."""
    (port,) = facts.matches
    if port["status"] == model.ACTIVE:
        text = "the agent has reported it: DHCP answers its MAC address"
        yield Fact("server", "port-active", True, text, source="agent")
        return
    age = (facts.now - moment(port["updated_at"])).total_seconds()
    if age < PATIENCE_SECONDS:
        text = f"changed {age:.0f} s ago, and not reported ready yet: wait a moment"
        yield Fact("server", "just-changed", None, text, at=port["updated_at"])
    elif str(port["device_owner"]).startswith(model.COMPUTE_OWNER_PREFIX):
        host = port.get("binding:host_id") or "its host"
        yield Fact(
            "wire",
            "tap-missing",
            False,
            f"its tap {model.tap_name(port['id'])} is not on the bridge of {host}",
            source="agent",
            fix=Fix(
                "Start the server, or plug it in again.",
                f"ssh {host} ip link show master {model.bridge_name(port['network_id'])}",
            ),
        )
    else:
        yield Fact(
            "server",
            "not-ready",
            False,
            "its agent is alive and has not reported it ready",
            source="agent",
            fix=Fix("See the agent's log on that host.", "journalctl -u ipam-agent"),
        )


def probe(facts: Facts) -> Iterator[Fact]:
    """What the DHCP server answered when the agent asked in the machine's name."""
    if facts.probe is None:
        yield Fact("dnsmasq", "not-probed", None, "dnsmasq: not asked", is_note=True)
        return
    if not facts.probe["answers"]:
        yield Fact("dnsmasq", "probe-unanswered", None, "dnsmasq: no agent has asked it in time")
        return
    for answer in facts.probe["answers"]:
        if answer["trouble"]:
            yield _refused(facts, "probe-failed", f"{answer['host']}: {answer['trouble']}")
        for offer in answer["offers"]:
            if offer["lacks"] and not offer["address"]:
                yield _refused(
                    facts, "no-offer", f"{offer['server']} offers nothing: {offer['lacks']}"
                )
            elif offer["lacks"]:
                yield _refused(facts, "wrong-offer", f"{offer['server']}: {offer['lacks']}")
            else:
                text = f"dnsmasq {offer['server']} offers {offer['address'] or 'what it should'}"
                yield Fact("dnsmasq", "offers", True, text, source="probe")


def _refused(facts: Facts, code: str, text: str) -> Fact:
    (port,) = facts.matches
    fix = Fix("See all that it would get.", f"ipam port probe {called(port)}")
    return Fact("dnsmasq", code, False, text, source="probe", fix=fix)
