"""What request handlers work with, made once for each application."""

from dataclasses import dataclass

from oslo_config import cfg

from ipam.allocator.reservations import Allocator
from ipam.api.compute_outbox import ComputeOutbox
from ipam.api.wake import Waker
from ipam.identity.policy import Policy
from ipam.store.database import Database


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that handlers share; safe to use from several threads."""

    settings: cfg.ConfigOpts
    database: Database
    allocator: Allocator
    waker: Waker
    """Of the agent on this host."""
    outbox: ComputeOutbox
    policy: Policy
