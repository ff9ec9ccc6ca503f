"""libvirt's networks (XML) and the leases of their status files (JSON)."""

import re
from typing import Final

from ipam import model
from ipam.imports import told, words
from ipam.imports.documents import Element, FormatError, Node, read_xml
from ipam.imports.estate import (
    INFINITE,
    Draft,
    Lease,
    LeaseSeconds,
    Network,
    Place,
    Reservation,
    Subnet,
)
from ipam.imports.files import Files
from ipam.imports.formats.dnsmasq.lines import Line
from ipam.imports.formats.dnsmasq.option_lines import options_for, read_option
from ipam.imports.formats.lease_lists import keep_last
from ipam.imports.told import Option
from ipam.rules.boot import FILE as BOOT_FILE
from ipam.rules.boot import NEXT_SERVER
from ipam.rules.dhcp_option_values import SHORTEST_LEASE_SECONDS

DEFAULT_SECONDS: Final = 3600
UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600}

_ADDRESS_LIKE = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


def read(draft: Draft, files: Files, path: str) -> None:
    """Take the networks of an XML file."""
    root = read_xml(files, path)
    networks = [
        one
        for one in root.walk()
        if one.name == "network" and not one.space and (one.find("name") or one.find("ip"))
    ]
    if not networks:
        raise FormatError(Place(path), "it has no <network>")
    for one in networks:
        _network(draft, one)


def _network(draft: Draft, one: Element) -> None:
    key = one.inner("name") or one.attribute("bridge", "name") or "network"
    vlans = [t for v in one.each("vlan") for t in v.each("tag")]
    mtu, vlan = one.attribute("mtu", "size"), vlans[0].attributes.get("id", "") if vlans else ""
    draft.networks.append(
        Network(
            place=one.place,
            key=key,
            bridge=one.attribute("bridge", "name") or None,
            mtu=int(mtu) if mtu.isdecimal() and len(mtu) < 7 else None,
            vlan=int(vlan) if vlan.isdecimal() and len(vlan) < 7 else None,
            external_id=one.inner("uuid") or None,
        )
    )
    subnets = [made for ip in one.each("ip") if (made := _subnet(draft, one, ip, key))]
    _routes(draft, one, subnets)
    for part in one.walk():
        if part.name == "options" and part.space:
            _raw_options(draft, part, [s for s in subnets if s.dhcp])
    _left_out(draft, one)
    served = [s.cidr for s in subnets if s.dhcp]
    for reservation in [r for r in draft.reservations if r.network == key]:
        outside = [a for a in reservation.addresses if not words.inside(a, served)]
        if outside:
            draft.problem(
                reservation.place,
                "address_outside_every_subnet",
                reservation.subject,
                f"{', '.join(outside)} is in no prefix with DHCP of this network: left out.",
            )
            reservation.addresses = [a for a in reservation.addresses if a not in outside]
            if not reservation.addresses:
                draft.reservations.remove(reservation)


def _subnet(draft: Draft, network: Element, ip: Element, key: str) -> Subnet | None:
    own = words.address(ip.attributes.get("address", ""))
    is_6 = ip.attributes.get("family") == "ipv6" or bool(own and model.ip_version(own) == 6)
    length = ip.attributes.get("prefix") or ip.attributes.get("netmask")
    cidr = words.prefix(own, length or (64 if is_6 else 24)) if own else None
    if own is None or cidr is None:
        text = ip.attributes.get("address", "")
        draft.problem(ip.place, "not_an_address", text[:100], f"'{text[:60]}' has no prefix.")
        return None
    if not length:
        draft.problem(ip.place, "mask_unknown", cidr, f"No prefix is said: {cidr} is assumed.")
    dhcp = ip.find("dhcp")
    subnet = Subnet(place=ip.place, cidr=cidr, network=key, dhcp=dhcp is not None)
    subnet.server_address = own
    isolated = network.find("forward") is None
    if not is_6:
        subnet.gateway = None if isolated else own
    draft.subnets.append(subnet)
    if dhcp is not None:
        _dhcp(draft, subnet, dhcp, key)
    return subnet


def _dhcp(draft: Draft, subnet: Subnet, dhcp: Element, key: str) -> None:
    times: list[LeaseSeconds] = []
    for one in dhcp.each("range"):
        ends = [words.address(one.attributes.get(name, "")) for name in ("start", "end")]
        if (
            not ends[0]
            or not ends[1]
            or not all(words.inside(str(e), [subnet.cidr]) for e in ends)
        ):
            draft.problem(one.place, "bad_range", subnet.cidr, f"It is no range of {subnet.cidr}.")
            continue
        subnet.pools.append(words.ordered(ends[0], ends[1]))
        times.append(_seconds(one) or DEFAULT_SECONDS)
    subnet.lease_seconds = times[0] if times else DEFAULT_SECONDS
    if len(set(times)) > 1:
        draft.problem(
            dhcp.place,
            "two_lease_times",
            subnet.cidr,
            f"The ranges of {subnet.cidr} have different lease times: the first one's is taken.",
        )
    for one in dhcp.each("host"):
        _host(draft, one, key)
    for one in dhcp.each("bootp"):
        _boot(draft, subnet, one)


