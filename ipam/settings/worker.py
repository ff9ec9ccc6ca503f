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
        help="Seconds between two rounds of housekeeping: expired leases, networks of dead"
        " agents, addresses held for ended processes.",
    ),
    cfg.IntOpt(
        "lease_grace_seconds",
        default=60,
        min=0,
        help="How many seconds after its expiry a lease counts as ended if no DHCP server"
        " reported its end. A round looks at 20,000 leases: of more, each is looked at in turn.",
    ),
    cfg.IntOpt(
        "lease_event_retention_days",
        default=365,
        min=0,
        help="Age in days at which lease events and the allocation history of released"
        " addresses are deleted. 0 keeps them for ever.",
    ),
]
