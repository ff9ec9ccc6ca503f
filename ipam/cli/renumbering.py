"""Decides the steps that move a subnet's machines to another one. Pure.

What is under way is written in tags of both subnets and of the ports, so that every step can be
done again, and be undone, whoever was interrupted where.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from ipam import model
from ipam.rules import device_owners

TO: Final = "renumber-to:"
OF: Final = "renumber-of:"
POOL: Final = "renumber-pool:"
RANGE: Final = "renumber-range:"
CLASS: Final = "renumber-class:"
LEASE_TIME: Final = "renumber-lease-time:"
MEMORY: Final = (POOL, RANGE, CLASS, LEASE_TIME)
FROM: Final = "renumber-from:"

COPIED: Final = (
    *("ip_version", "ipv6_ra_mode", "ipv6_address_mode"),
    *("enable_dhcp", "service_types", "address_selection", "project_id"),
    *("dhcp_options", "dhcp_boot", "lease_time", "dns_publish_fixed_ip"),
)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """One port of a renumbering."""

    port: Record
    old: str
    """Its address in the old subnet; empty if it never had one."""
    new: str
    """Its address in the new subnet; empty if it was not moved yet."""
    is_leased: bool
    """Whether its machine has a lease of the new address."""


def tagged(item: Record, prefix: str) -> list[str]:
    """What stands behind this prefix in the item's tags."""
    return [tag.removeprefix(prefix) for tag in item["tags"] if tag.startswith(prefix)]


def marks(item: Record) -> list[str]:
    """The item's tags of a renumbering, those last by which it is found."""
    found = [tag for tag in item["tags"] if tag.startswith((TO, OF, FROM, *MEMORY))]
    return sorted(found, key=lambda tag: tag.startswith((TO, OF)))


def faults(old: Record, cidr: str) -> Iterator[str]:
    """Why the subnet cannot be renumbered."""
    try:
        new = ip_network(cidr, strict=False)
    except ValueError:
        yield f"{cidr!r} is no prefix such as 10.8.0.0/24"
        return
    if new.version != old["ip_version"]:
        yield f"{cidr} is not of its IP version"
        return
    if tagged(old, OF):
        yield "another is being renumbered to it; `ipam renumber finish` or `undo` ends that"
    if new.overlaps(ip_network(old["cidr"])):
        yield f"{cidr} overlaps {old['cidr']}; `ipam subnet resize` grows and shrinks a subnet"
    for kind in ("dynamic", "static"):
        for one in old[f"{kind}_ranges"]:
            if None in _there(one, old["cidr"], cidr).values():
                yield f"its {kind} range {one['start']}-{one['end']} has no place in {cidr}"


def mapped(address: str, before: str, after: str) -> str | None:
    """The address with the same place in the other prefix; None if it is usable in neither."""
    ip, old, new = ip_address(address), ip_network(before), ip_network(after, strict=False)
    if ip not in old:
        return None
    offset = int(ip) - int(old.network_address)
    ends = 1 if new.version == 4 else 0  # IPv6 has no broadcast address
    is_usable = 0 < offset < new.num_addresses - ends
    return str(new.network_address + offset) if is_usable else None


def _there(ends: Mapping[str, str | None], before: str, after: str) -> dict[str, str | None]:
    """Start and end with the same places in the other prefix; None where there is none."""
    given = {name: ends[name] for name in ("start", "end")}
    return {name: ip and mapped(ip, before, after) for name, ip in given.items()}


def is_self_made(subnet: Record) -> bool:
    """Whether machines make their addresses in it, so that they can have two prefixes at once."""
    from ipam.rules.ipv6 import makes_own_addresses  # noqa: PLC0415  # slow, and not for the help

    return makes_own_addresses(subnet["ipv6_ra_mode"], subnet["ipv6_address_mode"])


def is_deprecated(subnet: Record) -> bool:
    """Whether machines start nothing new from their addresses in it."""
    return bool(subnet["lease_time"] == model.DEPRECATED)


def own_place(address: str, old: Record, new: Record, taken: Collection[str]) -> str | None:
    """The address with the same place in the new subnet; None if it is not free.

    Nor has an address that machines make themselves a place.
    """
    if is_self_made(new):
        return None
    there = mapped(address, old["cidr"], new["cidr"])
    return None if there == new["gateway_ip"] or there in taken else there


def new_subnet(old: Record, cidr: str, gateway: str | None) -> dict[str, Any]:
    """The body of the subnet beside the old one, with the same places for what lies in it."""

    def there(address: str) -> str:
        return mapped(address, old["cidr"], cidr) or address

    body: dict[str, Any] = {
        "network_id": old["network_id"],
        "cidr": cidr,
        "name": old["name"],
        "description": old["description"],
        "tags": [f"{OF}{old['id']}"],
        "dns_nameservers": [there(one) for one in old["dns_nameservers"]],
        "host_routes": [{**one, "nexthop": there(one["nexthop"])} for one in old["host_routes"]],
        "dynamic_ranges": [_there(one, old["cidr"], cidr) for one in old["dynamic_ranges"]],
        **{
            name: [{**one, **_there(one, old["cidr"], cidr)} for one in old[name]]
            for name in ("client_classes", "static_ranges")
        },
        **{name: old[name] for name in COPIED},
    }
    if gateway or old["gateway_ip"]:
        body["gateway_ip"] = gateway or there(old["gateway_ip"])
    else:
        body["gateway_ip"] = None
    return body


