"""[worker]: the housekeeping."""

from dataclasses import dataclass
from typing import Final

from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The settings of [worker]."""

    interval: float
    lease_grace_seconds: int
    lease_event_retention_days: int


OPTIONS: Final = [
    cfg.FloatOpt(
        "interval",
        default=15.0,
        min=0.1,
        help="Seconds between two rounds of housekeeping: leases that ended unseen, networks of"
        " dead agents, addresses held for processes that are gone.",
    ),
    cfg.IntOpt(
        "lease_grace_seconds",
        default=60,
        min=0,
        help="How long after its end a lease is taken for ended though no DHCP server said so.",
    ),
    cfg.IntOpt(
        "lease_event_retention_days",
        default=365,
        min=0,
        help="Age in days at which lease events are deleted, and the allocation history of"
        " addresses that were given back. 0 keeps them for ever.",
    ),
]
