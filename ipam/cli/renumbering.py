"""Decides the steps that move a subnet's machines to another one. Pure.

What is under way is written in tags of both subnets and of the ports, so that every step can be
done again, and be undone, whoever was interrupted where.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from typing import Any, Final

from ipam import model
from ipam.rules import device_owners

TO: Final = "renumber-to:"
OF: Final = "renumber-of:"
POOL: Final = "renumber-pool:"
FROM: Final = "renumber-from:"

COPIED: Final = (
    *("enable_dhcp", "service_types", "address_selection", "project_id"),
    *("client_classes", "dhcp_options", "dhcp_boot", "lease_time"),
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
    found = [tag for tag in item["tags"] if tag.startswith((TO, OF, POOL, FROM))]
    return sorted(found, key=lambda tag: tag.startswith((TO, OF)))


def faults(old: Record, cidr: str) -> Iterator[str]:
    """Why the subnet cannot be renumbered."""
    try:
        new = ip_network(cidr, strict=False)
    except ValueError:
        yield f"{cidr!r} is no prefix such as 10.8.0.0/24"
        return
    if old["ip_version"] != 4 or new.version != 4:
        yield "only IPv4 is renumbered this way; docs/ipv6.md tells how IPv6 is"
    elif new.overlaps(ip_network(old["cidr"])):
        yield f"{cidr} overlaps {old['cidr']}; `ipam subnet resize` grows and shrinks a subnet"
    if old["dynamic_ranges"]:
        yield "it has dynamic ranges, whose machines have no port: move the ranges by hand"


def mapped(address: str, before: str, after: str) -> str | None:
    """The address with the same place in the other prefix; None if it is usable in neither."""
    ip, old, new = ip_address(address), IPv4Network(before), IPv4Network(after, strict=False)
    if not isinstance(ip, IPv4Address) or ip not in old:
        return None
    offset = int(ip) - int(old.network_address)
    is_usable = 0 < offset < new.num_addresses - 1
    return str(new.network_address + offset) if is_usable else None


def own_place(address: str, old: Record, new: Record, taken: Collection[str]) -> str | None:
    """The address with the same place in the new subnet; None if it is not free."""
    there = mapped(address, old["cidr"], new["cidr"])
    return None if there == new["gateway_ip"] or there in taken else there


def new_subnet(old: Record, cidr: str, gateway: str | None) -> dict[str, Any]:
    """The body of the subnet beside the old one, with the same places for what lies in it."""

    def there(address: str) -> str:
        return mapped(address, old["cidr"], cidr) or address

    body: dict[str, Any] = {
        "network_id": old["network_id"],
        "ip_version": 4,
        "cidr": cidr,
        "name": old["name"],
        "description": old["description"],
        "tags": [f"{OF}{old['id']}"],
        "dns_nameservers": [there(one) for one in old["dns_nameservers"]],
        "host_routes": [{**one, "nexthop": there(one["nexthop"])} for one in old["host_routes"]],
        **{name: old[name] for name in COPIED},
    }
    if gateway or old["gateway_ip"]:
        body["gateway_ip"] = gateway or there(old["gateway_ip"])
    else:
        body["gateway_ip"] = None
    return body


def pool_tags(old: Record) -> list[str]:
    """The tags that remember the old subnet's pools."""
    return [f"{POOL}{one['start']}-{one['end']}" for one in old["allocation_pools"]]


def remembered_pools(old: Record) -> list[dict[str, str]]:
    """The pools that such tags remember."""
    pairs = (text.split("-") for text in tagged(old, POOL))
    return [{"start": start, "end": end} for start, end in pairs]


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
    ports: Iterable[Record], leases: Iterable[Record], old_id: str, new_id: str
) -> list[Progress]:
    """Every port that is or was in the old subnet."""
    leased = {(one["ip_address"], one["port_id"]) for one in leases}
    found = []
    for port in ports:
        if port["device_owner"] == model.DHCP_PORT_OWNER:
            continue
        here, new = address_in(port, old_id), address_in(port, new_id)
        old = here or next(iter(tagged(port, FROM)), "")
        if old:
            new = "" if here else new
            found.append(Progress(port, old, new, (new, port["id"]) in leased))
    return sorted(found, key=lambda one: int(ip_address(one.old)))


def waiting(found: Sequence[Progress]) -> list[Progress]:
    """Those moved ports whose machines have not asked since."""
    return [one for one in found if one.new and not one.is_leased]
