"""dhcpd.leases and dhcpd6.leases. The last record of an address wins (dhcpd.leases(5))."""

import calendar
import re
from dataclasses import dataclass
from typing import Final

from ipam.imports import words
from ipam.imports.estate import Draft, Lease, Reservation
from ipam.imports.files import Files
from ipam.imports.formats.isc_grammar import Statement, octets_of, statements
from ipam.imports.formats.isc_hosts import host
from ipam.imports.formats.lease_lists import ended

ENDED: Final = {
    "free": "the address is free",
    "expired": "the lease has ended",
    "released": "the machine gave it back",
    "reset": "an administrator freed it",
}
NEVER: Final = -1

_DATE = re.compile(r"(\d{1,4})/(\d{1,2})/(\d{1,2})")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})")


@dataclass(slots=True)
class Record:
    """What the file says last of an address."""

    statement: Statement
    address: str
    state: str
    ends: int | None
    heard: int
    duid: str | None = None
    iaid: str | None = None


def read(draft: Draft, files: Files, paths: list[str], now: int) -> None:
    """Take what lives of these files. Of two peers' files the later word counts."""
    found: dict[str, Record] = {}
    hosts: dict[str, tuple[Reservation, str]] = {}
    for path in paths:
        own: dict[str, Record] = {}
        little = True
        for one in statements(draft, files, path):
            match one.first:
                case "authoring-byte-order":
                    little = one.text(1) == "little-endian"
                case "server-duid" if len(one.words) > 1:
                    raw = octets_of(one.words[1])
                    draft.server_duid = words.hex_of(raw) if raw else draft.server_duid
                case "lease":
                    if record := _record(draft, one, one.text(1)):
                        own[record.address] = record
                case "ia-na" | "ia-ta":
                    for record in _of_identity(draft, one, little=little):
                        own[record.address] = record
                case "ia-pd":
                    _delegated(draft, one)
                case "host":
                    _host(draft, hosts, one)
                case "failover":
                    draft.skip(one.place, f"failover {one.text(2)}", "a state of failover")
                case _ if not one.is_whole:
                    _torn(draft, one, str(one.place))
        for address, record in own.items():
            if address not in found or record.heard >= found[address].heard:
                found[address] = record
    for record in found.values():
        _take(draft, record, now)
    for reservation, _ in hosts.values():
        draft.reservations.append(reservation)


def _record(draft: Draft, one: Statement, text: str) -> Record | None:
    address = words.address(text)
    if not one.is_whole or one.block is None:
        _torn(draft, one, address or text or str(one.place))
        return None
    if address is None:
        draft.problem(one.place, "not_an_address", text[:100], f"'{text[:60]}' is no address.")
        return None
    state = one.find("binding", "state")
    return Record(
        one,
        address,
        state.text(2).lower() if state else "active",
        _instant(one.find("ends")),
        _instant(one.find("cltt")) or _instant(one.find("starts")) or 0,
    )


def _of_identity(draft: Draft, one: Statement, *, little: bool) -> list[Record]:
    raw = octets_of(one.words[1]) if len(one.words) > 1 else None
    if not one.is_whole or one.block is None or not raw or len(raw) < 5:
        inner = next((each.text(1) for each in one.block or () if each.first == "iaaddr"), "")
        _torn(draft, one, words.address(inner) or str(one.place))
        return []
    heard = _instant(one.find("cltt")) or 0
    found = []
    for each in one.block:
        if each.first == "iaaddr" and (record := _record(draft, each, each.text(1))):
            record.iaid = str(int.from_bytes(raw[:4], "little" if little else "big"))
            record.duid = words.hex_of(raw[4:])
            record.heard = record.heard or heard
            found.append(record)
    return found


def _delegated(draft: Draft, one: Statement) -> None:
    for each in one.block or ():
        if each.first == "iaprefix":
            draft.problem(
                each.place,
                "prefix_delegation",
                each.text(1)[:100],
                f"The delegated prefix {each.text(1)[:60]} has no equal here: it is left out.",
            )


