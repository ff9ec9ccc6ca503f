"""Indexes for who held an address and when."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SIGHTED = ("ip_address", "mac_address", "hostname")
NO_RENEWAL = sa.text("action <> 'old'")
NO_BEGINNING = sa.text("action <> 'allocated'")


def upgrade() -> None:
    for name in SIGHTED:
        op.create_index(
            f"ix_lease_event_{name}_occurred_at_us",
            "lease_event",
            [name, "occurred_at_us"],
            sqlite_where=NO_RENEWAL,
            postgresql_where=NO_RENEWAL,
        )
    op.create_index(
        "ix_allocation_event_mac_address",
        "allocation_event",
        ["mac_address"],
        sqlite_where=NO_BEGINNING,
        postgresql_where=NO_BEGINNING,
    )


def downgrade() -> None:
    op.drop_index("ix_allocation_event_mac_address", "allocation_event")
    for name in SIGHTED:
        op.drop_index(f"ix_lease_event_{name}_occurred_at_us", "lease_event")
