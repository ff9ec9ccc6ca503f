"""Reads what agents serve before and after a change, inside the transaction of the change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ipam.api.agents.dhcp_state_route import digests
from ipam.api.agents.served_networks import full_networks
from ipam.protocol.dhcp_state import FullNetwork
from ipam.settings import NetworkSettings
from ipam.store import dhcp_state
from ipam.store.dhcp_state import NETWORK, UNSCHEDULED, Part
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


@dataclass(frozen=True, slots=True)
class Glance:
    """What an agent would be told at this moment, but not in full."""

    agent: Record
    parts: Sequence[Part]
    digests: Mapping[str, str]
    """By network id."""


def glances(
    tx: Transaction, agents: Collection[Record], settings: NetworkSettings
) -> dict[int, Glance]:
    """What each agent would be told, by its number. One statement for each."""
    found = {}
    for agent in agents:
        slots = settings.dhcp_agents_per_network
        parts = dhcp_state.summary(tx, agent, agents_per_network=slots)
        found[agent.pk] = Glance(agent, parts, digests(parts, ""))
    return found


def touched(before: Mapping[int, Glance], after: Mapping[int, Glance]) -> frozenset[str]:
    """The ids of the networks of which some agent would be told something else."""
    pairs = [(before[pk].digests, after[pk].digests) for pk in before]
    return frozenset(
        network_id
        for was, will in pairs
        for network_id in was.keys() | will.keys()
        if was.get(network_id) != will.get(network_id)
    )


def in_full(
    tx: Transaction,
    seen: Mapping[int, Glance],
    network_ids: Collection[str],
    settings: NetworkSettings,
) -> dict[tuple[int, str], FullNetwork]:
    """These networks as each agent is told of them, by the agent's number and network id."""
    found = {}
    for pk, glance in seen.items():
        pks = {one.pk for one in glance.parts if one.kind == NETWORK and one.id in network_ids}
        if pks:
            slots = settings.dhcp_agents_per_network
            _, rows = dhcp_state.parts(tx, glance.agent, pks, agents_per_network=slots)
            contents = dhcp_state.contents(tx, glance.agent, rows)
            for row in full_networks(contents, glance.digests, settings):
                found[pk, row.id] = row
    return found


def lacking(seen: Mapping[int, Glance]) -> frozenset[int]:
    """The numbers of networks that have fewer agents than wanted."""
    return frozenset(
        part.network_pk
        for glance in seen.values()
        for part in glance.parts
        if part.kind == UNSCHEDULED
    )
