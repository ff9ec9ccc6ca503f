"""nova-network's tables, of a dump by mysqldump or pg_dump."""

import re
from collections.abc import Iterator
from typing import Final

from ipam.imports import words
from ipam.imports.estate import Draft, Network, Place, Reservation, Subnet
from ipam.imports.files import Files

TABLES: Final = ("networks", "fixed_ips", "virtual_interfaces", "floating_ips")

_START = re.compile(
    r"^(?:(?P<create>CREATE TABLE (?:IF NOT EXISTS )?)|(?P<insert>INSERT (?:IGNORE )?INTO )"
    r"|(?P<copy>COPY ))(?:`?\w+`?\.)?[`\"]?(?P<table>\w+)[`\"]?",
    re.MULTILINE | re.IGNORECASE,
)
_COLUMN = re.compile(r"[`\"]?(\w+)[`\"]?\s+\w")
_NAME = re.compile(r"[`\"]?(\w+)[`\"]?")
_VALUE = re.compile(
    r"\s*(?:(?:_binary\s*|[bxX])?'(?P<text>(?:[^'\\]|\\.|'')*)'|(?P<word>[^,()'\s]+))\s*",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "", "b": "\b", "Z": "\x1a"}

Row = tuple[dict[str, str | None], Place]


def is_dump(text: str) -> bool:
    """Whether the text is a dump with tables of nova-network."""
    return any(match["table"] in ("fixed_ips", "networks") for match in _START.finditer(text))


def rows_of(draft: Draft, files: Files, path: str) -> dict[str, list[Row]]:
    """The rows of the four tables, by table."""
    text = files.texts[path]
    columns: dict[str, list[str]] = {}
    found: dict[str, list[Row]] = {table: [] for table in TABLES}
    at = 0
    line, counted = 1, 0
    while match := _START.search(text, at):
        at = match.end()
        line, counted = line + text.count("\n", counted, at), at
        table = match["table"]
        if table not in TABLES:
            continue
        if match["create"]:
            columns[table], at = _created(text, at)
        elif match["copy"]:
            for values, number in _copied(text, at, line):
                found[table].append((values, Place(path, number)))
        else:
            for row, offset in _inserted(text, at, columns.get(table, [])):
                if row is None:
                    draft.problem(
                        Place(path, line),
                        "truncated_record",
                        table,
                        f"The rows of {table} have no end, or not the table's columns.",
                    )
                else:
                    number = line + text.count("\n", at, offset)
                    found[table].append((row, Place(path, number)))
    return found


def _created(text: str, at: int) -> tuple[list[str], int]:
    begin = text.find("(", at)
    end = text.find(";", at)
    body = text[begin + 1 : end if end > 0 else len(text)] if begin >= 0 else ""
    names, depth, current = [], 0, ""
    for sign in body:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            names.append(current)
            current = ""
        else:
            current += sign
    names.append(current)
    keys = ("primary", "key", "unique", "constraint", "index", "foreign", "fulltext", "check")
    found = [m[1] for name in names if (m := _COLUMN.match(name.strip()))]
    return [name for name in found if name.lower() not in keys], max(at, end)


def _copied(text: str, at: int, line: int) -> Iterator[tuple[dict[str, str | None], int]]:
    begin, end = text.find("(", at), text.find(")", at)
    names = [m[1] for one in text[begin + 1 : end].split(",") if (m := _NAME.match(one.strip()))]
    start = text.find("\n", end)
    for number, one in enumerate(text[start + 1 :].split("\n"), line + 1):
        if one == "\\." or start < 0:
            return
        cells = one.split("\t")
        if len(cells) == len(names):
            values = [None if cell == "\\N" else _unescaped(cell) for cell in cells]
            yield dict(zip(names, values, strict=True)), number


def _inserted(
    text: str, at: int, columns: list[str]
) -> Iterator[tuple[dict[str, str | None] | None, int]]:
    head = re.compile(r"\s*(\([^()']*\))?\s*VALUES\s*", re.IGNORECASE).match(text, at)
    if head is None:
        yield None, at
        return
    if head[1]:
        columns = [m[1] for one in head[1][1:-1].split(",") if (m := _NAME.match(one.strip()))]
    at = head.end()
    while at < len(text) and text[at] == "(":
        values, begin = [], at
        at += 1
        while match := _VALUE.match(text, at):
            values.append(_value(match))
            at = match.end()
            if at >= len(text) or text[at] != ",":
                break
            at += 1
        if at >= len(text) or text[at] != ")" or len(values) != len(columns):
            yield None, at
            return
        yield dict(zip(columns, values, strict=True)), begin
        gap = re.compile(r"\)\s*(,\s*)?").match(text, at)
        at = gap.end() if gap else len(text)
        if gap and not gap[1]:
            return


def _value(match: re.Match[str]) -> str | None:
    if match["text"] is not None:
        return _unescaped(match["text"])
    return None if match["word"].upper() == "NULL" else match["word"]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda m: _LETTERS.get(m[1], m[1]) if m[1] else "'", text)


