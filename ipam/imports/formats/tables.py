"""Lists of addresses as CSV: NetBox, phpIPAM, and plain ones. Columns are known by heading."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ipam.imports import words
from ipam.imports.documents import FormatError
from ipam.imports.estate import Draft, Network, Place, Reservation, Subnet, Wishes
from ipam.imports.files import Files

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "address": ("ip address", "address", "ip", "ip_addr", "ip_address", "ipaddress", "ipv4",
                "ipv4 address", "ipv6", "ipv6 address", "ip-adresse", "adresse ip",
                "dirección ip", "ip-address", "fixed_ip"),
    "mac": ("mac", "mac address", "mac_address", "mac-address", "macaddr", "hwaddr",
            "hw-address", "ethernet", "mac-adresse", "adresse mac", "hardware address"),
    "hostname": ("dns name", "dns_name", "hostname", "host name", "host", "name", "dns-name",
                 "machine", "fqdn", "dns", "nom dns", "nombre dns"),
    "status": ("status", "state", "tag", "estado", "statut"),
    "vrf": ("vrf", "vrf name"),
    "role": ("role", "rolle", "rôle"),
    "subnet": ("subnet", "prefix", "cidr", "network prefix", "präfix", "mask"),
    "network": ("network", "net", "segment", "section"),
    "gateway": ("gateway", "router", "is_gateway", "gw"),
    "vlan": ("vlan", "vlan id", "vid"),
    "description": ("description", "note", "comment", "comments", "beschreibung"),
    "client_id": ("client id", "client_id", "client-id"),
    "duid": ("duid",),
    "start": ("start address", "start_address", "start"),
    "end": ("end address", "end_address", "end"),
}  # fmt: skip
ADDRESS_MARKS: Final = ("dns name", "dns_name", "vrf", "nat inside", "nat_inside", "tenant")

_FORMULA = re.compile(r"[=+@\t\r]|-(?![0-9])")
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")


@dataclass(slots=True)
class Table:
    """A file with its rows. A row's cells are by what they mean."""

    path: str
    headings: list[str]
    meanings: dict[str, int]
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    def each(self) -> Iterator[tuple[Place, dict[str, str]]]:
        """The rows, each cell without what a spreadsheet puts in front of a formula."""
        for line, cells in self.rows:
            row = {
                name: cells[at].strip() for name, at in self.meanings.items() if at < len(cells)
            }
            yield (
                Place(self.path, line),
                {
                    name: cell[1:] if cell[:1] == "'" and _FORMULA.match(cell[1:]) else cell
                    for name, cell in row.items()
                },
            )


def table_of(files: Files, path: str, wishes: Wishes) -> Table | None:
    """The file as a table; None if no column of it has an address or a range."""
    text = files.texts[path]
    head = next((line for line in text.split("\n") if line.strip()), "")
    separator = max(",;\t", key=head.count)
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        line = 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FormatError(Place(path, reader.line_num), f"it is no CSV: {error}") from None
    if not rows:
        return None
    headings = [cell.strip().lower() for cell in rows[0][1]]
    meanings: dict[str, int] = {}
    for meaning, names in HEADINGS.items():
        wanted = wishes.columns.get(meaning, "").lower()
        found = [wanted] if wanted else [name for name in names if name in headings]
        if found and found[0] in headings and headings.index(found[0]) not in meanings.values():
            meanings[meaning] = headings.index(found[0])
    table = Table(path, headings, meanings, rows[1:])
    known = {"address", "subnet", "start"} & meanings.keys()
    return table if known else None


def kind_of(table: Table) -> str:
    """Which of the three it is."""
    names = set(table.headings)
    if "section" in names or "ip_addr" in names or ("ip address" in names and "subnet" in names):
        return "phpipam"
    if ("status" in names and names & set(ADDRESS_MARKS)) or "start address" in names:
        return "netbox"
    if {"prefix", "status"} <= names:
        return "netbox"
    return "csv"


def read(draft: Draft, tables: list[tuple[str, Table]], wishes: Wishes) -> None:
    """Take the rows of these tables: first prefixes, then addresses."""
    tables = sorted(tables, key=lambda one: "address" in one[1].meanings)
    reader = _Reader(draft, wishes)
    for kind, table in tables:
        for place, row in table.each():
            if "address" in table.meanings:
                reader.address(kind, place, row)
            elif "subnet" in table.meanings:
                reader.prefix(place, row)
            else:
                draft.problem(
                    place,
                    "range_not_taken",
                    row.get("start", "")[:100],
                    "A range says nothing of who gives its addresses: it is left out.",
                )