def _take(draft: Draft, record: Record, now: int) -> None:
    one, address = record.statement, record.address
    lease = _lease(draft, record)
    if one.find("reserved") and (lease.mac or lease.client_id):
        draft.reservations.append(
            Reservation(
                place=one.place,
                macs=[lease.mac] if lease.mac else [],
                client_id=lease.client_id,
                addresses=[address],
                hostname=lease.hostname,
            )
        )
    if record.state == "abandoned":
        draft.hold(one.place, address, "dhcpd found somebody else on it")
        draft.problem(
            one.place,
            "abandoned",
            address,
            "dhcpd found somebody unknown on this address: it is held.",
        )
    elif record.state == "backup":
        draft.problem(
            one.place,
            "failover_backup",
            address,
            "The address is the failover peer's to give: read the peer's lease file, too.",
        )
    elif record.state in ENDED:
        draft.skip(one.place, address, ENDED[record.state])
    elif record.state != "active":
        draft.hold(one.place, address, f"its state is '{record.state[:40]}'")
        draft.problem(
            one.place,
            "state_unknown",
            address,
            f"The state '{record.state[:40]}' is not known: the address is held.",
        )
    elif record.ends is not None and record.ends != NEVER and record.ends <= now:
        ended(draft, one.place, address)
    else:
        if record.ends is None:
            draft.problem(
                one.place, "lease_time_unknown", address, "The record has no end: taken as never."
            )
        draft.leases.append(lease)
        if lease.mac is None and not lease.duid:
            draft.problem(
                one.place,
                "no_mac",
                address,
                "The lease has no Ethernet address, so no port can have it: it is held.",
            )


def _lease(draft: Draft, record: Record) -> Lease:
    one = record.statement
    hardware, uid = one.find("hardware"), one.find("uid")
    name = one.find("client-hostname")
    raw = octets_of(uid.words[1]) if uid and len(uid.words) > 1 else None
    mac = words.mac(hardware.text(2)) if hardware and hardware.text(1) == "ethernet" else None
    hostname = words.label(name.text(1)) if name else None
    if hostname and not hostname.isprintable():
        hostname = None
    if hardware and mac is None:
        draft.problem(
            one.place,
            "not_ethernet",
            record.address,
            f"'{' '.join(hardware.texts)[:60]}' is no Ethernet address.",
        )
    return Lease(
        place=one.place,
        address=record.address,
        mac=mac,
        client_id=words.hex_of(raw) if raw else None,
        duid=record.duid,
        iaid=record.iaid,
        hostname=hostname,
        expires=None if record.ends in (None, NEVER) else record.ends,
    )


def _host(draft: Draft, hosts: dict[str, tuple[Reservation, str]], one: Statement) -> None:
    name = one.text(1)
    if not one.is_whole or one.block is None:
        _torn(draft, one, name or str(one.place))
    elif one.find("deleted"):
        gone = hosts.pop(name, None)
        draft.skip(one.place, gone[1] if gone else name, "an administrator deleted it (OMAPI)")
    else:
        reservation = host(draft, one)
        if reservation is not None:
            hosts[name] = (reservation, reservation.subject)


def _torn(draft: Draft, one: Statement, subject: str) -> None:
    draft.problem(
        one.place,
        "truncated_record",
        subject[:255],
        "The record has no end: dhcpd drops it, and so does this.",
    )


def _instant(one: Statement | None) -> int | None:
    """Epoch seconds; `NEVER`; None where nothing is said that can be read."""
    if one is None:
        return None
    if one.text(1) == "never":
        return NEVER
    if one.text(1) == "epoch":
        return int(one.text(2)) if re.fullmatch(r"[0-9]{1,12}", one.text(2)) else None
    date, time = _DATE.fullmatch(one.text(2)), _TIME.fullmatch(one.text(3))
    if not date or not time:
        return None
    numbers = [int(each) for each in (*date.groups(), *time.groups())]
    if not (1970 <= numbers[0] <= 9999 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31):
        return None
    return calendar.timegm((*numbers, 0, 0, 0))
