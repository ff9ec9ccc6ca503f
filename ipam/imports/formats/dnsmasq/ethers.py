"""/etc/ethers, which changes the hosts that were read before it. As dnsmasq's dhcp_read_ethers."""

import re

from ipam.imports import words
from ipam.imports.estate import Draft, Place
from ipam.imports.files import Files
from ipam.imports.formats.dnsmasq.host_lines import HostLine, Hosts, name_fault

_NUMERIC = re.compile(r"[0-9.]+")


def read_ethers(draft: Draft, files: Files, path: str, hosts: Hosts) -> None:
    """Add the machines of the file, and change those that it names again."""
    for number, text in enumerate(files.texts[path].split("\n"), 1):
        place = Place(path, number)
        first, _, rest = text.strip().partition(" ")
        if "\t" in first:
            first, _, rest = text.strip().partition("\t")
        if not first or first[0] in "#+":
            if first[:1] == "#" and (mac := words.mac(first[1:] or rest.split(" ")[0])):
                draft.skip(place, mac, "the line is a comment")
            continue
        mac, rest = words.mac(first), rest.strip()
        if mac is None or not rest:
            draft.problem(
                place, "bad_line", first[:100], "It is no MAC with an address or a name: left out."
            )
        elif _NUMERIC.fullmatch(rest):
            _with_address(draft, place, hosts, mac, rest)
        else:
            _with_name(draft, place, hosts, mac, rest)


def _with_address(draft: Draft, place: Place, hosts: Hosts, mac: str, text: str) -> None:
    address = words.address(text)
    if address is None:
        draft.problem(
            place,
            "ethers_not_an_address",
            mac,
            f"'{text[:60]}' is no IPv4 address: dnsmasq leaves the line out, and so does this.",
        )
        return
    mine = HostLine(place, macs=[mac], address=address, from_ethers=True)
    same = hosts.at(address)
    if same is not None:
        _give(draft, mine, same, address, f"{address} is {same.subject}'s")
    elif known := hosts.alone_with(mac):
        if known.address:
            draft.problem(
                place,
                "address_overridden",
                mac,
                f"{known.place} says {known.address}; ethers, which is read later, says"
                f" {address}. {known.address} is free.",
            )
            hosts.free(known.address)
        known.address = address
        hosts.note(known)
    else:
        hosts.add(mine)


def _with_name(draft: Draft, place: Place, hosts: Hosts, mac: str, text: str) -> None:
    fault = name_fault(text) or _not_a_name(text)
    if fault:
        draft.problem(
            place,
            "ethers_not_an_address",
            mac,
            f"{fault[1]}, and it is no address: a comment behind a value is none in this file."
            " It is left out.",
        )
        return
    name = text.partition(".")[0]
    mine = HostLine(place, macs=[mac], name=name, from_ethers=True)
    same = hosts.named(name)
    if same is not None:
        _give(draft, mine, same, name, f"'{name}' is {same.subject}")
    elif known := hosts.alone_with(mac):
        known.name = name
        hosts.note(known)
    else:
        hosts.add(mine)


def _not_a_name(text: str) -> tuple[str, str] | None:
    bare = text.partition("#")[0].split()
    if len(text.split()) > 1 or (bare and _NUMERIC.fullmatch(bare[0])):
        return "ethers_not_an_address", f"'{text[:60]}' is taken for a host name by dnsmasq"
    return None


def _give(draft: Draft, mine: HostLine, same: HostLine, what: str, whose: str) -> None:
    """Give what a host has to the machine of this line, and to nobody else."""
    (mac,) = mine.macs
    if same.from_ethers:
        draft.problem(
            mine.place,
            "duplicate_address",
            mac,
            f"{what} stands in ethers before: dnsmasq leaves this line out, and so does this.",
        )
        return
    if same.macs != [mac]:
        draft.problem(
            mine.place,
            "mac_overridden",
            mac,
            f"{whose} at {same.place}: ethers, which is read later, gives it to {mac}.",
        )
    same.macs, same.patterns, same.client_id = [mac], [], None
