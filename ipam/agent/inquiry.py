"""The answer to a question about a port: each subnet's offer, and what it lacks. Pure."""

from collections.abc import Mapping, Sequence

from ipam.agent.dnsmasq.probe_answers import Advertisement, Offer, Prefix, Question, Refusal
from ipam.agent.dnsmasq.probe_words import in_words
from ipam.agent.proof import Promise, lacks
from ipam.protocol.probes import Offered, ProbeAnswer, ToldOption


def answer(
    probe_id: str,
    promised: Sequence[Promise],
    answers: Mapping[Question, Offer | Refusal],
    advertisement: Advertisement | None,
) -> ProbeAnswer:
    """The whole answer to a question about a port; what is advertised, its machine gets too."""
    offers = [_offered(one, answers) for one in promised]
    if advertisement is not None:
        offers += [_advertised(advertisement, one) for one in advertisement.prefixes]
    trouble = "" if offers else "No DHCP server of this host is to give it an address."
    return ProbeAnswer(id=probe_id, offers=offers, trouble=trouble)


def _offered(promise: Promise, answers: Mapping[Question, Offer | Refusal]) -> Offered:
    offer = answers.get(promise.question)
    server, lacking = promise.question.server, str(lacks(promise, answers))
    if not isinstance(offer, Offer):
        return Offered(server=server, lacks=lacking)
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
        lacks=lacking,
    )


def _advertised(advertisement: Advertisement, prefix: Prefix) -> Offered:
    """A prefix with all that its advertisement says; of an autonomous one addresses are made."""
    said = {
        "autonomous": "yes" if prefix.autonomous else "no",
        "on-link": "yes" if prefix.on_link else "no",
        "managed": "yes" if advertisement.managed else "no",
        "other-config": "yes" if advertisement.other else "no",
        "router-lifetime": str(advertisement.router_seconds),
        "mtu": "" if advertisement.mtu is None else str(advertisement.mtu),
        "dns-server": ", ".join(advertisement.name_servers),
        "domain-search": ", ".join(advertisement.search),
    }
    network, _, length = prefix.prefix.partition("/")
    return Offered(
        server="router advertisement",
        address=network,
        prefix_length=int(length),
        lease_seconds=prefix.valid_seconds,
        options=[ToldOption("", name, value) for name, value in said.items() if value],
    )
