"""[audit]: who changed what, how long that is kept, and how it is protected."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The settings of [audit]."""

    enabled: bool
    retention_days: int
    refusals_per_minute: int
    trusted_proxies: list[str]
    chain_key_file: Path | None
    """None if events are not sealed."""


OPTIONS: Final = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether the API records each change, and each change that it refused, as an audit"
        " event. A change and its event are one transaction.",
    ),
    cfg.IntOpt(
        "retention_days",
        default=365,
        min=0,
        help="Age in days at which the worker deletes audit events. 0 keeps them for ever. An"
        " event takes about 1 KB.",
    ),
    cfg.IntOpt(
        "refusals_per_minute",
        default=60,
        min=1,
        help="How many refused changes each API process records per minute, half of them of one"
        " user. The rest is counted, and the count recorded, so that a flood of refusals"
        " cannot fill the database.",
    ),
    cfg.ListOpt(
        "trusted_proxies",
        default=[],
        sample_default="192.0.2.10",
        help="Addresses of the proxies in front of the API. Only if a request comes from one of"
        " them, X-Forwarded-For says where it began.",
    ),
    cfg.StrOpt(
        "chain_key_file",
        default="",
        sample_default="/etc/ipam/audit.key",
        help="File with a secret of at least 32 bytes (openssl rand -hex 32), the same on each"
        " machine with a worker. With it the worker seals audit events in a chain, and `ipam"
        " audit verify` finds events that were altered, removed or inserted. Empty seals none.",
    ),
]
