"""Kea's configuration: Dhcp4 and Dhcp6. What is inner inherits from what is around it."""

import re
from dataclasses import dataclass, field
from typing import Final

from ipam.imports import told, words
from ipam.imports.documents import Node
from ipam.imports.estate import INFINITE, Draft, LeaseSeconds, Network, Reservation, Subnet
from ipam.imports.told import Option
from ipam.rules.boot import FILE, NEXT_SERVER, SERVER_NAME

DEFAULT_SECONDS: Final = 7200
FOREVER: Final = 0xFFFFFFFF
WITHOUT_EQUAL: Final = ("flex-id", "circuit-id")
KNOWN: Final = "KNOWN"
DROP: Final = "DROP"

BOOT: Final = {"next-server": NEXT_SERVER, "boot-file-name": FILE, "server-hostname": SERVER_NAME}
"""Members on booting from the network, and the options that say the same."""
NO_SERVER: Final = "0.0.0.0"  # noqa: S104  # what Kea says for none

_BY_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class _Scope:
    version: int
    network: str = ""
    options: dict[int, Option] = field(default_factory=dict)
    lease_seconds: LeaseSeconds = DEFAULT_SECONDS
    interface: str = ""


def read(draft: Draft, root: Node) -> None:
    """Take what a configuration says, or an answer of `config-get` with one in it."""
    for one in [root, *root.items()]:
        inner = one.get("arguments") or one
        for version, name in ((4, "Dhcp4"), (6, "Dhcp6")):
            if service := inner.get(name):
                _service(draft, service, version)


def _service(draft: Draft, service: Node, version: int) -> None:
    for name, code in (
        ("hosts-database", "hosts_in_database"),
        ("hosts-databases", "hosts_in_database"),
        ("config-control", "configuration_in_database"),
    ):
        if found := service.get(name):
            draft.problem(
                found.place,
                code,
                name,
                "A database holds more than this file says: ask the running server (config-get,"
                " reservation-get-page).",
            )
    if (database := service.get("lease-database")) and database.text("type") not in (
        "",
        "memfile",
    ):
        draft.problem(
            database.place,
            "leases_in_database",
            database.text("type"),
            "The leases are in a database: ask the running server (lease4-get-page).",
        )
    scope = _scope(draft, service, _Scope(version))
    for one in service.each("reservations"):
        _reservation(draft, one, version, None)
    for one in service.each("client-classes"):
        if one.text("boot-file-name"):
            draft.problem(
                one.place,
                "boot_not_taken",
                one.text("boot-file-name")[:100],
                f"Clients of the class {one.text('name')[:60]} boot from it: it is left out."
                " `ipam subnet boot set` has files by architecture.",
            )
        draft.skip(one.place, f"class {one.text('name')}"[:255], "ipam has no classes")
    for shared in service.each("shared-networks"):
        key = shared.text("name") or "shared-network"
        inner = _scope(draft, shared, scope, network=key)
        draft.networks.append(
            Network(place=shared.place, key=key, bridge=shared.text("interface") or None)
        )
        for one in shared.each("reservations"):
            _reservation(draft, one, version, None)
        for one in shared.each(f"subnet{version}"):
            _subnet(draft, one, inner)
    for one in service.each(f"subnet{version}"):
        _subnet(draft, one, scope)


def _scope(draft: Draft, node: Node, around: _Scope, network: str = "") -> _Scope:
    options = dict(around.options)
    for one in node.each("option-data"):
        option = _option(draft, one, around.version)
        if option is not None and one.flag("never-send"):
            options.pop(option.number, None)
        elif option is not None:
            options[option.number] = option
    for name, number in BOOT.items() if around.version == 4 else ():
        if (text := node.text(name)) and text != NO_SERVER:
            options[number] = Option(number, 4, (text,), node.place, name)
    return _Scope(
        around.version,
        network or around.network,
        options,
        _seconds(node) or around.lease_seconds,
        node.text("interface") or around.interface,
    )


def _seconds(node: Node) -> LeaseSeconds:
    number = node.number("valid-lifetime")
    return INFINITE if number == FOREVER else number


def _option(draft: Draft, one: Node, version: int) -> Option | None:
    name = one.text("name") or one.text("code")
    number = one.number("code")
    if number is None:
        number = told.number_of(name, version)
    if number is None or one.text("space") not in ("", f"dhcp{version}"):
        draft.problem(
            one.place,
            "option_not_taken",
            f"option {name[:100]}",
            f"The option {name[:60]} is not known, or is inside of another: it is left out.",
        )
        return None
    data = one.text("data")
    if one.flag("csv-format") is False:
        return Option(number, version, _binary(data, number, version), one.place, name)
    if number in told.STATIC_ROUTES and version == 4:
        pairs = re.split(r"\s*(?:,|\s-\s)\s*", data)
        return Option(number, version, tuple(p for p in pairs if p), one.place, name)
    values = [value.strip().replace("\\,", ",") for value in _BY_COMMA.split(data)]
    return Option(number, version, tuple(value for value in values if value), one.place, name)


def _binary(data: str, number: int, version: int) -> tuple[str, ...]:
    octets = words.octets(data.replace(" ", ":").strip(":"))
    raw = bytes.fromhex(octets.replace(":", "")) if octets else b""
    if version == 4 and number in (told.ROUTER, told.DNS) and raw and len(raw) % 4 == 0:
        return tuple(".".join(map(str, raw[at : at + 4])) for at in range(0, len(raw), 4))
    return (data,)


