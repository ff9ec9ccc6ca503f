"""Incus and LXD: networks, instances and lists of leases, as YAML or JSON, and their files."""

from ipam import model
from ipam.imports import told, words
from ipam.imports.documents import Node
from ipam.imports.estate import Draft, Lease, Network, Place, Reservation, Subnet
from ipam.imports.formats.lease_lists import keep_last

DEFAULT_SECONDS = 3600


def is_incus(root: Node) -> bool:
    """Whether a document is one of Incus'."""
    for one in [root, *root.items()][:3]:
        config = one.get("config")
        if config is not None and any(
            name.startswith(("ipv4.", "ipv6.", "volatile.", "bridge.", "dns.", "image.", "raw."))
            for name in config.members()
        ):
            return True
        if one.get("expanded_devices") or (one.get("hwaddr") and one.get("address", "addresses")):
            return True
    return False


def read(draft: Draft, roots: list[Node], now: int) -> None:
    """Take networks, then the interfaces of instances, then lists of leases."""
    items = [one for root in roots for one in (root.items() or [root])]
    for one in items:
        config = one.get("config")
        if (
            config
            and (
                one.text("type") == "bridge"
                or any(name.startswith(("ipv4.", "ipv6.", "bridge.")) for name in config.members())
            )
            and not one.get("devices", "expanded_devices")
        ):
            _network(draft, one, config)
    for one in items:
        if one.get("devices", "expanded_devices"):
            _instance(draft, one)
    found: dict[str, Lease] = {}
    for one in items:
        if one.get("address", "addresses") and not one.get("config"):
            _listed(draft, one, found)
    keep_last(draft, found, now)


def _network(draft: Draft, one: Node, config: Node) -> None:
    key = one.text("name") or "network"
    if one.text("type") not in ("", "bridge"):
        draft.problem(
            one.place,
            "other_network_type",
            key[:100],
            f"A network of the type {one.text('type')[:40]} has no dnsmasq: it is left out.",
        )
        return
    draft.networks.append(
        Network(place=one.place, key=key, bridge=key, mtu=config.number("bridge.mtu"))
    )
    for version in (4, 6):
        _subnet(draft, key, config, version)
    for name, inner in config.members().items():
        if name == "raw.dnsmasq" and inner.value:
            for line in str(inner.value).splitlines():
                draft.problem(
                    inner.place,
                    "raw_dnsmasq_option",
                    line.strip()[:255],
                    f"'{line.strip()[:100]}' is dnsmasq's own configuration: it is left out.",
                )


def _subnet(draft: Draft, key: str, config: Node, version: int) -> None:
    start = f"ipv{version}"
    text = config.text(f"{start}.address")
    if text in ("", "none"):
        return
    own = words.address(text.partition("/")[0])
    cidr = words.prefix(text)
    place = (config.get(f"{start}.address") or config).place
    if own is None or cidr is None:
        draft.problem(place, "not_a_prefix", text[:100], f"{start}.address is not said in full.")
        return
    subnet = Subnet(place=place, cidr=cidr, network=key, server_address=own)
    subnet.dhcp = config.flag(f"{start}.dhcp") is not False
    gateway = config.text(f"{start}.dhcp.gateway")
    if version == 4:
        subnet.gateway = None if gateway == "none" else words.address(gateway) or own
    subnet.lease_seconds = words.seconds(config.text(f"{start}.dhcp.expiry") or "1h")
    if subnet.lease_seconds is None:
        draft.problem(place, "bad_lease_time", cidr, "Its lease time cannot be read.")
    if routes := config.text(f"{start}.dhcp.routes"):
        pairs = told.pairs_of_routes([one.strip() for one in routes.split(",")])
        subnet.routes = pairs or []
    stateful = version == 4 or config.flag("ipv6.dhcp.stateful") is True
    if not stateful:
        subnet.attributes["ipv6_address_mode"] = "dhcpv6-stateless" if subnet.dhcp else "slaac"
        subnet.attributes["ipv6_ra_mode"] = subnet.attributes["ipv6_address_mode"]
    elif subnet.dhcp:
        _pools(draft, subnet, config.text(f"{start}.dhcp.ranges"), own, place)
    draft.subnets.append(subnet)


