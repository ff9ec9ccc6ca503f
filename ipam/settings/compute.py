"""[compute]: events for Nova, and the audit of its servers."""

from dataclasses import dataclass
from typing import Final

from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class ComputeSettings:
    """The settings of [compute]."""

    send_events: bool
    events_interval: float
    reclaim_orphans: bool
    audit_interval: float
    orphan_grace_seconds: int


OPTIONS: Final = [
    cfg.BoolOpt(
        "send_events",
        default=False,
        help="Send Nova events when its servers' ports are plugged, unplugged, changed or"
        " deleted, signed in as [nova] says. Without it no server that waits for its port"
        " ever boots. The API stores the events and `ipam worker` sends them, so set it"
        " for both.",
    ),
    cfg.FloatOpt(
        "events_interval",
        default=1.0,
        min=0.1,
        help="Seconds between two looks of the worker for events to send. An API on the same"
        " host wakes it at once. Events of other APIs wait at most this long.",
    ),
    cfg.BoolOpt(
        "reclaim_orphans",
        default=False,
        help="Let the worker compare ports with Nova's servers, and delete or unbind the ports"
        " whose server is gone, like `ipam compute audit --reclaim`.",
    ),
    cfg.FloatOpt(
        "audit_interval",
        default=300.0,
        min=1,
        help="Seconds between two such comparisons. A port is reclaimed only after two of them"
        " find its server gone.",
    ),
    cfg.IntOpt(
        "orphan_grace_seconds",
        default=900,
        min=0,
        help="How many seconds a port must be unchanged before it counts as an orphan. That"
        " must be longer than a server takes from its first port to its row in Nova's"
        " database.",
    ),
]
