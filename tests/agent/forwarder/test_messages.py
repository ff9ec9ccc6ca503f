"""What the forwarder reads of DNS messages, against dnspython's."""

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.forwarder import messages


def question(name: str = "www.example.org", kind: str = "AAAA") -> bytes:
    return dns.message.make_query(name, kind, use_edns=True).to_wire()


def answer(asked: bytes) -> bytes:
    return dns.message.make_response(dns.message.from_wire(asked)).to_wire()


def test_an_answer_has_the_id_and_the_question() -> None:
    asked = question()
    assert messages.is_question(asked)
    assert not messages.is_question(answer(asked))
    assert messages.answers(answer(asked), asked)
    assert not messages.answers(asked, asked)
    assert not messages.answers(answer(messages.with_id(asked, b"\0\1")), asked)
    other = messages.with_id(question("www.example.net"), asked[:2])
    assert not messages.answers(answer(other), asked)


def test_a_failure_is_an_answer_to_its_question() -> None:
    asked = question()
    said = dns.message.from_wire(messages.failure(asked))
    assert dns.message.from_wire(asked).is_response(said)
    assert said.rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("cut", range(len(question()) - 20))
def test_a_question_that_was_cut_is_none(cut: int) -> None:
    asked = question()
    whole = 12 + len(messages.question_of(asked) or b"")
    assert messages.is_question(asked[:cut]) is (cut >= whole)


@given(st.binary(max_size=600))
def test_any_octets_are_read(octets: bytes) -> None:
    if messages.is_question(octets):
        assert messages.answers(messages.failure(octets), octets)
    messages.answers(octets, question())


def test_of_a_resolv_conf_three_servers_are_asked() -> None:
    text = "# x\nsearch a b\nnameserver 192.0.2.1\nnameserver x\nnameserver\n\nnameserver ::1\n"
    assert messages.name_servers(text) == ["192.0.2.1", "::1"]
    assert len(messages.name_servers("nameserver 192.0.2.1\n" * 9)) == 3
