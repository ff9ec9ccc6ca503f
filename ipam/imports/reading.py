"""From files to an estate: which format they are of, and its parser. Pure."""

from collections.abc import Callable
from typing import Final

from ipam.imports import checks
from ipam.imports.documents import FormatError, Node, read_json, read_yaml
from ipam.imports.estate import (
    Draft,
    Estate,
    ImportUnreadable,
    Place,
    Reservation,
    Wishes,
)
from ipam.imports.files import Files
from ipam.imports.formats import (
    incus,
    isc_conf,
    isc_leases,
    kea_conf,
    kea_leases,
    libvirt,
    neutron,
    nova_network,
    tables,
)
from ipam.imports.formats.dnsmasq import read as dnsmasq
from ipam.imports.formats.dnsmasq.leases import is_lease_file

FORMATS: Final = ("dnsmasq", "isc", "kea", "libvirt", "incus", "neutron", "nova-network",
                  "netbox", "phpipam", "csv")  # fmt: skip


class _Kinds:
    """The files by their format, with what was parsed to find it out."""

    def __init__(self, files: Files, wishes: Wishes) -> None:
        self.files = files
        self.wishes = wishes
        self.paths: dict[str, list[str]] = {}
        self.nodes: dict[str, list[Node]] = {}
        self.tables: dict[str, tables.Table] = {}
        self.faults: dict[str, FormatError] = {}
        for path in files.texts:
            kind = self._of(path)
            self.paths.setdefault(kind, []).append(path)

    def _of(self, path: str) -> str:
        text = self.files.texts[path]
        start = text.lstrip()
        try:
            if start.startswith("<"):
                return "libvirt" if "<network" in text else ""
            if kea_leases.is_memfile(text):
                return "kea"
            if nova_network.is_dump(text):
                return "nova-network"
            if self._is_json(start):
                self.nodes[path] = [read_json(self.files, path)]
                return _kind_of_document(self.nodes[path][0]) or self._unknown_json(path)
        except FormatError as error:
            self.faults[path] = error
            return "libvirt" if start.startswith("<") else ("kea" if "Dhcp" in text else "")
        return self._table(path) or _by_lines(path, text) or self._yaml(path)

    def _is_json(self, start: str) -> bool:
        if start[:1] in "{[" and start:
            return True
        return ('"Dhcp4"' in start or '"Dhcp6"' in start) and start.startswith(("//", "#", "/*"))

    def _unknown_json(self, path: str) -> str:
        return "libvirt" if path.endswith(".status") else ""

    def _yaml(self, path: str) -> str:
        text = self.files.texts[path]
        if ":" not in text or len(text) > 8 * 1024 * 1024:
            return ""
        try:
            nodes = read_yaml(self.files, path)
        except FormatError:
            return ""
        if any(map(incus.is_incus, nodes)):
            self.nodes[path] = nodes
            return "incus"
        return ""

    def _table(self, path: str) -> str:
        try:
            table = tables.table_of(self.files, path, self.wishes)
        except FormatError as error:
            self.faults[path] = error
            return ""
        if table is None:
            return ""
        self.tables[path] = table
        return tables.kind_of(table)


def _kind_of_document(root: Node) -> str:
    members = (root.get("arguments") or root).members().keys()
    if members & {"Dhcp4", "Dhcp6", "leases"}:
        return "kea"
    if neutron.is_neutron(root):
        return "neutron"
    first = root.items()[:1]
    if first and first[0].get("ip-address"):
        return "libvirt"
    if first and first[0].get("arguments"):
        return "kea"
    return "incus" if incus.is_incus(root) else ""


def _by_lines(path: str, text: str) -> str:
    name = path.rpartition("/")[2]
    if is_lease_file(text):
        return "dnsmasq"
    if _is_isc(text):
        return "isc"
    if dnsmasq.form_of(text) or name == "dnsmasq.conf":
        return "dnsmasq"
    return ""


_ISC_STARTS: Final = ("lease ", "subnet ", "subnet6 ", "shared-network ", "host ", "group ",
                      "option ", "ia-na ", "ia-ta ", "ia-pd ", "server-duid ", "class ", "pool ",
                      "authoring-byte-order ", "default-lease-time ", "max-lease-time ",
                      "ddns-update-style ", "failover ", "group{", "include ")  # fmt: skip


def _is_isc(text: str) -> bool:
    for line in text.split("\n"):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if bare.startswith(("authoritative;", "authoritative ;")):
            return True
        if bare.startswith(_ISC_STARTS) and any(sign in text for sign in "{;"):
            return True
        if bare[-1] not in ";{}":
            return False
    return False


def _is_isc_leases(text: str) -> bool:
    return any(
        line.startswith(
            ("lease ", "ia-na ", "ia-ta ", "ia-pd ", "server-duid ", "authoring-byte-order ")
        )
        for line in text.split("\n")
    )