def _pools(draft: Draft, subnet: Subnet, ranges: str, own: str, place: Place) -> None:
    if not ranges:
        low, high = words.usable_ends(subnet.cidr)
        subnet.pools = words.without((low, high), [own])
        return
    for text in ranges.split(","):
        first, _, last = text.partition("-")
        ends = words.address(first), words.address(last)
        if ends[0] and ends[1] and all(words.inside(str(e), [subnet.cidr]) for e in ends):
            subnet.pools.append(words.ordered(ends[0], ends[1]))
        else:
            draft.problem(place, "bad_range", text[:100], f"It is no range of {subnet.cidr}.")


def _instance(draft: Draft, one: Node) -> None:
    name = one.text("name")
    devices = {
        **(one.get("devices") or one).members(),
        **(one.get("expanded_devices") or one.get("devices") or one).members(),
    }
    config = one.get("expanded_config", "config") or one
    for device, inner in devices.items():
        if inner.text("type") != "nic":
            continue
        network = inner.text("network") or inner.text("parent")
        mac = words.mac(inner.text("hwaddr") or config.text(f"volatile.{device}.hwaddr"))
        texts = [inner.text("ipv4.address"), inner.text("ipv6.address")]
        addresses = [a for text in texts if (a := words.address(text))]
        subject = f"{name}.{device}"
        if mac is None:
            draft.problem(
                inner.place,
                "no_mac",
                addresses[0] if addresses else subject,
                f"{subject} has no volatile.{device}.hwaddr: its addresses are held.",
            )
        if not addresses:
            draft.skip(
                inner.place, mac or subject, "no address of its own: it has what DHCP gives"
            )
            continue
        draft.reservations.append(
            Reservation(
                place=inner.place,
                network=network,
                macs=[mac] if mac else [],
                addresses=addresses,
                hostname=words.label(name),
                host=one.text("location") if one.text("location") not in ("", "none") else None,
                attributes={"device_id": name},
            )
        )


def _listed(draft: Draft, one: Node, found: dict[str, Lease]) -> None:
    text = one.text("address", "addresses").partition("/")[0]
    address, kind = words.address(text), one.text("type").lower()
    if address is None:
        draft.problem(one.place, "not_an_address", text[:100], "It is no address: left out.")
        return
    mac, name = words.mac(one.text("hwaddr")), words.label(one.text("hostname", "used_by"))
    if kind in ("gateway", "uplink", "network", "network-forward", "network-load-balancer"):
        draft.skip(one.place, address, f"{kind}: it is Incus' own")
    elif kind == "static":
        known = any(address in each.addresses for each in draft.reservations)
        if model.ip_version(address) == 6 and mac is None:
            draft.skip(one.place, address, "Incus computed it, nobody gave it")
        elif not known:
            draft.reservations.append(
                Reservation(
                    place=one.place,
                    macs=[mac] if mac else [],
                    addresses=[address],
                    hostname=name,
                )
            )
    elif model.ip_version(address) == 6 and mac is None:
        draft.hold(one.place, address, "a lease without an identity")
        draft.problem(
            one.place, "no_mac", address, "The list has no MAC address of it: it is held."
        )
    elif kind == "dynamic" or not one.get("used_by"):
        found[address] = Lease(place=one.place, address=address, mac=mac, hostname=name)
        draft.problem(
            one.place,
            "lease_time_unknown",
            address,
            "The list does not say until when: networks/NAME/dnsmasq.leases does.",
        )
    else:
        draft.skip(one.place, address, "an allocation, which the instance says itself")
