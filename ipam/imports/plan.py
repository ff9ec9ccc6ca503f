"""From an estate and what exists to the body of an import, with a row for each thing. Pure.

Nothing is guessed: what has no equal, no home or two answers is held back or left out, and its row
says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ipam import model
from ipam.imports import words
from ipam.imports.estate import (
    INFINITE,
    Estate,
    Lease,
    Network,
    Place,
    Reservation,
    Subnet,
)
from ipam.rules import subnet_resize
from ipam.rules.dhcp_option_values import LONGEST_SECONDS, SHORTEST_LEASE_SECONDS
from ipam.rules.dhcp_settings import INFINITE_LEASE

Action: TypeAlias = Literal["take", "same", "change", "hold", "leave out", "look at"]

HELD_OWNER: Final = "ipam:held"
"""The device_owner of ports that only keep an address from others."""


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of one thing, and why."""

    action: Action
    kind: str
    subject: str
    source: str
    reason: str = ""

    def line(self) -> str:
        """The row as a line of the kept report."""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.source}: {self.action} {self.kind} {self.subject}{why}"[:1000]


@dataclass(frozen=True, slots=True)
class Existing:
    """What the service has, as the API shows it."""

    networks: Sequence[Mapping[str, Any]] = ()
    subnets: Sequence[Mapping[str, Any]] = ()
    ports: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class _Home:
    """A subnet that is there, or will be."""

    cidr: str
    network: str
    """The `ref` or id of its network."""
    gateway: str | None = None