def _subnet(draft: Draft, node: Node, around: _Scope) -> None:
    cidr = words.prefix(node.text("subnet"))
    if cidr is None:
        draft.problem(
            node.place,
            "not_a_prefix",
            node.text("subnet")[:100],
            f"'{node.text('subnet')[:60]}' is no prefix: the subnet is left out.",
        )
        return
    scope = _scope(draft, node, around)
    network = scope.network or scope.interface or f"subnet-{node.text('id') or cidr}"
    if not scope.network and all(one.key != network for one in draft.networks):
        draft.networks.append(
            Network(place=node.place, key=network, bridge=scope.interface or None)
        )
    subnet = Subnet(place=node.place, cidr=cidr, network=network)
    subnet.lease_seconds = scope.lease_seconds
    told.apply(subnet, told.told(draft, cidr, scope.options.values()))
    draft.subnets.append(subnet)
    of_subnet = _classes(draft, node)
    for one in node.each("pools"):
        _pool(draft, subnet, one, known_only=KNOWN in of_subnet)
    for one in node.each("pd-pools"):
        draft.problem(
            one.place,
            "prefix_delegation",
            one.text("prefix"),
            "Prefix delegation has no equal here: the pool is left out.",
        )
    unused = node.flag("reservations-in-subnet") is False or node.text("reservation-mode") in (
        "disabled",
        "off",
        "global",
    )
    for one in node.each("reservations"):
        if unused:
            draft.skip(
                one.place,
                one.text("ip-address") or str(one.place),
                "the subnet's reservations are switched off",
            )
        else:
            _reservation(draft, one, scope.version, subnet)


def _classes(draft: Draft, node: Node) -> list[str]:
    names = [node.text("client-class")] if node.text("client-class") else []
    for key in ("client-classes", "require-client-classes", "evaluate-additional-classes"):
        names += [str(one.value) for one in node.each(key)]
    for name in names:
        draft.problem(
            node.place,
            "pool_by_class",
            name[:100],
            f"Only clients of the class {name[:60]} get addresses here; ipam has no classes.",
        )
    return names


def _pool(draft: Draft, subnet: Subnet, node: Node, *, known_only: bool) -> None:
    text = node.text("pool")
    first, dash, last = (part.strip() for part in text.partition("-"))
    prefix = words.prefix(text) if not dash else None
    low, high = words.address(first), words.address(last)
    pool = words.ends(prefix) if prefix else None
    if low and high and (":" in low) == (":" in high):
        pool = words.ordered(low, high)
    names = _classes(draft, node)
    if pool is None or not all(words.inside(end, [subnet.cidr]) for end in pool):
        draft.problem(
            node.place, "bad_range", text[:100], f"'{text[:60]}' is no pool of {subnet.cidr}."
        )
    elif known_only or KNOWN in names:
        draft.skip(node.place, text, "only known machines get addresses of it")
    else:
        subnet.pools.append(pool)
    if node.get("option-data"):
        draft.problem(
            node.place, "option_of_pool", text[:100], "The options of a pool are left out."
        )


def _reservation(draft: Draft, node: Node, version: int, subnet: Subnet | None) -> None:
    addresses = [node.text("ip-address")] if node.text("ip-address") else []
    addresses += [str(one.value) for one in node.each("ip-addresses")]
    good = [a for text in addresses if (a := words.address(text))]
    for text in addresses:
        if words.address(text) is None:
            draft.problem(node.place, "not_an_address", text[:100], "It is no address: left out.")
    for one in node.each("prefixes"):
        draft.problem(
            one.place,
            "prefix_delegation",
            str(one.value)[:100],
            "Delegated prefixes are left out.",
        )
    if kind := next((kind for kind in WITHOUT_EQUAL if node.text(kind)), None):
        for address in good:
            draft.hold(node.place, address, f"it is kept for a {kind}")
            draft.problem(
                node.place,
                "identifier_without_equal",
                address,
                f"It is kept for the {kind} {node.text(kind)[:60]}, which has no equal here: the"
                " address is held.",
            )
        return
    found = Reservation(place=node.place, network=subnet.network if subnet else "")
    found.addresses = good
    found.hostname = words.label(node.text("hostname"))
    if text := node.text("hw-address"):
        if mac := words.mac(text):
            found.macs = [mac]
        else:
            draft.problem(node.place, "bad_mac", text[:100], f"'{text[:60]}' is no MAC address.")
    found.client_id = _identifier(node.text("client-id"))
    found.duid = _identifier(node.text("duid"))
    if found.duid and version == 4:
        draft.problem(
            node.place,
            "duid_for_ipv4",
            found.subject,
            "It is kept for a DUID, by which dnsmasq knows no IPv4 client: the address is held.",
        )
    classes = [str(one.value) for one in node.each("client-classes")]
    found.refused = DROP in classes
    for name in classes:
        if name != DROP:
            draft.problem(node.place, "class_of_host", name[:100], "ipam has no classes.")
    for key in ("option-data", "next-server", "boot-file-name", "server-hostname"):
        inner = node.get(key)
        if inner is not None and inner.value not in ("", NO_SERVER, []):
            draft.problem(
                inner.place,
                "option_of_host",
                key,
                f"{key} of {found.subject} is left out. `ipam port set --extra-dhcp-option` gives"
                " options to its port.",
            )
    draft.reservations.append(found)


def _identifier(text: str) -> str | None:
    """An identifier in hex, or a text between apostrophes."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return words.hex_of(text[1:-1].encode())
    return words.octets(text) if text else None
