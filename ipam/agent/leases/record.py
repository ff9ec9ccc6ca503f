"""Parses the hook's records: one line of escaped fields becomes one event for the API. Pure.

Bytes of clients become printable text here. No later code sees a control character.
"""

import re
import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from ipam import model
from ipam.agent.state import Lease
from ipam.model import LeaseAction
from ipam.protocol.lease_events import LeaseEventCreate

CUT: Final = ":"
"""dnsmasq tells its hook at most 100 octets of an identifier, and then this."""
ACTIONS: Final[Mapping[str, LeaseAction]] = {"add": "add", "old": "old", "del": "del"}
"""The actions that a hook reports."""
LONGEST_NAME = 255
LONGEST_ID = 1024

_ID = re.compile(r"[0-9a-f]{32}")
_MAC = re.compile(r"([0-9a-f]{2}-)?[0-9a-f]{2}(:[0-9a-f]{2})*")
_MAC_TAG = re.compile(r"m[0-5]-[0-9a-f]{2}")

DETAILS = {
    "SUPPLIED_HOSTNAME": "supplied_hostname",
    "OLD_HOSTNAME": "old_hostname",
    "DOMAIN": "domain",
    "INTERFACE": "interface",
    "TAGS": "tags",
    "REQUESTED_OPTIONS": "requested_options",
    "VENDOR_CLASS": "vendor_class",
    "VENDOR_CLASS_ID": "vendor_class",
    "VENDOR_CLASS0": "vendor_class",
    "USER_CLASS0": "user_class",
    "CIRCUIT_ID": "circuit_id",
    "SUBSCRIBER_ID": "subscriber_id",
    "REMOTE_ID": "remote_id",
    "RELAY_ADDRESS": "relay_address",
    "MUD_URL": "mud_url",
    "SERVER_DUID": "server_duid",
}
"""Fields that are kept unchanged, by their names in the API."""

_SHARED = tuple(Lease.__dataclass_fields__.keys() & set(LeaseEventCreate.__struct_fields__))
"""The fields that a lease takes from its event."""


class MalformedRecordError(ValueError):
    """A line that ipam's hook never writes."""


def parse_record(line: bytes, host: str, now_us: int) -> LeaseEventCreate:
    """The event in the form that `POST /v2.0/lease-events` takes.

    `now_us` tells the moment within the second, where a hook's clock has only seconds.
    """
    fields = _fields(line)
    try:
        network_id, who = _uuid(fields["network"]), fields["who"]
        address = str(ip_address(fields["ip"]))
        event_id, action = fields["id"], ACTIONS[fields["action"]]
        moment = _moment(fields, now_us)
        expires = int(fields.get("LEASE_EXPIRES", "0"))
    except (KeyError, ValueError) as error:
        raise MalformedRecordError(f"{error!r} in {line[:200]!r}") from error
    if not _ID.fullmatch(event_id):
        raise MalformedRecordError(f"unknown id in {line[:200]!r}")
    six = model.ip_version(address) == 6
    fields["TAGS"] = _without_mac_tags(fields.get("TAGS", ""))
    mac = fields.get("MAC") if six else who
    return LeaseEventCreate(
        id=event_id,
        network_id=network_id,
        host=host,
        action=action,
        ip_address=address,
        mac_address=mac if mac and model.is_mac(mac) else None,
        hostname=fields.get("hostname", "")[:LONGEST_NAME] or None,
        client_id=fields.get("CLIENT_ID", "")[:LONGEST_ID] or None,
        duid=who[:LONGEST_ID] if six else None,
        iaid=fields.get("IAID") if six else None,
        expires_at=expires or None,
        occurred_at_us=moment,
        details={DETAILS[name]: fields[name] for name in DETAILS if fields.get(name)},
    )


def _moment(fields: Mapping[str, str], now_us: int) -> int:
    if "us" in fields:
        return int(fields["us"])
    second_us = int(fields["s"]) * 1_000_000
    # Never earlier than it was: an earlier event could pass for one from before a port's end.
    return max(second_us, min(now_us, second_us + 999_999))


def found_event(
    network_id: str, host: str, action: LeaseAction, lease: Lease, occurred_at_us: int
) -> LeaseEventCreate:
    """The event for what no DHCP server will report of a lease."""
    said = {name: getattr(lease, name) for name in _SHARED} | {
        "expires_at": lease.expires_at or None
    }
    return LeaseEventCreate(
        id=uuid.uuid4().hex,
        network_id=network_id,
        host=host,
        action=action,
        source="reconciled",
        occurred_at_us=occurred_at_us,
        **said,
    )


def lease_of(event: LeaseEventCreate) -> Lease:
    """The lease that an `add` or `old` describes."""
    return Lease(
        ip_address=event.ip_address,
        mac_address=event.mac_address,
        expires_at=event.expires_at or 0,
        hostname=event.hostname,
        client_id=event.client_id,
        duid=event.duid,
        iaid=event.iaid,
        server_duid=event.details.get("server_duid"),
    )


def is_echo(event: LeaseEventCreate, known: Lease | None) -> bool:
    """True for an `old` or `add` that says only what is known.

    dnsmasq tells an `old` of each lease when it reads its files anew and when it starts. It may
    leave out what it said before, but the end of a lease that was renewed is another. An `add`
    comes again if it was found before its hook could report it.
    """
    if event.action not in ("old", "add") or known is None:
        return False
    said = lease_of(event)
    return said.expires_at == known.expires_at and all(
        _is_known(getattr(said, name), getattr(known, name)) for name in _SHARED
    )


def _is_known(said: Any, known: Any) -> bool:
    """Whether it is not said, or the same, if need be as far as the hook was told."""
    if said is None or said == known or not isinstance(said, str):
        return said in (None, known)
    return said.endswith(CUT) and str(known).startswith(said)


def printable(value: bytes) -> str:
    r"""Text without control characters. Bytes that are not printable UTF-8 become `\xNN`."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
        return "".join(c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def is_hardware_address(text: str) -> bool:
    """True for dnsmasq's form of a client's hardware address."""
    return _MAC.fullmatch(text) is not None


def _without_mac_tags(tags: str) -> str:
    """The tags without those of the MAC address."""
    if not tags:
        return ""
    return " ".join(tag for tag in tags.split(" ") if not _MAC_TAG.fullmatch(tag))


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _uuid(text: str) -> str:
    """Raises ValueError if it is none."""
    return text if model.is_uuid(text) else str(uuid.UUID(text))


def _fields(line: bytes) -> dict[str, str]:
    fields = {}
    for part in line.strip(b"\n").split(b"\t"):
        name, _equals, value = part.partition(b"=")
        fields[printable(name)] = printable(unquote_to_bytes(value) if b"%" in value else value)
    return fields
