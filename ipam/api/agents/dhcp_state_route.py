"""Tells an agent which networks it serves, and their contents.

The list of networks has a digest for each, made of the id and revision of every row in the full
answer. Each change raises a revision in the same transaction, so a digest stays equal exactly
while nothing changes. The order in which transactions commit does not matter; a clock or a cursor
would depend on it.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

import falcon
import msgspec

from ipam import model
from ipam.api.agents import dns_names
from ipam.api.agents.address_check_routes import open_checks
from ipam.api.agents.dns_lookup_route import open_lookups
from ipam.api.agents.elections import Elections
from ipam.api.agents.lookup import known
from ipam.api.agents.served_networks import full_networks
from ipam.api.http.access import Access
from ipam.api.http.bodies import respond
from ipam.api.http.list_query import query_pairs
from ipam.api.http.operations import Operation
from ipam.api.service import Service
from ipam.errors import AgentReportRequired, ServiceRecovering
from ipam.protocol.address_checks import MOST_AT_ONCE as MOST_CHECKS_AT_ONCE
from ipam.protocol.address_checks import AskedAddressCheck
from ipam.protocol.dhcp_state import FullNetwork, ServedNetwork
from ipam.protocol.dns_lookups import AskedLookup
from ipam.protocol.dns_names import CURSOR_HEADER, AllNames, ChangedNames, NamedPort
from ipam.protocol.probes import MOST_AT_ONCE, AskedProbe
from ipam.store import agents, dhcp_state, open_questions, port_probes, recovery, scheduling
from ipam.store.dhcp_state import NETWORK, RESTORED, UNSCHEDULED, Contents, Part
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.engine.write_again import write_again

DIGEST_CHARACTERS: Final = 32
CONTENTS: Final = 4
"""Grows with what the full answer tells of a row, so that agents ask again after an upgrade."""
RULE: Final = "get_dhcp_state"

_Asked: TypeAlias = Mapping[str, Sequence[AskedProbe | AskedLookup | AskedAddressCheck]]


class DhcpStateRoute:
    """GET of the networks that an agent serves: digests, or with network_id= the full networks."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._elections = Elections(service)

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "What the agent's host has to serve now, with an ETag for If-None-Match",
                response={
                    "networks": list[ServedNetwork],
                    "probes": list[AskedProbe],
                    "dns_lookups": list[AskedLookup],
                    "address_checks": list[AskedAddressCheck],
                },
                response_forms=(
                    {
                        "networks": list[ServedNetwork],
                        "probes": list[AskedProbe],
                        "dns_lookups": list[AskedLookup],
                        "address_checks": list[AskedAddressCheck],
                        "names": ChangedNames,
                    },
                    {"networks": list[FullNetwork]},
                    {"names": ChangedNames},
                    {"names": list[NamedPort], "following": str | None},
                ),
                also=(304,),
                query={
                    "network_id": "Give this network in full, not id and digest only; repeat.",
                    "changed": "As network_id, by a number of a wake: of a network that has"
                    " changed; repeat.",
                    "names_since": "Give also the names that changed since this cursor; 0 for a"
                    " first cursor.",
                    "names_of": "Give the names of all ports of this network, or with names_since"
                    " of those that changed; repeat.",
                    "after": "With names_of, go on from there.",
                },
                rule=RULE,
                of_host=True,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        try:
            self._answer(req, resp, resource_id)
        except ServiceRecovering:
            self.service.recovery.notice()  # the backup may have been restored since this began
            raise

    def _answer(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        query: dict[str, list[str]] = defaultdict(list)
        for name, value in query_pairs(req.query_string):
            query[name].append(value)
        access = req.context.access
        if query["network_id"]:
            wanted = {one for one in query["network_id"] if model.is_uuid(one)}
            full = self._in_full(access, resource_id, lambda tx: dhcp_state.numbers(tx, wanted))
            respond(resp, {"networks": full})
        elif query["changed"]:
            pks = {dns_names.number(one, "changed") for one in query["changed"]}
            respond(resp, {"networks": self._in_full(access, resource_id, lambda _tx: pks)})
        elif query["names_of"]:
            named = {one for one in query["names_of"] if model.is_uuid(one)}
            if cursor := _cursor(query):
                respond(resp, {"names": self._changed_names(access, resource_id, named, cursor)})
                return
            after = dns_names.number(query["after"][-1], "after") if query["after"] else 0
            respond(resp, msgspec.structs.asdict(self._names(access, resource_id, named, after)))
        else:
            self._respond_if_changed(req, resp, resource_id, _cursor(query))

    def _respond_if_changed(
        self, req: falcon.Request, resp: falcon.Response, resource_id: str, cursor: int | None
    ) -> None:
        access, read = req.context.access, self.service.database.read
        networks, restored_at_us = self._digests(access, resource_id)
        ids = {each.id for each in networks}
        # What changed before a restore, and after its backup, is not known any more.
        is_lost = cursor is not None and 0 < cursor < restored_at_us

        def look(tx: Transaction) -> tuple[_Asked, list[Record]]:
            found = [] if is_lost else dns_names.seen(tx, cursor, ids)
            return _asked(tx, known(tx, resource_id, access, RULE)), found

        now = dns_names.now_cursor()
        asked, changes = read(look)
        if cursor:
            resp.set_header(CURSOR_HEADER, str(now))
        lines = [f"{each.id} {each.digest}" for each in networks]
        names = [f"{each.port_id} {each.seen}" for each in changes]
        questions = [one.id for some in asked.values() for one in some]
        etag = _digest([*lines, *questions, *sorted(names)])
        resp.etag = etag
        if etag in (req.if_none_match or ()) and not is_lost:
            resp.status = falcon.HTTP_304
            return
        body: dict[str, object] = {"networks": networks, **asked}
        if cursor is not None:
            body["names"] = (
                dns_names.anew()
                if is_lost
                else read(lambda tx: dns_names.told(tx, cursor, changes))
            )
        respond(resp, body)

    def _changed_names(
        self, access: Access, agent_id: str, wanted: set[str], cursor: int
    ) -> ChangedNames:
        """The names that changed since the cursor in those of the networks that it serves."""

        def read(tx: Transaction) -> ChangedNames:
            agent = known(tx, agent_id, access, RULE)
            return dns_names.changed_in(tx, agent, wanted, cursor)

        return self.service.database.read(read)

    def _names(self, access: Access, agent_id: str, wanted: set[str], after: int) -> AllNames:
        def read(tx: Transaction) -> AllNames:
            return dns_names.of_networks(tx, known(tx, agent_id, access, RULE), wanted, after)

        return self.service.database.read(read)

    def _digests(self, access: Access, agent_id: str) -> tuple[list[ServedNetwork], int]:
        """The networks, and when the last recovery ended, in microseconds; 0 if there was none.

        Raises ServiceRecovering while one goes on, so that the agent serves what it served.
        """

        def look(tx: Transaction) -> tuple[Record, list[Part], list[int]]:
            agent, parts = self._look(tx, access, agent_id)
            return agent, parts, self._elections.wanting(tx, agent)

        agent, parts, unelected = self.service.database.read(look)
        free = [part.network_pk for part in parts if part.kind == UNSCHEDULED]
        may_take = access.allows_host("create_dhcp_state", agent.host)
        if (free or unelected) and may_take and self._is_usable(agent):
            if free:
                self._take(agent, free)
            if unelected:
                write_again(
                    self.service.database, lambda tx: self._elections.settle(tx, unelected)
                )
            agent, parts = self.service.database.read(lambda tx: self._look(tx, access, agent_id))
        served = [
            ServedNetwork(network_id, digest)
            for network_id, digest in sorted(self._by_network(parts).items())
        ]
        return served, max((part.revision for part in parts if part.kind == RESTORED), default=0)

    def _in_full(
        self, access: Access, agent_id: str, wanted: Callable[[Transaction], Collection[int]]
    ) -> list[FullNetwork]:
        """The networks with these numbers that the agent serves."""

        def read(tx: Transaction) -> tuple[Mapping[str, str], Contents]:
            agent, slots = known(tx, agent_id, access, RULE), self._agents_per_network
            parts, rows = dhcp_state.parts(tx, agent, wanted(tx), agents_per_network=slots)
            _refuse_in_recovery(agent, parts)
            return self._by_network(parts), dhcp_state.contents(tx, agent, rows)

        digests, contents = self.service.database.read(read)
        return full_networks(contents, digests, self.service.settings.network)

    def _look(self, tx: Transaction, access: Access, agent_id: str) -> tuple[Record, list[Part]]:
        agent = known(tx, agent_id, access, RULE)
        parts = dhcp_state.summary(tx, agent, agents_per_network=self._agents_per_network)
        _refuse_in_recovery(agent, parts)
        return agent, parts

    @property
    def _agents_per_network(self) -> int:
        return self.service.settings.network.dhcp_agents_per_network

    def _is_usable(self, agent: Record) -> bool:
        """Whether networks may be given to the agent.

        The request may not come from the agent itself.
        """
        oldest = agents.oldest_heartbeat(self.service.settings.network.agent_down_time)
        return bool(agent.admin_state_up) and agent.heartbeat_at >= oldest

    def _take(self, agent: Record, free: Sequence[int]) -> None:
        """Give the agent its share of the free networks, so that the first to ask leaves some.

        Every living agent asks every few seconds, and takes at least one.
        """
        settings = self.service.settings.network
        oldest = agents.oldest_heartbeat(settings.agent_down_time)

        def write(tx: Transaction) -> None:
            living = scheduling.living_agents(tx, oldest_heartbeat=oldest)
            share = math.ceil(len(free) / max(living, 1))
            scheduling.take(
                tx, agent, free[:share], agents_per_network=settings.dhcp_agents_per_network
            )

        write_again(self.service.database, write)

    def _by_network(self, parts: Sequence[Part]) -> dict[str, str]:
        settings = self.service.settings.network
        times = f"{settings.dhcp_lease_duration} {settings.agent_down_time}"
        salt = f"{CONTENTS} {settings.dns_domain} {times}"
        return digests(parts, salt)


def _cursor(query: Mapping[str, list[str]]) -> int | None:
    since = query.get("names_since")
    return dns_names.number(since[-1], "names_since") if since else None


def _asked(tx: Transaction, agent: Record) -> _Asked:
    """The questions that wait for the agent's answer, by kind."""
    asked: dict[str, Sequence[AskedProbe | AskedLookup | AskedAddressCheck]] = {
        "probes": [],
        "dns_lookups": open_lookups(agent),
        "address_checks": [],
    }
    if open_questions.is_any(tx):
        waiting = port_probes.waiting(tx, agent, MOST_AT_ONCE)
        asked["probes"] = [AskedProbe(row.id, row.port_id) for row in waiting]
        asked["address_checks"] = open_checks(tx, agent, MOST_CHECKS_AT_ONCE)
    return asked


def _refuse_in_recovery(agent: Record, parts: Sequence[Part]) -> None:
    for restored in parts:
        if restored.kind != RESTORED:
            continue
        if agent.recovery_id != restored.id:
            raise AgentReportRequired(f"{recovery.MESSAGE} Host {agent.host} has not told yet.")
        if not restored.revision:
            raise ServiceRecovering(recovery.MESSAGE)


def digests(parts: Sequence[Part], salt: str) -> dict[str, str]:
    """A digest for each network among the parts.

    `salt` stands for settings that change answers.
    """
    lines: dict[int, list[str]] = defaultdict(list)
    for part in parts:
        if part.kind not in dhcp_state.APART:
            lines[part.network_pk].append(f"{part.kind} {part.id} {part.revision}")
    return {
        part.id: _digest([salt, *sorted(lines[part.network_pk])])
        for part in parts
        if part.kind == NETWORK
    }


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGEST_CHARACTERS]
