"""What agents report of ports: which ports their DHCP servers answer, and which left the host.

A report names the port's revision. A port that has changed since is not touched: the agent sees
the change and reports again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, not_, select, update

from ipam import model
from ipam.chunks import alternatives
from ipam.store import elections, port_bindings, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_port, _binding = tables.port, tables.port_binding
_REPORTED = (
    _port.c.id,
    _port.c.pk,
    _port.c.revision_number,
    _port.c.device_id,
    _port.c.device_owner,
)


@dataclass(frozen=True, slots=True)
class Reported:
    """The effect of an agent's report."""

    ids: list[str]
    """The ids of the ports for which the report is true."""
    just_now: list[Record]
    """The ports for which it was not true before, with id, pk, device_id and device_owner."""

    def __add__(self, other: "Reported") -> "Reported":
        return Reported(self.ids + other.ids, self.just_now + other.just_now)


def make_ready(tx: Transaction, agent: Record, revisions: Mapping[str, int]) -> Reported:
    """Make the agent's ports ACTIVE that still have this revision."""
    mine = and_(elections.served_by(agent), _port.c.admin_state_up)
    reported = _set_status(tx, mine, revisions, model.ACTIVE)
    if reported.just_now:
        port_bindings.end_leaving(tx, [row.pk for row in reported.just_now])
    return reported + _expect(tx, agent, revisions, ready=True)


def make_down(tx: Transaction, agent: Record, revisions: Mapping[str, int]) -> Reported:
    """Make those of the agent's ports DOWN that still have this revision."""
    reported = _set_status(tx, elections.served_by(agent), revisions, model.DOWN)
    expected = _expect(tx, agent, revisions, ready=False)
    return Reported(reported.ids + expected.ids, reported.just_now)


def _set_status(
    tx: Transaction, mine: ColumnElement[bool], revisions: Mapping[str, int], status: str
) -> Reported:
    ids = sorted(revisions)
    reported = Reported([], [])
    for some in alternatives(ids):
        query = (
            select(*_REPORTED, _port.c.status)
            .where(_port.c.id.in_(some), mine)
            .order_by(_port.c.pk)  # all writers lock in one order
            .with_for_update()
        )
        rows = [r for r in tx.execute(query) if r.revision_number == revisions[r.id]]
        other = [row for row in rows if row.status != status]
        if other:
            these = _port.c.pk.in_([row.pk for row in other])
            tx.execute(update(_port).where(these).values(status=status))
        reported += Reported([row.id for row in rows], other)
    return reported


def _expect(
    tx: Transaction, agent: Record, revisions: Mapping[str, int], *, ready: bool
) -> Reported:
    """Note whether the agent is ready for ports with an inactive binding to its host.

    Only the agent of the active binding changes the port's status.
    """
    ids = sorted(revisions)
    found: list[Record] = []
    for some in alternatives(ids):
        query = (
            select(*_REPORTED, _binding.c.ready)
            .join_from(_port, _binding, _binding.c.port_pk == _port.c.pk)
            .where(_port.c.id.in_(some), _binding.c.host == agent.host)
            .where(not_(_binding.c.leaving))
        )
        found += [r for r in tx.execute(query) if r.revision_number == revisions[r.id]]
    other = [row for row in found if row.ready != ready]
    return Reported(
        [row.id for row in found],
        [row for row in other if _note_expected(tx, agent, row.pk, ready=ready)],
    )


def _note_expected(tx: Transaction, agent: Record, port_pk: int, *, ready: bool) -> bool:
    """Note it for one port; whether that is a change."""
    other = (
        _binding.c.host == agent.host,
        _binding.c.port_pk == port_pk,
        _binding.c.ready != ready,
    )
    return tx.execute(update(_binding).where(*other).values(ready=ready)).rowcount > 0
