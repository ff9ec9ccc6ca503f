"""Decides how an estate stands in text: names for ids, and nothing that is as by default. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from ipam import model
from ipam.rules.ipv6 import eui64

VERSION: Final = 1
Record = Mapping[str, Any]
ALWAYS: Final = object()
"""Instead of a default: the field stands there always, unless its value is null."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a kind of thing with their defaults; `key` tells one from another."""

    noun: str
    key: str
    fields: Mapping[str, Any]
    fixed: frozenset[str]
    """What cannot be changed later."""

    def key_of(self, text: str) -> str:
        """The key as the API has it; what the API refuses as it is."""
        from ipam import values  # noqa: PLC0415  # msgspec, which the help does without

        canonical = {"cidr": values.cidr, "mac_address": values.mac}.get(self.key, str)
        try:
            return canonical(text)
        except ValueError:
            return text


NETWORK: Final = Form(
    "network",
    "name",
    {
        "name": ALWAYS,
        "description": "",
        "project_id": ALWAYS,
        "admin_state_up": True,
        "shared": False,
        "mtu": ALWAYS,
        "dns_domain": "",
        "dns_servers": None,
        "router:external": False,
        "is_default": False,
        "port_security_enabled": True,
        "dhcp_options": [],
        "dhcp_boot": None,
        "lease_time": None,
        "provider:network_type": ALWAYS,
        "provider:physical_network": ALWAYS,
        "provider:segmentation_id": ALWAYS,
        "availability_zone_hints": [],
        "tags": [],
    },
    frozenset(
        {
            *("project_id", "provider:network_type", "provider:physical_network"),
            *("provider:segmentation_id", "availability_zone_hints"),
        }
    ),
)
SUBNET: Final = Form(
    "subnet",
    "cidr",
    {
        "cidr": ALWAYS,
        "subnet_pool": None,
        "name": "",
        "description": "",
        "project_id": ALWAYS,
        "gateway_ip": "",
        "allocation_pools": ALWAYS,
        "dynamic_ranges": [],
        "static_ranges": [],
        "dns_nameservers": [],
        "host_routes": [],
        "address_selection": model.LEAST_RECENTLY_USED,
        "service_types": [],
        "client_classes": [],
        "dhcp_options": [],
        "dhcp_boot": None,
        "lease_time": None,
        "dns_publish_fixed_ip": False,
        "enable_dhcp": True,
        "dhcp_server": ALWAYS,
        "ipv6_ra_mode": ALWAYS,
        "ipv6_address_mode": ALWAYS,
        "tags": [],
    },
    frozenset({"project_id", "subnet_pool", "ipv6_ra_mode", "ipv6_address_mode", "dhcp_server"}),
)
PORT: Final = Form(
    "port",
    "mac_address",
    {
        "mac_address": ALWAYS,
        "name": "",
        "addresses": ALWAYS,
        "dns_name": "",
        "dns_domain": "",
        "host": "",
        "device_id": "",
        "device_owner": "",
        "description": "",
        "project_id": ALWAYS,
        "admin_state_up": True,
        "port_security_enabled": True,
        "expires_at": None,
        "extra_dhcp_opts": [],
        "allowed_address_pairs": [],
        "tags": [],
    },
    frozenset({"project_id"}),
)
SERVICE_OWNERS: Final = (model.DHCP_PORT_OWNER, model.LEASE_PORT_OWNER)
"""Ports that the service makes by itself."""


