"""The answer to a question about a port: each subnet's offer, and what it lacks. Pure."""

from collections.abc import Mapping, Sequence

from ipam.agent.dnsmasq.probe_answers import Offer, Question, Refusal
from ipam.agent.dnsmasq.probe_words import in_words
from ipam.agent.proof import Promise, shortcoming
from ipam.protocol.probes import Offered, ProbeAnswer, ToldOption


def answer(
    probe_id: str, promised: Sequence[Promise], answers: Mapping[Question, Offer | Refusal]
) -> ProbeAnswer:
    """The whole answer to a question about a port."""
    offers = [_offered(one, answers) for one in promised]
    trouble = "" if offers else "No DHCP server of this host is to give it an address."
    return ProbeAnswer(id=probe_id, offers=offers, trouble=trouble)


def _offered(promise: Promise, answers: Mapping[Question, Offer | Refusal]) -> Offered:
    offer = answers.get(promise.question)
    server, lacks = promise.question.server, shortcoming(promise, answers)
    if not isinstance(offer, Offer):
        return Offered(server=server, lacks=lacks)
    version = 6 if ":" in offer.address else 4
    options = [ToldOption(**one) for one in in_words(offer.options, version)]
    heads = {"next-server": offer.next_server, "boot-file": offer.boot_file}
    options += [ToldOption("", name, value) for name, value in heads.items() if value]
    return Offered(
        server=server,
        address=offer.address,
        prefix_length=offer.prefix_length,
        lease_seconds=offer.lease_seconds,
        options=options,
        lacks=lacks,
    )
