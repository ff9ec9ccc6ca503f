"""Carries out requests in one transaction, looks at what agents would be told, and undoes it all.

The requests go through the whole application, with the credentials of the request that names them,
so each is checked, refused and answered as it would be if it were sent.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from ipam.api.dry_runs import observing
from ipam.api.dry_runs.wire import RehearsedAnswer, RehearsedRequest
from ipam.api.http.operations import REHEARSED
from ipam.protocol.dhcp_state import FullNetwork
from ipam.settings import NetworkSettings
from ipam.store import agents
from ipam.store.engine.database import Database, Transaction, enclose
from ipam.store.engine.listing import Record
from ipam.store.engine.time_limit import current, limit_work
from ipam.store.leases import of_networks

LEFT_OUT: Final = (
    *("HTTP_IDEMPOTENCY_KEY", "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"),
    *("HTTP_TRANSFER_ENCODING", "RAW_URI", "REQUEST_URI"),
)
"""What of a request's environment says something of that request alone."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Networks = Mapping[tuple[int, str], FullNetwork]
"""By the agent's number and network id."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was answered, and what agents are told before and after."""

    answers: Sequence[RehearsedAnswer]
    agents: Mapping[int, Record]
    before: Networks
    after: Networks
    leases: Sequence[Record]
    """Those of the networks that are told otherwise."""
    newly_lacking: Sequence[int]
    """The numbers of networks that lack an agent only afterwards."""


def rehearse(
    database: Database,
    application: Application,
    environment: Mapping[str, Any],
    requests: Sequence[RehearsedRequest],
    settings: NetworkSettings,
) -> Observed:
    """Carry out the requests and undo them. Those behind one that is refused are tried, too."""
    limit = current()

    def work(tx: Transaction) -> Observed:
        enclose(None)
        before = observing.glances(tx, agents.all_of_dhcp(tx), settings)
        with tx.undone():
            answers = []
            for one in requests:
                answers.append(_send(application, environment, one))
                limit_work(limit)
                tx.check()
            now = {row.pk: row for row in agents.all_of_dhcp(tx)}
            same = [now.get(pk, glance.agent) for pk, glance in before.items()]
            after = observing.glances(tx, same, settings)
            touched = observing.touched(before, after)
            told_after = observing.in_full(tx, after, touched, settings)
        return Observed(
            answers,
            {pk: glance.agent for pk, glance in before.items()},
            observing.in_full(tx, before, touched, settings),
            told_after,
            of_networks.leases(tx, sorted(touched)),
            sorted(observing.lacking(after) - observing.lacking(before)),
        )

    return database.rehearse(work)


def _send(
    application: Application, environment: Mapping[str, Any], request: RehearsedRequest
) -> RehearsedAnswer:
    """The application's answer."""
    path, _, query = request.path.partition("?")
    body = b"" if request.body is None else msgspec.json.encode(request.body)
    inner = {name: value for name, value in environment.items() if name not in LEFT_OUT}
    inner |= {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        REHEARSED: True,
    }
    if request.revision_number is not None:
        inner["HTTP_IF_MATCH"] = f"revision_number={request.revision_number}"
    told: list[str] = []
    pieces = application(inner, lambda status, _headers, *_more: told.append(status))
    answer = b"".join(pieces)
    return RehearsedAnswer(int(told[0][:3]), msgspec.json.decode(answer) if answer else None)