def entries(
    networks: Iterable[Record],
    subnets: Iterable[Record],
    ports: Iterable[Record],
    pools: Iterable[Record],
) -> list[dict[str, Any]]:
    """Networks with what is in them, in an order that does not depend on when they were made."""
    names = {one["id"]: one["name"] for one in pools}
    below: dict[str, tuple[list[Record], list[Record]]] = {}
    servers: dict[str, str] = {}
    for port in ports:
        if port["device_owner"] == model.DHCP_PORT_OWNER:
            servers |= {one["subnet_id"]: one["ip_address"] for one in port["fixed_ips"]}
        elif port["device_owner"] not in SERVICE_OWNERS:
            below.setdefault(port["network_id"], ([], []))[1].append(port)
    for subnet in subnets:
        below.setdefault(subnet["network_id"], ([], []))[0].append(subnet)
    found = []
    for network in sorted(networks, key=lambda one: (one["name"], one["id"])):
        of_it = below.get(network["id"], ((), ()))
        entry = of_network(network)
        if of_it[0]:
            served = ((one, servers.get(one["id"])) for one in sorted(of_it[0], key=_by_cidr))
            entry["subnets"] = [of_subnet(one, server, names) for one, server in served]
        if of_it[1]:
            entry["ports"] = [of_port(one) for one in sorted(of_it[1], key=_by_address)]
        found.append(entry)
    return found


def of_network(network: Record) -> dict[str, Any]:
    """A network in the form of the text, without what is in it."""
    return told(NETWORK, network)


def of_subnet(
    subnet: Record, server: str | None, pools: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A subnet; `server` is the address of its DHCP server, `pools` the names of pools by id."""
    own = {
        "gateway_ip": subnet["gateway_ip"] or "none",
        "static_ranges": [_without_empty(one) for one in subnet["static_ranges"]],
        "dhcp_server": server,
        "subnet_pool": (pools or {}).get(subnet["subnetpool_id"]),
    }
    return told(SUBNET, {**subnet, **own})


def of_port(port: Record) -> dict[str, Any]:
    """A port."""
    own = {
        "addresses": sorted((one["ip_address"] for one in port["fixed_ips"]), key=_number),
        "host": port.get("binding:host_id") or "",
    }
    return told(PORT, {**port, **own})


def with_own_addresses(entry: Record, port: Record) -> Record:
    """The entry with those addresses, too, that the port has because its machine makes them."""
    if not isinstance(entry.get("addresses"), list):
        return entry
    mac = port["mac_address"]
    given = [one["ip_address"] for one in port["fixed_ips"]]
    own = [one for one in given if ":" in one and eui64(one, mac) == model.pack(one)]
    missing = [one for one in own if one not in entry["addresses"]]
    return {**entry, "addresses": [*entry["addresses"], *missing]}


def body_of_network(entry: Record) -> dict[str, Any]:
    """A network's entry in the API's form."""
    return {name: entry[name] for name in NETWORK.fields if name in entry}


def body_of_subnet(entry: Record) -> dict[str, Any]:
    """A subnet's entry in the API's form, without its DHCP server and its subnet pool."""
    apart = ("dhcp_server", "subnet_pool")
    body = {name: entry[name] for name in SUBNET.fields if name in entry and name not in apart}
    if body.get("gateway_ip") == "none":
        body["gateway_ip"] = None
    return body


def body_of_port(entry: Record) -> dict[str, Any]:
    """A port's entry in the API's form."""
    body = {name: entry[name] for name in PORT.fields if name in entry}
    if "addresses" in body:
        body["fixed_ips"] = [{"ip_address": one} for one in body.pop("addresses")]
    if "host" in body:
        body["binding:host_id"] = body.pop("host")
    return body


def _without_empty(record: Record) -> Record:
    return {name: value for name, value in record.items() if value}


def told(form: Form, record: Record) -> dict[str, Any]:
    """The fields of the record that are not as by default."""
    return {
        name: record[name]
        for name, default in form.fields.items()
        if record.get(name) is not None and (default is ALWAYS or record[name] != default)
    }


def _by_cidr(subnet: Record) -> tuple[int, int, int]:
    network = ip_network(subnet["cidr"])
    return (network.version, int(network.network_address), network.prefixlen)


def _by_address(port: Record) -> tuple[Sequence[tuple[int, int]], str]:
    return (sorted(_number(one["ip_address"]) for one in port["fixed_ips"]), port["mac_address"])


def _number(address: str) -> tuple[int, int]:
    found = ip_address(address)
    return (found.version, int(found))
