"""Makes the answer of a dry run from what was observed. Pure, but for the clock of heartbeats."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from ipam import model
from ipam.agent import actions
from ipam.agent.state import Lease
from ipam.agent.wires import Reach
from ipam.api.dry_runs import forecast
from ipam.api.dry_runs.forecast import Feeling, Host, Look
from ipam.api.dry_runs.rehearsing import Networks, Observed
from ipam.api.dry_runs.wire import (
    STEPS_MAX,
    HostForecast,
    MachineForecast,
)
from ipam.protocol.dhcp_state import FullNetwork
from ipam.rules.reach import tunnel_end
from ipam.store.engine.listing import Record

Looks = Mapping[tuple[int, str], Look]
WORST_FIRST: Final = ("loses", "moves", "hears", "gains")


def hosts_of(agents: Mapping[int, Record]) -> dict[int, Host]:
    """What each agent's host is, as the agent says."""
    return {
        pk: Host(row.host, _reach(row.configurations or {}), bool(row.port_filter))
        for pk, row in agents.items()
    }


def changed(observed: Observed) -> frozenset[str]:
    """The ids of networks that some agent serves otherwise afterwards."""
    before, after = observed.before, observed.after
    return frozenset(
        key[1]
        for key in before.keys() | after.keys()
        if _content(before.get(key)) != _content(after.get(key))
    )


def _content(row: FullNetwork | None) -> FullNetwork | None:
    return row and replace(row, digest="")


def looks(
    networks: Networks, hosts: Mapping[int, Host], network_ids: Collection[str]
) -> dict[tuple[int, str], Look]:
    """These networks as the agents serve them, without those that no agent could."""
    found = {}
    for (pk, network_id), row in networks.items():
        if network_id not in network_ids:
            continue
        try:
            found[pk, network_id] = forecast.look(row, hosts[pk])
        except ValueError:
            continue
    return found


def host_forecasts(
    observed: Observed,
    before: Looks,
    after: Looks,
    names: Mapping[str, str],
    *,
    oldest_heartbeat: int,
) -> list[HostForecast]:
    """What each agent would do, of those that would do anything."""
    leases: dict[tuple[str, str], list[Lease]] = defaultdict(list)
    for row in observed.leases:
        leases[row.host, row.network_id].append(lease_of(row))
    found = []
    for key in sorted(before.keys() | after.keys()):
        pk, network_id = key
        agent = observed.agents[pk]
        its = leases.get((agent.host, network_id), ())
        steps = forecast.steps(before.get(key), after.get(key), its)
        if not steps:
            continue
        found.append(
            HostForecast(
                host=agent.host,
                agent_id=agent.id,
                alive=agent.heartbeat_at >= oldest_heartbeat,
                network_id=network_id,
                network_name=names.get(network_id, ""),
                server=forecast.change_of_server(steps),
                files_written=sum(isinstance(one, actions.WriteFile) for one in steps),
                files_removed=sum(isinstance(one, actions.RemoveFile) for one in steps),
                steps=[forecast.told(one) for one in steps[:STEPS_MAX]],
                steps_left_out=max(0, len(steps) - STEPS_MAX),
            )
        )
    return sorted(found, key=lambda one: (one.host, one.network_name, one.network_id))


def feelings(observed: Observed, before: Looks, after: Looks) -> list[tuple[str, Feeling]]:
    """What machines would feel, with their networks' ids; those that lose most first."""
    leases: dict[str, dict[str, Lease]] = defaultdict(dict)
    for row in observed.leases:
        lease = lease_of(row)
        leases[row.network_id][lease.ip_address] = lease
    was, will = _by_network(before), _by_network(after)
    found = []
    for network_id in sorted(was.keys() | will.keys()):
        felt = forecast.feelings(
            forecast.given(was.get(network_id, ())),
            forecast.given(will.get(network_id, ())),
            leases.get(network_id, {}),
        )
        found += [(network_id, one) for one in felt]
    return sorted(found, key=_severity)


def machine(network_id: str, one: Feeling, name: str) -> MachineForecast:
    """The machine for the answer."""
    return MachineForecast(
        port_id=one.port.id,
        port_name=name,
        device_id=one.port.device_id,
        mac_address=one.port.mac_address,
        network_id=network_id,
        effect=one.effect,
        before=list(one.before),
        after=list(one.after),
        options=list(one.options),
        cut_off=one.cut_off,
        has_lease=one.has_lease,
        until=None if one.until is None else model.iso_time(one.until),
    )


def totals(felt: Sequence[Feeling]) -> dict[str, int]:
    """How many machines feel what."""
    found = Counter[str](one.effect for one in felt)
    return {
        **{effect: found[effect] for effect in WORST_FIRST},
        "cut_off": sum(one.cut_off for one in felt),
        "stopped": sum(map(forecast.is_stopped, felt)),
    }


def lease_of(row: Record) -> Lease:
    """The lease as its dnsmasq has it."""
    return Lease(
        model.unpack(row.ip_address),
        row.mac_address,
        row.expires_at or 0,
        row.hostname,
        row.client_id,
        row.duid,
        row.iaid,
    )


def _by_network(found: Looks) -> Mapping[str, Sequence[Look]]:
    by_network: dict[str, list[Look]] = defaultdict(list)
    for (_, network_id), look in found.items():
        by_network[network_id].append(look)
    return by_network


def _severity(told: tuple[str, Feeling]) -> tuple[bool, int, str]:
    one = told[1]
    return not forecast.is_stopped(one), WORST_FIRST.index(one.effect), one.port.id


def _reach(said: Mapping[str, object]) -> Reach:
    """By what the agent's host reaches others; nothing that is not of the right form."""
    return Reach(
        _texts(said.get("interface_mappings")),
        _texts(said.get("bridge_mappings")),
        tunnel_end(said) or "",
    )


def _texts(said: object) -> dict[str, str]:
    pairs = said.items() if isinstance(said, dict) else ()
    return {str(key): value for key, value in pairs if isinstance(value, str)}