def read(draft: Draft, files: Files, path: str) -> None:
    """Take what lives of a dump."""
    tables = rows_of(draft, files, path)
    networks: dict[str, tuple[str, Subnet | None]] = {}
    for row, place in tables["networks"]:
        if _gone(row):
            draft.skip(place, row.get("uuid") or str(place), "the network was deleted")
        elif row.get("id"):
            networks[str(row["id"])] = _network(draft, row, place)
    interfaces = {
        str(row.get("id")): row for row, _ in tables["virtual_interfaces"] if not _gone(row)
    }
    made: dict[str, Reservation] = {}
    taken: dict[str, list[str]] = {}
    for row, place in tables["fixed_ips"]:
        number = str(row.get("network_id"))
        address = words.address(row.get("address") or "")
        if _gone(row) or number not in networks:
            draft.skip(place, f"fixed_ips {row.get('id')}", "it, or its network, was deleted")
        elif address is None:
            draft.problem(place, "not_an_address", str(row.get("address"))[:100], "No address.")
        else:
            _fixed_ip(draft, row, place, address, networks[number], interfaces, made)
            if _true(row, "reserved"):
                taken.setdefault(number, []).append(address)
    for number, (_, subnet) in networks.items():
        if subnet is not None:
            subnet.pools = [
                part
                for pool in subnet.pools
                for part in words.without(pool, taken.get(number, []))
            ]
    for row, place in tables["floating_ips"]:
        address = words.address(row.get("address") or "")
        if address and not _gone(row):
            draft.hold(place, address, "it is a floating address")
            draft.problem(
                place,
                "floating_address",
                address,
                "A floating address has no equal here: it is held.",
            )


def _network(draft: Draft, row: dict[str, str | None], place: Place) -> tuple[str, Subnet | None]:
    key = row.get("label") or row.get("uuid") or f"network-{row.get('id')}"
    project = {"project_id": row["project_id"]} if row.get("project_id") else {}
    draft.networks.append(
        Network(
            place=place,
            key=key,
            bridge=row.get("bridge"),
            vlan=_number(row, "vlan"),
            mtu=_number(row, "mtu"),
            external_id=row.get("uuid"),
            attributes=dict(project),
        )
    )
    first: Subnet | None = None
    if cidr := words.prefix(row.get("cidr") or ""):
        first = Subnet(place=place, cidr=cidr, network=key, attributes=dict(project))
        first.gateway = words.address(row.get("gateway") or "")
        first.dns = [a for name in ("dns1", "dns2") if (a := words.address(row.get(name) or ""))]
        first.dhcp = row.get("enable_dhcp") is None or _true(row, "enable_dhcp")
        first.server_address = words.address(row.get("dhcp_server") or "")
        low, high = words.usable_ends(cidr)
        start = words.address(row.get("dhcp_start") or "") or low
        if words.inside(start, [cidr]):
            first.pools = [words.ordered(start, high)]
        draft.subnets.append(first)
    if cidr6 := words.prefix(row.get("cidr_v6") or ""):
        second = Subnet(place=place, cidr=cidr6, network=key, dhcp=False, attributes=dict(project))
        second.gateway = words.address(row.get("gateway_v6") or "")
        draft.subnets.append(second)
    return key, first


def _fixed_ip(  # noqa: PLR0917  # a row with all that it refers to
    draft: Draft,
    row: dict[str, str | None],
    place: Place,
    address: str,
    home: tuple[str, Subnet | None],
    interfaces: dict[str, dict[str, str | None]],
    made: dict[str, Reservation],
) -> None:
    network, subnet = home
    allocated, leased = _true(row, "allocated"), _true(row, "leased")
    interface = interfaces.get(str(row.get("virtual_interface_id")))
    mac = words.mac((interface or {}).get("address") or "")
    if allocated and interface and mac:
        _allocated(draft, row, place, address, network, interface, mac, made)
    elif allocated:
        _hold(draft, place, address, "no_interface", "It is allocated, and has no interface")
    elif leased:
        _hold(
            draft, place, address, "leased_but_not_allocated", "A machine may still have a lease"
        )
    elif row.get("host") and not row.get("instance_uuid"):
        _hold(draft, place, address, "server_of_host", f"It is the dnsmasq's of {row['host']}")
    elif _true(row, "reserved"):
        ends = words.ends(subnet.cidr) if subnet else ()
        if address in ends or (subnet and address in (subnet.gateway, subnet.server_address)):
            draft.skip(place, address, "it is the network's own")
        else:
            draft.hold(place, address, "nova-network keeps it")
    else:
        draft.skip(place, address, "it is free")


def _allocated(  # noqa: PLR0917  # a row with all that it refers to
    draft: Draft,
    row: dict[str, str | None],
    place: Place,
    address: str,
    network: str,
    interface: dict[str, str | None],
    mac: str,
    made: dict[str, Reservation],
) -> None:
    key = str(interface.get("id"))
    if key in made:
        made[key].addresses.append(address)
        draft.problem(
            place,
            "second_address_of_one_interface",
            address,
            f"{mac} has {made[key].addresses[0]} already, and DHCP can give it one: this one"
            " stays its port's, and it must set it itself.",
        )
    else:
        made[key] = Reservation(
            place=place,
            network=network,
            macs=[mac],
            addresses=[address],
            external_id=interface.get("uuid"),
            host=row.get("host"),
            attributes={
                "device_id": row.get("instance_uuid") or "",
                "device_owner": "compute:nova",
            },
        )
        draft.reservations.append(made[key])
    if _true(row, "leased"):
        draft.problem(
            place,
            "lease_time_unknown",
            address,
            "A lease lives, and the dump does not say until when: at most one dhcp_lease_time.",
        )


def _hold(draft: Draft, place: Place, address: str, code: str, text: str) -> None:
    draft.hold(place, address, text)
    draft.problem(place, code, address, f"{text}: the address is held.")


def _gone(row: dict[str, str | None]) -> bool:
    return row.get("deleted") not in (None, "0", "", "f", "false")


def _true(row: dict[str, str | None], name: str) -> bool:
    return (row.get(name) or "0").lower() in ("1", "t", "true", "\x01")


def _number(row: dict[str, str | None], name: str) -> int | None:
    text = row.get(name) or ""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 9 else None