@dataclass(slots=True)
class Plan:
    """What is to be made, and the report."""

    rows: list[Row] = field(default_factory=list)
    networks: list[dict[str, Any]] = field(default_factory=list)
    subnets: list[dict[str, Any]] = field(default_factory=list)
    ports: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to make."""
        return not (self.networks or self.subnets or self.ports)

    def body(self, estate_format: str, source: str) -> dict[str, Any]:
        """The body of the request."""
        return {
            "format": estate_format,
            "source": source[:255],
            "networks": self.networks,
            "subnets": self.subnets,
            "ports": self.ports,
            "report": [row.line() for row in self.rows][:20_000],
        }


def plan(estate: Estate, existing: Existing, into: str = "") -> Plan:
    """What to make of an estate. `into` is the id of a network into which all goes."""
    planner = _Planner(estate, existing, into)
    planner.networks()
    planner.subnets()
    for reservation in estate.reservations:
        planner.reservation(reservation)
    for lease in estate.leases:
        planner.lease(lease)
    for held in estate.held:
        planner.hold(held.place, held.address, None, held.reason)
    planner.finish()
    return planner.made


class _Planner:
    def __init__(self, estate: Estate, existing: Existing, into: str) -> None:
        self.estate = estate
        self.existing = existing
        self.into = into
        self.made = Plan()
        self.refs: dict[str, str] = {}
        """The `ref` or id of each network of the estate, by its key."""
        self.homes: list[_Home] = [
            _Home(one["cidr"], one["network_id"], one.get("gateway_ip"))
            for one in existing.subnets
            if not into or one["network_id"] == into
        ]
        self.owners: dict[tuple[str, str], str] = {}
        """Who has an address, by network and address."""
        self.macs: dict[tuple[str, str], dict[str, Any]] = {}
        """The planned or existing port, by network and MAC."""
        for port in existing.ports:
            self.macs[port["network_id"], port["mac_address"]] = dict(port)
            for fixed in port["fixed_ips"]:
                self.owners[port["network_id"], fixed["ip_address"]] = port["mac_address"]

    def row(self, action: Action, kind: str, subject: str, place: Place, reason: str = "") -> None:
        self.made.rows.append(Row(action, kind, subject, str(place), reason))

    # networks and subnets

    def networks(self) -> None:
        for one in self.estate.networks:
            if self.into:
                self.refs[one.key] = self.into
                self.row("same", "network", one.key, one.place, f"into {self.into}")
            elif found := self._known_network(one):
                self.refs[one.key] = found
                self.row("same", "network", one.key, one.place, f"it is {found}")
            else:
                self._new_network(one)

    def _known_network(self, one: Network) -> str | None:
        ids = [each["id"] for each in self.existing.networks if each["id"] == one.external_id]
        named = [each["id"] for each in self.existing.networks if each["name"] == one.key]
        found = ids or (named if len(named) == 1 else [])
        return found[0] if found else None

    def _new_network(self, one: Network) -> None:
        body = {"name": one.key[:255], **one.attributes}
        if one.mtu and 68 <= one.mtu <= 65535:
            body["mtu"] = one.mtu
        self.refs[one.key] = one.key[:255]
        self.made.networks.append(
            {"ref": one.key[:255], "id": _uuid(one.external_id), "body": body}
        )
        self.row("take", "network", one.key, one.place)
        if one.vlan and "provider:network_type" not in body:
            self.row(
                "leave out",
                "vlan",
                str(one.vlan),
                one.place,
                "which physical network carries it is not said:"
                " make the network with --provider-network-type vlan first",
            )

    def subnets(self) -> None:
        for one in self.estate.subnets:
            ref = self._network_of(one)
            same = [
                each
                for each in self.homes
                if each.cidr == one.cidr and (not one.network or each.network == ref)
            ]
            if len(same) == 1:
                self.row("same", "subnet", one.cidr, one.place, f"in network {same[0].network}")
                self.refs.setdefault(one.network or one.cidr, same[0].network)
                continue
            over = [e.cidr for e in self.homes if e.network == ref and _overlap(e.cidr, one.cidr)]
            if over:
                self.row(
                    "leave out", "subnet", one.cidr, one.place, f"it overlaps {', '.join(over)}"
                )
                continue
            self._new_subnet(one, ref or self._network_for(one))

    def _network_of(self, one: Subnet) -> str:
        return self.into or self.refs.get(one.network or one.cidr, "")

    def _network_for(self, one: Subnet) -> str:
        key = one.network or one.cidr
        self._new_network(Network(place=one.place, key=key))
        return self.refs[key]

    def _new_subnet(self, one: Subnet, ref: str) -> None:
        version = model.ip_version(one.cidr)
        dhcp = one.dhcp
        body: dict[str, Any] = {
            "cidr": one.cidr,
            "ip_version": version,
            "enable_dhcp": dhcp,
            "gateway_ip": self._gateway(one),
            "dns_nameservers": self._cut(one, "name servers", one.dns, 5),
            "host_routes": [
                {"destination": destination, "nexthop": hop}
                for destination, hop in self._cut(one, "routes", one.routes, 20)
            ],
            **self._lease_time(one),
            **one.attributes,
        }
        if one.options:
            wishes = self._cut(one, "DHCP options", one.options, 50)
            body["dhcp_options"] = [{"opt_name": n, "opt_value": value} for n, value in wishes]
        if one.boot:
            body["dhcp_boot"] = one.boot
        if version == 6 and dhcp:
            body.setdefault("ipv6_address_mode", "dhcpv6-stateful")
            body.setdefault("ipv6_ra_mode", body["ipv6_address_mode"])
        if version == 6 and not dhcp:
            body.pop("ipv6_address_mode", None)
            body.pop("ipv6_ra_mode", None)
        self._pools(one, body)
        new = {"network": ref, "id": _uuid(one.external_id), "body": body}
        if dhcp and one.server_address:
            self._server(one, ref, body, new)
        self.made.subnets.append(new)
        self.homes.append(_Home(one.cidr, ref, body["gateway_ip"]))
        self.row("take", "subnet", one.cidr, one.place)
        if one.options:
            names = ", ".join(name for name, _ in one.options)
            self.row("take", "DHCP options", one.cidr, one.place, names[:500])
        if one.boot:
            named = ", ".join(f"{name}={value}" for name, value in one.boot.items())
            self.row("take", "boot settings", one.cidr, one.place, named[:500])

    def _lease_time(self, one: Subnet) -> dict[str, int]:
        """The lease time of the subnet, as near to the source's as can be."""
        if one.lease_seconds is None or not one.dhcp:
            return {}
        if one.lease_seconds == INFINITE:
            return {"lease_time": INFINITE_LEASE}
        seconds = int(one.lease_seconds)
        kept = min(max(seconds, SHORTEST_LEASE_SECONDS), LONGEST_SECONDS)
        if kept != seconds:
            text = f"a lease of {seconds} s becomes one of {kept} s"
            self.row("change", "lease time", one.cidr, one.place, text)
        return {"lease_time": kept}

    def _cut(self, one: Subnet, what: str, values: list[Any], most: int) -> list[Any]:
        values = list(dict.fromkeys(values))
        if len(values) > most:
            self.row(
                "leave out",
                what,
                one.cidr,
                one.place,
                f"all but the first {most} of {len(values)}",
            )
        return values[:most]

    def _gateway(self, one: Subnet) -> str | None:
        gateway = one.gateway
        if gateway and not words.inside(gateway, [one.cidr]) and not gateway.startswith("fe80:"):
            self.row("leave out", "gateway", gateway, one.place, f"it is outside of {one.cidr}")
            return None
        return gateway

    def _pools(self, one: Subnet, body: dict[str, Any]) -> None:
        if body.get("ipv6_address_mode") in ("slaac", "dhcpv6-stateless"):
            return
        gateway = body["gateway_ip"]
        said = _merged(one.pools)
        usable = subnet_resize.inside(one.cidr, said)
        if usable != said:
            text = ", ".join(f"{low}-{high}" for low, high in said if (low, high) not in usable)
            self.row("change", "allocation pools", text[:200], one.place, _of_machines(one.cidr))
        pools = [part for pool in usable for part in words.without(pool, filter(None, [gateway]))]
        if pools:
            body["allocation_pools"] = [{"start": low, "end": high} for low, high in pools[:100]]
        elif one.dhcp:
            self.row(
                "change",
                "allocation pools",
                one.cidr,
                one.place,
                "the source names no range: new ports get addresses of the whole subnet",
            )
        if pools and self.estate.format not in ("neutron", "nova-network"):
            self.row(
                "hold",
                "dynamic range",
                ", ".join(f"{low}-{high}" for low, high in pools)[:200],
                one.place,
                "its addresses are for new ports: strangers get none",
            )

    def _server(self, one: Subnet, ref: str, body: dict[str, Any], new: dict[str, Any]) -> None:
        address = one.server_address
        if address is None or not words.inside(address, [one.cidr]):
            return
        if address == body["gateway_ip"]:
            self.row(
                "change",
                "DHCP server",
                address,
                one.place,
                "it is the gateway, too, and stays that: the server gets another address, and"
                " machines renew with it by broadcast (T2)",
            )
            return
        new["server_address"] = address
        self.owners[ref, address] = "the DHCP server"

    # machines

    def reservation(self, one: Reservation) -> None:
        if one.refused:
            self.row("leave out", "host", one.subject, one.place, "it is never served")
            return
        if not one.addresses and not one.external_id:
            self.row(
                "leave out",
                "host",
                one.subject,
                one.place,
                "it has no address of its own: give it one with `ipam port create`",
            )
            return
        if not one.macs:
            for address in one.addresses:
                self.hold(one.place, address, one.hostname, _without_mac(one))
            return
        homes = {address: self._home(address, one.network) for address in one.addresses}
        for address, home in homes.items():
            if home is None:
                self.row(
                    "leave out", "address", address, one.place, f"no subnet has it ({one.subject})"
                )
        for ref in dict.fromkeys(home.network for home in homes.values() if home):
            addresses = [a for a, home in homes.items() if home and home.network == ref]
            self._machine(one, ref, addresses, homes)
        if not one.addresses and one.network in self.refs:
            self._machine(one, self.refs[one.network], [], homes)

    def _machine(
        self,
        one: Reservation,
        ref: str,
        addresses: list[str],
        homes: Mapping[str, _Home | None],
    ) -> None:
        mac = one.macs[0]
        keep_all = bool(one.external_id)
        taken: dict[str, str] = {}
        for address in addresses:
            home = homes[address]
            cidr = home.cidr if home else ""
            if owner := self.owners.get((ref, address)):
                if owner == mac:
                    self.row("same", "address", address, one.place, f"{mac} has it")
                else:
                    self.row("leave out", "address", address, one.place, f"{owner} has it")
            elif home and address == home.gateway:
                self.row("same", "address", address, one.place, f"it is the gateway of {cidr}")
            elif home and (why := _nobodys(address, home)):
                self.row("leave out", "address", address, one.place, why)
            elif cidr in taken.values() and not keep_all:
                self.hold(
                    one.place,
                    address,
                    one.hostname,
                    f"{mac} has another address of {cidr} already",
                )
            else:
                taken[address] = cidr
        if (ref, mac) in self.macs:
            self._known_machine(one, ref, list(taken))
        elif taken or (not addresses and keep_all):
            self._new_port(one, ref, list(taken))

    def _known_machine(self, one: Reservation, ref: str, addresses: list[str]) -> None:
        port = self.macs[ref, one.macs[0]]
        for address in addresses:
            if port.get("id") is None and "body" in port:
                port["body"]["fixed_ips"].append({"ip_address": address})
                self.owners[ref, address] = one.macs[0]
                self.row("take", "address", address, one.place, f"of {one.macs[0]}")
            else:
                self.hold(
                    one.place,
                    address,
                    one.hostname,
                    f"{one.macs[0]} has a port with others already",
                )

    def _new_port(self, one: Reservation, ref: str, addresses: list[str]) -> None:
        mac = one.macs[0]
        body: dict[str, Any] = {
            "mac_address": mac,
            "fixed_ips": [{"ip_address": address} for address in addresses],
            **one.attributes,
        }
        if one.hostname and words.is_name(one.hostname):
            body.setdefault("name", one.hostname)
            body.setdefault("dns_name", one.hostname)
        elif one.hostname:
            self.row(
                "leave out", "name", one.hostname[:100], one.place, "it is no legal host name"
            )
        if one.host:
            body["binding:host_id"] = one.host
        if one.lease_seconds is not None:
            value = one.lease_seconds if one.lease_seconds == INFINITE else str(one.lease_seconds)
            body["extra_dhcp_opts"] = [
                *body.get("extra_dhcp_opts", ()),
                {"opt_name": "lease-time", "opt_value": value, "ip_version": 4},
            ]
        new = {"network": ref, "id": _uuid(one.external_id), "body": body}
        self._add(new, ref, mac, addresses)
        self.row("take", "host", one.subject, one.place, ", ".join(addresses))
        if len(one.macs) > 1:
            self.row(
                "leave out", "MAC", ", ".join(one.macs[1:]), one.place, f"the port is {mac}'s"
            )

    def _add(self, new: dict[str, Any], ref: str, mac: str, addresses: Sequence[str]) -> None:
        self.made.ports.append(new)
        if mac:
            self.macs[ref, mac] = new
        for address in addresses:
            self.owners[ref, address] = mac or "an address that is held"

    def lease(self, one: Lease) -> None:
        home = self._home(one.address, one.network)
        if home is None:
            self.row("leave out", "lease", one.address, one.place, "no subnet has it")
            return
        owner = self.owners.get((home.network, one.address))
        if owner is not None and owner == one.mac:
            self.row("same", "lease", one.address, one.place, f"its port is {one.mac}'s")
        elif owner is not None:
            self.row(
                "look at",
                "lease",
                one.address,
                one.place,
                f"{one.mac or one.duid or 'a machine'} has it, and {owner} is to have it: it is"
                " refused at its next renewal",
            )
        elif one.mac is None:
            self.hold(one.place, one.address, one.hostname, "a lease without an Ethernet address")
        else:
            reservation = Reservation(
                place=one.place, macs=[one.mac], addresses=[one.address], hostname=one.hostname
            )
            self._machine(reservation, home.network, [one.address], {one.address: home})

    def hold(self, place: Place, address: str, name: str | None, reason: str) -> None:
        home = self._home(address, "")
        if home is None:
            self.row("leave out", "address", address, place, f"no subnet has it ({reason})")
            return
        if why := _nobodys(address, home):
            self.row("leave out", "address", address, place, why)
            return
        owner = self.owners.get((home.network, address))
        if owner or address == home.gateway:
            what = f"{owner} has it" if owner else f"it is the gateway of {home.cidr}"
            self.row("same", "address", address, place, what)
            return
        body: dict[str, Any] = {
            "name": (name or f"held {address}")[:255],
            "description": f"{reason} ({place})"[:255],
            "device_owner": HELD_OWNER,
            "admin_state_up": False,
            "fixed_ips": [{"ip_address": address}],
        }
        if name and words.is_name(name):
            body["dns_name"] = name
        self._add({"network": home.network, "id": None, "body": body}, home.network, "", [address])
        self.row("hold", "address", address, place, reason)

    def _home(self, address: str, network: str) -> _Home | None:
        ref = self.into or self.refs.get(network, "")
        homes = [one for one in self.homes if not ref or one.network == ref]
        cidr = words.inside(address, [one.cidr for one in homes])
        found = [one for one in homes if one.cidr == cidr]
        if not found and ref:
            return self._home(address, "") if not self.into and network else None
        refs = {one.network for one in found}
        return found[0] if len(refs) == 1 else None

    def finish(self) -> None:
        for problem in self.estate.problems:
            self.row("look at", problem.code, problem.subject, problem.place, problem.text)
        for skipped in self.estate.skipped:
            self.row("leave out", "line", skipped.subject, skipped.place, skipped.reason)
        if self.estate.unlisted:
            self.row(
                "look at",
                "more",
                str(self.estate.unlisted),
                Place("-"),
                "rows that are not listed",
            )


