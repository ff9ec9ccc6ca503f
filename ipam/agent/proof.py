"""Decides whether a network's dnsmasq answers a port as promised, by probes. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from ipam.agent import promised
from ipam.agent.advertisement_proof import Heard
from ipam.agent.dnsmasq.probe_answers import PROBE_DUID, PROBE_IAID, Offer, Question, Refusal
from ipam.agent.dnsmasq.probe_words import named, told
from ipam.agent.promised import PromisedAnswer, Terms
from ipam.agent.served import ServedPort
from ipam.agent.state import Lease, NetworkState, interfaces_of
from ipam.rules.dhcp_option_wire import comparable

BOOT_SERVER, BOOT_FILE = 66, 67
"""Options that may be in the head of a DHCPv4 message."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A question, and what its answer must have."""

    question: Question
    addresses: frozenset[str]
    """The address must be one of these."""
    subnet_id: str
    answer: PromisedAnswer


@dataclass(frozen=True, slots=True)
class Lacks:
    """What is not as promised to one port."""

    of_port: str = ""
    """What is the port's own, in words; empty if all is as promised."""
    elsewhere: tuple[tuple[str, str], ...] = ()
    """The id of a subnet or network, and what is not as it promises to all of its machines."""
    gets_address: bool = True
    """Whether its machine gets an address in spite of it."""

    def __bool__(self) -> bool:
        return bool(self.of_port or self.elsewhere)

    def __str__(self) -> str:
        return _joined(self.sentences())

    def sentences(self) -> list[str]:
        """What is said of the port, and of each other thing."""
        return [*filter(None, [self.of_port]), *(said for _id, said in self.elsewhere)]


def promises(
    port: ServedPort, of_network: Terms, state: NetworkState, leases: Collection[Lease]
) -> list[Promise]:
    """A promise for each subnet in which DHCP gives the port addresses."""
    found = []
    for interface in interfaces_of(state.addresses):
        inside = {one for one in port.addresses if ip_address(one) in interface.network}
        subnet = of_network.subnet(str(interface.network))
        if inside and subnet:
            answer = promised.answer(
                subnet,
                mac_address=port.mac_address,
                hostname=port.hostname,
                extra_dhcp_opts=port.extra_dhcp_opts,
            )
            duid, iaid = _owner(port, inside, leases)
            question = Question(
                port.mac_address,
                str(interface.ip),
                frozenset(answer.options),
                client_id=bytes.fromhex((port.client_id or "").replace(":", "")),
                duid=duid,
                iaid=iaid,
            )
            found.append(Promise(question, frozenset(inside), subnet.row.id, answer))
    return found


def uncovered(port: ServedPort, state: NetworkState) -> str:
    """What is said of addresses in whose subnet the DHCP server has none; empty if it has."""
    networks = [one.network for one in interfaces_of(state.addresses)]
    bare = [a for a in sorted(port.addresses) if not any(ip_address(a) in n for n in networks)]
    return f"the DHCP server has no address in the subnet of {', '.join(bare)}" if bare else ""


def lacks(promise: Promise, answers: Mapping[Question, Offer | Refusal]) -> Lacks:
    """What the answer to one question is not as promised."""
    answer, wanted = answers.get(promise.question), " or ".join(sorted(promise.addresses))
    mac = promise.question.mac
    match answer:
        case None:
            return Lacks(f"dnsmasq does not offer {wanted} to {mac}", gets_address=False)
        case Refusal():
            said = f"dnsmasq refuses {wanted} to {mac}: {answer.text}"
            return Lacks(said, gets_address=False)
        case Offer() if answer.address not in promise.addresses:
            said = f"dnsmasq offers {answer.address} and not {wanted}"
            return Lacks(said, gets_address=False)
    of_port = promise.answer.of_port
    own = _differences(promise.answer, answer, "dnsmasq's answer", of_port)
    shared = promise.answer.options.keys() - of_port
    of_subnet = _joined(_differences(promise.answer, answer, f"dnsmasq's answer to {mac}", shared))
    more = _differences_beside(promise.answer, answer)
    elsewhere = ((promise.subnet_id, of_subnet),) if of_subnet else ()
    return Lacks(_joined((*own, *more)), elsewhere)


def in_all(
    port: ServedPort, state: NetworkState, each: Sequence[Lacks], heard: Heard, said: str
) -> Lacks:
    """What a port lacks in all subnets, and in what is advertised.

    `said` is dnsmasq's own verdict on the port, which is told if no answer shows more.
    """
    heard = heard if port.is_advertised_to else Heard()
    own = uncovered(port, state) or _joined(one.of_port for one in each if one.of_port)
    elsewhere = [pair for one in each for pair in one.elsewhere]
    if heard.lacks:
        elsewhere.append((state.id, heard.lacks))
    makes_one = port.makes_own_address and heard.gives_prefixes
    gets_address = makes_one or any(one.gets_address for one in each)
    return Lacks(own if own or elsewhere else said, tuple(elsewhere), gets_address=gets_address)


def _differences(
    wanted: PromisedAnswer, offer: Offer, what: str, codes: Collection[int]
) -> Iterator[str]:
    """Sentences on the options of these codes that are missing, other or too many."""
    version = 6 if ":" in offer.address else 4
    missing = []
    for code in sorted(codes):
        promised_octets, got = wanted.options[code], _octets(offer, code)
        if _same(code, version, promised_octets, got):
            continue
        if not got:
            missing.append(code)
            continue
        name, value = named(code, version), told(code, version, got)
        if promised_octets:
            other = f"and not {told(code, version, promised_octets)}"
            yield f"{what} has DHCP option {name} as {value} {other}"
        else:
            yield f"{what} has DHCP option {name}, {value}, that it should not have"
    if missing:
        yield f"{what} has no DHCP option {', '.join(named(one, version) for one in missing)}"


def _differences_beside(wanted: PromisedAnswer, offer: Offer) -> Iterator[str]:
    """Sentences on what is no option."""
    if offer.lease_seconds != wanted.lease_seconds:
        lease = f"{offer.lease_seconds} s and not {wanted.lease_seconds} s"
        yield f"dnsmasq's answer has a lease of {lease}"
    if wanted.next_server and offer.next_server != wanted.next_server:
        other = f"{offer.next_server or 'none'} and not {wanted.next_server}"
        yield f"dnsmasq's answer has the next server {other}"


def _joined(sentences: Iterable[str]) -> str:
    return "; ".join(sentences)


def _same(code: int, version: int, one: bytes, other: bytes) -> bool:
    return one == other or comparable(code, version, one) == comparable(code, version, other)


def _octets(offer: Offer, code: int) -> bytes:
    """The option's octets; those in the head of a DHCPv4 message, too."""
    in_head = {BOOT_SERVER: offer.server_name, BOOT_FILE: offer.boot_file}
    head = in_head.get(code, "") if ":" not in offer.address else ""
    return offer.options.get(code) or head.encode(errors="replace")


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