def _boot(draft: Draft, subnet: Subnet, one: Element) -> None:
    file, server = (one.attributes.get(name, "").strip() for name in ("file", "server"))
    if not words.address(server):
        draft.problem(
            one.place,
            "boot_not_taken",
            file[:100],
            "No server's address is said, so it is libvirt's own TFTP server: what is booted is"
            " left out. `ipam subnet boot set` sets it.",
        )
        return
    named = ((BOOT_FILE, file), (NEXT_SERVER, server))
    options = [Option(number, 4, (text,), one.place, "bootp") for number, text in named]
    subnet.options += told.told(draft, subnet.cidr, options).options


def _host(draft: Draft, one: Element, key: str) -> None:
    said = one.attributes
    address = words.address(said.get("ip", ""))
    mac = words.mac(said.get("mac", ""))
    if said.get("mac") and mac is None:
        draft.problem(one.place, "bad_mac", said["mac"][:100], "It is no MAC address.")
    if said.get("ip") and address is None:
        draft.problem(one.place, "not_an_address", said["ip"][:100], "It is no address: left out.")
    is_6 = address is not None and model.ip_version(address) == 6
    identity = words.octets(said.get("id", "")) if said.get("id") else None
    if said.get("id") and not is_6:
        identity = identity or words.hex_of(said["id"].encode())
    name = words.label(said.get("name"))
    if not (mac or address or name or identity):
        return
    draft.reservations.append(
        Reservation(
            place=one.place,
            network=key,
            macs=[mac] if mac else [],
            duid=identity if is_6 else None,
            client_id=None if is_6 else identity,
            by_name=not (mac or identity),
            addresses=[address] if address else [],
            hostname=name,
            lease_seconds=_seconds(one),
        )
    )


def _seconds(one: Element) -> LeaseSeconds:
    lease = one.find("lease")
    if lease is None:
        return None
    text, unit = lease.attributes.get("expiry", ""), lease.attributes.get("unit", "minutes")
    if not text.isdecimal() or len(text) > 9:
        return None
    return max(int(text) * UNITS.get(unit, 60), SHORTEST_LEASE_SECONDS) if int(text) else INFINITE


def _routes(draft: Draft, network: Element, subnets: list[Subnet]) -> None:
    for one in network.each("route"):
        said = one.attributes
        base = said.get("address") or ("::" if said.get("family") == "ipv6" else "0.0.0.0")  # noqa: S104  # a route
        destination = words.prefix(base, said.get("prefix") or said.get("netmask") or 0)
        gateway = words.address(said.get("gateway", ""))
        home = words.inside(gateway, [s.cidr for s in subnets]) if gateway else None
        if destination is None or gateway is None or home is None:
            draft.problem(one.place, "route_not_taken", base[:100], "The route is left out.")
            continue
        next(s for s in subnets if s.cidr == home).routes.append((destination, gateway))


def _raw_options(draft: Draft, part: Element, subnets: list[Subnet]) -> None:
    for one in part.children:
        text = one.attributes.get("value", "")
        draft.problem(
            one.place,
            "raw_dnsmasq_option",
            text[:255],
            f"'{text[:100]}' is dnsmasq's own configuration: DHCP options of it are taken, the"
            " rest is left out.",
        )
        option, _, value = text.partition("=")
        scratch = Draft(format=draft.format)
        if option.strip() not in ("dhcp-option", "dhcp-option-force"):
            continue
        line = read_option(scratch, Line(option, value, one.place))
        for subnet in subnets:
            version = 6 if ":" in subnet.cidr else 4
            found = told.told(
                scratch, subnet.cidr, options_for([line] if line else [], (), version)
            )
            if found.says_gateway:
                subnet.gateway = found.gateway
            if found.says_dns:
                subnet.dns = found.dns
            subnet.routes += found.routes
            subnet.options += found.options


def _left_out(draft: Draft, network: Element) -> None:
    for dns in network.each("dns"):
        for one in dns.each("host"):
            draft.skip(one.place, one.attributes.get("ip", ""), "a name of DNS, no reservation")
    for metadata in network.each("metadata"):
        for part in metadata.walk():
            for text in _ADDRESS_LIKE.findall(part.text):
                draft.skip(part.place, text, "it stands in metadata")


def read_status(draft: Draft, root: Node, now: int) -> None:
    """Take the leases of a status file (`/var/lib/libvirt/dnsmasq/BRIDGE.status`)."""
    found: dict[str, Lease] = {}
    for one in root.items():
        address = words.address(one.text("ip-address"))
        if address is None:
            draft.problem(
                one.place,
                "not_an_address",
                one.text("ip-address")[:100],
                "The entry has no address: it is left out.",
            )
            continue
        identity = words.octets(one.text("client-id")) if one.text("client-id") else None
        is_6 = model.ip_version(address) == 6
        found[address] = Lease(
            place=one.place,
            address=address,
            mac=words.mac(one.text("mac-address")),
            client_id=None if is_6 else identity,
            duid=identity if is_6 else None,
            iaid=one.text("iaid") or None,
            hostname=words.label(one.text("hostname")),
            expires=one.number("expiry-time") or None,
        )
        if one.text("server-duid"):
            draft.server_duid = words.octets(one.text("server-duid"))
    keep_last(draft, found, now)