def _nobodys(address: str, home: _Home) -> str:
    """Why no machine can have the address; empty for others."""
    if words.between(address, *words.usable_ends(home.cidr)):
        return ""
    return _of_machines(home.cidr)


def _of_machines(cidr: str) -> str:
    first, last = words.usable_ends(cidr)
    return f"in {cidr}, machines can only have the addresses from {first} to {last}"


def _without_mac(one: Reservation) -> str:
    if one.client_id:
        return f"it is kept for the client id {one.client_id}, and no MAC address is said"
    if one.duid:
        return f"it is kept for the DUID {one.duid}, and no MAC address is said"
    if one.by_name:
        return "it is kept for whoever sends the name, and no MAC address is said"
    return "no MAC address is said"


def _uuid(text: str | None) -> str | None:
    return text if text and model.is_uuid(text) else None


def _overlap(one: str, other: str) -> bool:
    return words.inside(words.ends(one)[0], [other]) is not None or (
        words.inside(words.ends(other)[0], [one]) is not None
    )


def _merged(pools: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The ranges without those that lie in others, lowest first."""
    found: list[tuple[str, str]] = []
    for low, high in sorted(pools, key=lambda pool: model.pack(pool[0])):
        if found and model.pack(low) <= model.pack(found[-1][1]):
            last = max(model.pack(high), model.pack(found[-1][1]))
            found[-1] = (found[-1][0], model.unpack(last))
        else:
            found.append((low, high))
    return found