class _Reader:
    def __init__(self, draft: Draft, wishes: Wishes) -> None:
        self.draft = draft
        self.wishes = wishes
        self.known = [*wishes.prefixes, *(one.cidr for one in draft.subnets)]
        """The prefixes in which addresses can be."""
        self.cidrs = {one.cidr for one in draft.subnets}
        self.keys = {one.key for one in draft.networks}
        self.seen: dict[str, Place] = {}
        self.macs: dict[tuple[str, str], Place] = {}

    def prefix(self, place: Place, row: Mapping[str, str]) -> None:
        cidr = words.prefix(row.get("subnet", ""))
        if cidr is None:
            self._problem(place, "not_a_prefix", row.get("subnet", ""), "It is no prefix.")
        elif row.get("status", "").lower() == "container":
            self.draft.skip(place, cidr, "a container of prefixes is no subnet")
        elif row.get("vrf", "") != self.wishes.vrf:
            self._problem(place, "other_vrf", cidr, f"It is in the VRF '{row.get('vrf', '')}'.")
        else:
            self._add_prefix(place, cidr, row)

    def _add_prefix(self, place: Place, cidr: str, row: Mapping[str, str]) -> None:
        if cidr in self.cidrs:
            return
        self.cidrs.add(cidr)
        self.known.append(cidr)
        key = row.get("network") or row.get("vlan") or cidr
        if key not in self.keys:
            self.keys.add(key)
            self.draft.networks.append(Network(place=place, key=key))
        self.draft.subnets.append(Subnet(place=place, cidr=cidr, network=key, dhcp=False))

    def address(self, kind: str, place: Place, row: Mapping[str, str]) -> None:
        text = row.get("address", "")
        one = words.address(text.partition("/")[0])
        if one is None:
            if text or row.get("mac"):
                self._problem(place, "not_an_address", text or str(place), "It is no address.")
            return
        if row.get("vrf", "") != self.wishes.vrf and kind != "csv":
            self._problem(
                place,
                "other_vrf",
                one,
                f"It is in the VRF '{row.get('vrf', '')[:60]}', not in"
                f" {repr(self.wishes.vrf) if self.wishes.vrf else 'the global one'} (--vrf).",
            )
        elif not self._wanted(place, one, row):
            return
        elif one in self.seen:
            self._problem(
                place,
                "duplicate_address",
                one,
                f"It stands at {self.seen[one]} already: left out.",
            )
        elif self._has_home(kind, place, one, row):
            self.seen[one] = place
            self._take(place, one, row)

    def _wanted(self, place: Place, one: str, row: Mapping[str, str]) -> bool:
        status = row.get("status", "").lower()
        if status in ("dhcp", "slaac", "4"):
            self.draft.skip(place, one, f"{status}: somebody else gives the address")
            return False
        if status in ("deprecated", "free", "available"):
            self.draft.skip(place, one, f"{status}: it is not in use")
            self._problem(place, "not_in_use", one, f"It is marked as {status}: left out.")
            return False
        known = ("", "active", "reserved", "used", "offline", "1", "2", "3", "online")
        if status not in known:
            self._problem(
                place, "status_unknown", one, f"The status '{status[:40]}' is taken as in use."
            )
        return True

    def _has_home(self, kind: str, place: Place, one: str, row: Mapping[str, str]) -> bool:
        if (cidr := words.prefix(row.get("subnet", ""))) and words.inside(one, [cidr]):
            self._add_prefix(place, cidr, row)
            return True
        if words.inside(one, self.known):
            return True
        self._problem(
            place,
            "no_subnet",
            one,
            "No subnet has it: make the subnet first, or name it with --prefix."
            + (" The mask is the interface's, not the subnet's." if kind == "netbox" else ""),
        )
        return not self.known

    def _take(self, place: Place, one: str, row: Mapping[str, str]) -> None:
        found = Reservation(place=place, addresses=[one], network=row.get("network", ""))
        mac = self._mac(place, one, row.get("mac", ""))
        if mac:
            self._add_mac(place, found, one, mac, row)
        found.hostname = self._name(place, one, row.get("hostname", ""))
        for name in ("client_id", "duid"):
            if row.get(name):
                setattr(found, name, words.octets(row[name]))
        if row.get("description"):
            text = " ".join(row["description"].split())[:255]
            found.attributes["description"] = text if text.isprintable() else ""
        gateway = row.get("gateway", "")
        if gateway.lower() in ("1", "yes", "true"):
            self._gateway(place, one)
        self.draft.reservations.append(found)

    def _add_mac(
        self, place: Place, found: Reservation, one: str, mac: str, row: Mapping[str, str]
    ) -> None:
        version = "6" if ":" in one else "4"
        key = (mac, row.get("subnet", "") + version)
        found.macs = [mac]
        if key in self.macs:
            self._problem(
                place,
                "second_address_of_one_interface",
                one,
                f"{mac} stands at {self.macs[key]} already, and DHCP gives it one address.",
            )
        self.macs.setdefault(key, place)

    def _gateway(self, place: Place, one: str) -> None:
        for subnet in self.draft.subnets:
            if subnet.gateway is None and words.inside(one, [subnet.cidr]):
                subnet.gateway = one
                self.draft.skip(place, f"gateway {one}", "it is its subnet's gateway")

    def _mac(self, place: Place, one: str, text: str) -> str | None:
        if not text:
            self._problem(
                place, "no_mac", one, "No MAC address is said: the address is held by its name."
            )
            return None
        mac = words.mac(text)
        if mac is None and (_SCIENTIFIC.fullmatch(text) or (text.isalnum() and len(text) < 12)):
            self._problem(
                place,
                "mac_destroyed",
                one,
                f"'{text[:40]}' was a MAC address before a spreadsheet made a number of it: the"
                " address is held by its name.",
            )
        elif mac is None:
            self._problem(place, "bad_mac", one, f"'{text[:60]}' is no MAC address.")
        return mac

    def _name(self, place: Place, one: str, text: str) -> str | None:
        if not text:
            return None
        name = words.label(text)
        if name is None or not words.is_name(name) or _FORMULA.match(text):
            self._problem(
                place, "hostname_not_legal", one, f"'{text[:60]!a}' is no host name: left out."
            )
            return None
        return name

    def _problem(self, place: Place, code: str, subject: str, text: str) -> None:
        self.draft.problem(place, code, subject, text)
