"""Sentences by id of a port, subnet or network, from dnsmasq's verdicts. Pure."""

import re
from collections.abc import Iterable, Mapping

from ipam.agent.dnsmasq.current_verdicts import OF_ADDRESSES
from ipam.agent.dnsmasq.verdict_words import fix, sentence
from ipam.agent.dnsmasq.verdicts import Kind, Verdict
from ipam.agent.served import ServedNetwork

ID_LENGTH = 36
_SUBNET_TAG = re.compile(r"tag:subnet-([0-9a-f-]{36})")
_FAULT = re.compile(r"[a-z]+ (?P<id>[0-9a-f-]{36}): (?P<sentence>.+)", re.DOTALL)
_TAGS = re.compile(r"(?:tag:[^,]*,)+")


def of_verdicts(served: ServedNetwork, verdicts: Iterable[Verdict]) -> dict[str, str]:
    """A sentence with its fix for each port, subnet or network that a verdict is about."""
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.file and not _line(served, verdict):
            continue  # about something that does not exist any more
        whole = f"{sentence(verdict)}{_quoted(served, verdict)}. {fix(verdict)}"
        found.setdefault(subject(served, verdict), []).append(whole)
    return {key: " ".join(dict.fromkeys(sentences)) for key, sentences in found.items()}


def withheld(served: ServedNetwork, verdicts: Iterable[Verdict]) -> set[str]:
    """The ids of the ports whose address dnsmasq has said that it gives to nobody."""
    addresses = {one.address for one in verdicts if one.kind in OF_ADDRESSES}
    return {p.id for p in served.ports.values() if not addresses.isdisjoint(p.addresses)}


def of_faults(faults: Iterable[str]) -> dict[str, str]:
    """What was left out of dnsmasq's files, by the id that the sentence begins with."""
    found = [match for fault in faults if (match := _FAULT.fullmatch(fault))]
    return joined({one["id"]: f"{one['sentence']}."} for one in found)


def joined(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All troubles. If one thing has several, their sentences follow each other."""
    together: dict[str, list[str]] = {}
    for one in found:
        for key, trouble in one.items():
            together.setdefault(key, []).append(trouble)
    return {key: " ".join(dict.fromkeys(sentences)) for key, sentences in together.items()}


def fitting(found: Mapping[str, str], most: int) -> dict[str, str]:
    """As many of the troubles as fit so many characters; those of the host itself come first.

    Characters count as in `repr`, by which the API counts them.
    """
    kept: dict[str, str] = {}
    for key in sorted(found, key=lambda one: (len(one) == ID_LENGTH, one)):
        most -= len(repr({key: found[key]}))
        if most < 0:
            break
        kept[key] = found[key]
    return kept


def subject(served: ServedNetwork, verdict: Verdict) -> str:
    """The id of what a verdict is about: a port if possible, else a subnet, else the network."""
    folder, _, name = verdict.file.partition("/")
    if folder in ("hosts", "options"):
        if name in served.ports:
            return name
        tag = _SUBNET_TAG.search(_line(served, verdict))
        return tag[1] if tag else served.state.id
    for port in served.ports.values():
        if verdict.address and verdict.address in port.addresses:
            return port.id
        if verdict.kind is Kind.OPTION_LEFT_OUT and verdict.mac == port.mac_address:
            return port.id
    return served.state.id


def _line(served: ServedNetwork, verdict: Verdict) -> str:
    """The line that a verdict is about, if it is still wanted."""
    lines = served.state.files.get(verdict.file, "").splitlines()
    return lines[verdict.line - 1] if 0 < verdict.line <= len(lines) else ""


def _quoted(served: ServedNetwork, verdict: Verdict) -> str:
    if verdict.kind is not Kind.OPTION_DROPPED:
        return ""
    return f" ({_TAGS.sub('', _line(served, verdict), count=1)[:200]})"
