"""Decides how what a search found is told on one screen. Pure, except for the local time zone."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

from ipam.cli.instants import SHORT, shown
from ipam.cli.output import addresses, labelled_ranges
from ipam.escaping import escaped

Item = Mapping[str, Any]
Names = Mapping[str, str]
"""Of networks, by their ids."""

LINES: Final = 22
"""With the command and the next prompt they fill a screen of 24."""
RANGES: Final = 3
"""So many static ranges of a subnet are told."""
INDENT: Final = "    "


def screen(answer: Mapping[str, Any], width: int, lines: int = LINES) -> list[str]:
    """The lines that tell it: each thing's title, and below it what is known of it."""
    names = answer["network_names"]
    blocks: list[list[str]] = []
    for collection, (noun, facts) in KINDS.items():
        blocks += [_block(noun, item, facts(item, names), width) for item in answer[collection]]
    shown_lines: list[str] = []
    for number, block in enumerate(blocks):
        left = len(blocks) - number
        room = lines - len(shown_lines) - (1 if left > 1 or answer["truncated"] else 0)
        if len(block) > room:
            break
        shown_lines += block
    else:
        left = 0
    if left or answer["truncated"]:
        more = f"{left} more" if left else "More"
        if answer["truncated"]:
            more = f"At least {left + 1} more"
        shown_lines.append(f"{more}: narrow it, or see all with -f json.")
    return shown_lines


def _block(noun: str, item: Item, facts: Sequence[str], width: int) -> list[str]:
    title = str(item.get("name") or item.get("port_name") or item.get("hostname") or "")
    identity = str(item.get("id") or item.get("port_id") or "")
    head = " ".join(escaped(part) for part in (noun, title, identity) if part)
    text = ", ".join(escaped(fact) for fact in facts if fact)
    body = wrap(text, width, initial_indent=INDENT, subsequent_indent=INDENT)
    return [head[:width], *body]


def _port(item: Item, names: Names) -> list[str]:
    host = item.get("binding:host_id")
    return [
        addresses(item["fixed_ips"]) or "no address",
        item["mac_address"],
        f"on {_network(item, names)}",
        item["status"] + (f" on {host}" if host else ""),
        _about("DNS name", item["dns_name"]),
        _device(item),
        _about("project", item["project_id"]),
        _since(item["created_at"]),
        f"until {shown(ends, form=SHORT)}" if (ends := item["expires_at"]) else "",
    ]


def _lease(item: Item, names: Names) -> list[str]:
    ends = item["expires_at"]
    return [
        item["ip_address"],
        item["mac_address"] or item["duid"] or "",
        f"on {_network(item, names)}",
        f"by {item['host']}",
        _about("port", item["port_id"]),
        _since(item["first_seen_at"]),
        f"until {shown(ends, form=SHORT)}" if ends else "for ever",
    ]


def _holder(item: Item, names: Names) -> list[str]:
    begin = shown(item["since"], form=SHORT) or "before the history"
    return [
        item["ip_address"],
        item["mac_address"] or "",
        f"on {_network(item, names)}",
        f"from {begin} until {shown(item['until'], form=SHORT) or 'now'}",
        _about("name", item["hostname"]),
        _about("by", item["host"]),
        _device(item),
        _about("project", item["project_id"]),
    ]


def _subnet(item: Item, names: Names) -> list[str]:
    return [
        item["cidr"],
        f"on {_network(item, names)}",
        _about("gateway", item["gateway_ip"]),
        "DHCP on" if item["enable_dhcp"] else "DHCP off",
        _about("static", labelled_ranges(item["static_ranges"][:RANGES])),
        _about("project", item["project_id"]),
        _since(item["created_at"]),
    ]


def _plain(item: Item, _names: Names) -> list[str]:
    return [
        item.get("status", ""),
        ", ".join(item.get("prefixes", ())),
        _about("project", item["project_id"]),
        _since(item["created_at"]) if "created_at" in item else "",
    ]


def _refusal(item: Item, names: Names) -> list[str]:
    return [
        item["client"],
        f"asks in vain on {_network(item, names)}",
        f"at {item['host']}",
        item["reason"],
        f"{item['count']} times, last {shown(item['last_at'], form=SHORT)}",
    ]


KINDS: Final[Mapping[str, tuple[str, Callable[[Item, Names], list[str]]]]] = {
    "ports": ("port", _port),
    "leases": ("lease", _lease),
    "dhcp_refusals": ("refused machine", _refusal),
    "subnets": ("subnet", _subnet),
    "networks": ("network", _plain),
    "subnetpools": ("subnet pool", _plain),
    "address_scopes": ("address scope", _plain),
    "address_holders": ("history", _holder),
}
"""The kinds in the order of the screen: their nouns, and what is told of each."""


def _network(item: Item, names: Names) -> str:
    network_id = str(item["network_id"])
    return names.get(network_id) or network_id


def _device(item: Item) -> str:
    if not item["device_id"]:
        return str(item["device_owner"] or "")
    owner = f" ({item['device_owner']})" if item["device_owner"] else ""
    return f"device {item['device_id']}{owner}"


def _about(word: str, value: str | None) -> str:
    return f"{word} {value}" if value else ""


def _since(text: str) -> str:
    return f"since {shown(text, form=SHORT)}"
