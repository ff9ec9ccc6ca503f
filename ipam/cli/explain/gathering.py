"""Asks the service for the facts of an explanation."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ipam import model
from ipam.cli.commands.port_troubles import agents_or_none
from ipam.cli.explain.facts import Facts, Record
from ipam.cli.resource_kinds import LEASE, LEASE_EVENT, NETWORK, PORT, SUBNET
from ipam.errors import HTTPBadRequest, NotFound, PolicyNotAuthorized
from ipam.rules import device_owners

if TYPE_CHECKING:
    from ipam.client import Client

EVENTS_READ: Final = 50
PAUSE_SECONDS: Final = 0.05


def gathered(
    client: "Client", subject: str, network_id: str | None, probe_seconds: float
) -> Iterator[Facts]:
    """The facts of each port of a device, or of what else the subject means, all at once.

    The ports of one device are explained one by one; others that share a name are several matches.
    """
    found = _found(client, subject)
    ports = [one for one in found["ports"] if network_id in (None, one["network_id"])]
    facts = Facts(
        subject=subject,
        now=datetime.now(UTC),
        agents=agents_or_none(client),
        refusals=found["dhcp_refusals"],
        leases=found["leases"],
        network_names=found["network_names"],
    )
    of_device = [one for one in ports if one["device_id"] == subject]
    if of_device:
        for port in of_device:
            yield _of_port(client, facts, port, probe_seconds)
        return
    exact = [one for one in ports if _is_meant(one, subject)] or ports
    exact = exact or list(_seen_with(client, found["leases"]))
    if len(exact) == 1:
        yield _of_port(client, facts, exact[0], probe_seconds)
    else:
        yield replace(facts, matches=exact)


def _found(client: "Client", subject: str) -> Mapping[str, Any]:
    """What a search finds."""
    answer: dict[str, Any] = client.get("/v2.0/find", {"q": subject})
    return answer


def _seen_with(client: "Client", leases: Sequence[Record]) -> Iterator[Record]:
    """The ports whose machines made these addresses and were seen with them."""
    for lease in leases:
        if lease["source"] == model.SLAAC_LEASE and lease["port_id"]:
            yield from client.list(PORT.path, PORT.collection, {"id": lease["port_id"]})


def _is_meant(port: Record, subject: str) -> bool:
    """Whether it is called so, and not only has it in its name."""
    text = subject.casefold()
    names = (port["id"], port["name"], port["dns_name"], port["mac_address"])
    return text in [str(one).casefold() for one in names] or any(
        one["ip_address"] == subject for one in port["fixed_ips"]
    )


def _of_port(client: "Client", facts: Facts, port: Record, probe_seconds: float) -> Facts:
    network = client.get(f"{NETWORK.path}/{port['network_id']}")["network"]
    ids = [one["subnet_id"] for one in port["fixed_ips"]]
    subnets = client.list(SUBNET.path, SUBNET.collection, {"id": ids}) if ids else []
    mac = port["mac_address"]
    own = [one["ip_address"] for one in port["fixed_ips"]]
    given = {"network_id": network["id"], "source": model.DHCP_LEASE}
    leases = client.list(LEASE.path, LEASE.collection, {"mac_address": mac, **given})
    for address in own:
        leases += client.list(LEASE.path, LEASE.collection, {"ip_address": address, **given})
    events_query = {"mac_address": mac, "network_id": network["id"], "limit": EVENTS_READ}
    events_query |= {"sort_key": "occurred_at", "sort_dir": "desc"}
    found = _found(client, mac)
    return replace(
        facts,
        matches=[port],
        network=network,
        subnets=subnets,
        leases=list({one["id"]: one for one in leases}.values()),
        events=client.list(
            LEASE_EVENT.path, LEASE_EVENT.collection, events_query, max_items=EVENTS_READ
        ),
        refusals=found["dhcp_refusals"],
        serving_hosts=_serving_hosts(client, network["id"]),
        network_names={**facts.network_names, **found["network_names"]},
        probe=_probe(client, port, probe_seconds) if _can_be_probed(facts, port) else None,
    )


def _serving_hosts(client: "Client", network_id: str) -> Sequence[str] | None:
    try:
        agents = client.get(f"{NETWORK.path}/{network_id}/dhcp-agents")["agents"]
    except (PolicyNotAuthorized, NotFound):
        return None
    return [str(one["host"]) for one in agents]


def _can_be_probed(facts: Facts, port: Record) -> bool:
    """Whether there is an agent that would answer."""
    host = port.get("binding:host_id") or ""
    if str(port["device_owner"]).startswith(device_owners.NETWORK):
        return False
    return port["status"] == model.ACTIVE and (
        facts.agents is None
        or any(one["alive"] for one in facts.agents if not host or one["host"] == host)
    )


def _probe(client: "Client", port: Record, seconds: float) -> Record | None:
    """The question with the answers that came in time; None if nobody may or can be asked."""
    path = f"{PORT.path}/{port['id']}/probe"
    deadline = time.monotonic() + seconds
    if not seconds:
        return None
    try:
        asked: Record = client.post(path, json={})["probe"]
        while not asked["answers"] and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
            asked = client.get(path)["probe"]
    except (PolicyNotAuthorized, NotFound, HTTPBadRequest):
        return None
    return asked
