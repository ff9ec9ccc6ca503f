"""The questions about a port, and what their answers show."""

from ipam.agent.desired import ServedPort
from ipam.agent.dnsmasq.probe_answers import PROBE_DUID, Offer, Question, Refusal
from ipam.agent.proof import promises, shortcoming, uncovered
from ipam.agent.state import Lease, NetworkState

MAC = "fa:16:3e:00:00:05"
STATE = NetworkState(
    "network",
    addresses=frozenset({"10.0.0.2/24", "10.1.0.2/24", "2001:db8::2/64"}),
    files={
        "options/port": "tag:m0-fa,tag:m5-05,42,10.0.0.9\n"
        "tag:m0-fa,tag:!ipxe,66,10.0.0.9\n"
        "tag:m0-fa,255,10.0.0.9\n"
        "tag:m0-fa,3\n"
        'tag:m0-fa,67,"boot,file"\n'
        "tag:m0-fa,option6:59,url\n"
    },
)


def port(*addresses: str) -> ServedPort:
    return ServedPort(
        "port", 1, "DOWN", MAC, frozenset(addresses), None, waits_for_tap=False, client_id="01:aa"
    )


def test_one_question_for_each_subnet_with_the_codes_of_its_version() -> None:
    found = promises(port("10.0.0.5", "10.0.0.6", "2001:db8::5"), STATE, [])
    assert [(one.question.server, sorted(one.addresses)) for one in found] == [
        ("10.0.0.2", ["10.0.0.5", "10.0.0.6"]),
        ("2001:db8::2", ["2001:db8::5"]),
    ]
    assert found[0].question.options == {42, 67}, "neither suppressed nor conditional ones"
    assert found[1].question.options == {59}
    assert found[0].question.client_id == b"\1\xaa"


def test_the_holder_of_a_dhcpv6_lease_asks_for_itself() -> None:
    lease = Lease("2001:db8::5", MAC, 0, duid="00:03:00:01:aa", iaid="7")
    (found,) = promises(port("2001:db8::5"), STATE, [lease])
    assert (found.question.duid, found.question.iaid) == (b"\0\3\0\1\xaa", b"\0\0\0\7")
    for odd in (
        Lease("2001:db8::5", MAC, 0, duid="zz", iaid="7"),
        Lease("2001:db8::5", MAC, 0, duid="00", iaid="x"),
        Lease("2001:db8::5", "fa:16:3e:00:00:09", 0, duid="00", iaid="7"),
        Lease("2001:db8::6", MAC, 0, duid="00", iaid="7"),
    ):
        (found,) = promises(port("2001:db8::5"), STATE, [odd])
        assert found.question.duid == PROBE_DUID


def test_an_answer_with_all_that_was_promised_lacks_nothing() -> None:
    (promise,) = promises(port("10.0.0.5"), STATE, [])
    full = Offer("10.0.0.5", 24, 60, "10.0.0.2", {42: b"x"}, boot_file="boot,file")
    assert shortcoming(promise, {promise.question: full}) == ""


def test_each_shortcoming_is_said() -> None:
    (promise,) = promises(port("10.0.0.5"), STATE, [])

    def lacks(answer: Offer | Refusal | None) -> str:
        answers: dict[Question, Offer | Refusal] = {}
        if answer is not None:
            answers[promise.question] = answer
        return shortcoming(promise, answers)

    assert lacks(None) == f"dnsmasq does not offer 10.0.0.5 to {MAC}"
    assert lacks(Refusal(2, "none left")) == f"dnsmasq refuses 10.0.0.5 to {MAC}: none left"
    other = Offer("10.0.0.9", 24, 60, "10.0.0.2")
    assert lacks(other) == "dnsmasq offers 10.0.0.9 and not 10.0.0.5"
    bare = Offer("10.0.0.5", 24, 60, "10.0.0.2")
    assert lacks(bare) == "dnsmasq's answer has no DHCP option 42, 67"


def test_an_address_in_whose_subnet_the_server_has_none_is_said() -> None:
    assert uncovered(port("10.0.0.5", "2001:db8::5"), STATE) == ""
    found = uncovered(port("10.0.0.5", "10.9.0.5"), STATE)
    assert found == "the DHCP server has no address in the subnet of 10.9.0.5"