def memory_tags(old: Record) -> list[str]:
    """The tags that remember what the old subnet is to have again if all is undone."""
    lists = {POOL: "allocation_pools", RANGE: "dynamic_ranges"}
    tags = [
        f"{tag}{one['start']}-{one['end']}" for tag, name in lists.items() for one in old[name]
    ]
    tags += [
        f"{CLASS}{one['name']}:{one['start']}-{one['end']}"
        for one in old["client_classes"]
        if one["start"]
    ]
    if old["lease_time"] is not None:
        tags.append(f"{LEASE_TIME}{old['lease_time']}")
    return tags


def remembered(old: Record) -> dict[str, Any]:
    """What such tags say that the old subnet has to have again and has not."""
    found: dict[str, Any] = {
        name: pairs
        for tag, name in ((POOL, "allocation_pools"), (RANGE, "dynamic_ranges"))
        if (pairs := _pairs(tagged(old, tag))) and any(one not in old[name] for one in pairs)
    }
    spans = dict(text.split(":", 1) for text in tagged(old, CLASS))
    if any(one["name"] in spans and not one["start"] for one in old["client_classes"]):
        found["client_classes"] = [
            {**one, **_pairs([spans[one["name"]]])[0]} if one["name"] in spans else one
            for one in old["client_classes"]
        ]
    if is_deprecated(old):
        times = tagged(old, LEASE_TIME)
        found["lease_time"] = int(times[0]) if times else None
    return found


def _pairs(texts: Iterable[str]) -> list[dict[str, str]]:
    pairs = (text.split("-") for text in texts)
    return [{"start": start, "end": end} for start, end in pairs]


def dynamic(ports: Iterable[Record], leases: Iterable[Record], subnet_id: str) -> list[Record]:
    """The leases of this subnet's dynamic ranges. Each has made a port."""
    made = {
        port["id"]
        for port in ports
        if port["device_owner"] == model.LEASE_PORT_OWNER and address_in(port, subnet_id)
    }
    return [one for one in leases if one["port_id"] in made]


def is_moved_by_hand(port: Record) -> bool:
    """Whether it belongs to a router or the like, whose owner changes it."""
    owner: str = port["device_owner"]
    return owner.startswith(device_owners.NETWORK) and owner != model.DHCP_PORT_OWNER


def address_in(port: Record, subnet_id: str) -> str:
    """Its address in this subnet; empty if it has none."""
    found = [one["ip_address"] for one in port["fixed_ips"] if one["subnet_id"] == subnet_id]
    return str(found[0]) if found else ""


def with_address(port: Record, leaving: str, wish: Mapping[str, str]) -> list[Mapping[str, str]]:
    """Its addresses with this wish in the place of those in the subnet that it leaves."""
    kept = [one for one in port["fixed_ips"] if one["subnet_id"] != leaving]
    return [*kept, wish]


def pairs_with(port: Record, address: str) -> list[Record]:
    """Its allowed address pairs with this address: its machine has it until it renews."""
    pairs: list[Record] = list(port["allowed_address_pairs"])
    if not port["port_security_enabled"] or any(_is_own(port, one, address) for one in pairs):
        return pairs
    return [*pairs, {"ip_address": address}]


def pairs_without(port: Record, address: str) -> list[Record]:
    """Its allowed address pairs without this address of its machine."""
    return [one for one in port["allowed_address_pairs"] if not _is_own(port, one, address)]


def _is_own(port: Record, pair: Record, address: str) -> bool:
    """Whether the pair is of this address and the port's own MAC address."""
    return (pair["ip_address"], pair["mac_address"]) == (address, port["mac_address"])


def progress(
    ports: Iterable[Record],
    leases: Iterable[Record],
    old_id: str,
    new_id: str,
    *,
    keeps_old: bool = False,
) -> list[Progress]:
    """Every port that is or was in the old subnet. With `keeps_old` it has both addresses."""
    leased = {(one["subnet_id"], one["port_id"]) for one in leases}
    found = []
    for port in ports:
        if port["device_owner"] in (model.DHCP_PORT_OWNER, model.LEASE_PORT_OWNER):
            continue
        here, new = address_in(port, old_id), address_in(port, new_id)
        old = here or next(iter(tagged(port, FROM)), "")
        if old:
            new = "" if here and not keeps_old else new
            found.append(Progress(port, old, new, bool(new) and (new_id, port["id"]) in leased))
    return sorted(found, key=lambda one: int(ip_address(one.old)))


def waiting(found: Sequence[Progress]) -> list[Progress]:
    """Those moved ports whose machines have not asked since."""
    return [one for one in found if one.new and not one.is_leased]
