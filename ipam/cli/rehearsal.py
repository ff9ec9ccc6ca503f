"""Records the changes of a command instead of sending them, to tell first what they would do.

`--dry-run` and `ipam plan` tell it and leave it at that. On a terminal, a command that can stop
machines asks first if it would: then the changes are sent as they were recorded.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import click

from ipam.cli import forecast_text, global_options, lookup
from ipam.cli.failures import report, with_next_step
from ipam.cli.terminal import say, say_lines
from ipam.errors import CallerError, IpamError, NotFound
from ipam.escaping import escaped

if TYPE_CHECKING:
    from ipam.client import Client

PATH: Final = "/v2.0/dry-runs"
REQUESTS_MAX: Final = 1000
"""So many requests are tried at once."""
Record = dict[str, Any]


class Rehearsal:
    """In place of a client: what reads is sent, what changes is kept."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._requests: list[Record] = []
        self._parts: list[tuple[object, object] | None] = []
        """Of which part of the command each request is: see `lookup.PART`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def post(self, path: str, _params: Any = None, json: Any = None) -> Any:
        """Keep the request. In a dry run gives its answer, for which the service is asked late."""
        self._keep("POST", path, json)
        return _Answer(self, len(self._requests)) if global_options.is_dry_run() else None

    def put(
        self, path: str, _params: Any = None, json: Any = None, *, revision_number: Any = None
    ) -> None:
        """Keep the request."""
        self._keep("PUT", path, json, revision_number)

    def delete(
        self, path: str, _params: Any = None, json: Any = None, *, revision_number: Any = None
    ) -> None:
        """Keep the request."""
        self._keep("DELETE", path, json, revision_number)

    def finish(self) -> None:
        """Tell what would be done, and do it if that was asked for."""
        if global_options.is_dry_run():
            self._tell(global_options.given())
        elif self._requests and self._is_agreed():
            self._send_all()

    def answer(self, number: int) -> Any:
        """The body of the answer to this request, from 1. Raises what it would be refused with."""
        return _body(self._told(number)["answers"][-1])

    def _told(self, most: int | None = None) -> Record:
        """What the service says that the requests so far would do, or the first of them."""
        try:
            answer = self._client.post(PATH, json={"dry_run": {"requests": self._requests[:most]}})
        except NotFound as error:
            raise CallerError(
                f"{self._client.where} knows no dry runs: it is of an older version."
            ) from error
        found: Record = answer["dry_run"]
        return found

    def _tell(self, asked: Record) -> None:
        if not self._requests:
            say("That changes nothing.", err=True)
            return
        told = self._told()
        if asked.get("plan_format") == "json":
            import json  # noqa: PLC0415  # only when it is needed

            say_lines(json.dumps(told, indent=2))
        elif any(one["status"] < 400 for one in told["answers"]):
            for line in forecast_text.lines(told, in_full="plan_format" in asked):
                say(line)
        lookup.for_each(told["answers"], _body)

    def _is_agreed(self) -> bool:
        """Whether nothing stops, or the user says yes. Who may not be told is not asked."""
        try:
            told = self._told(REQUESTS_MAX)
        except CallerError:
            return True
        if not told["totals"]["stopped"]:
            return True
        for line in forecast_text.lines(told):
            say_lines(escaped(line), err=True)
        if (every := len(self._requests)) > REQUESTS_MAX:
            say_lines(f"So much of the first {REQUESTS_MAX} of {every} requests.", err=True)
        if click.confirm("Do it?", err=True):
            return True
        raise click.ClickException("Nothing was changed.")

    def _keep(self, method: str, path: str, body: Any, revision_number: Any = None) -> None:
        request = {"method": method, "path": path, "body": body}
        self._requests.append({**request, "revision_number": revision_number})
        self._parts.append(lookup.PART.get())

    def _send_all(self) -> None:
        """Send the requests. As without a rehearsal, none is sent that follows on a failed one."""
        failed: list[tuple[object, object]] = []
        for request, part in zip(self._requests, self._parts, strict=True):
            if failed and (part is None or part[0] is not failed[0][0]):
                break  # it is behind the loop in which something failed
            if part in failed:
                continue
            try:
                self._send(request)
            except IpamError as error:
                if part is None:
                    raise
                report(with_next_step(error))
                failed.append(part)
        if failed:
            raise click.exceptions.Exit(1)

    def _send(self, request: Record) -> None:
        given = {"json": request["body"]}
        if request["revision_number"] is not None:
            given["revision_number"] = request["revision_number"]
        try:
            getattr(self._client, request["method"].lower())(request["path"], **given)
        except NotFound:
            if request["method"] != "DELETE":  # else it has gone while the user was asked
                raise


class _Answer(Mapping[str, Any]):
    """The answer to a POST. Who reads it has all requests before it tried again, so few should."""

    def __init__(self, rehearsal: Rehearsal, number: int) -> None:
        self._rehearsal = rehearsal
        self._number = number

    @cached_property
    def _body(self) -> Record:
        found: Record = self._rehearsal.answer(self._number)
        return found

    def __getitem__(self, name: str) -> Any:
        return self._body[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._body)

    def __len__(self) -> int:
        return len(self._body)


def around(client: "Client") -> Any:
    """The client, or what stands in for it in the running command."""
    asked = global_options.given()
    asks = "may_stop" in asked and "yes" not in asked and is_terminal()
    if not (global_options.is_dry_run() or asks):
        return client
    meta = click.get_current_context().meta
    return meta.setdefault(global_options.REHEARSAL, Rehearsal(client))


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _body(answer: Record) -> Any:
    """The body of an answer. Raises the error that it is."""
    if answer["status"] >= 400:
        from ipam.client import error_from_answer  # noqa: PLC0415  # slow, and known by now

        raise error_from_answer(answer["status"], answer["body"])
    return answer["body"]
