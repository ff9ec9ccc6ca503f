"""Who asks about a port is told each offer, what it lacks, and what is advertised."""

from ipam.agent import inquiry
from ipam.agent.dnsmasq.probe_answers import Advertisement, Offer, Prefix, Question, Refusal
from ipam.agent.promised import PromisedAnswer
from ipam.agent.proof import Promise
from ipam.protocol.probes import Offered, ToldOption

MAC = "fa:16:3e:00:00:05"
ANSWER = PromisedAnswer({26: b"\x05\x78"}, frozenset(), 60)
FOUR = Promise(Question(MAC, "10.0.0.2"), frozenset({"10.0.0.5"}), "subnet-4", ANSWER)
SIX = Promise(Question(MAC, "2001:db8::2"), frozenset({"2001:db8::5"}), "subnet-6", ANSWER)
PREFIX = Prefix(
    "2001:db8::/64", on_link=True, autonomous=True, valid_seconds=60, preferred_seconds=60
)


def test_an_offer_is_told_in_words_with_what_stands_in_its_head() -> None:
    offer = Offer("10.0.0.5", 24, 60, "10.0.0.2", {26: b"\x05\x78"}, boot_file="pxe.0")
    found = inquiry.answer("q", [FOUR], {FOUR.question: offer}, None)
    assert found.offers == [
        Offered(
            server="10.0.0.2",
            address="10.0.0.5",
            prefix_length=24,
            lease_seconds=60,
            options=[ToldOption("26", "mtu", "1400"), ToldOption("", "boot-file", "pxe.0")],
        )
    ]
    assert (found.id, found.trouble) == ("q", "")


def test_silence_and_a_refusal_are_told_by_subnet() -> None:
    found = inquiry.answer("q", [FOUR, SIX], {SIX.question: Refusal(2, "none left")}, None)
    assert [(one.server, one.address) for one in found.offers] == [
        ("10.0.0.2", ""),
        ("2001:db8::2", ""),
    ]
    assert found.offers[0].lacks == f"dnsmasq does not offer 10.0.0.5 to {MAC}"
    assert found.offers[1].lacks.endswith("none left")


def test_what_is_advertised_is_told_too() -> None:
    advertisement = Advertisement(
        managed=False,
        other=True,
        router_seconds=0,
        mtu=1400,
        prefixes=(PREFIX,),
        name_servers=("2001:db8::53",),
        search=(),
    )
    found = inquiry.answer("q", [], {}, advertisement)
    (offered,) = found.offers
    assert (offered.address, offered.prefix_length, offered.lease_seconds) == (
        "2001:db8::",
        64,
        60,
    )
    told = {one.name: one.value for one in offered.options}
    assert told == {
        "autonomous": "yes",
        "on-link": "yes",
        "managed": "no",
        "other-config": "yes",
        "router-lifetime": "0",
        "mtu": "1400",
        "dns-server": "2001:db8::53",
    }
    assert found.trouble == ""


def test_a_port_to_which_nothing_is_to_be_given_has_its_sentence() -> None:
    assert inquiry.answer("q", [], {}, None).trouble
