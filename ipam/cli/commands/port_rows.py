"""`ipam port create --from-file`: many ports at once, from a list of machines."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from ipam.cli import address_checks, lookup
from ipam.cli.commands.estate import read_file
from ipam.cli.estate.reading import format_of, rows
from ipam.cli.estate.text_form import PORT as FORM
from ipam.cli.estate.text_form import body_of_port, of_port, with_own_addresses
from ipam.cli.failures import report
from ipam.cli.printing import Listing, items_text
from ipam.cli.resource_kinds import NETWORK, PORT
from ipam.cli.terminal import say, say_lines, say_over
from ipam.errors import IpamError

if TYPE_CHECKING:
    from ipam.client import Client

AT_ONCE: Final = 100
"""Ports in one request with --keep-going: if one is refused, each is tried by itself."""


@dataclass(frozen=True, slots=True)
class New:
    """A port to make, and where the list has it."""

    place: str
    body: Mapping[str, Any]


def create_from_file(
    client: "Client",
    path: str,
    file_format: str | None,
    network: str | None,
    *,
    keep_going: bool,
    check: bool,
    output_format: str,
    wanted: Sequence[str],
) -> None:
    """Make the ports of a list that are not there yet, all or none; or as many as can be made.

    A port is there if its network has one of the same MAC address; without one, of the same name.
    """
    data, name = read_file(path)
    usual = "csv" if path == "-" else None
    found = list(rows(data, format_of(name, file_format or usual), name))
    new, same, faults = _sorted_out(client, found, network)
    if check:
        new, used = _unused(client, new)
        faults += used
    if faults and not keep_going:
        say_lines("\n".join(faults), err=True)
        raise click.ClickException(f"{len(faults)} of {len(found)} cannot be made: none is made.")
    for fault in faults:
        report(fault)
    if keep_going:
        made, refused = _as_many_as_can_be(client, new)
    else:
        made, refused = _all(client, new), 0
    text = items_text(client, PORT, made, Listing(output_format, wanted)) if made else ""
    if text:
        say_lines(text)
    failed = refused + len(faults)
    say(f"{len(made)} created, {same} there before, {failed} refused.", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _sorted_out(
    client: "Client", found: Sequence[tuple[str, dict[str, Any]]], network: str | None
) -> tuple[list[New], int, list[str]]:
    """What to make; how many are there; what is wrong with the others."""
    new: list[New] = []
    faults: list[str] = []
    same = 0
    networks: dict[str, tuple[str, dict[str, Mapping[str, Any]]]] = {}
    seen: dict[tuple[str, str], str] = {}
    for place, row in found:
        home = str(row.pop("network", network) or "")
        strange = [one for one in row if one not in FORM.fields]
        if isinstance(mac := row.get("mac_address"), str):
            row["mac_address"] = FORM.key_of(mac)
        key = str(row.get("mac_address") or row.get("name") or "").lower()
        if strange:
            known = ", ".join(("network", *FORM.fields))
            faults.append(f"{place}: there is no field {', '.join(strange)}. There are: {known}.")
        elif not home:
            faults.append(f"{place}: it names no network, and --network is not given.")
        elif not key:
            faults.append(f"{place}: it has neither a mac_address nor a name.")
        elif (home, key) in seen:
            faults.append(f"{place}: {key} is at {seen[home, key]}, too.")
        else:
            seen[home, key] = place
            if home not in networks:
                try:
                    networks[home] = _present(client, home)
                except IpamError as error:
                    faults.append(f"{place}: {error}")
                    continue
            network_id, present = networks[home]
            if key not in present:
                new.append(New(place, {**body_of_port(row), "network_id": network_id}))
            elif differing := _differing(row, present[key]):
                faults.append(f"{place}: {key} is there with another {', '.join(differing)}.")
            else:
                same += 1
    return new, same, faults


def _unused(client: "Client", new: Sequence[New]) -> tuple[list[New], list[str]]:
    """Those whose addresses no other machine uses; what is wrong with the others."""
    wanted: dict[str, dict[str, New]] = {}
    for one in new:
        for fixed_ip in one.body.get("fixed_ips", ()):
            address = address_checks.canonical(str(fixed_ip["ip_address"]))
            wanted.setdefault(one.body["network_id"], {})[address] = one
    used: dict[str, str] = {}
    for network_id, of_network in wanted.items():
        heard = address_checks.ask(client, network_id, list(of_network))
        heard.say_failures()
        for address, mac, host in heard.machines:
            one = of_network[address]
            if mac != one.body.get("mac_address"):
                used[one.place] = f"{one.place}: {address} is in use by {mac} on host {host}."
    return [one for one in new if one.place not in used], list(used.values())


def _present(client: "Client", network: str) -> tuple[str, dict[str, Mapping[str, Any]]]:
    """The network's id, and its ports by MAC address and by name."""
    network_id = lookup.find_id(client, NETWORK, network)
    ports = client.list(PORT.path, PORT.collection, {"network_id": network_id})
    by_key = {one["name"].lower(): one for one in ports if one["name"]}
    return network_id, by_key | {one["mac_address"]: one for one in ports}


def _differing(row: Mapping[str, Any], port: Mapping[str, Any]) -> list[str]:
    present = of_port(port)

    def plain(value: Any) -> Any:
        return sorted(map(str, value)) if isinstance(value, list) else str(value).lower()

    return [
        name
        for name, value in with_own_addresses(row, port).items()
        if plain(value) != plain(present.get(name, FORM.fields[name]))
    ]


def _all(client: "Client", new: Sequence[New]) -> list[dict[str, Any]]:
    if not new:
        return []
    made: list[dict[str, Any]] = client.post(
        PORT.path, json={PORT.collection: [one.body for one in new]}
    )[PORT.collection]
    return made


def _as_many_as_can_be(client: "Client", new: Sequence[New]) -> tuple[list[dict[str, Any]], int]:
    """Those that were made, and how many were refused."""
    made: list[dict[str, Any]] = []
    refused = 0
    for start in range(0, len(new), AT_ONCE):
        some = new[start : start + AT_ONCE]
        try:
            made += _all(client, some)
        except IpamError:
            for one in some:
                try:
                    made += _all(client, [one])
                except IpamError as error:
                    report(f"{one.place}: {error}")
                    refused += 1
        _say_progress(start + len(some), len(new))
    return made, refused


def _say_progress(done: int, of: int) -> None:
    """How many are done, on a terminal."""
    if sys.stderr.isatty() and of > AT_ONCE:
        say_over(f"{done} of {of}", end="\n" if done == of else "")
