"""Ends a recovery: takes back what agents' hosts hold, and opens the pools again.

Each step is a transaction that finds nothing to do when it is done again, so that a process that
is killed in between leaves a recovery that goes on.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from ipam import clock, model
from ipam.allocator import pools, returning_networks, statements
from ipam.allocator.allocator import Allocator
from ipam.allocator.lease_ports import LeasePorts
from ipam.allocator.returning_networks import Returned
from ipam.chunks import chunks
from ipam.escaping import escaped
from ipam.model import LeaseAction
from ipam.protocol.dhcp_state import DhcpPort, FullNetwork, ServedPort
from ipam.protocol.recovery import DECODER, HeldPart
from ipam.rules import dns_answers
from ipam.rules.leases import Key, LeaseEvent
from ipam.rules.recovery import Decisions, Held, Place, Port, decide
from ipam.store import ports, recovery, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.write_again import write_again
from ipam.store.leases import recording
from ipam.store.recovery import Estate, Heard, Recovery

QUIET_SECONDS: Final = 30
"""After the last report: an agent that the backup does not know asks every few seconds."""
EVENTS_AT_ONCE: Final = 500
LISTED: Final = 1000
"""So many findings of a kind are kept."""
_NEWEST: Final = 2**62
"""The revision of ports that reports which come late change no more."""


def is_due(found: Recovery, heard: Heard, *, lease_seconds: int, now: int) -> bool:
    """Whether a recovery may end by itself.

    All agents have told, and a while ago; or the machines of those that did not had no lease for
    so long that none of theirs is left. `lease_seconds` of 0 or less are infinite leases.
    """
    if not heard.missing and now >= max(heard.last_at, found.restored_at) + QUIET_SECONDS:
        return True
    return 0 < lease_seconds <= now - found.restored_at


def finish(database: Database, allocator: Allocator, *, agent_down_time: int) -> None:
    """End the recovery with the reports that are there. Does nothing if none goes on."""
    while (found := database.read(recovery.read)) is not None and not found.is_over:
        heard = _heard(database, found, agent_down_time)
        _compare(database, allocator, heard.hosts)
        _tell_leases(database, allocator, found, heard.hosts)
        _end(database, heard, agent_down_time)


def _heard(database: Database, found: Recovery, agent_down_time: int) -> Heard:
    return database.read(lambda tx: recovery.heard(tx, found, agent_down_time=agent_down_time))


def _compare(database: Database, allocator: Allocator, hosts: Sequence[str]) -> None:
    def take(tx: Transaction) -> None:
        current = recovery.read(tx, lock=True)
        if current is not None and not current.is_over:
            _take_back(tx, allocator, current, hosts)

    write_again(database, take)


def _end(database: Database, compared: Heard, agent_down_time: int) -> None:
    """Open the pools, unless another host has told meanwhile."""

    def end(tx: Transaction) -> None:
        current = recovery.read(tx, lock=True)
        if current is None or current.is_over:
            return
        now = recovery.heard(tx, current, agent_down_time=agent_down_time)
        if set(now.hosts) != set(compared.hosts):
            return
        for pk in recovery.subnet_pks(tx):
            pools.write_cursors(tx, pk, statements.pools_of(tx, pk))
        recovery.forget_reports(tx, now.hosts)
        found = {**current.findings, "missing": list(now.missing)}
        recovery.note(tx, found, is_over=True)

    write_again(database, end)


def take_late(database: Database, allocator: Allocator, host: str) -> None:
    """Take back what a host holds that has told after the recovery was over.

    What is there stays as it is: only ports that are missing are made, with addresses that are
    free.
    """

    def take(tx: Transaction) -> Recovery | None:
        current = recovery.read(tx, lock=True)
        if current is None or not current.is_over:
            return None
        _take_back(tx, allocator, current, [host], is_late=True)
        return current

    found = write_again(database, take)
    if found is not None:
        _tell_leases(database, allocator, found, [host])
        database.write(lambda tx: recovery.forget_reports(tx, [host]))


def _take_back(
    tx: Transaction,
    allocator: Allocator,
    current: Recovery,
    hosts: Sequence[str],
    *,
    is_late: bool = False,
) -> None:
    estate = recovery.estate(tx, current)
    networks = (one for _host, part in _parts(tx, hosts) for one in part.networks)
    returned = returning_networks.make(tx, current, estate, networks)
    if returned.subnets or returned.networks:
        estate = recovery.estate(tx, current)
    if is_late:
        kept = {"revision": _NEWEST, "is_leased": True, "told_by": "the service"}
        settled = {key: replace(one, **kept) for key, one in estate.ports.items()}  # type: ignore[arg-type]
        estate = replace(estate, ports=settled)
    told: list[Port] = []
    leases: dict[Place, Held] = {}
    for host, part in _parts(tx, hosts):
        for network in part.networks:
            told += _ports(network, host)
            told += _dhcp_ports(network, host, estate, returned)
        leases |= _leases(part, estate, host)
    decisions = decide(
        estate.ports,
        told,
        networks=estate.networks.keys(),
        subnets={key: row.network_id for key, row in estate.subnets.items()},
        leases=leases,
        hosts=() if is_late else set(hosts),
        is_dynamic=estate.is_dynamic,
    )
    _apply(tx, allocator, current, estate, decisions)
    found = _findings(decisions) | {
        "networks": sorted(returned.networks),
        "subnets": sorted(returned.subnets),
    }
    recovery.note(tx, _merged(current.findings, found), is_over=False)


def _parts(tx: Transaction, hosts: Sequence[str]) -> Iterator[tuple[str, HeldPart]]:
    for host, contents in recovery.parts(tx, hosts):
        yield host, DECODER.decode(contents)


def _ports(network: FullNetwork, host: str) -> Iterator[Port]:
    for one in network.ports:
        if one.device_owner == model.LEASE_PORT_OWNER:
            continue  # its lease makes it again
        if one.binding_host_id not in ("", host):
            continue
        yield Port(
            id=one.id,
            network_id=network.id,
            mac_address=one.mac_address,
            host=one.binding_host_id,
            revision=one.revision_number,
            addresses=frozenset((ip.subnet_id, model.pack(ip.ip_address)) for ip in one.fixed_ips),
            told_by=host,
            row=(one, network.project_id),
        )


def _dhcp_ports(
    network: FullNetwork, host: str, estate: Estate, returned: Returned
) -> Iterator[Port]:
    """The DHCP port of a network that was made again, or that got subnets again."""
    said = network.dhcp_port
    if said is None or returned.subnets.isdisjoint(one.id for one in network.subnets):
        return
    places = {(ip.subnet_id, model.pack(ip.ip_address)) for ip in said.fixed_ips}
    own = {place for place in places if place[0] in returned.subnets}
    known = estate.ports.get(said.id)
    row = None
    if known is None:
        if network.id not in returned.networks:
            return
        row = (_served_dhcp_port(network, said), network.project_id)
    yield Port(
        id=said.id,
        network_id=network.id,
        mac_address=known.mac_address if known else said.mac_address,
        host="",
        revision=known.revision + 1 if known else 0,
        addresses=frozenset(known.addresses | own if known else own),
        told_by=host,
        is_dhcp=True,
        row=row,
    )


def _served_dhcp_port(network: FullNetwork, said: DhcpPort) -> ServedPort:
    return ServedPort(
        id=said.id,
        mac_address=said.mac_address,
        revision_number=0,
        device_id=model.dhcp_device_id(network.id),
        device_owner=model.DHCP_PORT_OWNER,
        admin_state_up=True,
        status=model.ACTIVE,
        binding_host_id="",
        hostname=dns_answers.host_name("", said.fixed_ips[0].ip_address if said.fixed_ips else ""),
        fixed_ips=said.fixed_ips,
        extra_dhcp_opts=[],
    )


def _leases(part: HeldPart, estate: Estate, host: str) -> dict[Place, Held]:
    """The leases of the part, by subnet and address."""
    found = {}
    for lease in part.leases:
        place = estate.place(lease.network_id, model.pack(lease.ip_address))
        if place is not None:
            found[place] = Held(lease.mac_address, lease.expires_at, host)
    return found


def _apply(
    tx: Transaction,
    allocator: Allocator,
    current: Recovery,
    estate: Estate,
    decisions: Decisions,
) -> None:
    """Do what was decided. What loses an address or a MAC address comes first."""
    for port in decisions.removed:
        _release(tx, allocator, estate, port, port.addresses)
        ports.remove(tx, estate.pks[port.id])
    for before, after in decisions.changed:
        _release(tx, allocator, estate, before, before.addresses - after.addresses)
        if before.mac_address != after.mac_address:  # two may have swapped theirs
            aside = {"mac_address": f"~{estate.pks[before.id]}"}
            ports.change(tx, estate.pks[before.id], aside)
    for before, after in decisions.changed:
        pk = estate.pks[before.id]
        if after.row is not None:
            ports.change(tx, pk, _columns(after), before=rows.find(tx, tables.port, before.id))
        else:
            ports.change(tx, pk, {})
        _claim(tx, allocator, estate, pk, after.addresses - before.addresses)
    for some in chunks(decisions.made):
        new = [_new_row(port, current, estate) for port in some]
        for pk, port in zip(ports.add(tx, new), some, strict=True):
            _claim(tx, allocator, estate, pk, port.addresses)
    by_subnet: dict[int, dict[bytes, int]] = defaultdict(dict)
    for (subnet_id, ip), expires_at in decisions.cooling.items():
        by_subnet[estate.subnets[subnet_id].pk][ip] = expires_at or pools.HELD_UNTIL
    for subnet_pk, cooling in by_subnet.items():
        for ip in statements.without_row(tx, subnet_pk, sorted(cooling)):
            statements.insert_free(tx, subnet_pk, [ip], free_at=cooling[ip])


def _release(
    tx: Transaction,
    allocator: Allocator,
    estate: Estate,
    port: Port,
    places: Iterable[Place],
) -> None:
    for subnet_id, ip in sorted(places):
        allocator.release(tx, estate.subnets[subnet_id].pk, ip, estate.pks[port.id])


def _claim(
    tx: Transaction, allocator: Allocator, estate: Estate, pk: int, places: Iterable[Place]
) -> None:
    for subnet_id, ip in sorted(places):
        allocator.claim_leased(tx, estate.subnets[subnet_id].pk, ip, pk)


def _columns(port: Port) -> dict[str, Any]:
    """What a host knows of its port, as columns."""
    said: ServedPort = port.row[0]
    first = said.fixed_ips[0].ip_address if said.fixed_ips else ""
    is_own_name = said.hostname != dns_answers.host_name("", first)
    return {
        "mac_address": said.mac_address,
        "admin_state_up": said.admin_state_up,
        "device_id": said.device_id,
        "device_owner": said.device_owner,
        "dns_name": said.hostname if is_own_name else "",
        "binding_host_id": said.binding_host_id,
        "binding_vif_type": said.binding_vif_type[:32] or model.VIF_UNBOUND,
        "extra_dhcp_opts": msgspec.to_builtins(said.extra_dhcp_opts),
        "allowed_address_pairs": msgspec.to_builtins(said.allowed_address_pairs),
        "port_security_enabled": said.port_security_enabled,
    }


def _new_row(port: Port, current: Recovery, estate: Estate) -> dict[str, Any]:
    said, project_id = port.row
    network = estate.networks[port.network_id]
    made = ports.unbound_row(
        network_pk=network.pk,
        project_id=said.project_id or project_id or network.project_id,
        mac_address=port.mac_address,
        device_owner=said.device_owner,
    )
    own = {
        "id": port.id,
        "name": said.name,
        "description": f"taken back from {port.told_by} after a restore"[:255],
        "revision_number": port.revision + current.restored_at,
        "status": model.ACTIVE if port.is_dhcp else model.DOWN,
    }
    return rows.with_standard_columns(made | _columns(port) | own)


def _findings(decisions: Decisions) -> dict[str, list[Any]]:
    """What an admin is to see."""
    return {
        "taken_back": [
            {"port": one.id, "host": one.told_by, "addresses": _texts(one)}
            for one in decisions.made
        ],
        "changed": [
            {"port": after.id, "host": after.told_by, "addresses": _texts(after)}
            for _before, after in decisions.changed
        ],
        "removed": [{"port": one.id, "addresses": _texts(one)} for one in decisions.removed],
        "conflicts": list(decisions.conflicts),
        "unserved": [
            {"port": one.id, "host": one.host, "addresses": _texts(one)}
            for one in decisions.unserved
        ],
        "unknown_networks": [
            {"network": key, "hosts": sorted(hosts)}
            for key, hosts in sorted(decisions.unknown_networks.items())
        ],
        "set_aside": [model.unpack(ip) for _subnet, ip in sorted(decisions.cooling)],
    }


def _texts(port: Port) -> list[str]:
    return [model.unpack(ip) for _subnet, ip in sorted(port.addresses)]


def _merged(before: Mapping[str, Any], new: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The findings of before with new ones, each once, and how many there are in all."""
    kept: dict[str, Any] = {"missing": before.get("missing", [])}
    counts = dict(before.get("counts", {}))
    for kind, found in new.items():
        known = list(before.get(kind, []))
        fresh = [one for one in found if one not in known]
        counts[kind] = counts.get(kind, 0) + len(fresh)
        kept[kind] = (known + fresh)[:LISTED]
    return kept | {"counts": counts}


