"""`ipam dns … --on HOST`: what the resolvers on a host really answer, beside what they should."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.chunks import chunks
from ipam.errors import IpamError, NotFound

if TYPE_CHECKING:
    from ipam.client import Client

PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 15.0

on_option = click.option(
    "--on",
    "host",
    metavar="HOST",
    help="Ask the resolvers on this host, too, and say in the note what they answer otherwise.",
)
Row = dict[str, Any]
Answers = dict[str, Mapping[str, Any]]


def compare(client: "Client", host: str, rows: Sequence[Row]) -> bool:
    """Write into the notes what the host's resolvers answer otherwise; whether there is anything.

    Raises NotFound if there is no such agent, IpamError if it does not answer.
    """
    path = f"/v2.0/agents/{_agent(client, host)}/dns-lookup"
    by_network: dict[str, list[Row]] = {}
    for row in rows:
        by_network.setdefault(row["network_id"], []).append(row)
    found = False
    for network_id, of_network in by_network.items():
        questions = {one for row in of_network for one in (*row["names"], row["address"])}
        answers = _ask(client, path, network_id, sorted(questions))
        for row in of_network:
            found |= _note(row, answers, host)
    return found


def _agent(client: "Client", host: str) -> str:
    agents = client.list("/v2.0/agents", "agents", {"host": host})
    if not agents:
        raise NotFound(f"No agent of a host named '{host}'. `ipam agent list` shows all.")
    return str(agents[0]["id"])


def _ask(client: "Client", path: str, network_id: str, questions: Sequence[str]) -> Answers:
    from ipam.protocol.dns_lookups import MOST_QUESTIONS  # noqa: PLC0415  # msgspec

    found: Answers = {}
    for some in chunks(questions, MOST_QUESTIONS):
        body = {"dns_lookup": {"network_id": network_id, "questions": list(some)}}
        asked = client.post(path, json=body)["dns_lookup"]["id"]
        answer = _answered(client, path, asked)
        if answer["trouble"]:
            raise IpamError(answer["trouble"])
        found |= {one["question"]: one for one in answer["answers"]}
    return found


def _answered(client: "Client", path: str, asked: str) -> Mapping[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found: Mapping[str, Any] = client.get(path)["dns_lookup"]
        if found["id"] != asked:
            raise IpamError("Somebody else has asked this agent meanwhile: try again.")
        if found["answers"] is not None:
            return found
        time.sleep(PAUSE_SECONDS)
    raise IpamError("The agent has not answered: `ipam agent list` says whether it is alive.")


def _note(row: Row, answers: Answers, host: str) -> bool:
    """Add to the row's note what differs; whether anything does."""
    from ipam.protocol.dns_lookups import MOST_RECORDS  # noqa: PLC0415  # msgspec

    wished = dict.fromkeys(row["names"], row["address"])
    wished[row["address"]] = f"{row['reverse']}."
    said = [
        f"{question} is {_in_words(answers[question])} on {host}"
        for question, record in wished.items()
        # Of a name that very many share, not all addresses are told.
        if record not in answers[question]["records"]
        and len(answers[question]["records"]) < MOST_RECORDS
    ]
    row["note"] = "; ".join([*filter(None, [row["note"]]), *said])
    return bool(said)


def _in_words(answer: Mapping[str, Any]) -> str:
    return ", ".join(answer["records"]) or answer["code"]
