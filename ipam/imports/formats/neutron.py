"""Neutron's networks, subnets and ports, as its API answers. Ids are kept."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from ipam.imports import words
from ipam.imports.documents import Node
from ipam.imports.estate import Draft, Network, Reservation, Subnet

ADOPTABLE: Final = ("", "flat", "vlan", "vxlan", "local")
KEPT_OF_NETWORK: Final = ("name", "description", "project_id", "admin_state_up", "shared",
                          "dns_domain", "port_security_enabled", "router:external", "tags",
                          "provider:network_type", "provider:physical_network",
                          "provider:segmentation_id")  # fmt: skip
KEPT_OF_SUBNET: Final = ("name", "description", "project_id", "ipv6_ra_mode", "ipv6_address_mode",
                         "service_types", "tags", "dns_publish_fixed_ip")  # fmt: skip
KEPT_OF_PORT: Final = ("name", "description", "project_id", "admin_state_up", "device_id",
                       "device_owner", "dns_name", "dns_domain", "binding:vnic_type",
                       "binding:profile", "allowed_address_pairs", "port_security_enabled", "tags",
                       "extra_dhcp_opts")  # fmt: skip
KEYS: Final = ("networks", "subnets", "ports")


def is_neutron(root: Node) -> bool:
    """Whether a document is an answer of Neutron's."""
    return any(one.get("id") is not None for key in KEYS for one in root.each(key)[:1])


def read(draft: Draft, roots: list[Node]) -> None:
    """Take what these answers hold."""
    networks = [one for root in roots for one in root.each("networks")]
    names = Counter(one.text("name") for one in networks)
    keys: dict[str, str] = {}
    for one in networks:
        name, own_id = one.text("name"), one.text("id")
        keys[own_id] = name if name and names[name] == 1 else own_id
        _network(draft, one, keys[own_id])
    for root in roots:
        for one in root.each("subnets"):
            _subnet(draft, one, keys)
    for root in roots:
        for one in root.each("ports"):
            _port(draft, one, keys)
    for root in roots:
        for one in root.each("floatingips"):
            address = words.address(one.text("floating_ip_address"))
            if address:
                draft.hold(one.place, address, "it is a floating address")
                draft.problem(
                    one.place, "floating_address", address, "A floating address is held."
                )


def _plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {name: _plain(one) for name, one in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(one) for one in node.value]
    return node.value


def _kept(one: Node, names: tuple[str, ...]) -> dict[str, object]:
    return {
        name: value
        for name in names
        if (inner := one.get(name)) is not None and (value := _plain(inner)) not in ("", [], {})
    }


def _network(draft: Draft, one: Node, key: str) -> None:
    kind = one.text("provider:network_type")
    attributes = _kept(one, KEPT_OF_NETWORK)
    if kind not in ADOPTABLE:
        draft.problem(
            one.place,
            "tunnel_network",
            one.text("id"),
            f"'{one.text('name')[:60]}' is a {kind[:20]} network, which no host here has: its"
            " machines cannot be taken over while they run.",
        )
        for name in tuple(attributes):
            if name.startswith("provider:"):
                del attributes[name]
    draft.networks.append(
        Network(
            place=one.place,
            key=key,
            vlan=one.number("provider:segmentation_id") if kind == "vlan" else None,
            mtu=one.number("mtu"),
            external_id=one.text("id"),
            attributes=attributes,
        )
    )


def _subnet(draft: Draft, one: Node, keys: Mapping[str, str]) -> None:
    cidr = words.prefix(one.text("cidr"))
    if cidr is None:
        draft.problem(one.place, "not_a_prefix", one.text("cidr")[:100], "It is no prefix.")
        return
    subnet = Subnet(
        place=one.place,
        cidr=cidr,
        network=keys.get(one.text("network_id"), one.text("network_id")),
        gateway=words.address(one.text("gateway_ip")),
        dhcp=one.flag("enable_dhcp") is not False,
        external_id=one.text("id"),
        attributes=_kept(one, KEPT_OF_SUBNET),
    )
    for each in one.each("allocation_pools"):
        first, last = words.address(each.text("start")), words.address(each.text("end"))
        if first and last:
            subnet.pools.append((first, last))
    subnet.dns = [
        a for each in one.each("dns_nameservers") if (a := words.address(str(each.value)))
    ]
    for each in one.each("host_routes"):
        destination, hop = (
            words.prefix(each.text("destination")),
            words.address(each.text("nexthop")),
        )
        if destination and hop:
            subnet.routes.append((destination, hop))
    draft.subnets.append(subnet)


def _port(draft: Draft, one: Node, keys: Mapping[str, str]) -> None:
    owner = one.text("device_owner")
    network = keys.get(one.text("network_id"), one.text("network_id"))
    addresses = [
        a for each in one.each("fixed_ips") if (a := words.address(each.text("ip_address")))
    ]
    if owner.startswith("network:"):
        for address in addresses:
            draft.hold(one.place, address, f"it is a port of {owner}")
            for subnet in draft.subnets:
                if (
                    owner == "network:dhcp"
                    and words.inside(address, [subnet.cidr])
                    and (subnet.network == network and subnet.server_address is None)
                ):
                    subnet.server_address = address
        return
    mac = words.mac(one.text("mac_address"))
    if mac is None:
        draft.problem(
            one.place, "bad_mac", one.text("id"), f"'{one.text('mac_address')[:40]}' is no MAC."
        )
    if one.each("security_groups"):
        draft.skip(one.place, f"security groups of {one.text('id')}", "ipam has none")
    if one.text("binding:vif_type") in ("ovs", "vhostuser", "hw_veb"):
        draft.problem(
            one.place,
            "other_vif_type",
            one.text("id"),
            f"It is plugged as {one.text('binding:vif_type')}, which changes with a hard reboot or"
            " a live migration alone.",
        )
    draft.reservations.append(
        Reservation(
            place=one.place,
            network=network,
            macs=[mac] if mac else [],
            addresses=addresses,
            hostname=words.label(one.text("dns_name")),
            external_id=one.text("id"),
            host=one.text("binding:host_id") or None,
            attributes=_kept(one, KEPT_OF_PORT),
        )
    )