def read(files: Files, wishes: Wishes, wanted: str = "") -> Estate:
    """All that the files say. `wanted` is a format, for files that have several or look like none.

    Raises ImportUnreadable for input of no known kind. Every other fault is among the problems.
    """
    kinds = _Kinds(files, wishes)
    found = [kind for kind in kinds.paths if kind]
    if wanted:
        found = [wanted]
        for other in [kind for kind in kinds.paths if kind != wanted]:
            if wanted in ("dnsmasq", "isc") and other in ("", "csv"):
                kinds.paths.setdefault(wanted, []).extend(kinds.paths.pop(other))
    elif (
        "dnsmasq" in found
        and len(found) > 1
        and any(path.rpartition("/")[2] == "dnsmasq.conf" for path in files.texts)
    ):
        found = ["dnsmasq"]
    elif "incus" in found and "dnsmasq" in found:
        found = ["incus"]
    elif len({"netbox", "phpipam", "csv"} | set(found)) == 3 and found:
        found = found[:1]
    if len(found) != 1:
        raise ImportUnreadable(_unreadable(kinds, found))
    kind = found[0]
    draft = Draft(format=kind)
    _READERS[kind](draft, kinds)
    for path, error in kinds.faults.items():
        draft.problem(error.place, "syntax", path, f"It cannot be read: {error}.")
    for other, paths in kinds.paths.items():
        if (
            other not in (kind, "dnsmasq" if kind == "incus" else kind)
            and kind != "dnsmasq"
            and (
                other not in ("netbox", "phpipam", "csv")
                or kind not in ("netbox", "phpipam", "csv")
            )
        ):
            for path in paths:
                draft.skip(Place(path), path, f"it is no file of {kind}")
    for path, note in files.notes.items():
        draft.problem(Place(path), "not_utf8", path, f"{note}.")
    checks.check(draft)
    if kinds.faults and not (draft.subnets or draft.reservations or draft.leases or draft.held):
        raise ImportUnreadable(_unreadable(kinds, []))
    return draft


def _unreadable(kinds: _Kinds, found: list[str]) -> str:
    if found:
        of = ", ".join(f"{kind} ({kinds.paths[kind][0]})" for kind in found)
        return f"The files are of several formats: {of}. Say which with --source-format."
    if kinds.faults:
        return " ".join(f"{one.place}: {one}." for one in list(kinds.faults.values())[:20])
    names = ", ".join(sorted(kinds.files.texts)[:5]) or "nothing"
    return (
        f"There is no file of a known format ({names}). Known are: {', '.join(FORMATS)}. Say which"
        " it is with --source-format."
    )


def _guarded(kinds: _Kinds, path: str, work: Callable[[], None]) -> None:
    try:
        work()
    except FormatError as error:
        kinds.faults[path] = error


def _all_of_dnsmasq(draft: Draft, kinds: _Kinds) -> None:
    dnsmasq.read(draft, kinds.files, kinds.wishes)


def _isc(draft: Draft, kinds: _Kinds) -> None:
    paths = kinds.paths.get("isc", [])
    leases = [path for path in paths if _is_isc_leases(kinds.files.texts[path])]
    confs = [path for path in paths if path not in leases]
    isc_conf.read(draft, kinds.files, confs)
    isc_leases.read(draft, kinds.files, leases, kinds.wishes.now)


def _kea(draft: Draft, kinds: _Kinds) -> None:
    paths = kinds.paths.get("kea", [])
    included = [path for path in paths if path not in kinds.nodes]
    for path in paths:
        for node in kinds.nodes.get(path, ()):
            kea_conf.read(draft, node)
            kea_leases.read_answer(draft, node, kinds.wishes.now)
    memfiles = [path for path in included if path not in kinds.faults]
    kea_leases.read(draft, kinds.files, memfiles, kinds.wishes.now)


def _libvirt(draft: Draft, kinds: _Kinds) -> None:
    for path in kinds.paths.get("libvirt", []):
        if path in kinds.nodes:
            libvirt.read_status(draft, kinds.nodes[path][0], kinds.wishes.now)
        else:
            _guarded(kinds, path, lambda path=path: libvirt.read(draft, kinds.files, path))  # type: ignore[misc]


def _incus(draft: Draft, kinds: _Kinds) -> None:
    nodes = [node for path in kinds.paths.get("incus", []) for node in kinds.nodes.get(path, ())]
    incus.read(draft, nodes, kinds.wishes.now)
    of_dnsmasq = kinds.paths.get("dnsmasq", [])
    if of_dnsmasq:
        texts = {path: kinds.files.texts[path] for path in of_dnsmasq}
        dnsmasq.read(draft, Files(texts), kinds.wishes)
        _say_once(draft)


def _say_once(draft: Draft) -> None:
    """Leave out what instances and lists say as well as dnsmasq's own files, which know more."""
    draft.leases = list({one.address: one for one in draft.leases}.values())
    first: dict[tuple[str, ...], Reservation] = {}
    for one in draft.reservations:
        first.setdefault((*one.macs, *one.addresses), one)
    draft.reservations = list(first.values())


def _neutron(draft: Draft, kinds: _Kinds) -> None:
    neutron.read(
        draft, [node for path in kinds.paths.get("neutron", []) for node in kinds.nodes[path]]
    )


def _nova_network(draft: Draft, kinds: _Kinds) -> None:
    for path in kinds.paths.get("nova-network", []):
        nova_network.read(draft, kinds.files, path)


def _tables(draft: Draft, kinds: _Kinds) -> None:
    for path in kinds.files.texts:
        if path not in kinds.tables:
            kinds._table(path)  # noqa: SLF001  # its own
    named = draft.format
    found = [
        (named if len(kinds.tables) == 1 else tables.kind_of(table), table)
        for table in kinds.tables.values()
    ]
    tables.read(draft, found, kinds.wishes)


_READERS: Final[dict[str, Callable[[Draft, _Kinds], None]]] = {
    "dnsmasq": _all_of_dnsmasq,
    "isc": _isc,
    "kea": _kea,
    "libvirt": _libvirt,
    "incus": _incus,
    "neutron": _neutron,
    "nova-network": _nova_network,
    "netbox": _tables,
    "phpipam": _tables,
    "csv": _tables,
}
