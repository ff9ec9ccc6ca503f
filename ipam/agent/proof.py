"""Decides whether a network's dnsmasq answers a port as promised, by probes. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from ipam.agent.desired import ServedPort
from ipam.agent.dnsmasq.probe_answers import PROBE_DUID, PROBE_IAID, Offer, Question, Refusal
from ipam.agent.state import Lease, NetworkState

BOOT_SERVER, BOOT_FILE = 66, 67
"""Options that may be in the head of a DHCPv4 message."""


NEXT_SERVER = "255"
"""dnsmasq's number for the next server, which is a field in the head and no option."""
_MAC_TAG = re.compile(r"tag:m[0-5]-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Promise:
    """A question, and what its answer must have."""

    question: Question
    addresses: frozenset[str]
    """The address must be one of these."""


def promises(port: ServedPort, state: NetworkState, leases: Collection[Lease]) -> list[Promise]:
    """A promise for each subnet in which DHCP gives the port addresses."""
    found = []
    for server in sorted(state.addresses):
        interface = ip_interface(server)
        inside = {one for one in port.addresses if ip_address(one) in interface.network}
        if inside:
            text = state.files.get(f"options/{port.id}", "")
            codes = frozenset(_codes(text, interface.version))
            duid, iaid = _owner(port, inside, leases)
            client_id = bytes.fromhex((port.client_id or "").replace(":", ""))
            question = Question(
                port.mac_address,
                str(interface.ip),
                codes,
                client_id=client_id,
                duid=duid,
                iaid=iaid,
            )
            found.append(Promise(question, frozenset(inside)))
    return found


def uncovered(port: ServedPort, state: NetworkState) -> str:
    """What is said of addresses in whose subnet the DHCP server has none; empty if it has."""
    networks = [ip_interface(server).network for server in state.addresses]
    bare = [a for a in sorted(port.addresses) if not any(ip_address(a) in n for n in networks)]
    return f"the DHCP server has no address in the subnet of {', '.join(bare)}" if bare else ""


def shortcoming(promise: Promise, answers: Mapping[Question, Offer | Refusal]) -> str:
    """What is not as promised; empty if everything is."""
    answer, wanted = answers.get(promise.question), " or ".join(sorted(promise.addresses))
    match answer:
        case None:
            return f"dnsmasq does not offer {wanted} to {promise.question.mac}"
        case Refusal():
            return f"dnsmasq refuses {wanted} to {promise.question.mac}: {answer.text}"
        case Offer():
            if answer.address not in promise.addresses:
                return f"dnsmasq offers {answer.address} and not {wanted}"
            missing = [str(c) for c in sorted(promise.question.options) if not _has(answer, c)]
            return f"dnsmasq's answer has no DHCP option {', '.join(missing)}" if missing else ""


def _has(offer: Offer, code: int) -> bool:
    if code in offer.options:
        return True
    in_head = {BOOT_SERVER: offer.server_name, BOOT_FILE: offer.boot_file}
    return ":" not in offer.address and bool(in_head.get(code))


def _codes(text: str, version: int) -> Iterator[int]:
    """The codes of the options with a value that a port's file gives clients of an IP version."""
    for line in text.splitlines():
        fields = [field for field in line.split(",") if not _MAC_TAG.fullmatch(field)]
        keyword, _, number = fields[0].rpartition(":")
        is_of_version = keyword == ("option6" if version == 6 else "")
        # An option with conditions begins with a tag, and not every request meets them.
        if len(fields) > 1 and is_of_version and number != NEXT_SERVER:
            yield int(number)


def _owner(
    port: ServedPort, addresses: Collection[str], leases: Collection[Lease]
) -> tuple[bytes, bytes]:
    """The DUID and IAID with which the machine has one of the addresses, or the probe's own."""
    for lease in leases:
        if lease.ip_address in addresses and lease.mac_address in (port.mac_address, None):
            try:
                duid = bytes.fromhex((lease.duid or "").replace(":", ""))
                iaid = int((lease.iaid or "").removeprefix("T")).to_bytes(4)
            except (ValueError, OverflowError):
                continue
            return duid, iaid
    return PROBE_DUID, PROBE_IAID
