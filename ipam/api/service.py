"""What the routes of resources share, made once for each application."""

from dataclasses import dataclass, field

from ipam.allocator.allocator import Allocator
from ipam.allocator.recovery_watch import RecoveryWatch
from ipam.api.http.refusal_log import LineBudget
from ipam.api.wakes import Wakes
from ipam.compute.outbox import ComputeOutbox
from ipam.identity.policy import Policy
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.zones.outbox import ZoneOutbox


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that handlers share. Threads may use them at once."""

    settings: Settings
    database: Database
    allocator: Allocator
    wakes: Wakes
    outbox: ComputeOutbox
    zones: ZoneOutbox
    policy: Policy
    recovery: RecoveryWatch
    hidden_lines: LineBudget = field(default_factory=LineBudget)
