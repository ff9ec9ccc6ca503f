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
        help="Tell Nova of its servers' ports, signing in as [nova] says: plugged, unplugged,"
        " changed, deleted. Without it no server that waits for its port ever boots. The API notes"
        " the events, `ipam worker` sends them: set it for both.",
    ),
    cfg.FloatOpt(
        "events_interval",
        default=1.0,
        min=0.1,
        help="Seconds between two looks of the worker for events to send. An API on the same host"
        " wakes it at once; this bounds how late it hears of others.",
    ),
    cfg.BoolOpt(
        "reclaim_orphans",
        default=False,
        help="Let the worker compare ports with Nova's servers and give back the ports whose"
        " server is gone, as `ipam compute audit --reclaim` does.",
    ),
    cfg.FloatOpt(
        "audit_interval",
        default=300.0,
        min=1,
        help="Seconds between two such comparisons. A port is given back only after two of them"
        " found its server gone.",
    ),
    cfg.IntOpt(
        "orphan_grace_seconds",
        default=900,
        min=0,
        help="How long a port was left unchanged before it counts as an orphan: longer than a"
        " server takes from its first port to its row in Nova's database.",
    ),
]