def _tell_leases(
    database: Database, allocator: Allocator, current: Recovery, hosts: Sequence[str]
) -> None:
    """Have the database the leases that the hosts hold, and none that they do not."""
    follow = LeasePorts(allocator).follow
    for host in hosts:
        events = database.read(lambda tx, host=host: _lease_events(tx, current, host))  # type: ignore[misc]
        for some in chunks(events, EVENTS_AT_ONCE):
            recording.record(database, some, follow=follow)


def _lease_events(tx: Transaction, current: Recovery, host: str) -> list[LeaseEvent]:
    """The events that make of the host's recorded leases those that it holds."""
    held = {
        (lease.network_id, model.pack(lease.ip_address)): lease
        for _host, part in _parts(tx, [host])
        for lease in part.leases
    }
    found = []
    for row in recovery.leases_of(tx, host):
        key = row.network_id, bytes(row.ip_address)
        lease = held.get(key)
        if lease is None or lease.mac_address != row.mac_address:
            found.append(_event(current, host, key, "missed", row))
    for key, lease in sorted(held.items()):
        found.append(_event(current, host, key, "add", lease))
    return found


def _event(current: Recovery, host: str, key: Key, action: LeaseAction, lease: Any) -> LeaseEvent:
    """An event that has the same id whenever it is made."""
    network_id, ip = key
    name = f"{host} {network_id} {ip.hex()} {action} {lease.mac_address}"
    return LeaseEvent(
        id=str(uuid.uuid5(uuid.UUID(current.id), name)),
        network_id=network_id,
        host=host,
        action=action,
        ip_address=ip,
        occurred_at_us=clock.now_microseconds(),
        mac_address=lease.mac_address,
        client_id=_cut(lease.client_id, 1024),
        duid=_cut(lease.duid, 1024),
        iaid=_cut(lease.iaid, 16),
        hostname=_cut(lease.hostname, 255),
        expires_at=lease.expires_at or None,
        source="reconciled",
    )


def _cut(text: str | None, longest: int) -> str | None:
    """A client's text as its column takes it."""
    return escaped(text)[:longest] if text else None
