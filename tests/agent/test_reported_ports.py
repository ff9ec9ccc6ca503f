"""What the API knows of a port, as far as the agent knows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.reported_ports import ReportedPorts
from ipam.agent.served import ServedPort

PORT = ServedPort("p", 1, "DOWN", "fa:16:3e:00:00:01", (), "tapp", waits_for_tap=True)
ACTIVE = replace(PORT, status="ACTIVE")


def news(told: ReportedPorts, port: ServedPort) -> tuple[bool, bool]:
    """Whether it is news that the port has no tap, and that it is ready."""
    return told.is_news(port, ready=False), told.is_news(port, ready=True)


def test_what_the_api_said_with_the_port_is_no_news() -> None:
    assert news(ReportedPorts(), PORT) == (False, True)
    assert news(ReportedPorts(), ACTIVE) == (True, False)


def test_what_was_told_is_told_once_and_its_contrary_is_news() -> None:
    told = ReportedPorts()
    told.say(PORT, ready=True)
    assert news(told, PORT) == (True, False)
    told.say(PORT, ready=False)
    assert news(told, PORT) == (False, True)


def test_a_new_revision_begins_with_what_the_api_says() -> None:
    told = ReportedPorts()
    told.say(PORT, ready=True)
    second = replace(PORT, revision_number=2)
    assert news(told, second) == (False, True)
    told.hear(second)
    assert news(told, second) == (False, True)


def test_a_word_that_agrees_changes_nothing() -> None:
    told = ReportedPorts()
    told.say(PORT, ready=True)
    told.hear(ACTIVE)
    assert news(told, ACTIVE) == (True, False)


def test_after_a_contradiction_whatever_is_seen_is_told() -> None:
    for word, said in ((PORT, True), (ACTIVE, False)):
        told = ReportedPorts()
        told.say(word, ready=said)
        told.hear(word)
        assert news(told, word) == (True, True)


def test_a_port_that_is_not_kept_begins_anew() -> None:
    told = ReportedPorts()
    told.say(PORT, ready=True)
    told.keep({"p"})
    assert news(told, PORT) == (True, False)
    told.keep(set())
    assert news(told, PORT) == (False, True)


@given(st.lists(st.sampled_from(["look", "fetch", "hear", "report", "plug", "unplug"])))
def test_whatever_the_order_of_words_the_api_ends_up_with_what_is_true(order: list[str]) -> None:
    told, known, fetched, here = ReportedPorts(), PORT, PORT, False
    status = PORT.status
    pending: list[bool] = []

    def step(name: str) -> None:
        nonlocal known, fetched, here, status
        match name:
            case "fetch":
                fetched = replace(PORT, status=status)
            case "hear":
                known = fetched
                told.hear(known)
            case "report" if pending:
                status = "ACTIVE" if pending.pop(0) else "DOWN"
            case "plug":
                here = True
            case "unplug":
                here = False
            case "look" if told.is_news(known, ready=here):
                told.say(known, ready=here)
                pending.append(here)

    for name in order:
        step(name)
    for name in ("hear", "look", *["report"] * (len(order) + 1)):
        step(name)
    assert status == ("ACTIVE" if here else "DOWN")
