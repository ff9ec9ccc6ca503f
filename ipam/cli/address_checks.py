"""Has agents ask who uses addresses, before they are given by hand."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from ipam.chunks import chunks
from ipam.cli.resource_kinds import NETWORK
from ipam.cli.terminal import say
from ipam.errors import IpamError

if TYPE_CHECKING:
    from ipam.client import Client

PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 10.0
AT_ONCE = 100
"""Addresses in one question: the most that the API takes."""

check_option = click.option(
    "--check",
    is_flag=True,
    help="First have the agents ask by ARP and ND who uses the address; refuse it if a machine"
    " answers, or nobody can look.",
)


@dataclass(slots=True)
class Heard:
    """What hosts heard of who uses addresses."""

    machines: list[tuple[str, str, str]] = field(default_factory=list)
    """Address, MAC address and host, in order, of each answer."""
    looked: set[str] = field(default_factory=set)
    """The hosts that could ask."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why others could not, in words, by host."""

    def say_failures(self) -> None:
        """Say which hosts did not look."""
        for host, why in sorted(self.failed.items()):
            say(f"Host {host} did not look: {why}", err=True)


def ask(client: "Client", network_id: str, addresses: Sequence[str]) -> Heard:
    """Ask the hosts of the network about these addresses, and wait for their answers.

    Raises IpamError if no host could look.
    """
    path = f"{NETWORK.path}/{network_id}/address-checks"
    heard = Heard()
    for some in chunks(addresses, AT_ONCE):
        body = {"address_check": {"ip_addresses": list(some)}}
        asked = client.post(path, json=body)["address_check"]
        _take_in(heard, _answered(client, f"{path}/{asked['id']}", asked))
    if not heard.looked:
        whys = [f"host {host}: {why}" for host, why in sorted(heard.failed.items())]
        because = "; ".join(whys) or "no living agent has the network."
        raise IpamError(
            f"Nobody could look who uses {_listed(addresses)}: {because} `ipam network show"
            f" {network_id}` shows its hosts."
        )
    return heard


def refuse_used(client: "Client", network_id: str, wanted: Mapping[str, str | None]) -> None:
    """Raise IpamError for addresses that a machine uses, or if nobody could look.

    `wanted` has the MAC address of the machine that may use each address, if there is one.
    """
    if not wanted:
        raise click.UsageError("--check needs an address: name it with --fixed-ip ip-address=IP.")
    wanted = {canonical(address): mac for address, mac in wanted.items()}
    heard = ask(client, network_id, list(wanted))
    heard.say_failures()
    used = [
        f"{address} is in use: {mac} answers for it on host {host}."
        for address, mac, host in heard.machines
        if mac != wanted[address]
    ]
    if used:
        mac = next(mac for address, mac, _ in heard.machines if mac != wanted[address])
        raise IpamError(
            f"{' '.join(used)} Nothing is changed. `ipam find {mac}` says what is known of the"
            " machine."
        )


def canonical(address: str) -> str:
    """The address as the API writes it; what it refuses as it is."""
    from ipam import values  # noqa: PLC0415  # msgspec, which the help does without

    try:
        return values.address(address)
    except ValueError:
        return address


def _answered(client: "Client", path: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question with all answers, or with those that came in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    found = asked
    while len(found["answers"]) < len(found["hosts"]) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        found = client.get(path)["address_check"]
    return found


def _take_in(heard: Heard, found: Mapping[str, Any]) -> None:
    answers: Iterable[Mapping[str, Any]] = found["answers"]
    for answer in answers:
        if answer["trouble"]:
            heard.failed[answer["host"]] = answer["trouble"]
            continue
        heard.looked.add(answer["host"])
        heard.machines += [
            (one["ip_address"], one["mac_address"], answer["host"]) for one in answer["machines"]
        ]
    for host in set(found["hosts"]) - {answer["host"] for answer in answers}:
        heard.failed[host] = f"its agent has not answered in {PATIENCE_SECONDS:g} s."


def _listed(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - 3} more" if len(addresses) > 3 else ""
    return ", ".join(addresses[:3]) + more
